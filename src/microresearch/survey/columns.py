"""What became of every column of the export: used, kept with a reason, or dropped, and why?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.instrument import Instrument
from microresearch.survey.export import Export
from microresearch.survey.identifiers import names_a_person
from microresearch.survey.item_columns import item_columns
from microresearch.survey.people import resolve


def column_uses(
    export: Export,
    instruments: Sequence[Instrument],
    columns: Mapping[str, str] | None = None,
    items: Mapping[str, str] | None = None,
    keep: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Every column of an export, in its order, with what was done with it.

    Parameters
    ----------
    export : Export
    instruments, columns, items, keep
        As given to `read_responses`.

    Returns
    -------
    DataFrame
        `column`; `use`: "answers", a standard name (person, unit, ...), "kept" or "dropped"; `why`: the declared
        reason for what is kept, and for what is dropped "direct identifier" (known by the format, flagged in its
        dictionary, or named like one), "free text" (many different long texts) or "not used". No cell is shown.
    """
    wanted, problems = resolve(export, columns or {}, keep or {}, {})
    if problems:
        raise DataError(problems)
    answers = {column for form in instruments for column in item_columns(export, form, items).values()}
    standard = {column: name for name, column in wanted.columns.items()}
    rows = []
    for column in (str(name) for name in export.cells.columns):
        if column in answers:
            use, why = "answers", ""
        elif column in standard:
            use, why = standard[column], wanted.keep.get(column, "")
        elif column in wanted.keep:
            use, why = "kept", wanted.keep[column]
        else:
            use, why = "dropped", _reason(export, column)
        rows.append({"column": column, "use": use, "why": why})
    return pd.DataFrame(rows)


def _reason(export: Export, column: str) -> str:
    if column in export.identifiers or names_a_person(column):
        return "direct identifier"
    _, texts = export.levels(column)
    lengths = np.array([len(text) for text in texts if text.strip()])
    return "free text" if len(lengths) and (lengths > 40).any() else "not used"
