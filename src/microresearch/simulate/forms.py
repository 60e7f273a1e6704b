"""How does each item of an instrument answer to the planted latent? Loadings, thresholds, can't-rate shares: arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DataError
from microresearch.instrument import Instrument
from microresearch.simulate.plant import CODES, HARD_TO_RATE, ITEM_SHAPES, LOADINGS, SHAPES, Floats, Plant, grid


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """An instrument with its planted parameters; J items, R roles, K categories.

    Attributes
    ----------
    instrument : Instrument
    characteristic : array of int, shape (J,)
        Place of each item's characteristic in `CODES`.
    loading, residual : arrays, shape (J,)
        lambda_j and the standard deviation of epsilon_j.
    thresholds : array, shape (J, K - 1)
        On the scale of the latent propensity, rising.
    reversed, academic_only : arrays of bool, shape (J,)
    cant_rate : array, shape (J, R)
        Share of a role that cannot rate the item.
    """

    instrument: Instrument
    characteristic: NDArray[np.int64]
    loading: Floats
    residual: Floats
    thresholds: Floats
    reversed: NDArray[np.bool_]
    academic_only: NDArray[np.bool_]
    cant_rate: Floats

    def of(self, code: str, *, academic: bool) -> NDArray[np.int64]:
        """Places of the characteristic's items that apply inside (or outside) academic units."""
        mine = self.characteristic == CODES.index(code)
        return np.flatnonzero(mine & (~self.academic_only | academic))


def long_form(instrument: Instrument, plant: Plant) -> Form:
    """The 52-item form with the plant's item parameters; DataError when the instrument has other items."""
    places = [(item.characteristic, int(item.code.rsplit("_", 1)[1]) - 1) for item in instrument.items]
    if sorted(places) != sorted((code, k) for code in CODES for k in range(len(LOADINGS[code]))):
        raise DataError(f"the items of {instrument.code} are not those that the simulation plants.")
    loading = [LOADINGS[code][k] for code, k in places]
    thresholds = [SHAPES[ITEM_SHAPES[code][k]] for code, k in places]
    extra = [HARD_TO_RATE.get(item.code, 0.0) for item in instrument.items]
    return _form(instrument, loading, thresholds, plant.cant_rate + np.array(extra), plant)


def assessment_form(instrument: Instrument, plant: Plant) -> Form:
    """The three-level form: every row rests on its characteristic with one loading and one pair of thresholds."""
    n = len(instrument.items)
    thresholds = [plant.assessment_thresholds] * n
    return _form(instrument, [plant.assessment_loading] * n, thresholds, np.full(n, plant.assessment_cant_rate), plant)


def _form(
    instrument: Instrument,
    loading: list[float],
    thresholds: Sequence[tuple[float, ...]],
    cant_rate: Floats,
    plant: Plant,
) -> Form:
    lam = grid(np.array(loading))
    return Form(
        instrument,
        np.array([CODES.index(item.characteristic) for item in instrument.items]),
        lam,
        grid(np.sqrt(1 - lam**2)),
        grid(np.array(thresholds)),
        np.array([item.reversed for item in instrument.items]),
        np.array([item.applies == "academic" for item in instrument.items]),
        np.outer(cant_rate, plant.cant_rate_role),
    )
