"""Does the restricted model fit worse than the one it is nested in? Chi-square difference tests, plain and scaled."""

from dataclasses import dataclass

from scipy.special import chdtrc

from microresearch.numeric.sem_wls_robust import scaled_shifted
from microresearch.psychometrics.fit import ChiSquare
from microresearch.results import NotAvailable


@dataclass(frozen=True, slots=True)
class Difference:
    """A chi-square difference test and its method."""

    value: float
    df: float
    p: float
    method: str


def plain_difference(restricted: ChiSquare, free: ChiSquare) -> Difference | NotAvailable:
    """Likelihood-ratio test of two nested models fitted by maximum likelihood to normal answers."""
    if restricted.df <= free.df:
        return NotAvailable("the step restricts nothing")
    return _test(restricted.value - free.value, restricted.df - free.df, "likelihood ratio")


def satorra_bentler_2001(restricted: ChiSquare, free: ChiSquare, c0: float, c1: float) -> Difference | NotAvailable:
    """Scaled difference from the unscaled statistics and the scaling of each model (`c0` restricted, `c1` free).

    References
    ----------
    Satorra & Bentler (2001), Psychometrika 66, 507-514, eq. 10. doi:10.1007/BF02296192

    Examples
    --------
    >>> round(satorra_bentler_2001(ChiSquare(100, 30), ChiSquare(90, 25), 1.2, 1.1).value, 3)
    5.882
    """
    return _scaled(restricted, free, c0, c1, "Satorra & Bentler (2001)")


def satorra_bentler_2010(restricted: ChiSquare, free: ChiSquare, c0: float, c10: float) -> Difference | NotAvailable:
    """Scaled difference whose scaling is never negative: `c10` is the free model's at the restricted estimates.

    References
    ----------
    Satorra & Bentler (2010), Psychometrika 75, 243-248, eq. 6. doi:10.1007/s11336-009-9135-y
    """
    return _scaled(restricted, free, c0, c10, "Satorra & Bentler (2010)")


def satorra_2000(restricted: ChiSquare, free: ChiSquare, mean: float, square: float) -> Difference | NotAvailable:
    """Difference of unscaled statistics, scaled and shifted to the mean and variance of chi-square.

    `mean` and `square` are tr(U C) and tr(U C U C) of the difference.

    References
    ----------
    Satorra (2000), in Heijmans, Pollock & Satorra, 233-247; scaled and shifted as Asparouhov & Muthen (2010).
    """
    df = restricted.df - free.df
    if df <= 0:
        return NotAvailable("the step restricts nothing")
    factor, shift = scaled_shifted(df, mean, square)
    return _test(factor * (restricted.value - free.value) + shift, df, "Satorra (2000), scaled and shifted")


def _scaled(restricted: ChiSquare, free: ChiSquare, c0: float, c1: float, method: str) -> Difference | NotAvailable:
    df = restricted.df - free.df
    if df <= 0:
        return NotAvailable("the step restricts nothing")
    scaling = (restricted.df * c0 - free.df * c1) / df
    if scaling <= 0:
        return NotAvailable(f"the scaling of the difference is not positive ({scaling:.3g}), {method}")
    return _test((restricted.value - free.value) / scaling, df, method)


def _test(value: float, df: float, method: str) -> Difference:
    value = max(value, 0.0)
    return Difference(value, df, float(chdtrc(df, value)), method)
