"""How do effects of complete cases stand beside those with case mix imputed? A table each outcome, and counts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from microresearch.linking.imputed_beside import ImputedBeside
from microresearch.report.tables import Table
from microresearch.results import NotAvailable

_ESTIMATES = ("estimate_complete", "estimate", "ci_low", "ci_high")


def imputed_table(found: ImputedBeside, names: Mapping[str, str], label: str, warning: str = "") -> Table:
    """One row a characteristic: the effect from complete cases, and over data sets with case mix imputed.

    Parameters
    ----------
    found : ImputedBeside
    names : mapping of code to name
    label : str
        The outcome in words.
    warning : str
        What has to stay with these estimates; the first note.

    Returns
    -------
    Table
        Ratios where the model is on a log scale; standard errors stay on the log scale.
    """
    frame = found.to_frame()
    ratio = found.imputed.scale.startswith("log")
    shown = [column for column in _ESTIMATES if column in frame]
    if ratio:
        frame[shown] = np.exp(frame[shown].astype(float))
    frame = frame.assign(term=[names.get(str(code), str(code)) for code in frame["term"]])
    naive = frame["estimand"] == "naive"
    said, log = " ratio" if ratio else "", " (log)" if ratio else ""
    labels = {
        "term": "Characteristic", "estimate_complete": f"Complete cases{said}", "se_complete": f"SE{log}",
        "df_complete": "df", "estimate": f"Imputed{said}", "ci_low": "95% CI low", "ci_high": "high", "se": f"SE{log} ",
        "df": "df ", "p": "p", "fmi": "Missing information", "note": "Note",
    }  # fmt: skip
    drop = {"note"} if (frame["note"].fillna("") == "").all() else set()
    kept = [column for column in labels if column in frame and column not in drop]
    pooled = found.imputed
    notes = (
        *filter(None, [warning]),
        f"Imputed: {found.method}; {pooled.method}. Missing information: the share of what is known of an effect that "
        "the gaps took away. Units' scores are the same on both sides. Missing at random is assumed: given a stay's "
        "unit, its other case mix and its outcome.",
        "Naive effects where a data set refuses the correction: "
        f"{', '.join(frame.loc[naive, 'term'])}." if naive.any() else "Corrected effects on both sides.",
        f"Model: {pooled.model}; plan {found.complete.plan_hash[:12]}. p is not adjusted for the number of "
        "characteristics: a check of the declared analysis, which is the one from complete cases.",
    )  # fmt: skip
    three = {c: 3 for c in (*shown, "se_complete", "se") if ratio and c in kept}
    whole = {c: d for c, d in {"df_complete": 1, "df": 1, "fmi": 3}.items() if c in kept}
    return Table(
        frame[kept].reset_index(drop=True), f"{label}: complete cases, and case mix imputed", notes,
        decimals={**three, **whole}, labels={c: labels[c] for c in kept}, bounded=("fmi",) if "fmi" in kept else (),
    )  # fmt: skip


def lost_table(found: Mapping[str, ImputedBeside | NotAvailable], labels: Mapping[str, str]) -> Table:
    """Stays with each outcome: those in the analysis of complete cases, those it loses, and those completed.

    Parameters
    ----------
    found : mapping of outcome name to result
        Outcomes without one stand with the reason.
    labels : mapping of outcome name to its words
    """
    rows: list[dict[str, object]] = []
    whom: list[dict[str, str] | None] = []
    for name, one in found.items():
        row: dict[str, object] = {"outcome": labels[name], "m": one, "complete": None, "lost": None, "imputed": None}
        if isinstance(one, ImputedBeside):
            row |= {"m": one.imputed.m, "complete": one.n_complete, "lost": one.n_lost, "imputed": one.n_imputed}
        rows.append(row)
        has = {f"has {name}": "yes"} if isinstance(one, ImputedBeside) else None
        whom.append(has)
    frame = pd.DataFrame(rows)
    counts = ("complete", "lost", "imputed")
    frame[list(counts)] = frame[list(counts)].astype("Int64")
    levels = {"complete": {"analysed": "yes"}, "lost": {"case mix": "missing"},
              "imputed": {"case mix": "missing", "imputed": "yes"}}  # fmt: skip
    return Table(
        frame, "Stays that lack case mix, by outcome", ("Of the stays that have the outcome.",), counts=counts,
        labels={"outcome": "Outcome", "m": "Imputed data sets", "complete": "Complete cases", "lost": "Lost to them",
                "imputed": "Of these imputed"}, of="stays",
        whom={c: tuple(None if has is None else has | more for has in whom) for c, more in levels.items()},
    )  # fmt: skip
