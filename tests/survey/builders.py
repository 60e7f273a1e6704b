"""Responses made from arrays, for tests of what comes after reading."""

import numpy as np
import pandas as pd

from microresearch.instrument import Characteristic, Group, Instrument, Item, Option
from microresearch.responses import Ledger, Responses, State

REVERSED = {"A1", "C4", "C5", "E1", "E2", "O2", "O5"}


def responses(values: np.ndarray, names: list[str], high: int, states: np.ndarray | None = None, **people) -> Responses:
    """Answers 1 to `high` with one scale for each first letter of the items' names; NaN is blank."""
    scales = list(dict.fromkeys(name[0] for name in names))
    form = Instrument(
        code="f", name="", version="1", language="en", note="", source="", reflective=True,
        options=tuple(Option(i, str(i)) for i in range(1, high + 1)), cant_rate=(),
        items=tuple(Item(n, n[0], n, 1, high, reversed=n in REVERSED) for n in names),
        characteristics=tuple(Characteristic(s, s, "g") for s in scales), groups=(Group("g", "g"),),
    )  # fmt: skip
    index = pd.Index([f"r{i}" for i in range(len(values))])
    value = pd.DataFrame(values, index=index, columns=names, dtype=float)
    blank = np.where(value.isna(), State.BLANK, State.ANSWERED) if states is None else states
    state = pd.DataFrame(blank, index=index, columns=names).astype("int8")
    person = pd.DataFrame({"person": index, "unit": "U1", "role": "nurse", "wave": 1, **people}, index=index)
    return Responses(form, value, state, person, Ledger(len(value)))
