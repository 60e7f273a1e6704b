"""How well does a prediction rank those with an event above those without? The c-statistic, with clusters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from microresearch.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Concordance:
    """The area under the ROC curve, exactly from cells.

    Attributes
    ----------
    estimate : float
        Share of the pairs of a row with the event and one without in which the first has the higher prediction; a tie
        counts half.
    se : float
        Allows for rows of a cluster going together.
    n_clusters : int
    """

    estimate: float
    se: float
    n_clusters: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Bounds from the logit scale, by a normal deviate; the estimate itself where all pairs are ranked alike."""
        if self.se == 0 or self.estimate in (0.0, 1.0):
            return self.estimate, self.estimate
        half = stats.norm.ppf(0.5 + confidence / 2) * self.se / (self.estimate * (1 - self.estimate))
        middle = logit(self.estimate)
        return float(expit(middle - half)), float(expit(middle + half))


def concordance(predicted: Array, n: Array, events: Array, cluster: NDArray[np.intp]) -> Concordance:
    """The c-statistic of a prediction and its standard error for clustered rows.

    Parameters
    ----------
    predicted : array, shape (n_cells,)
        Equal for rows that the prediction cannot tell apart.
    n, events : arrays, shape (n_cells,)
        Rows of each cell, and those with the event.
    cluster : int array, shape (n_cells,)
        0 to n_clusters - 1.

    Raises
    ------
    DataError
        No event, nothing but events, or events or their absence in fewer than two clusters.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44, 837-845 (the components of each row);
    Obuchowski (1997), Biometrics 53, 567-578, section 2 (their sums by cluster).

    Examples
    --------
    >>> n, events = np.array([10.0, 10, 10, 10]), np.array([1.0, 4, 2, 5])
    >>> found = concordance(np.array([0.1, 0.4, 0.1, 0.4]), n, events, np.array([0, 0, 1, 1]))
    >>> round(found.estimate, 3)
    0.679
    """
    others = n - events
    has, lacks = np.bincount(cluster, events), np.bincount(cluster, others)
    if min((has > 0).sum(), (lacks > 0).sum()) < 2:
        raise DataError("a c-statistic with clusters needs events, and rows without one, in two clusters or more.")
    place = np.unique(predicted, return_inverse=True)[1]
    with_event, without = np.bincount(place, events), np.bincount(place, others)
    m, k = float(events.sum()), float(others.sum())
    below = (np.cumsum(without) - without / 2)[place] / k  # of an event: share of the others that it outranks
    above = (m - np.cumsum(with_event) + with_event / 2)[place] / m
    area = float(events @ below / m)
    up = np.bincount(cluster, events * below) - has * area
    down = np.bincount(cluster, others * above) - lacks * area
    first, second, size = int((has > 0).sum()), int((lacks > 0).sum()), len(has)
    variance = first / (first - 1) * (up @ up) / m**2 + second / (second - 1) * (down @ down) / k**2
    variance += 2 * size / (size - 1) * (up @ down) / (m * k)
    return Concordance(area, float(np.sqrt(max(variance, 0.0))), size)
