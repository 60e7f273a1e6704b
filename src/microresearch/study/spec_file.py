"""How is study.toml read? All that is wrong at once, each with its key, what is allowed and the mend."""

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from microresearch import io
from microresearch.errors import Problem, SpecError
from microresearch.study.spec import StudySpec


def read_spec(path: Path, checked: bool = False) -> StudySpec:
    """study.toml as a `StudySpec`.

    Parameters
    ----------
    path : Path
        The file; it must be UTF-8 text in TOML.
    checked : bool
        Whether its cleaning rules were looked at before, by the run that this process is part of.

    Raises
    ------
    SpecError
        All that is wrong at once, each with file, key path, what is allowed and how to mend it.
    """
    content = io.read_toml(path)
    return StudySpec.model_validate(content) if checked else parse_spec(content, file=path.name)


def parse_spec(content: dict[str, Any], file: str = "study.toml") -> StudySpec:
    """A study file's content, already read, as a `StudySpec`; errors as in `read_spec`.

    Examples
    --------
    >>> parse_spec({"study": {"title": "Wards", "seed": 1, "sed": 1}})
    Traceback (most recent call last):
    microresearch.errors.SpecError: study.toml, column study.sed: this key is not known. Allowed: authors, ...
    """
    problems = _cleaning_problems(content.get("cleaning", []), file)
    try:
        spec = StudySpec.model_validate(content)
    except ValidationError as error:
        found = [_problem(dict(one), file) for one in error.errors(include_url=False)]
        raise SpecError(found + problems) from None
    if problems:
        raise SpecError(problems)
    return spec


def _cleaning_problems(steps: object, file: str) -> list[Problem]:
    """What the cleaning rules themselves say against their settings, with the place in the study file."""
    if not isinstance(steps, list) or not steps:
        return []
    from microresearch.survey.rules import read_rule

    problems: list[Problem] = []
    for number, step in enumerate(steps, 1):
        try:
            read_rule(step if isinstance(step, dict) else {})
        except SpecError as error:
            problems += [replace(found, file=file, column=f"cleaning[{number}]") for found in error.problems]
    return problems


def _problem(found: dict[str, Any], file: str) -> Problem:
    """One finding of pydantic in the words of the study file."""
    loc, kind = tuple(found["loc"]), str(found["type"])
    path = _path(loc)
    if kind == "extra_forbidden":
        allowed = _keys_at(loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), allowed, n=1, cutoff=0.5)
        mend = f"write {near[0]!r} instead of {loc[-1]!r}" if near else "remove it, or see the comments in study.toml"
        return Problem("this key is not known", file, column=path, allowed=", ".join(allowed), mend=mend)
    if kind == "missing":
        return Problem("this key is missing", file, column=path, mend=f"add {loc[-1]} = ...")
    value = found.get("input")
    shown = str(value) if isinstance(value, (str, int, float, bool)) else None
    what, allowed, mend = str(found["msg"]).removeprefix("Value error, "), "", ""
    if kind == "literal_error":
        allowed, what = str(found["ctx"]["expected"]).replace(" or ", ", "), "this value is not one of the options"
        options = [option.strip("' ") for option in allowed.split(",")]
        near = difflib.get_close_matches(str(value), options, n=1, cutoff=0.4)
        mend = f"write {near[0]!r}" if near else ""
    return Problem(what[:1].lower() + what[1:], file, column=path, value=shown, allowed=allowed, mend=mend)


def _path(loc: tuple[str | int, ...]) -> str:
    """study.toml's own way to write a place: encounters.case_mix[2].bands."""
    said = ""
    for part in loc:
        said += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if said else part
    return said or "the whole file"


def _keys_at(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the table at this place may have."""
    model: type[BaseModel] = StudySpec
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_of(model.model_fields[part].annotation) or model
    return sorted(model.model_fields)


def _model_of(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_of(inner)) is not None), None)
