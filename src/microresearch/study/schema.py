"""What is the shape of a study's files? Names and types of columns, and never a value."""

from microresearch import io
from microresearch.instrument import load_instrument
from microresearch.study.place import Place
from microresearch.study.spec import StudySpec
from microresearch.study.twin import Schema


def schema_of(place: Place, spec: StudySpec) -> Schema:
    """The schema of a study whose files are there.

    Of the units file it asks of each covariate whether it holds numbers, yes and no, or names; of the survey export
    which columns the format itself fixes.
    """
    forms = tuple(load_instrument(place.of(n) if n.endswith(".toml") else n) for n in spec.study.instruments)
    yes_no, numeric = set(), set()
    if spec.units is not None:
        table = io.read_csv(place.of(spec.units.file))
        for column in table.columns:
            values = {value.strip().casefold() for value in table[column]} - {""}
            if values and values <= {"yes", "no"}:
                yes_no.add(str(column))
            elif values and all(_number(value) for value in values):
                numeric.add(str(column))
    yes_no |= {item.applies for form in forms for item in form.items} - {"all"}
    return Schema(forms, frozenset(yes_no), frozenset(numeric), survey_columns(place, spec))


def survey_columns(place: Place, spec: StudySpec) -> dict[str, str]:
    """Standard name -> column of the export: what study.toml maps and what the format fixes."""
    from microresearch.survey import read_export

    if spec.survey is None:
        return {}
    said = spec.survey
    export = read_export(
        place.of(said.file), said.format, encoding=said.encoding, separator=said.separator, sheet=said.sheet,
        dictionary=None if said.dictionary is None else place.of(said.dictionary),
    )  # fmt: skip
    named = {name: column for name, column in said.columns.model_dump().items() if column is not None}
    return {**export.standard, **named}


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
