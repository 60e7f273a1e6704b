"""Is chi-square too large because items are many and people few? Corrections of the likelihood-ratio test."""

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from microresearch.errors import Problem, SpecError
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate


def small_sample_tests(design: Design, estimate: Estimate, estimator: str) -> pd.DataFrame:
    """Chi-square as it is, and multiplied by the factors of Swain and of Yuan, Tian and Yanagihara.

    Raises
    ------
    SpecError
        Not ML, incomplete answers, several groups, or no degrees of freedom: the factors are not made for these.

    References
    ----------
    Swain (1975), A class of factor analysis estimation procedures; as given by Herzog & Boomsma (2009), Structural
    Equation Modeling 16, 1-27, eq. 5. doi:10.1080/10705510802561279
    Yuan, Tian & Yanagihara (2015), Psychometrika 80, 379-405. doi:10.1007/s11336-013-9386-5
    """
    complete = all(len(patterns) == 1 for patterns in estimate.patterns)
    if estimator != "ML" or len(design.layouts) > 1 or not complete or not design.df:
        what = "corrections for few people and many items are for ML, one group, complete answers and a model with df"
        raise SpecError(Problem(what, mend="WLSMV's test needs none where it holds its level; see the calibration"))
    p, df, n, test = len(design.layouts[0].observed), design.df, estimate.observed[0].n, estimate.test
    free = len(estimate.theta) - (p if design.means else 0)
    root = (np.sqrt(1 + 4 * p * (p + 1) - 8 * df) - 1) / 2
    factors = {
        "none": 1.0,
        "swain": 1 - (p * (2 * p**2 + 3 * p - 1) - root * (2 * root**2 + 3 * root - 1)) / (12 * df * n),
        "yuan.2015": (n - (2.381 + 0.361 * p + 0.006 * free)) / n,
    }
    values = np.array(list(factors.values())) * test.value
    frame = pd.DataFrame({"correction": list(factors), "factor": list(factors.values()), "chisq": values, "df": df})
    return frame.assign(pvalue=chdtrc(df, values))
