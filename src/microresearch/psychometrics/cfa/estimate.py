"""What does every estimator hand back? One value, so that fit, parameters and indices need not know who estimated."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.sem_catml import Likelihood
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_two_level import Clustered
from microresearch.numeric.sem_wls_robust import Bread
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.ordinal_sample import OrdinalSample
from microresearch.psychometrics.cfa.sample import Sample
from microresearch.psychometrics.fit import ChiSquare


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What an estimator must return.

    Attributes
    ----------
    theta : array, shape (q,)
        Free parameters, in the order of the table's `free`.
    vcov : array, shape (q, q)
        Their covariance matrix under the estimator's own assumptions; NaN where the information is singular.
    information : array, shape (q, q)
        Expected information of the whole sample; modification indices use it.
    converged, reason : bool, str
        Whether the minimum was reached, and why the search stopped.
    steps : int
    test, baseline : ChiSquare
        Model and independence model, unscaled.
    test_scaled, baseline_scaled : ChiSquare or None
        Scaled (and shifted) versions with the scaling that made them; None without a correction.
    loglik, loglik_saturated : float or None
        None where the estimator maximises no likelihood.
    observed : tuple of Moments
        Saturated moments of each group, which residuals are taken from.
    patterns : tuple of tuple of Moments
        What was fitted: in each group the moments of people with the same answered items.
    warnings : tuple of str
    ordinal : OrdinalSample or None
        Thresholds and polychorics, where they are what was fitted.
    bread : Bread or None
        What made the errors of weighted least squares.
    likelihood : Likelihood or None
        ML discrepancy of polychorics, which robust fit indices are made of.
    levels : Clustered or None
        Sufficient statistics of a two-level model.
    """

    theta: Array
    vcov: Array
    information: Array
    converged: bool
    reason: str
    steps: int
    test: ChiSquare
    baseline: ChiSquare
    test_scaled: ChiSquare | None
    baseline_scaled: ChiSquare | None
    loglik: float | None
    loglik_saturated: float | None
    observed: tuple[Moments, ...]
    patterns: tuple[tuple[Moments, ...], ...]
    warnings: tuple[str, ...] = ()
    ordinal: OrdinalSample | None = None
    bread: Bread | None = None
    likelihood: Likelihood | None = None
    levels: Clustered | None = None

    @property
    def se(self) -> Array:
        """Standard errors (q)."""
        return np.sqrt(np.maximum(np.diag(self.vcov), 0.0))


Estimator = Callable[[Design, Sample, tuple[Moments, ...]], Estimate]
"""Takes design, sample and saturated moments of each group."""
