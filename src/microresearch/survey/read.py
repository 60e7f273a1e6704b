"""How does a survey export become Responses? Columns found, answers looked up, all faults told at once."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import overload

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.instrument import Instrument
from microresearch.responses import Ledger, Responses
from microresearch.survey.answers import BLANK, read_items
from microresearch.survey.export import Export
from microresearch.survey.item_columns import item_columns
from microresearch.survey.people import read_people, resolve
from microresearch.survey.problems import refuse
from microresearch.survey.recognise import read_export

Labels = Mapping[str, Mapping[str, str]]


@overload
def read_responses(
    path: str | Path | Export, instruments: Instrument, columns: Mapping[str, str] | None = ..., format: str = ...,
    items: Mapping[str, str] | None = ..., *, keep: Mapping[str, str] | None = ..., labels: Labels | None = ...,
    blank: Collection[str] = ..., encoding: str | None = ..., separator: str | None = ...,
    sheet: str | None = ..., dictionary: str | Path | None = ...,
) -> Responses: ...  # fmt: skip
@overload
def read_responses(
    path: str | Path | Export, instruments: Sequence[Instrument], columns: Mapping[str, str] | None = ...,
    format: str = ..., items: Mapping[str, str] | None = ..., *, keep: Mapping[str, str] | None = ...,
    labels: Labels | None = ..., blank: Collection[str] = ..., encoding: str | None = ..., separator: str | None = ...,
    sheet: str | None = ..., dictionary: str | Path | None = ...,
) -> dict[str, Responses]: ...  # fmt: skip
def read_responses(
    path: str | Path | Export,
    instruments: Instrument | Sequence[Instrument],
    columns: Mapping[str, str] | None = None,
    format: str = "auto",
    items: Mapping[str, str] | None = None,
    *,
    keep: Mapping[str, str] | None = None,
    labels: Labels | None = None,
    blank: Collection[str] = BLANK,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    dictionary: str | Path | None = None,
) -> Responses | dict[str, Responses]:
    """The answers of one survey export, each answered, can't rate or blank, for one instrument or several.

    Parameters
    ----------
    path : str, Path or Export
        The file, or what `read_export` made of it.
    instruments : Instrument or sequence of Instrument
        What was asked. A sequence gives a dict by instrument code whose Responses share ids and ledger.
    columns : mapping
        Standard name (response, person, unit, role, wave, started, ended, duration, progress, status, consent) to
        column of the export. What a format itself fixes (Qualtrics: ResponseId, Progress, ...) need not be named.
        Without a response column the row number is the response id; without a person column each response is its
        own person; without a wave column all is wave 1.
    format : str
        "auto", or the format that the file is held to.
    items : mapping, optional
        Item code -> column, where they differ. An item that is not named and has no column of its code is looked for
        by its exact wording.
    keep : mapping, optional
        Further columns to keep in `people`, each with the reason in words. Everything else is dropped on reading.
    labels : mapping, optional
        Column (or standard name) -> code -> label, in place of the file's own value labels.
    blank : collection of str
        Cell texts that mean that nothing was answered, beside the empty cell.
    encoding, separator, sheet, dictionary
        See `read_export`.

    Returns
    -------
    Responses or dict of Responses
        All rows of the file in its order; the ledger starts at their number.

    Raises
    ------
    DataError
        The file, or what in it maps to nothing: missing columns, answers that are no option, repeated response ids;
        all at once, with file, row and column.
    SpecError
        A mapping that cannot be meant.

    Examples
    --------
    >>> import tempfile
    >>> from microresearch.instrument import load_instrument
    >>> form = load_instrument("assessment-form")
    >>> rows = [["ward", *(item.code for item in form.items)], ["W3", *["Level 2"] * 9, "Can't rate"]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "export.csv")
    ...     _ = path.write_text("".join(",".join(row) + chr(10) for row in rows))
    ...     read = read_responses(path, form, {"unit": "ward"})
    >>> read.values.iloc[0, [0, 9]].tolist(), read.state.iloc[0, 9], read.people["unit"].tolist()
    ([2.0, nan], np.int8(1), ['W3'])
    """
    alone = isinstance(instruments, Instrument)
    forms = [instruments] if isinstance(instruments, Instrument) else list(instruments)
    _check_forms(forms, items or {})
    if isinstance(path, Export):
        export = path
    else:
        export = read_export(path, format, encoding=encoding, separator=separator, sheet=sheet, dictionary=dictionary)
    wanted, problems = resolve(export, columns or {}, keep or {}, labels or {})
    places = [_places(export, form, items or {}, problems) for form in forms]
    used = [*wanted.columns.values(), *wanted.keep, *(column for place in places for column in place.values())]
    problems += [
        Problem("this column stands more than once in the header", export.file, column=name, mend="rename one of them")
        for name in dict.fromkeys(used)
        if name in export.repeated
    ]
    refuse(problems)
    relabelled = export.relabelled(wanted.labels)
    people = read_people(relabelled, wanted, problems, blank)
    answers = [read_items(relabelled, form, place, blank) for form, place in zip(forms, places, strict=True)]
    problems += [one.problem(export.file) for _, _, strange in answers for one in strange]
    refuse(problems)
    ledger = Ledger(start=len(export))
    made = {}
    for form, (values, states, _) in zip(forms, answers, strict=True):
        names = [item.code for item in form.items]
        value = pd.DataFrame(values, index=people.index, columns=names, copy=False)
        state = pd.DataFrame(states, index=people.index, columns=names, copy=False)
        made[form.code] = Responses(form, value, state, people, ledger)
    return made[forms[0].code] if alone else made


def _check_forms(forms: Sequence[Instrument], items: Mapping[str, str]) -> None:
    """Instruments and item mapping that can be meant together."""
    codes = [item.code for form in forms for item in form.items]
    problems = [Problem(f"no item has the code {code!r}", mend="check [items]") for code in items if code not in codes]
    if not forms:
        problems.append(Problem("no instrument to read answers to"))
    for kind, names in (("instrument", [form.code for form in forms]), ("item", codes)):
        twice = sorted({name for name in names if names.count(name) > 1})
        problems += [Problem(f"two {kind}s have the code {name!r}") for name in twice]
    taken = list(items.values())
    problems += [Problem("two items are mapped to one column", column=one) for one in {*taken} if taken.count(one) > 1]
    if problems:
        raise SpecError(problems)


def _places(export: Export, form: Instrument, items: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """Item code -> column of the export, a problem for each that is not there."""
    found = item_columns(export, form, items)
    problems += [
        export.absent(items.get(code, code), f"item {code}") for code, column in found.items() if column is None
    ]
    return {code: column for code, column in found.items() if column is not None}
