"""Does the model mean the same in every group? The ladder of invariance for answers taken as numbers."""

from collections.abc import Collection, Sequence
from typing import get_args

import numpy as np
import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_ml import Moments, fit_ml
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa.fit_model import cfa
from microresearch.psychometrics.cfa.ml import scaling_at
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import Sample, draw_sample
from microresearch.psychometrics.invariance_ordinal import ordinal_invariance
from microresearch.psychometrics.invariance_result import Invariance, climb
from microresearch.psychometrics.invariance_rules import RuleName, Step
from microresearch.psychometrics.nested import (
    Difference,
    plain_difference,
    satorra_bentler_2001,
    satorra_bentler_2010,
)
from microresearch.results import NotAvailable

STEPS: dict[Step, tuple[str, ...]] = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
}
DIFFERENCES = ("satorra.bentler.2001", "satorra.bentler.2010")
METHOD = "loadings, then intercepts, then residual variances equal over groups (Meredith 1993)"


def invariance(
    model: str,
    data: pd.DataFrame,
    group: "str | pd.Series",
    ordered: "Sequence[str] | bool | None" = None,
    free: Collection[str] = (),
    estimator: str | None = None,
    cluster: "str | pd.Series | None" = None,
    missing: str = "listwise",
    rule: RuleName = "cheung2002",
    difference: str = "satorra.bentler.2001",
) -> Invariance:
    """Fit a ladder of models with more and more held equal over groups, and compare each with the one before.

    Numbers climb configural, metric, scalar, strict (Meredith 1993). Ordered items climb configural, thresholds,
    loadings, intercepts, residuals (Wu & Estabrook 2016), each step keeping what was equal before; see
    `ordinal_invariance`.

    Parameters
    ----------
    model : str
        In lavaan's syntax.
    data : DataFrame, persons x columns
    group : column name or Series
    ordered : sequence of str or True, optional
        Items whose answers are ordered categories (True: all); every item of the model must be.
    free : collection of str
        Parameters left free in every step (partial invariance), such as `"visual=~x2"`, `"x3~1"` or `"x1|t2"`.
    estimator : {"MLR", "ML", "WLSMV"}
        By default MLR, and WLSMV with ordered items. With "MLR" fit is robust and difference tests are scaled.
    cluster, missing
        As in `cfa`.
    rule : {"cheung2002", "chen2007"}
        By which change of fit a step counts as held.
    difference : {"satorra.bentler.2001", "satorra.bentler.2010"}
        Scaled difference test; where the first has no positive scaling the second is taken, and named. The second
        depends on how the freer model is scaled (here: means of factors at 0), as its information is not at a maximum.
        Ordered items have the scaled and shifted test of Satorra (2000) alone.

    Raises
    ------
    SpecError, DataError
        As `cfa`; unknown `difference` or `rule`.

    References
    ----------
    Meredith (1993), Psychometrika 58, 525-543 (the ladder). doi:10.1007/BF02294825
    Wu & Estabrook (2016), Psychometrika 81, 1014-1045 (ordered items). doi:10.1007/s11336-016-9506-0
    Satorra (2000); Satorra & Bentler (2001, 2010); Cheung & Rensvold (2002); Chen (2007).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> f = rng.normal(size=(600, 1))
    >>> items = pd.DataFrame(0.7 * f + 0.6 * rng.normal(size=(600, 4)), columns=["a", "b", "c", "d"])
    >>> ladder = invariance("f =~ a + b + c + d", items, group=pd.Series(["nurse", "physician"] * 300))
    >>> ladder.highest, ladder.table["df"].tolist(), ladder.table["restrictions"].tolist()[1:]
    ('strict', [4.0, 7.0, 10.0, 14.0], [3.0, 3.0, 4.0])
    """
    _check(difference, rule)
    if ordered:
        if estimator not in (None, "WLSMV"):
            what = f"{estimator} takes answers as numbers, not as ordered categories"
            raise SpecError(Problem(what, mend='take estimator="WLSMV", or leave ordered out'))
        return ordinal_invariance(model, data, group, ordered, free, cluster, missing, rule)
    estimator = estimator or "MLR"
    fits: dict[Step, Cfa] = {
        step: cfa(model, data, estimator, None, group, equal, free, cluster, missing) for step, equal in STEPS.items()
    }
    sample = draw_sample(data, fits["configural"].design.layouts[0].observed, group, cluster, missing)

    def test(fit: Cfa, old: Cfa, restrictions: int) -> Difference | NotAvailable:
        return _difference(fit, old, difference, sample)

    return climb(fits, test, rule, None, f"{METHOD}, {estimator}")


def _check(difference: str, rule: str) -> None:
    for said, value, allowed in (("difference", difference, DIFFERENCES), ("rule", rule, get_args(RuleName))):
        if value not in allowed:
            raise SpecError(Problem(f"unknown {said}", value=str(value), allowed=", ".join(allowed)))


def _difference(fit: Cfa, old: Cfa, method: str, sample: Sample) -> Difference | NotAvailable:
    """The difference test of two models fitted by ML or MLR."""
    new, base = fit.estimate, old.estimate
    lost = fit.fit["df"] - old.fit["df"]
    if new.test_scaled is None and base.test_scaled is None and fit.estimator == "ML":
        return plain_difference(new.test, base.test)
    if new.test_scaled is None or (base.test_scaled is None and base.test.df):
        return NotAvailable("a model of this step has no scaled test; see its warnings")
    c0, c1 = new.test_scaled.scaling, 1.0 if base.test_scaled is None else base.test_scaled.scaling
    if method == "satorra.bentler.2001":
        found = satorra_bentler_2001(new.test, base.test, c0, c1)
        if isinstance(found, Difference) or not lost:
            return found
    if not base.test.df:
        return satorra_bentler_2010(new.test, base.test, c0, 1.0)
    return satorra_bentler_2010(new.test, base.test, c0, scaling_at_restricted(old, fit, sample))


def scaling_at_restricted(free: Cfa, restricted: Cfa, sample: Sample) -> float:
    """Scaling of the free model at the restricted model's solution.

    The free model's parameters that imply the same moments are found by fitting it to these moments; where it fixes
    what the other frees (means of factors) no copying of estimates would do.
    """
    moments = []
    for layout, seen in zip(restricted.design.layouts, restricted.estimate.observed, strict=True):
        at = implied(layout.structure, restricted.estimate.theta)
        moments.append([Moments(seen.n, at.mu, at.sigma, np.arange(len(at.mu)))])
    best = fit_ml(free.design.structures, moments, free.estimate.theta)
    return scaling_at(free.design, sample, free.estimate.observed, best.x)
