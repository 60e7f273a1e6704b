"""What every result looks like: the tidy vocabulary, an interval, and the columns of a linked estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

TIDY = ("term", "group", "estimate", "se", "ci_low", "ci_high", "statistic", "df", "p", "n")
"""Columns of `to_frame()`, in this order; a column that a method cannot justify is absent."""

LINKED = (
    "plan_hash", "role", "characteristic", "outcome", "model", "estimand", "scale", "contrast",
    "n_units", "n_hospitals", "n_staff", "n_patients", "n_events", "icc_outcome", "tau", "reliability",
    "estimate_naive", "estimate", "se", "df", "ci_low", "ci_high", "p", "p_holm", "p_bh", "p_maxt",
    "effect_absolute", "effect_currency", "currency_year", "max_unit_influence", "converged", "note", "seed",
)  # fmt: skip
"""Columns of a linked estimate, in this order; absent where the method gives none."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval: bounds, level, and the method that made it."""

    low: float
    high: float
    confidence: float
    method: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """A number that cannot be had, with the reason; stands where the number would stand."""

    reason: str

    def __bool__(self) -> bool:
        return False


def tidy(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str] = TIDY, extra: Sequence[str] = ()
) -> pd.DataFrame:
    """Rows as a frame whose columns stand in the vocabulary's order, then `extra`; columns no row has are absent.

    Examples
    --------
    >>> tidy([{"estimate": 0.9, "term": "leadership"}]).columns.tolist()
    ['term', 'estimate']
    """
    known = (*columns, *extra)
    strange = {name for row in rows for name in row} - set(known)
    if strange:
        raise ValueError(f"not in the vocabulary: {sorted(strange)}; known: {', '.join(known)}")
    return pd.DataFrame(list(rows), columns=[name for name in known if any(name in row for row in rows)])
