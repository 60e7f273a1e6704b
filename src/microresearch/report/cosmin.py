"""Are the measurement properties sufficient? COSMIN's + / ? / - with the criterion that decided."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from microresearch.report.rounding import apa
from microresearch.report.tables import Table

SOURCE = "Prinsen et al. (2018), Quality of Life Research 27, 1147-1157. doi:10.1007/s11136-018-1798-3"


@dataclass(frozen=True, slots=True)
class Rating:
    """A measurement property with its rating: "+" sufficient, "-" insufficient, "?" indeterminate, and why."""

    measurement: str
    rating: str
    reason: str


def structural_validity(cfi: float = math.nan, rmsea: float = math.nan, srmr: float = math.nan) -> Rating:
    """Structural validity by confirmatory factor analysis: CFI or TLI > .95, or RMSEA < .06, or SRMR < .08.

    Parameters
    ----------
    cfi, rmsea, srmr : float
        Fit of the model that scores rest on; NaN where there is none. `cfi` may be the larger of CFI and TLI.

    Examples
    --------
    >>> structural_validity(cfi=0.96, rmsea=0.07).rating, structural_validity().rating
    ('+', '?')
    """
    name = "Structural validity"
    given = [("CFI", cfi, cfi > 0.95), ("RMSEA", rmsea, rmsea < 0.06), ("SRMR", srmr, srmr < 0.08)]
    known = [(label, value, good) for label, value, good in given if not math.isnan(value)]
    if not known:
        return Rating(name, "?", "no confirmatory factor analysis")
    met = [f"{label} {apa(value, 3, True)}" for label, value, good in known if good]
    if met:
        return Rating(name, "+", f"met: {', '.join(met)}")
    failed = ", ".join(f"{label} {apa(value, 3, True)}" for label, value, _ in known)
    return Rating(name, "-", f"not met: {failed} (CFI > .95, or RMSEA < .06, or SRMR < .08)")


def internal_consistency(alphas: Sequence[float], structure: Rating) -> Rating:
    """Internal consistency: every scale's alpha >= .70, and that counts only with evidence of structure.

    Parameters
    ----------
    alphas : sequence of float
        Of every scale; empty where scales are single items.
    structure : Rating
        Of structural validity.

    Examples
    --------
    >>> internal_consistency([0.85, 0.62], Rating("Structural validity", "+", "")).reason
    'not met: alpha .62 is the smallest (.70 or more)'
    >>> internal_consistency([0.85], Rating("Structural validity", "?", "")).rating
    '?'
    """
    name = "Internal consistency"
    values = [value for value in alphas if not math.isnan(value)]
    if not values:
        return Rating(name, "?", "no scale of two or more items")
    if structure.rating != "+":
        return Rating(name, "?", "alpha does not count without evidence of sufficient structural validity")
    least = _least(min(values))
    if min(values) >= 0.7:
        return Rating(name, "+", f"met: alpha {least} is the smallest")
    return Rating(name, "-", f"not met: alpha {least} is the smallest (.70 or more)")


def reliability(coefficients: Sequence[float], what: str = "ICC") -> Rating:
    """Reliability: every ICC or weighted kappa >= .70.

    Examples
    --------
    >>> reliability([0.81, 0.74]).rating, reliability([]).rating
    ('+', '?')
    """
    values = [value for value in coefficients if not math.isnan(value)]
    if not values:
        return Rating("Reliability", "?", "no repeated ratings")
    least = _least(min(values))
    if min(values) >= 0.7:
        return Rating("Reliability", "+", f"met: {what} {least} is the smallest")
    return Rating("Reliability", "-", f"not met: {what} {least} is the smallest (.70 or more)")


def _least(value: float) -> str:
    """The smallest coefficient, with as many decimals as show on which side of .70 it lies."""
    return apa(value, next((d for d in range(2, 15) if (round(value, d) < 0.7) == (value < 0.7)), 15), True)


def measurement_error(smallest_detectable: float, minimal_important: float = math.nan) -> Rating:
    """Measurement error: the smallest detectable change is smaller than the minimal important one.

    Examples
    --------
    >>> measurement_error(0.9).reason
    'no minimal important change is known'
    """
    name = "Measurement error"
    if math.isnan(minimal_important):
        return Rating(name, "?", "no minimal important change is known")
    said = f"smallest detectable {apa(smallest_detectable)}, minimal important {apa(minimal_important)}"
    return Rating(name, "+" if smallest_detectable < minimal_important else "-", said)


def invariance(compared: Sequence[str], noninvariant: Sequence[str] | None = None) -> Rating:
    """Measurement invariance: no important difference between groups.

    Parameters
    ----------
    compared : sequence of str
        The groups (roles, languages); empty where none were compared.
    noninvariant : sequence of str, optional
        Parameters or levels that differ; None where it could not be tested.

    Examples
    --------
    >>> invariance(["nurse", "physician"], ["scalar"]).reason
    'not met between nurse, physician: scalar'
    """
    name = "Measurement invariance"
    if not compared or noninvariant is None:
        return Rating(name, "?", "not tested")
    groups = ", ".join(compared)
    if noninvariant:
        return Rating(name, "-", f"not met between {groups}: {', '.join(noninvariant)}")
    return Rating(name, "+", f"met between {groups}")


def cosmin_table(ratings: Sequence[Rating], content_validity: str = "not established") -> Table:
    """The ratings as a table; content validity as the instrument states it.

    Examples
    --------
    >>> cosmin_table([structural_validity(cfi=0.97)]).frame["rating"].tolist()
    ['?', '+']
    """
    known = content_validity != "not established"
    content = Rating("Content validity", "?", content_validity if known else "no expert ratings")
    rows = [(r.measurement, r.rating, r.reason) for r in (content, *ratings)]
    return Table(
        pd.DataFrame(rows, columns=["measurement", "rating", "reason"]), "Measurement properties (COSMIN)",
        notes=("+ sufficient, - insufficient, ? indeterminate.", f"Criteria: {SOURCE}."),
        labels={"measurement": "Measurement property", "rating": "Rating", "reason": "Criterion"},
    )  # fmt: skip
