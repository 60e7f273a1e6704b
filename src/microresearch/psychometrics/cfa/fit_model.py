"""Does the model hold? The way from model and data to a fitted confirmatory factor model."""

from collections.abc import Collection, Sequence

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_ml import Moments
from microresearch.numeric.sem_patterns import patterns_of, saturated
from microresearch.numeric.sem_structure import Parameterization
from microresearch.psychometrics.cfa.checks import solution_warnings
from microresearch.psychometrics.cfa.design import check_known, make_design
from microresearch.psychometrics.cfa.estimate import Estimator
from microresearch.psychometrics.cfa.measures import fit_measures
from microresearch.psychometrics.cfa.ml import estimate_ml, estimate_mlr
from microresearch.psychometrics.cfa.ordinal import fit_ordinal
from microresearch.psychometrics.cfa.parameters import parameter_frame
from microresearch.psychometrics.cfa.result import Cfa
from microresearch.psychometrics.cfa.sample import Sample, draw_sample
from microresearch.psychometrics.cfa.two_level import fit_two_level
from microresearch.psychometrics.partable import TableOptions, parameter_table
from microresearch.psychometrics.syntax import Model, parse_model

ESTIMATORS: dict[str, tuple[Estimator, str]] = {
    "ML": (estimate_ml, "maximum likelihood"),
    "MLR": (estimate_mlr, "maximum likelihood with robust (Huber-White) errors and a scaled (Yuan-Bentler) test"),
}


def cfa(
    model: str,
    data: pd.DataFrame,
    estimator: str | None = None,
    ordered: "Sequence[str] | bool | None" = None,
    group: "str | pd.Series | None" = None,
    equal: Collection[str] = (),
    free: Collection[str] = (),
    cluster: "str | pd.Series | None" = None,
    missing: str = "listwise",
    std_lv: bool = False,
    orthogonal: bool = False,
    parameterization: Parameterization = "delta",
) -> Cfa:
    """Fit a confirmatory factor model, with the defaults of lavaan's `cfa()`.

    Parameters
    ----------
    model : str
        In lavaan's syntax, see `parse_model`.
    data : DataFrame, persons x columns
    estimator : {"ML", "MLR", "WLSMV"}
        By default WLSMV with ordered items, else ML.
    ordered : sequence of str or True, optional
        Items whose answers are ordered categories (True: all); every item of the model must be.
    group : column name or Series, optional
        Fit one model in each group (with means); groups stand in order of appearance.
    equal : collection of str
        What is equal over groups: loadings, intercepts, thresholds, residuals, residual.covariances, lv.variances,
        lv.covariances, means, regressions.
    free : collection of str
        Exceptions from `equal`, such as `"visual=~x2"` or `"x3~1"`.
    cluster : column name or Series, optional
        Who answered from within the same unit; with MLR and WLSMV, or with a model of two levels (blocks `level: 1` and
        `level: 2`) by ML.
    missing : {"listwise", "fiml", "pairwise"}
        People who miss an answer are left out, or analysed by what they answered: "fiml" (missing at random) with ML
        and MLR, "pairwise" (missing completely at random) with WLSMV.
