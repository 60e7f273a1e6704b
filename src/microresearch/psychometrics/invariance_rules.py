"""When does a step of an invariance ladder count as held? Named rules, apart from the numbers they judge."""

from dataclasses import dataclass
from typing import Literal

Step = Literal["configural", "metric", "scalar", "strict", "thresholds", "loadings", "intercepts", "residuals"]
"""metric to strict for answers taken as numbers; thresholds to residuals for ordered answers."""
RuleName = Literal["cheung2002", "chen2007"]
CAUTION = "the cut-off was found with continuous items and normal-theory ML"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a step held, by which rule, and why in words."""

    held: bool
    rule: str
    why: str


def judge(rule: RuleName, step: Step, n: int, d_cfi: float, d_rmsea: float, d_srmr: float) -> Verdict:
    """Whether fit worsened too much from the step before.

    Parameters
    ----------
    rule : {"cheung2002", "chen2007"}
    step : str
    n : int
        People in all groups.
    d_cfi, d_rmsea, d_srmr : float
        This step less the one before (worse fit: CFI negative, RMSEA and SRMR positive).

    References
    ----------
    Cheung & Rensvold (2002), Structural Equation Modeling 9, 233-255 (CFI falls by no more than .01).
    Chen (2007), Structural Equation Modeling 14, 464-504 (CFI falls by .010 and RMSEA rises by .015 or SRMR by .030, or
    .010 for intercepts and residuals; with 300 people or fewer .005, .010, .025 and .005).

    Examples
    --------
    >>> judge("cheung2002", "metric", 500, -0.004, 0.001, 0.01).held
    True
    """
    if rule == "cheung2002":
        held = d_cfi >= -0.01
        why = f"CFI changes by {d_cfi:+.3f}; a fall of more than .010 counts as a difference"
        return Verdict(held, "Cheung & Rensvold (2002)", f"{why} ({CAUTION})")
    small = n <= 300
    cfi, rmsea = (0.005, 0.010) if small else (0.010, 0.015)
    srmr = (0.025 if small else 0.030) if step in ("metric", "loadings") else (0.005 if small else 0.010)
    held = not (d_cfi <= -cfi and (d_rmsea >= rmsea or d_srmr >= srmr))
    why = (
        f"CFI changes by {d_cfi:+.3f}, RMSEA by {d_rmsea:+.3f}, SRMR by {d_srmr:+.3f}; a fall of CFI by {cfi:.3f} with "
    )
    why += f"a rise of RMSEA by {rmsea:.3f} or SRMR by {srmr:.3f} counts as a difference"
    return Verdict(held, "Chen (2007)", f"{why} ({CAUTION})")
