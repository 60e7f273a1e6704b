"""What do methods and results say in words? Sentences made from results, each with the works that it cites."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from microresearch.errors import DataError
from microresearch.report.citations import CITATIONS
from microresearch.report.figures.inputs import listed
from microresearch.report.interpret import interpret, interpret_interval
from microresearch.report.rounding import apa, interval
from microresearch.report.style import Names, looks
from microresearch.results import NotAvailable

if TYPE_CHECKING:
    from microresearch.psychometrics.alpha import Alpha
    from microresearch.units.score_table import UnitScores


INTERVALS = {"jackknife": "pandey1975", "delta method": "maydeu2007", "Feldt": "feldt1965"}
"""What the method of alpha's interval is known by, and who stands behind it."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words for the manuscript, the keys of what they cite (see `citations.bibtex`), and the part where they belong."""

    text: str
    cites: tuple[str, ...] = ()
    part: Literal["methods", "results"] = "results"

    def __str__(self) -> str:
        return self.text


def join(sentences: Iterable[Sentence]) -> Sentence:
    """Sentences as one paragraph; its citations once each.

    Examples
    --------
    >>> join([Sentence("One.", ("holm1979",)), Sentence("Two.", ("holm1979",))])
    Sentence(text='One. Two.', cites=('holm1979',), part='results')
    """
    parts = list(sentences)
    part = parts[0].part if parts else "results"
    return Sentence(" ".join(p.text for p in parts), tuple(dict.fromkeys(key for p in parts for key in p.cites)), part)


def flow_sentence(flow: pd.DataFrame, what: str = "responses") -> Sentence:
    """Who came in, who left and why, from a flow that may be shown.

    Parameters
    ----------
    flow : DataFrame
        What `disclosure.public_flow` returns.
    what : str
        What is counted, in the plural.

    Examples
    --------
    >>> flow = pd.DataFrame({"reason": ["start", "Previews"], "excluded": [0, 20], "remaining": [120, 100]})
    >>> print(flow_sentence(flow))
    Of 120 responses, 100 were analysed; left out were previews (20).
    """
    if flow.empty:
        raise DataError("flow_sentence: the flow has no rows; its first row is the start.")
    start, end = flow["remaining"].iloc[0], flow["remaining"].iloc[-1]
    steps = flow.iloc[1:]
    said = [
        f"{reason[:1].lower()}{reason[1:]} ({'few' if pd.isna(n) else f'{n:,}'})"
        for reason, n in zip(steps["reason"], steps["excluded"], strict=True)
    ]
    left = f"; left out were {listed(said)}." if said else "; none was left out."
    opening = f"In all, {end:,} {what}" if pd.isna(start) else f"Of {start:,} {what}, {end:,}"
    return Sentence(f"{opening} were analysed{left}")


def alpha_sentence(alphas: "Mapping[str, Alpha | NotAvailable]", names: Names) -> Sentence:
    """Internal consistency over the scales, smallest and largest named, with what could not be had and why.

    Parameters
    ----------
    alphas : mapping of characteristic to Alpha or NotAvailable
    names : Instrument or mapping of code to name

    Raises
    ------
    DataError
        No scale at all.
    """
    titles = {look.code: look.name for look in looks(names)}
    had = {code: alpha for code, alpha in alphas.items() if not isinstance(alpha, NotAvailable)}
    lacking: dict[str, list[str]] = {}
    for code, alpha in alphas.items():
        if isinstance(alpha, NotAvailable):
            lacking.setdefault(alpha.reason.rstrip("."), []).append(titles.get(code, code))
    if not alphas:
        raise DataError("alpha_sentence: no scale is given.")
    said = []
    by = [key for word, key in INTERVALS.items() if any(word in alpha.interval.method for alpha in had.values())]
    if had:
        ends = [f(had, key=lambda code: had[code].estimate) for f in (min, max)]
        low, high = (_alpha(had[code], titles.get(code, code)) for code in ends)
        spread = f"ranged from {low} to {high}" if len(had) > 1 else f"was {low}"
        source = f"; intervals by {listed([CITATIONS[key].short for key in by])}" if by else ""
        said.append(f"Internal consistency (coefficient alpha; {CITATIONS['cronbach1951'].short}{source}) {spread}.")
    said += [f"Alpha is not available for {listed(scales)}: {reason}." for reason, scales in lacking.items()]
    return Sentence(" ".join(said), ("cronbach1951", *by) if had else ())


def _alpha(one: "Alpha", name: str) -> str:
    bounds = f"{100 * one.interval.confidence:g}% CI {interval(one.ci_low, one.ci_high, 2, True)}"
    return f"{apa(one.estimate, 2, True)} ({name}, {bounds})"


def retest_sentence(again: pd.DataFrame, names: Names) -> Sentence:
    """Retest reliability, smallest and largest named, each judged by its interval under Koo & Li (2016).

    Parameters
    ----------
    again : DataFrame
        What `psychometrics.icc.retest` returns: a row a characteristic.
    names : Instrument or mapping of code to name

    Examples
    --------
    >>> again = pd.DataFrame({"term": "ICC(2,1)", "group": ["trust"], "estimate": 0.8, "ci_low": 0.7, "ci_high": 0.85})
    >>> print(retest_sentence(again, {"trust": "Trust"}))
    Of staff who answered twice, ICC(2,1) (Shrout & Fleiss, 1979) was .80 (Trust, 95% CI .70 to .85, moderate to good) \
(words for the bounds of the interval: Koo & Li, 2016).
    """
    had = again.dropna(subset=["estimate"]) if "estimate" in again else again.iloc[:0]
    if had.empty:
        note = str(again["note"].iloc[0]).rstrip(".") if len(again) and "note" in again else "nobody answered twice"
        return Sentence(f"Retest reliability is not available: {note}.")
    titles = {look.code: look.name for look in looks(names)}
    ends = [had.iloc[int(had["estimate"].argmin())], had.iloc[int(had["estimate"].argmax())]]
    low, high = (
        f"{apa(one['estimate'], 2, True)} ({titles.get(one['group'], one['group'])}, 95% CI "
        f"{interval(one['ci_low'], one['ci_high'], 2, True)}, "
        f"{interpret_interval(one['ci_low'], one['ci_high'], 'koo2016')})"
        for one in ends
    )
    spread = f"ranged from {low} to {high}" if len(had) > 1 else f"was {low}"
    term, source = had["term"].iloc[0], CITATIONS["shrout1979"].short
    rule = f"(words for the bounds of the interval: {CITATIONS['koo2016'].short})"
    return Sentence(f"Of staff who answered twice, {term} ({source}) {spread} {rule}.", ("shrout1979", "koo2016"))


def aggregation_sentence(scores: "UnitScores", names: Names) -> Sentence:
    """How far staff of a unit agree and units differ: ICC(1), judged by LeBreton & Senter, and reliability of means."""
    table = scores.components.set_index("characteristic")
    titles = {look.code: look.name for look in looks(names)}
    if not {"icc1", "reliability"} <= set(table.columns) or table["icc1"].isna().all():
        return Sentence("The unit scores were given without their raters, so their reliability is not known.")
    said = []
    for column, what in (("icc1", "ICC(1)"), ("reliability", "the mean reliability of unit means")):
        values = table[column].dropna().astype(float)
        places = (int(values.argmin()), int(values.argmax()))
        ends = [(str(values.index[at]), float(values.iloc[at])) for at in places]
        words = [f", {interpret(value, 'lebreton2008_icc1')}" if column == "icc1" else "" for _, value in ends]
        low, high = (
            f"{apa(value, 2, True)} ({titles.get(code, code)}{word})"
            for (code, value), word in zip(ends, words, strict=True)
        )
        said.append(f"{what} ranged from {low} to {high}")
    units = int(table["n_units"].max())
    rule = f"(words for ICC(1): {CITATIONS['lebreton2008'].short})"
    return Sentence(f"Across {units} units, {said[0]} {rule}, and {said[1]}.", ("lebreton2008",))


_MODELS = {
    "mixed": ("a linear model with a random intercept for units, by restricted maximum likelihood with Satterthwaite "
              "degrees of freedom", ("patterson1971", "satterthwaite1946")),
    "gamma": ("a gamma model with log link", ("bell2002", "pustejovsky2018")),
    "gamma mixed": ("a gamma model with log link and a random intercept for units, by Laplace's approximation", ()),
    "two-part": ("a model in two parts (logistic for any cost, gamma with log link for cost where there is any) whose "
                 "product is the expected cost", ("belotti2015", "bell2002", "pustejovsky2018")),
    "tweedie": ("a Tweedie model with log link", ("bell2002", "pustejovsky2018")),
    "ols": ("least squares", ("bell2002", "pustejovsky2018")),
    "negative binomial": ("a negative-binomial model with a random intercept for units, by Laplace's approximation",
                          ()),
    "poisson": ("a Poisson quasi-likelihood model with log link", ("bell2002", "pustejovsky2018")),
    "binomial": ("a logistic model", ("bell2002", "pustejovsky2018")),
    "quadrature": ("a logistic model with a random intercept for units, by adaptive quadrature", ()),
    "two-stage": ("two stages: the units' outcomes adjusted for case mix, then a random-effects regression of these on "
                  "the scores", ()),
}  # fmt: skip


BY_KIND = {"continuous": "mixed", "count": "poisson", "binary": "binomial", "cost": "gamma"}
"""The model of an outcome of a kind, where the plan names none."""


def model_sentence(model: str, outcome: str, *, within_hospitals: bool = True, family: int = 0) -> Sentence:
    """How an outcome was regressed on the unit scores.

    Parameters
    ----------
    model : str
        As `link_outcome` and `link_cost` call it.
    outcome : str
        In words, as the sentence starts.
    within_hospitals : bool
        Hospitals held as fixed effects.
    family : int
        Number of effects over which Holm's correction was made, 0 for none.

    Raises
    ------
    DataError
        An unknown model.

    Examples
    --------
    >>> print(model_sentence("gamma", "Cost", family=10))
    Cost was regressed on each characteristic in turn by a gamma model with log link, with cluster-robust CR2 standard \
errors over units and Satterthwaite degrees of freedom (Bell & McCaffrey, 2002; Pustejovsky & Tipton, 2018), within \
hospitals and adjusted for case mix. Family-wise error over the 10 effects was held by Holm's method (Holm, 1979).
    """
    if model not in _MODELS:
        raise DataError(f"no model is called {model!r}. Allowed: {', '.join(_MODELS)}.")
    how, cites = _MODELS[model]
    robust = "" if "bell2002" not in cites else (
        ", with cluster-robust CR2 standard errors over units and Satterthwaite degrees of freedom"
    )  # fmt: skip
    works = "; ".join(CITATIONS[key].short for key in cites)
    place = ", within hospitals and" if within_hospitals else ","
    works = f" ({works})" if works else ""
    text = f"{outcome} was regressed on each characteristic in turn by {how}{robust}{works}{place} adjusted for "
    text += "case mix."
    if family:
        text += (
            f" Family-wise error over the {family} effects was held by Holm's method ({CITATIONS['holm1979'].short})."
        )
        cites = (*cites, "holm1979")
    return Sentence(text, cites, "methods")
