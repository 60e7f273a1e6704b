"""How reliable is every characteristic of a form? Each coefficient for each, or the reason why it cannot be had."""

from collections.abc import Callable, Mapping

import pandas as pd

from microresearch.errors import ConvergenceError, DataError
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.omega_levels import omega_levels
from microresearch.psychometrics.reliability import reliability
from microresearch.psychometrics.scores import keyed_items
from microresearch.responses import Responses

Coefficients = Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]]
"""By name: what makes rows of the tidy vocabulary out of the keyed items of one characteristic."""


def omegas(responses: Responses, confidence: float = 0.95) -> pd.DataFrame:
    """Omega total, categorical, within and between units of every characteristic of three items or more.

    Returns
    -------
    DataFrame
        Tidy, with a `note` in place of numbers that cannot be had; empty if no characteristic has three items.
    """
    unit = responses.people["unit"]
    made: Coefficients = {
        "omega, total": lambda items: omega(items, confidence=confidence).to_frame(),
        "omega, categorical": lambda items: omega(items, kind="categorical", confidence=confidence).to_frame(),
        "omega, within and between units": lambda items: omega_levels(items, unit, confidence=confidence).to_frame(),
    }
    return _table(responses, 3, made)


def other_coefficients(responses: Responses, confidence: float = 0.95, seed: int = 1) -> pd.DataFrame:
    """What `reliability` gives beside alpha and omega, for every characteristic of two items or more; as `omegas`."""

    def rows(items: pd.DataFrame) -> pd.DataFrame:
        table = reliability(items, confidence=confidence, seed=seed).table
        return table[~table["term"].isin(["alpha", "omega, total", "omega, categorical"])]

    return _table(responses, 2, {"coefficients": rows})


def _table(responses: Responses, least: int, made: Coefficients) -> pd.DataFrame:
    frames = []
    for characteristic in responses.instrument.characteristics:
        items = keyed_items(responses, characteristic.code)
        if items.shape[1] < least:
            continue
        for term, one in made.items():
            try:
                found = one(items)
            except (DataError, ConvergenceError) as error:
                found = pd.DataFrame({"term": [term], "note": [str(error)]})
            frames.append(found.assign(group=characteristic.code))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
