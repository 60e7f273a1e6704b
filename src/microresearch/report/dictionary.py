"""What was asked, word for word, and what does each column hold? The data dictionary of a form."""

import pandas as pd

from microresearch.instrument import Instrument
from microresearch.report.tables import Table


def item_dictionary(instrument: Instrument) -> Table:
    """Every item of a form: code, characteristic, wording, allowed numbers, keying, and where it is asked.

    Examples
    --------
    >>> from microresearch import load_instrument
    >>> table = item_dictionary(load_instrument("long-form"))
    >>> table.cells()[0][0], table.cells()[0][3:]
    ('leadership_1', ['1', '5', 'as asked', 'everywhere'])
    """
    names = {one.code: one.name for one in instrument.characteristics}
    rows = [
        {
            "item": item.code, "characteristic": names[item.characteristic], "text": item.text,
            "low": _number(item.low), "high": _number(item.high),
            "keyed": "reversed" if item.reversed else "as asked",
            "applies": "everywhere" if item.applies == "all" else f"{item.applies} units",
        }
        for item in instrument.items
    ]  # fmt: skip
    options = "; ".join(f"{_number(option.code)} {option.label}" for option in instrument.options)
    notes = [f"Answers: {options}."]
    if instrument.cant_rate:
        notes.append(f"No answer, and no number: {', '.join(instrument.cant_rate)}.")
    notes.append(f"Reversed items count as low + high - answer. Content validity: {instrument.content_validity}.")
    labels = {
        "item": "Item", "characteristic": "Characteristic", "text": "Wording", "low": "Low", "high": "High",
        "keyed": "Keyed", "applies": "Asked",
    }  # fmt: skip
    title = f"Data dictionary: {instrument.name} {instrument.version}".rstrip()
    return Table(pd.DataFrame(rows), title, notes=tuple(notes), labels=labels)


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
