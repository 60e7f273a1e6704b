"""Which cells of an export say none of the options, and where do they stand? All of them, none left out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from microresearch.instrument import Instrument
from microresearch.survey.answers import BLANK, Strange, read_items
from microresearch.survey.export import Export
from microresearch.survey.item_columns import item_columns
from microresearch.survey.people import resolve
from microresearch.survey.problems import shown

COLUMNS = ("item", "column", "value", "n", "rows", "what", "allowed")


def unmapped_values(
    export: Export,
    instruments: Instrument | Sequence[Instrument],
    columns: Mapping[str, str] | None = None,
    items: Mapping[str, str] | None = None,
    *,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    blank: Collection[str] = BLANK,
) -> pd.DataFrame:
    """Every value of an item's column that maps to no option, with all the rows that hold it.

    `read_responses` refuses a file with such values and shows the first rows of each; this is the whole list, to mend
    the export by. A file that was read has none.

    Parameters
    ----------
    export : Export
    instruments, columns, items, labels, blank
        As given to `read_responses`.

    Returns
    -------
    DataFrame
        A row a value and item: `item`, `column`, `value` (missing where it is prose or looks like an address), `n`
        (cells), `rows` (of the file, separated by spaces), `what` is wrong with it, and the `allowed` options.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from microresearch.instrument import load_instrument
    >>> from microresearch.survey import read_export
    >>> form = load_instrument("assessment-form")
    >>> rows = [[item.code for item in form.items], ["Level 2"] * 10, ["Level 9", *["Level 1"] * 9]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "export.csv")
    ...     _ = path.write_text("".join(",".join(row) + chr(10) for row in rows))
    ...     found = unmapped_values(read_export(path), form)
    >>> found[["item", "value", "n", "rows"]].to_dict("records")
    [{'item': 'level_leadership', 'value': 'Level 9', 'n': 1, 'rows': '3'}]
    """
    forms = [instruments] if isinstance(instruments, Instrument) else list(instruments)
    relabelled = export.relabelled(resolve(export, columns or {}, {}, labels or {})[0].labels)
    rows: list[dict[str, object]] = []
    for form in forms:
        places = {code: column for code, column in item_columns(export, form, items).items() if column is not None}
        there = replace(form, items=tuple(item for item in form.items if item.code in places))
        rows += [_row(one) for one in read_items(relabelled, there, places, blank)[2]]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(one: Strange) -> dict[str, object]:
    return {
        "item": one.item.code, "column": one.column, "value": shown(one.text), "n": len(one.rows),
        "rows": " ".join(str(row) for row in one.rows), "what": one.what, "allowed": one.allowed,
    }  # fmt: skip
