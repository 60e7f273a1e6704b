"""What does every kind of omega find, before labels? An estimate with its error or its bootstrap draws."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtri

from microresearch.errors import ConvergenceError
from microresearch.numeric.moments import Floats
from microresearch.results import Interval


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Omega before labels: `draws` from a bootstrap, or `se` by the delta method."""

    estimate: float
    se: float
    loadings: Floats
    psi: Floats
    method: str
    draws: Floats | None = None
    notes: tuple[str, ...] = ()
    total: float | None = None

    def interval(self, confidence: float, how: str) -> Interval:
        """Percentiles of the draws, or the delta method on the logit (on omega itself where it is not in (0, 1))."""
        tail = (1 - confidence) / 2
        if self.draws is not None:
            low, high = np.quantile(self.draws, [tail, 1 - tail])
            return Interval(float(low), float(high), confidence, f"bootstrap percentiles of {len(self.draws)} samples")
        half = float(ndtri(1 - tail)) * self.se
        errors = "errors robust to non-normal answers" if how == "robust" else "normal-theory errors"
        if not 0 < self.estimate < 1:
            return Interval(self.estimate - half, self.estimate + half, confidence, f"delta method, {errors}")
        wide = half / (self.estimate * (1 - self.estimate))
        centre = logit(self.estimate)
        low, high = float(expit(centre - wide)), float(expit(centre + wide))
        return Interval(low, high, confidence, f"delta method on the logit, {errors}")


def usable(values: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Draws that are not NaN, and a note on the rest; refused when more than one in ten is lost."""
    good = np.isfinite(values)
    lost = int((~good).sum())
    if lost > len(values) / 10:
        raise ConvergenceError(f"{lost} of {len(values)} bootstrap samples had no solution: too many for an interval.")
    return values[good], (f"{lost} bootstrap samples without a solution are left out",) if lost else ()
