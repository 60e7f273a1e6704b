"""How are linked estimates worded, tabled and drawn? One home for the words, fixed per estimand."""

from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from microresearch.linking.estimates import LinkedEstimates
from microresearch.report.figures.forest import Panel, forest_plot
from microresearch.report.numbers import Number
from microresearch.report.rounding import apa, interval, p_value
from microresearch.report.style import Names, StudyFigure, looks
from microresearch.report.tables import Table

SHRINKAGE = (
    "Naive effects rest on raw unit means, corrected ones on empirical-Bayes scores; both are per one true standard "
    "deviation between units{within}. Correction changes the size of an effect, hardly its test."
)
CRUDE = (
    "Crude effects rest on raw unit means with no case mix, unit covariate or hospital held constant; all others are "
    "adjusted for them."
)
FAMILY = "Holm's p covers the {n} effects of this family."


def effects_table(
    linked: LinkedEstimates, names: Names, label: str, warning: str = "", crude: LinkedEstimates | None = None
) -> Table:
    """The effects of every characteristic on one outcome: naive, corrected, interval, p, Holm's p.

    Parameters
    ----------
    linked : LinkedEstimates
    names : Instrument or mapping of code to name
        Order and names of the rows.
    label : str
        The outcome in words.
    warning : str
        What has to stay with these estimates, such as a survey that did not precede the outcomes; the first note.
    crude : LinkedEstimates, optional
        From `crude_effects`: a column before the others.

    Returns
    -------
    Table
        Ratios (and money or absolute differences) where the model is on a log scale, points elsewhere.
    """
    frame = _beside(_readable(linked, names), linked, crude)
    ratio, absolute = "ratio" in frame, _absolute(linked, frame)
    plain = ("estimate_naive", "estimate", "ci_low", "ci_high")
    ratios = ("ratio_naive", "ratio", "ratio_low", "ratio_high")
    first = (
        0 if any(row.corrected for row in linked.rows) else 1
    )  # without a corrected effect the naive one stands alone
    estimate, kind = list(ratios if ratio else plain)[first:], ("Corrected", "Naive")[first]
    estimate = [*(c for c in ("ratio_crude" if ratio else "estimate_crude",) if c in frame), *estimate]
    shown = ["name", *estimate, *absolute, "df", "p", "p_holm", "note"]
    frame = frame[[column for column in shown if column in frame]]
    if "note" in frame and (frame["note"].fillna("") == "").all():
        frame = frame.drop(columns="note")
    money = f"{linked.currency} {linked.currency_year}" if linked.money else "Difference"
    labels = {
        "name": "Characteristic", "estimate_crude": "Crude", "ratio_crude": "Crude ratio",
        "estimate_naive": "Naive", "estimate": kind, "ci_low": "95% CI low",
        "ci_high": "high", "ratio_naive": "Naive ratio", "ratio": f"{kind} ratio", "ratio_low": "95% CI low",
        "ratio_high": "high", "p_holm": "Holm p", "note": "Note",
        **dict(zip(absolute, (money, "95% CI low ", "high "), strict=False)),
    }  # fmt: skip
    whole = dict.fromkeys(absolute, 0) if linked.money else {}
    notes = (*filter(None, [warning]), *_notes(linked, crude))
    return Table(
        frame, f"{label}: effect of one SD of each characteristic", notes=notes,
        decimals={**{c: 3 for c in estimate if ratio and c in frame}, **whole, **({"df": 1} if "df" in frame else {})},
        labels={column: text for column, text in labels.items() if column in frame},
    )  # fmt: skip


def effects_figure(
    linked: LinkedEstimates, names: Names, label: str, crude: LinkedEstimates | None = None
) -> StudyFigure:
    """The forest plot of one outcome: a ratio panel and one in money or on the outcome's scale, or one of points.

    With `crude` (from `crude_effects`) the effects stand three by three: corrected, adjusted, crude, with intervals.
    """
    frame = _beside(_readable(linked, names), linked, crude)
    absolute = _absolute(linked, frame)
    if "ratio" in frame:
        panels = [Panel("ratio", "ratio_low", "ratio_high", "ratio_naive", "Ratio per SD (95% CI)", 1.0, True, 3)]
        if len(absolute) == 3:
            money = linked.money
            said = f"{linked.currency} per stay, per SD (95% CI)" if money else "Difference per SD (95% CI)"
            value, low, high = absolute
            panels.append(Panel(value, low, high, "", said, 0.0, False, 0 if money else 2))
    else:
        bounds = ("ci_low", "ci_high") if "ci_low" in frame else ("", "")
        panels = [Panel("estimate", *bounds, "estimate_naive", f"{label}, points per SD (95% CI)")]
    if crude is not None:
        panels[0] = replace(panels[0], crude="ratio_crude" if "ratio" in frame else "estimate_crude")
    return forest_plot(
        frame.drop(columns="name"), names, panels=panels, title=f"{label}: effect of each characteristic"
    )


def effect_numbers(linked: LinkedEstimates, names: Names) -> dict[str, Number]:
    """The corrected effect of every characteristic as a number of the paper, by characteristic code."""
    frame = _readable(linked, names)
    found: dict[str, Number] = {}
    for row in frame.to_dict("records"):
        base, low, high = (
            ("ratio", "ratio_low", "ratio_high") if "ratio" in frame else ("estimate", "ci_low", "ci_high")
        )
        value, bounds = row.get(base), (row.get(low), row.get(high))
        code = str(row["characteristic"])
        if value is None or pd.isna(value):
            found[code] = Number(None, text=f"not available: {row.get('note') or 'no estimate'}")
            continue
        known = all(b is not None and not pd.isna(b) for b in bounds)
        unit = "times per SD" if base == "ratio" else "points per SD"
        number = Number(float(value), unit, decimals=3 if base == "ratio" else 2, confidence=linked.confidence)
        found[code] = replace(number, low=float(bounds[0]), high=float(bounds[1])) if known else number  # type: ignore[arg-type]
    return found


def headline(linked: LinkedEstimates, names: Names, label: str, warning: str = "", alpha: float = 0.05) -> str:
    """The answer in one paragraph: what stands after Holm's correction, each effect with its interval.

    The wording says what units had, never what a change would do, and a null is said as plainly as an effect.

    Examples
    --------
    >>> headline(linked, instrument, "Patient experience")  # doctest: +SKIP
    'Patient experience: 1 of 10 characteristics ...'
    """
    label = f"{label} ({warning})" if warning else label
    frame = _readable(linked, names)
    n, family = int(frame["n_units"].max()), len(frame)
    if "p_holm" not in frame or frame["p_holm"].isna().all():
        why = next((str(note) for note in frame["note"] if note), "no test could be made")
        return f"{label}: {n} units; no test is reported ({why})."
    rows = sorted(frame.to_dict("records"), key=lambda row: (_first(row, "p_holm"), _first(row, "p")))
    hits = [row for row in rows if _first(row, "p_holm") < alpha]
    if not hits:
        return (
            f"{label}: none of {family} characteristics was associated with it after Holm's correction ({n} units). "
            f"The smallest p: units scoring one SD higher on {rows[0]['name']} had {_said(rows[0], linked)}."
        )
    said = "; ".join(f"on {row['name']} had {_said(row, linked)}" for row in hits)
    return (
        f"{label}: {len(hits)} of {family} characteristics {'was' if len(hits) == 1 else 'were'} associated with it "
        f"after Holm's correction ({n} units). Units scoring one SD higher {said}."
    )


def _first(row: Mapping[Hashable, object], column: str) -> float:
    """A number of a row; infinite where there is none, so that it sorts last."""
    value = row.get(column)
    return float(value) if isinstance(value, (int, float)) and not np.isnan(value) else np.inf


def _said(row: Mapping[Hashable, object], linked: LinkedEstimates) -> str:
    level = f"{100 * linked.confidence:g}% CI"
    if "ratio" in row:
        low, high = _first(row, "ratio_low"), _first(row, "ratio_high")
        said = f"{apa(_first(row, 'ratio'), 3)} times the level ({level} {interval(low, high, 3)}"
        money = _first(row, "effect_currency")
        if linked.money and np.isfinite(money):
            said += f"; {apa(abs(money), 0)} {linked.currency} {'less' if money < 0 else 'more'} per stay"
    else:
        value = _first(row, "estimate")
        bounds = interval(_first(row, "ci_low"), _first(row, "ci_high"), 2)
        more = "less" if value < 0 else "more"
        said = f"{apa(abs(value), 2)} points {more} (difference {apa(value, 2)}, {level} {bounds}"
    return f"{said}; Holm p {p_value(_first(row, 'p_holm'))})"


def _readable(linked: LinkedEstimates, names: Names) -> pd.DataFrame:
    """The primary effects with names, and the naive estimate as a ratio where ratios are shown."""
    order = {look.code: look.name for look in looks(names)}
    frame = linked.to_frame().copy()
    frame.insert(0, "name", frame["characteristic"].map(order).fillna(frame["characteristic"]))
    if "ratio" in frame and "estimate_naive" in frame:
        frame["ratio_naive"] = np.exp(frame["estimate_naive"].astype(float))
    return frame


def _beside(frame: pd.DataFrame, linked: LinkedEstimates, crude: LinkedEstimates | None) -> pd.DataFrame:
    """With crude effects: the frame with these and the bounds of the naive ones; as ratios where it has ratios."""
    if crude is None:
        return frame
    naive = linked.to_frame(naive=True)
    for name, found in (("naive", naive[naive["estimand"] == "naive"]), ("crude", crude.to_frame())):
        part = found.set_index("characteristic").reindex(frame["characteristic"])
        columns = ("ratio", "ratio_low", "ratio_high") if "ratio" in frame else ("estimate", "ci_low", "ci_high")
        for column, end in zip(columns, ("", "_low", "_high"), strict=True):
            if column in part:
                frame[f"{columns[0]}_{name}{end}"] = part[column].to_numpy(float)
    return frame


def _absolute(linked: LinkedEstimates, frame: pd.DataFrame) -> list[str]:
    name = "effect_currency" if linked.money else "effect_absolute"
    columns = [name, f"{name}_low", f"{name}_high"]
    return [c for c in columns if c in frame and frame[c].notna().any()] if "ratio" in frame else []


def _notes(linked: LinkedEstimates, crude: LinkedEstimates | None = None) -> tuple[str, ...]:
    within = " of a hospital" if linked.within_hospitals else ""
    family = sum(row.p_holm is not None for row in linked.rows)
    notes: list[str] = [SHRINKAGE.format(within=within), *([CRUDE] if crude is not None else [])]
    if family:
        notes.append(FAMILY.format(n=family))
    notes.append(f"Model: {linked.model}; plan {linked.plan_hash[:12]}" + (f", {linked.role}." if linked.role else "."))
    return tuple(notes)
