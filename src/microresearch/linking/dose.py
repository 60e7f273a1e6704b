"""How much of an outcome goes with how high a score? The effect along the score, in the outcome's own unit."""

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.cells import Cells
from microresearch.linking.estimates import Effect, LinkedEstimates


def dose_curve(linked: LinkedEstimates, cells: Cells, characteristic: str, reach: float = 2.0) -> pd.DataFrame:
    """Expected mean outcome of stays whose units score so many true SDs above or below where they are.

    On a log scale the mean of all stays times the ratio, else the mean plus the difference; the band is that of the
    effect, so that it closes at 0, where nothing is claimed. Odds ratios have no such curve.

    Parameters
    ----------
    linked : LinkedEstimates
        Of an outcome of `cells`.
    characteristic : str
    reach : float
        SDs to either side.

    Returns
    -------
    DataFrame
        Columns score (SD), estimate, ci_low, ci_high (where there is an interval), in the outcome's unit.

    Raises
    ------
    DataError
        No such characteristic, no effect of it, or a model on the log odds scale.
    """
    row = next((row for row in linked.rows if row.characteristic == characteristic), None)
    if row is None or not isinstance(row.primary, Effect):
        raise DataError(Problem("there is no effect of this characteristic to draw", column=characteristic))
    if linked.scale.startswith("log odds"):
        raise DataError(Problem("odds have no mean to draw; show the risk difference", column=linked.outcome))
    n, total = (float(cells.table[f"{linked.outcome}_{part}"].sum()) for part in ("n", "sum"))
    score = np.linspace(-reach, reach, 41)
    bounds = row.primary.interval

    def along(slope: float) -> np.ndarray:
        return total / n * np.exp(slope * score) if linked.scale.startswith("log") else total / n + slope * score

    curve = pd.DataFrame({"score": score, "estimate": along(row.primary.estimate)})
    if bounds is not None:
        ends = np.column_stack([along(bounds.low), along(bounds.high)])
        curve["ci_low"], curve["ci_high"] = ends.min(axis=1), ends.max(axis=1)
    return curve
