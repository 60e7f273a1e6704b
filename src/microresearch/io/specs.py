"""What does a study or instrument file say, and what in it cannot be meant? TOML in, values or problems out."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from microresearch.errors import Problem, SpecError
from microresearch.io.files import read_bytes, shown

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Schema = TypeVar("Schema", bound="BaseModel")


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file; SpecError names file and line when it is missing, not UTF-8 or not TOML."""
    data = read_bytes(path, SpecError)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as cause:
        row = data[: cause.start].count(b"\n") + 1
        mend = "save the file as UTF-8"
        raise SpecError(Problem("this line is not UTF-8", file=shown(path), row=row, mend=mend)) from None
    except tomllib.TOMLDecodeError as cause:
        message, _, place = str(cause).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        row = int(line[1]) if line else max(len(data.splitlines()), 1)
        what = f"this is not TOML: {message[:1].lower()}{message[1:]}"
        raise SpecError(Problem(what, file=shown(path), row=row)) from None


def read_spec(
    path: str | Path,
    schema: type[Schema],
    check: Callable[[Mapping[str, Any], str], Sequence[Problem]] | None = None,
) -> Schema:
    """A TOML file checked against a pydantic model; SpecError lists all that is wrong at once.

    Parameters
    ----------
    path : str or Path
    schema : pydantic model
        What each key must be.
    check : callable (tables, file) -> problems, optional
        What must hold between keys. It sees the file's tables as they stand, well formed or not, so that its
        findings and the model's come in one message.

    Raises
    ------
    SpecError
        A problem's `column` is the path of the key; an entry of a list that has a `code` goes by its code
        (`characteristics.leadership.items.leadership_1.low`), any other by its place in the list, counted from 1.
    """
    from pydantic import ValidationError

    tables, file = read_toml(path), shown(path)
    problems = list(check(tables, file)) if check else []
    try:
        value = schema.model_validate(tables)
    except ValidationError as cause:
        raise SpecError([*(_problem(detail, tables, file, schema) for detail in cause.errors()), *problems]) from None
    if problems:
        raise SpecError(problems)
    return value


def key_path(location: Sequence[str | int], tables: Any) -> str:
    """The path of a key as a reader finds it: codes for list entries that have one, else places from 1."""
    parts: list[str] = []
    here = tables
    for step in location:
        inside = here[step] if isinstance(here, dict) and step in here else None
        if isinstance(step, int):
            inside = here[step] if isinstance(here, list) and step < len(here) else None
            code = inside.get("code") if isinstance(inside, dict) else None
            parts.append(code if isinstance(code, str) and code else str(step + 1))
        else:
            parts.append(step)
        here = inside
    return ".".join(parts)


def _problem(detail: "ErrorDetails", tables: Any, file: str, schema: "type[BaseModel]") -> Problem:
    """One finding of pydantic in the words of the project."""
    column = key_path(detail["loc"], tables)
    kind = detail["type"]
    if kind == "missing":
        return Problem("this key is missing", file=file, column=column, mend="add it")
    if kind == "extra_forbidden":
        allowed = _siblings(detail["loc"], schema)
        return Problem("there is no such key", file=file, column=column, allowed=allowed, mend="check its spelling")
    value = detail["input"]
    got = repr(value) if isinstance(value, (bool, int, float)) else value if isinstance(value, str) else None
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return Problem(message[:1].lower() + message[1:], file=file, column=column, value=got)


def _siblings(location: Sequence[str | int], schema: "type[BaseModel]") -> str:
    """The keys that may stand where an unknown one stood."""
    from pydantic import BaseModel

    here: Any = schema
    for step in location[:-1]:
        if isinstance(step, str) and isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
            here = _model_within(fields.get(step))
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return ""
    return ", ".join(field.alias or name for name, field in here.model_fields.items())


def _model_within(annotation: Any) -> Any:
    """The model that an annotation such as `tuple[Item, ...]` or `Plan | None` holds."""
    from typing import get_args

    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_within(part)) is not None), None)
