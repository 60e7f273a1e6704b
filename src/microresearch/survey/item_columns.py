"""Which column of an export holds which item? By a declared name, the item's code, or its exact wording."""

from collections.abc import Mapping

from microresearch.instrument import Instrument
from microresearch.survey.answers import key
from microresearch.survey.export import Export


def item_columns(
    export: Export, instrument: Instrument, items: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Item code -> column, None where there is none.

    Parameters
    ----------
    export : Export
    instrument : Instrument
    items : mapping, optional
        Item code -> column, where they differ. What is declared is not looked for elsewhere.
    """
    declared = items or {}
    found: dict[str, str | None] = {}
    for item in instrument.items:
        column = export.find(declared.get(item.code, item.code))
        found[item.code] = column or (None if item.code in declared else _by_wording(export, item.text))
    return found


def _by_wording(export: Export, wording: str) -> str | None:
    """The only column whose question is worded as the item is (platforms that know no variable names)."""
    like = [column for column, text in export.texts.items() if wording.strip() and key(text) == key(wording)]
    return like[0] if len(like) == 1 else None
