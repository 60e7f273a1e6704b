"""How are the checks beside an estimate tabled and drawn? Bootstrap, other families, variance, groups, standing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from microresearch.linking.bootstrap import BootstrapEffects
from microresearch.linking.calibration import Calibration
from microresearch.linking.cost_checks import CostChecks
from microresearch.linking.estimates import LinkedEstimates
from microresearch.linking.partition import VariancePartition
from microresearch.linking.specifications import Specifications
from microresearch.linking.standing import UnitStanding
from microresearch.linking.zero_costs import TwoPart
from microresearch.report.figures.calibration import calibration_plot
from microresearch.report.figures.funnel import funnel_plot
from microresearch.report.figures.specifications import specification_curve
from microresearch.report.rounding import apa, interval
from microresearch.report.style import StudyFigure
from microresearch.report.tables import Table
from microresearch.units.comparisons import GroupComparison

INTERVAL = {"ci_low": "95% CI low", "ci_high": "high"}


def comparison_tables(found: GroupComparison, names: Mapping[str, str], what: str) -> tuple[Table, Table]:
    """The test over all groups, and every pair of groups, a row a characteristic (and pair)."""
    labels = {"term": "Characteristic", "statistic": "F", "df": "df 1", "df2": "df 2", "p": "p", "p_holm": "Holm p",
              "effect": "Effect size", "n": "Units", "note": "Note"}  # fmt: skip
    paired = {"term": "Characteristic", "group": "Pair", "estimate": "Difference", **INTERVAL, "df": "df", "p": "p",
              "effect": "Hedges' g", "n": "Units"}  # fmt: skip
    methods = [str(m) for m in found.to_frame().get("method", pd.Series(dtype=str)).dropna().unique()]
    how = (
        f"{found.design.capitalize()}: {'; '.join(methods)}. Every unit counts once, whatever the number of its staff."
    )
    kinds = [str(k) for k in found.overall.get("effect_name", pd.Series(dtype=str)).dropna().unique()]
    size = (f"Effect size: {kinds[0]}. Holm's p covers the characteristics.",) if kinds else ()
    return (
        _table(found.overall, names, f"{what} compared", labels, (how, *size), {"df": 1, "df2": 1}),
        _table(found.pairs, names, f"{what}: every pair", paired, (how,), {"df": 1}),
    )


_ON_EFFECTS = "and regresses unit effects (case mix from within units) on them"
_IN_PARTS = "and fits both parts and their product anew"


def bootstrap_table(
    found: BootstrapEffects, names: Mapping[str, str], outcomes: Mapping[str, str], parts: bool = False
) -> Table:
    """Corrected effects with intervals and max-T p-values from drawing units again; of two-part models if so said."""
    frame = found.to_frame()
    frame = frame.assign(group=[outcomes.get(str(code), str(code)) for code in frame["group"]])
    labels = {"group": "Outcome", "term": "Characteristic", "estimate": "Effect per SD", **INTERVAL,
              "p_maxt": "max-T p", "note": "Note"}  # fmt: skip
    n = found.draws.shape[2]
    notes = (
        f"{n:,} draws of units within hospitals; each estimates reliability, true SD and scores anew "
        f"{_IN_PARTS if parts else _ON_EFFECTS}. Points, log ratios of days or money, log odds ratios; the "
        "interval is a symmetric bootstrap-t, p is adjusted for all effects of this table (single step max-T).",
    )
    return _table(
        frame, names, "Effects by drawing units again", labels, notes, {"estimate": 3, "ci_low": 3, "ci_high": 3}
    )


def families_table(
    found: Sequence[LinkedEstimates],
    names: Mapping[str, str],
    label: str,
    winsorised: Mapping[str, float] | None = None,
) -> Table:
    """One row a characteristic, one column a model: the effect in money under each; the declared model first.

    A model without an effect for any characteristic has no column; a note gives the reason. `winsorised` says of which
    outcomes among `found` the values above which quantile are set to it.
    """
    wide = pd.DataFrame({"term": [row.characteristic for row in found[0].rows]})
    labels = {"term": "Characteristic"}
    notes: list[str] = []
    for linked in found:
        share = (winsorised or {}).get(linked.outcome)
        column = linked.model if share is None else f"{linked.model}, winsorised at {100 * share:g} %"
        frame, said = linked.to_frame().set_index("characteristic"), column.capitalize()
        if "effect_currency" not in frame:
            notes.append(f"{said} is not shown: {'; '.join(dict.fromkeys(frame['note']))}.")
            continue
        wide[column] = frame["effect_currency"].reindex(wide["term"]).to_numpy(float)
        powers = frame["variance_power"].dropna().map("{:.2f}".format).unique() if "variance_power" in frame else ()
        labels[column] = f"{said} ({', '.join(powers)})" if len(powers) else said
        how = [part for note in frame["note"] for part in note.split("; ") if part.startswith("variance power")]
        notes += [f"{said}: {'; '.join(dict.fromkeys(how))}."] if how else []
    models = [str(column) for column in wide.columns if column != "term"]
    if winsorised:
        notes.append("Winsorised: a cost above that percentile of all stays counts as that percentile.")
    unit = f"{found[0].currency} {found[0].currency_year}".strip()
    first = f"{unit} per stay and SD; {found[0].model} is the declared model, the others show what hangs on it."
    return _table(
        wide, names, f"{label}: the effect under other models", labels, (first, *notes), dict.fromkeys(models, 0)
    )


def parts_table(found: TwoPart, names: Mapping[str, str], label: str) -> Table:
    """Both parts of a cost with zeros and their product, a row a characteristic: ratios with intervals."""
    wide = pd.DataFrame({"term": [row.characteristic for row in found.total.rows]})
    labels = {"term": "Characteristic"}
    for key, part, said in (
        ("any", found.any_use, "Any cost: odds ratio"), ("used", found.if_used, "Cost if any: ratio"),
        ("total", found.total, "Expected cost: ratio"),
    ):  # fmt: skip
        frame = part.to_frame().set_index("characteristic")
        for column, text in (("ratio", said), ("ratio_low", "95% CI low"), ("ratio_high", "high")):
            if column in frame:
                wide[f"{key}_{column}"] = frame[column].reindex(wide["term"]).to_numpy(float)
                labels[f"{key}_{column}"] = text
    notes = ("Per one true SD; the product is what a stay is expected to cost, stays without any cost among them.",)
    return _table(wide, names, f"{label} in two parts", labels, notes, dict.fromkeys(wide.columns[1:], 3))


def checks_table(found: CostChecks, label: str) -> Table:
    """Modified Park and link test of the declared family."""
    labels = {"term": "Check", "estimate": "Estimate", **INTERVAL, "df": "df", "p": "p"}
    notes = ("They describe the fit; the declared model stays, whatever they say.",)
    return _table(found.to_frame(), {}, f"{label}: does the family fit?", labels, notes, {"df": 1})


def partition_table(found: VariancePartition, label: str) -> Table:
    """Variance between units with more and more held constant."""
    labels = {"term": "Held constant", "between": "Variance between units", "within": "Within", "icc": "ICC",
              "median_odds_ratio": "Median odds ratio", "explained": "Explained"}  # fmt: skip
    frame = found.to_frame()
    frame["term"] = frame["term"].replace({"units alone": "nothing"})
    notes = ("Explained: share of the variance between units that remains after case mix.",)
    decimals = {"between": 4, "within": 3, "icc": 3, "explained": 2}
    return _table(frame, {}, f"{label}: variance between units", labels, notes, decimals)


def standing_figure(found: UnitStanding, label: str) -> StudyFigure:
    """Observed over expected in a funnel with overdispersed limits."""
    frame = found.table.copy()
    for level, name in ((0.95, "95"), (0.998, "998")):
        frame[f"low_{name}"], frame[f"high_{name}"] = found.limits(frame["expected"].to_numpy(float), level)
    return funnel_plot(
        frame, events="observed", title=f"{label}: observed over expected, adjusted for case mix within units"
    )


def calibration_figure(found: Calibration, label: str, unit: str = "") -> StudyFigure:
    """Observed against expected by tenths of what case mix predicts, with slope and c-statistic."""
    said = []
    for row in found.to_frame().to_dict("records"):
        if not pd.isna(row["ci_low"]):
            term, low, high = str(row["term"]), float(row["ci_low"]), float(row["ci_high"])
            name = term if term.startswith("c-") else term.capitalize()
            said.append(f"{name} {apa(float(row['estimate']))} ({interval(low, high)})")
    share = found.kind == "binary"
    name = "Scaled Brier score" if share else "Variance explained"
    said.append(f"{name} {apa(100 * found.explained, 1)}%")
    what = " %" if share else f": {unit or label}"
    largest = 100 if share else float(found.table["observed"].max())
    return calibration_plot(
        found, labels=(f"Expected{what}", f"Observed{what} (95% CI)"), times=100.0 if share else 1.0,
        decimals=2 if largest < 100 else 1 if largest < 1000 else 0, said=tuple(said),
        title=f"{label}: observed against what case mix predicts",
    )  # fmt: skip


def choices_figure(found: Specifications, names: Mapping[str, str], label: str) -> StudyFigure:
    """The specification curve of one characteristic; log scales are drawn as ratios."""
    frame, ratio = found.table.copy(), found.scale.startswith("log")
    if ratio:
        frame[["estimate", "ci_low", "ci_high"]] = np.exp(frame[["estimate", "ci_low", "ci_high"]])
    said = "Odds ratio" if "odds" in found.scale else "Ratio" if ratio else "Points"
    name = names.get(found.characteristic, found.characteristic)
    return specification_curve(
        frame, found.choices, null=1.0 if ratio else 0.0, label=f"{said} per SD (95% CI)",
        title=f"{label} and {name}: every specification",
    )  # fmt: skip


def closest(linked: LinkedEstimates) -> str | None:
    """The characteristic with the smallest p: the one to look at from all sides; None where nothing was tested."""
    frame = linked.to_frame()
    if "p" not in frame or frame["p"].isna().all():
        return None
    return str(frame["characteristic"].iloc[int(np.nanargmin(frame["p"].to_numpy(float)))])


def _table(
    frame: pd.DataFrame, names: Mapping[str, str], title: str, labels: Mapping[str, str], notes: tuple[str, ...],
    decimals: Mapping[str, int],
) -> Table:  # fmt: skip
    frame = frame.assign(term=[names.get(str(code), str(code)) for code in frame["term"]])
    empty = {c for c in ("note",) if c in frame and (frame[c].fillna("") == "").all()}
    kept = [c for c in labels if c in frame and c not in empty]
    return Table(
        frame[kept].reset_index(drop=True), title, notes, decimals={c: d for c, d in decimals.items() if c in kept},
        labels={c: labels[c] for c in kept},
    )  # fmt: skip
