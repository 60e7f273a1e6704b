"""What is one slope? An estimate with its uncertainty, and its meaning on the outcome's own scale."""

from dataclasses import dataclass
from typing import Literal

Model = Literal[
    "mixed", "poisson", "binomial", "gamma", "two-stage", "quadrature", "any use", "cost if used", "two-part", "ols",
    "tweedie", "gamma mixed", "negative binomial",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slope:
    """A score's coefficient with its standard error and degrees of freedom, per `step` of the score.

    Attributes
    ----------
    estimate, se, df : float
        On the model's scale: outcome units, log ratio or log odds ratio.
    absolute, absolute_se, absolute_df : float or None
        Mean over the stays of the difference in expected outcome when their unit's score rises by `step`
        (recycled predictions), by the delta method; None where it is the estimate itself.
    icc : float or None
        Share of the adjusted variance between units, where the model has one.
    note : str
    power : float or None
        Of the mean in the variance, where the model is a Tweedie model.
    """

    estimate: float
    se: float
    df: float
    absolute: float | None = None
    absolute_se: float | None = None
    absolute_df: float | None = None
    icc: float | None = None
    note: str = ""
    power: float | None = None
