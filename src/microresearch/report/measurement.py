"""How do measurement results become tables of the paper? Items, reliability, retest, agreement, unit scores."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.instrument import Instrument
from microresearch.psychometrics.item_analysis import ItemAnalysis
from microresearch.report.interpret import RULES, interpret
from microresearch.report.labelled_table import labelled_table
from microresearch.report.survey_tables import STATES, complete
from microresearch.report.tables import Table
from microresearch.responses import Responses, State
from microresearch.results import NotAvailable
from microresearch.units.agreement import Agreement
from microresearch.units.score_table import UnitScores

CHARACTERISTIC = {"characteristic": "Characteristic"}
INTERVAL = {"ci_low": "95% CI low", "ci_high": "high"}


def item_table(analysis: ItemAnalysis, instrument: Instrument) -> Table:
    """Every item in its states with spread, floor, ceiling, item-rest correlation and alpha without it."""
    reversed_items = {item.code for item in instrument.items if item.reversed}
    found = analysis.table.rename(columns={"scale": "characteristic"})
    codes = [str(code) for code in found["item"]]
    answered = [{code: STATES["answered"]} for code in codes]
    ends = {end: [{**one, f"{code}, keyed": end} for one, code in zip(answered, codes, strict=True)]
            for end in ("floor", "ceiling")}  # fmt: skip
    states = {state: [{code: STATES[state]} for code in codes] for state in ("cant_rate", "blank", "not_applicable")}
    found = found.assign(item=[f"{code} (R)" if code in reversed_items else code for code in codes])
    labels = {
        "item": "Item", **CHARACTERISTIC, "n": "Answered", "cant_rate": "Can't rate", "blank": "Blank",
        "not_applicable": "Not applicable", "mean": "Mean", "sd": "SD", "skew": "Skew", "kurtosis": "Kurtosis",
        "floor": "Floor %", "ceiling": "Ceiling %", "item_rest_r": "Item-rest r", "alpha_dropped": "Alpha without",
    }  # fmt: skip
    return labelled_table(
        _named(found, instrument.names).dropna(axis=1, how="all"), f"Items: {instrument.name}", labels,
        counts=("n", "cant_rate", "blank", "not_applicable"), bounded=("item_rest_r", "alpha_dropped"),
        decimals={"floor": 1, "ceiling": 1}, shares={"floor": ("", "n"), "ceiling": ("", "n")},
        of="respondents", whom={"n": answered, **states, **ends},
        notes=(
            "Statistics are of keyed answers; (R) marks items that are reversed.",
            f"Content validity of the form: {instrument.content_validity}.",
        ),
    )  # fmt: skip


def answer_counts(responses: Responses) -> pd.DataFrame:
    """How many people gave each answer, items x (options, can't rate, blank): what `item_distributions` draws.

    Answers as given, not keyed; private.
    """
    options = {option.label: (responses.values == option.code).sum() for option in responses.instrument.options}
    states = {"Can't rate": State.CANT_RATE, "Blank": State.BLANK}
    return pd.DataFrame(options | {word: (responses.state == state).sum() for word, state in states.items()})


def omega_table(found: pd.DataFrame, names: Mapping[str, str], form: str, title: str = "Omega") -> Table:
    """Coefficients of every characteristic: rows of the `to_frame()` of `omega`, `omega_levels` or `reliability`."""
    frame = _named(found.rename(columns={"group": "characteristic"}), names)
    labels = {**CHARACTERISTIC, "term": "Coefficient", "estimate": "Estimate", **INTERVAL, "n": "n", "note": "Note"}
    bounded = ("estimate", "ci_low", "ci_high")
    notes = tuple(f"{one[:1].upper()}{one[1:]}." for one in dict.fromkeys(found.get("method", pd.Series()).dropna()))
    people = [
        None if "between" in str(term) else {**complete(code, form), f"{form}, {code}: every item": "yes"}
        for term, code in zip(found["term"], found["group"], strict=True)
    ]
    return labelled_table(
        frame, f"{title}: {form}", labels, counts=("n",), bounded=bounded, notes=notes, of="respondents",
        whom={"n": people},
    )  # fmt: skip


def consistency_table(found: pd.DataFrame, names: Mapping[str, str], form: str) -> Table | None:
    """Raw alpha with its interval, a row a characteristic: from `alpha_table`; None where no alpha can be had."""
    if "estimate" not in found:
        return None
    raw = found[found["term"] == "alpha"]
    frame = _named(raw.rename(columns={"group": "characteristic"}), names)
    labels = {**CHARACTERISTIC, "n_items": "Items", "estimate": "Alpha", **INTERVAL, "n": "n", "note": "Note"}
    return labelled_table(
        frame, f"Internal consistency: {form}", labels, counts=("n",), bounded=("estimate", "ci_low", "ci_high"),
        decimals={"n_items": 0}, of="respondents",
        whom={"n": [{f"{form}, {code}: any item": "yes"} for code in raw["group"]]},
        notes=tuple(f"Raw alpha: {one}." for one in dict.fromkeys(raw["method"].dropna())),
    )  # fmt: skip


def retest_table(found: pd.DataFrame, names: Mapping[str, str], form: str) -> Table | None:
    """ICC(2,1) of staff who answered twice: from `retest`; None where nobody did."""
    if "estimate" not in found:
        return None
    frame = _named(found.rename(columns={"group": "characteristic"}), names)
    labels = {**CHARACTERISTIC, "estimate": "ICC(2,1)", **INTERVAL, "n": "n", "note": "Note"}
    bounded = ("estimate", "ci_low", "ci_high")
    twice = [{"twice": "yes", f"{form}, {code}: twice": "yes"} for code in found["group"]]
    return labelled_table(
        frame,
        f"Retest reliability: {form}",
        labels,
        counts=("n",),
        bounded=bounded,
        of="respondents",
        whom={"n": twice},
    )


def agreement_table(found: Agreement, names: Mapping[str, str], form: str) -> Table:
    """ICC(1), ICC(2), rwg(j) and the average deviation, a row a characteristic: from `agreement`."""
    scales = found.scales
    wide = scales.pivot(index="group", columns="term", values="estimate").reindex(list(dict.fromkeys(scales["group"])))
    first = scales[scales["term"] == "ICC(1), REML"].set_index("group")
    frame = pd.DataFrame(
        {
            "characteristic": wide.index, "icc1_anova": wide["ICC(1), ANOVA"], "icc1": wide["ICC(1), REML"],
            "ci_low": first["ci_low"], "ci_high": first["ci_high"], "f": first["statistic"], "p": first["p"],
            "icc2": wide["ICC(2), REML"], "rwg": wide["rwg(j), uniform null, median"],
            "rwg_skewed": wide.get("rwg(j), skewed null, median"), "ad": wide["AD about the mean, mean"],
        }
    )  # fmt: skip
    frame = _named(frame.dropna(axis=1, how="all"), names)
    labels = {
        **CHARACTERISTIC, "icc1_anova": "ICC(1) ANOVA", "icc1": "ICC(1) REML", **INTERVAL, "f": "F", "p": "p",
        "icc2": "ICC(2) REML", "rwg": "rwg(j) uniform", "rwg_skewed": "rwg(j) skewed", "ad": "AD",
    }  # fmt: skip
    return labelled_table(
        frame, f"Agreement of staff within units: {form}", labels,
        bounded=("icc1_anova", "icc1", "ci_low", "ci_high", "icc2", "rwg", "rwg_skewed"),
        notes=(
            "ICC(1): share of the variance of a score between units; ICC(2): reliability of a unit's mean. "
            "rwg(j): median over units, against answers spread evenly over the scale (uniform) or leaning to one end "
            "(skewed); AD: mean average deviation in scale points. All units together, hospitals not held constant.",
        ),
    )  # fmt: skip


def unit_agreement_table(
    found: Agreement, names: Mapping[str, str], form: str, minimum: int, value: Literal["rwg_j", "ad_mean"] = "rwg_j"
) -> Table:
    """Agreement of every unit, a row a unit and a column a characteristic: from `agreement`.

    Parameters
    ----------
    found : Agreement
    names : mapping of code to name
        The columns and their order.
    form : str
        What was answered, for the title.
    minimum : int
        Raters that a number needs to be shown; units without any such number are counted in a note and have no row.
    value : "rwg_j" or "ad_mean"
        rwg(j) against a uniform null, with words by LeBreton & Senter (2008); or the average deviation about the mean
        in scale points, held against a sixth of the number of options. Two decimals, in files too: exact values would
        give away how many staff answered, and what.

    Raises
    ------
    DataError
        No unit has raters enough.

    References
    ----------
    LeBreton & Senter (2008), Organizational Research Methods 11, 815-852; Burke & Dunlap (2002), Organizational
    Research Methods 5, 159-172 (the limit of the average deviation).
    """
    rated = found.units[found.units[value].notna()]
    shown = rated[rated["n_raters"] >= minimum]
    if shown.empty:
        raise DataError(f"no unit has {minimum} raters or more; agreement by unit cannot be shown.")
    codes = [code for code in names if code in set(shown["scale"])]
    wide = shown.pivot(index="unit", columns="scale", values=value)[codes]
    gone = len(set(found.units["unit"]) - set(wide.index))
    few = NotAvailable(f"fewer than {minimum} raters")
    cells = {code: [few if np.isnan(one) else float(one) for one in wide[code].round(2)] for code in codes}
    what = "rwg(j)" if value == "rwg_j" else "Average deviation"
    notes = [_words_of_rwg(shown[value]) if value == "rwg_j" else _words_of_ad(shown, value, found.null_variance)]
    if gone:
        notes.append(f"Not shown: {gone} unit{'s' * (gone != 1)} with fewer than {minimum} raters.")
    return labelled_table(
        pd.DataFrame({"unit": wide.index, **cells}), f"{what} of every unit: {form}",
        {"unit": "Unit", **{code: names[code] for code in codes}},
        bounded=codes if value == "rwg_j" else (), notes=tuple(notes),
    )  # fmt: skip


def _words_of_rwg(values: pd.Series) -> str:
    """What the values of rwg(j) are called, and how many are called so."""
    rule = RULES["lebreton2008"]
    counted = Counter(interpret(float(one), "lebreton2008").label for one in values)
    said = ", ".join(f"{word} {counted[word]}" for word in rule.words if counted[word])
    source = rule.source.partition(". doi:")[0]
    against = "rwg(j), of one item rwg, against answers spread evenly over the scale"
    return f"{against}. Of {len(values)} values: {said} ({source})."


def _words_of_ad(shown: pd.DataFrame, value: str, nulls: Mapping[str, Mapping[str, float]]) -> str:
    """How many average deviations stay below a sixth of the number of options."""
    options = {scale: round(float(np.sqrt(12 * null["uniform"] + 1))) for scale, null in nulls.items()}
    inside = int((shown[value] <= shown["scale"].map(options) / 6).sum())
    said = " or ".join(f"{n}" for n in sorted(set(options.values())))
    return (
        f"Absolute deviation of answers from their unit's mean, mean over items, scale points. Of {len(shown)} "
        f"values {inside} are at most a sixth of the {said} options, which counts as agreement (Burke & Dunlap 2002)."
    )


def unit_score_table(scores: UnitScores, names: Mapping[str, str]) -> Table:
    """Tau, ICC(1) within hospitals and reliability, a row a characteristic."""
    labels = {
        **CHARACTERISTIC, "tau": "Tau", "tau_low": "95% CI low", "tau_high": "high", "icc1": "ICC(1)",
        "icc1_low": "95% CI low ", "icc1_high": "high ", "reliability": "Mean reliability", "note": "Note",
    }  # fmt: skip
    title = "How units differ within hospitals, and how reliably"
    bounded = ("icc1", "icc1_low", "icc1_high", "reliability")
    return labelled_table(
        _named(scores.components, names), title, labels, bounded=bounded, notes=(f"{scores.method}.",)
    )


def _named(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    return frame.assign(characteristic=[names.get(str(code), str(code)) for code in frame["characteristic"]])
