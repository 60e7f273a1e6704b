"""What do people call a value of this size? Named rules with their sources, kept apart from every computation."""

import math
from bisect import bisect_right
from dataclasses import dataclass

from microresearch.errors import SpecError


@dataclass(frozen=True, slots=True)
class Rule:
    """Cut points and the words between them: `words[i]` holds from `cuts[i - 1]` up to, not including, `cuts[i]`."""

    quantity: str
    cuts: tuple[float, ...]
    words: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word for a value, with the rule that gave it."""

    value: float
    label: str
    rule: str
    source: str

    def __str__(self) -> str:
        return self.label


RULES: dict[str, Rule] = {
    "koo2016": Rule("icc", (0.5, 0.75, 0.9), ("poor", "moderate", "good", "excellent"),
        "Koo & Li (2016), Journal of Chiropractic Medicine 15, 155-163. doi:10.1016/j.jcm.2016.02.012"),
    "cicchetti1994": Rule("icc", (0.4, 0.6, 0.75), ("poor", "fair", "good", "excellent"),
        "Cicchetti (1994), Psychological Assessment 6, 284-290. doi:10.1037/1040-3590.6.4.284"),
    "cosmin2018": Rule("alpha", (0.7,), ("insufficient", "sufficient"),
        "Prinsen et al. (2018), Quality of Life Research 27, 1147-1157. doi:10.1007/s11136-018-1798-3"),
    "landis1977": Rule("kappa", (0.0, 0.205, 0.405, 0.605, 0.805),
        ("poor", "slight", "fair", "moderate", "substantial", "almost perfect"),
        "Landis & Koch (1977), Biometrics 33, 159-174. doi:10.2307/2529310"),
    "lebreton2008": Rule("rwg", (0.305, 0.505, 0.705, 0.905),
        ("lack of agreement", "weak agreement", "moderate agreement", "strong agreement", "very strong agreement"),
        "LeBreton & Senter (2008), Organizational Research Methods 11, 815-852. doi:10.1177/1094428106296642"),
    "lebreton2008_icc1": Rule("icc1", (0.01, 0.1, 0.25),
        ("below a small group effect", "small group effect", "medium group effect", "large group effect"),
        "LeBreton & Senter (2008), Organizational Research Methods 11, 815-852. doi:10.1177/1094428106296642"),
    "cohen1988_r": Rule("r", (0.1, 0.3, 0.5), ("very small", "small", "medium", "large"),
        "Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., 79-80"),
    "cohen1988_d": Rule("d", (0.2, 0.5, 0.8), ("very small", "small", "medium", "large"),
        "Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., 25-26"),
    "kaiser1974": Rule("kmo", (0.5, 0.6, 0.7, 0.8, 0.9),
        ("unacceptable", "miserable", "mediocre", "middling", "meritorious", "marvelous"),
        "Kaiser (1974), Psychometrika 39, 31-36. doi:10.1007/BF02291575"),
}  # fmt: skip
"""Every rule by its name.

Bands published with two decimals meet halfway (.30 and .31 at .305). Correlations and mean differences are judged by
their size, without the sign.
"""

_SIGNLESS = {"r", "d"}


def interpret(value: float, rules: str) -> Verdict:
    """A word for a value under a named rule.

    Parameters
    ----------
    value : float
        In the quantity's own unit (an ICC, alpha, kappa, rwg(j), r, d, KMO).
    rules : str
        A name in `RULES`, such as "koo2016".

    Returns
    -------
    Verdict
        `label`, and the `source` to cite beside it.

    Raises
    ------
    SpecError
        A rule that is not known, or a value that is not a number.

    Examples
    --------
    >>> verdict = interpret(0.82, rules="koo2016")
    >>> verdict.label, verdict.source[:15]
    ('good', 'Koo & Li (2016)')
    """
    if rules not in RULES:
        raise SpecError(f"no rule is called {rules!r}. Allowed: {', '.join(sorted(RULES))}.")
    if not math.isfinite(value):
        raise SpecError("only a number can be interpreted; where a result is not available, report its reason.")
    rule = RULES[rules]
    size = abs(value) if rule.quantity in _SIGNLESS else value
    return Verdict(value, rule.words[bisect_right(rule.cuts, size)], rules, rule.source)


def interpret_interval(low: float, high: float, rules: str) -> str:
    """The words of both bounds of an interval, "moderate to good", or the one word where they agree.

    Koo & Li (2016) judge an ICC by its 95 % interval, not by its estimate.

    Examples
    --------
    >>> interpret_interval(0.7, 0.85, "koo2016"), interpret_interval(0.8, 0.85, "koo2016")
    ('moderate to good', 'good')
    """
    words = [interpret(bound, rules).label for bound in (low, high)]
    return words[0] if words[0] == words[1] else " to ".join(words)
