"""How does a researcher start a study of her own? A folder that runs on a twin at once, and then on her files."""

from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.instrument import Instrument, load_instrument
from microresearch.psychometrics.factor_fit import degrees_of_freedom
from microresearch.study.commented import commented
from microresearch.study.papers import papers
from microresearch.study.place import Place
from microresearch.study.propose import propose
from microresearch.study.propose_links import encounters_section, outcome_sections, units_section
from microresearch.study.schema import schema_of
from microresearch.study.spec_file import parse_spec
from microresearch.study.trace import LIBRARY
from microresearch.study.twin import write_twin
from microresearch.study.wish import Made, Wish, take


def new_study(folder: Path, wish: Wish) -> Made:
    """Make a study's folder.

    Parameters
    ----------
    folder : Path
        New, or empty.
    wish : Wish

    Returns
    -------
    Made

    Raises
    ------
    DataError
        Something is in the folder, or a file cannot be read.
    SpecError
        An outcome or a setting that cannot be meant.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(Problem("there is something in this folder", folder.name, mend="name a new one"))
    made = Made(folder)
    with io.scratch("microresearch-new-") as scratch:
        place = Place(scratch / "study.toml")
        content = _content(wish, place, made)
        io.write_text(place.file, commented(content))
        spec = parse_spec(io.read_toml(place.file))
        write_twin(spec, schema_of(place, spec), scratch / "twin", "../notebooks")
        for name in (n for n in spec.study.instruments if n.endswith(".toml")):
            io.write_bytes(scratch / "twin" / name, io.read_bytes(place.of(name)))
        for path in bundled_notebooks():
            io.write_bytes(scratch / "notebooks" / path.name, io.read_bytes(path))
        for name, text in papers(wish.title).items():
            io.write_text(scratch / name, text)
        for path in io.list_files(scratch):
            io.write_bytes(folder / path.relative_to(scratch), io.read_bytes(path))
    return made


def bundled_notebooks() -> tuple[Path, ...]:
    """The notebooks that come with the library, where it was installed or where it is developed."""
    for folder in (LIBRARY / "notebooks", LIBRARY.parents[1] / "notebooks"):
        if found := io.list_files(folder, "[0-9][0-9]-*.ipynb"):
            return found
    raise DataError("the library's notebooks are not installed with it; take them from its source.")


def _content(wish: Wish, place: Place, made: Made) -> dict[str, Any]:
    """study.toml as values."""
    instruments = []
    for name in wish.instruments:
        if name.endswith(".toml"):
            io.write_bytes(place.root / "instruments" / Path(name).name, io.read_bytes(Path(name), SpecError))
            instruments.append(f"instruments/{Path(name).name}")
        else:
            instruments.append(name)
    content: dict[str, Any] = {
        "study": {"title": wish.title, "authors": [], "seed": wish.seed, "instruments": instruments}
    }
    forms = [load_instrument(name) for name in wish.instruments]
    columns = _survey(content, wish, place, made, forms)
    if wish.roster is not None:
        content["roster"] = {"file": take(place, wish.roster)}
    if wish.units is not None:
        content["units"] = units_section(wish, place, made)
    elif wish.admissions is not None:
        raise SpecError(
            Problem("outcomes need the units: whose hospital, what kind", column="units", mend="give --units")
        )
    content["scores"] = {"missing": "half", "minimum_raters": 3}
    if wish.admissions is not None:
        content["encounters"] = encounters_section(wish, wish.admissions, place, made)
        content["outcomes"] = outcome_sections(wish)
        content["plan"] = {"confirmatory": [outcome["name"] for outcome in content["outcomes"]]}
    content["disclosure"] = {"threshold": 10}
    return content | {"run": _run(content, forms, "unit" in columns, made)}


def _run(content: dict[str, Any], forms: list[Instrument], unit: bool, made: Made) -> dict[str, Any]:
    """[run]: the notebooks that this study can answer, each that is left out with the reason."""
    kinds = {outcome["kind"] for outcome in content.get("outcomes", ())}
    first = forms[0]
    free = degrees_of_freedom(len(first.items), len(first.characteristics))
    out = {"04": f"{len(first.items)} items have too few correlations for {len(first.characteristics)} factors"}
    out = out if free < 0 else {}
    if not unit:
        out |= dict.fromkeys(("05", "06", "07"), "no column was found for the unit")
    if not kinds - {"cost"}:
        out.setdefault("06", "no patient outcome was named")
    if "cost" not in kinds:
        out.setdefault("07", "no costs were given")
    books = [path.stem for path in bundled_notebooks()]
    made.proposed += [f"{stem} is left out of [run]: {out[stem[:2]]}" for stem in books if stem[:2] in out]
    return {"folder": "notebooks"} | ({"notebooks": [stem for stem in books if stem[:2] not in out]} if out else {})


def _survey(content: dict[str, Any], wish: Wish, place: Place, made: Made, forms: list[Instrument]) -> dict[str, str]:
    from microresearch.survey import read_export

    how = {name: getattr(wish, name) for name in ("encoding", "separator", "sheet")}
    export = read_export(wish.survey, wish.format, dictionary=wish.dictionary, **how)
    found = propose(export, forms)
    made.proposed.append(f"{wish.survey.name}: {found.said}")
    made.proposed += [f"{name} is taken from the column {column!r}" for name, column in found.columns.items()]
    made.proposed += [f"item {code} is taken from the column {column!r}" for code, column in found.items.items()]
    made.look_at += [f"no column was found for the item {code}: add it to [survey.items]" for code in found.lacking]
    if "unit" not in found.columns:
        made.look_at.append("no column was found for the unit: without it there are no unit scores")
    section = {"file": take(place, wish.survey), "format": found.format, **how, "columns": found.columns}
    if wish.dictionary is not None:
        section["dictionary"] = take(place, wish.dictionary)
    content["survey"] = section | ({"items": found.items} if found.items else {})
    rules: list[dict[str, Any]] = [{"rule": name} for name in ("preview", "consent") if _has(name, found.columns)]
    rules.append({"rule": "duplicate", "keep": "fullest"})
    inside = {"unit": "unit" in found.columns, "roster": wish.roster is not None and "person" in found.columns}
    if any(inside.values()):
        rules.append({"rule": "eligibility"} | {key: True for key, asked in inside.items() if asked})
    if "progress" in found.columns:
        rules.append({"rule": "progress", "minimum": 50})
    if "duration" in found.columns:
        rules.append({"rule": "time", "seconds_per_item": 1.0})
    content["cleaning"] = [*rules, {"rule": "answered", "share": 0.5}]
    return found.columns


def _has(rule: str, columns: dict[str, str]) -> bool:
    return {"preview": "status", "consent": "consent"}[rule] in columns
