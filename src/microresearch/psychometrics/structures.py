"""Which structure do a form's items have, and is each scale the same for everybody? Models and ladders side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from microresearch.errors import MicroresearchError
from microresearch.instrument import Instrument
from microresearch.instrument_model import ModelKind
from microresearch.psychometrics.cfa import Cfa, cfa
from microresearch.psychometrics.invariance import invariance
from microresearch.psychometrics.invariance_result import Invariance, best_indices

StructureEstimator = Literal["WLSMV", "MLR"]
ARGUMENTS: Mapping[StructureEstimator, dict[str, Any]] = {
    "WLSMV": {"estimator": "WLSMV", "ordered": True, "missing": "pairwise"},
    "MLR": {"estimator": "MLR", "missing": "fiml"},
}
"""How answers are taken: ordered categories, pairwise; or numbers, by all that each person answered."""


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """The factor models of a form, fitted to the same answers.

    Attributes
    ----------
    table : DataFrame
        A row a model: model, n, npar, chisq, df, pvalue, cfi, tli, rmsea, rmsea_low, rmsea_high, rmsea_pclose, srmr,
        and aic, bic where there is a likelihood.
    fits : dict of Cfa
        By kind of model, those that could be fitted.
    refused : dict
        Kind of model to the reason why there is none.
    notes : tuple of str
        What the numbers are, every warning with its model, every refusal.
    """

    table: pd.DataFrame
    fits: dict[ModelKind, Cfa]
    refused: dict[ModelKind, str]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def structures(items: pd.DataFrame, instrument: Instrument, estimator: StructureEstimator = "WLSMV") -> Structures:
    """Fit the characteristics, the characteristics under their groups, and a general factor beside them.

    Parameters
    ----------
    items : DataFrame, persons x items (keyed)
    instrument : Instrument
    estimator : {"WLSMV", "MLR"}
        Ordered answers, missing ones pairwise; or answers as numbers, with full information.

    References
    ----------
    Reise, Moore & Haviland (2010), Journal of Personality Assessment 92, 544-559 (the three models).
    """
    fits: dict[ModelKind, Cfa] = {}
    refused: dict[ModelKind, str] = {}
    rows: list[dict[str, object]] = []
    notes: list[str] = []
    for kind in get_args(ModelKind):
        try:
            fit = cfa(instrument.model(kind), items, std_lv=kind == "bifactor", **ARGUMENTS[estimator])
        except MicroresearchError as error:
            refused[kind] = str(error)
            continue
        fits[kind] = fit
        rows.append({"model": kind, "n": fit.n_used, "npar": fit.fit["npar"], **_measures(fit)})
        notes += [f"{kind}: {said}" for said in fit.warnings]
    notes += [f"{kind}: not fitted, {reason}" for kind, reason in refused.items()]
    return Structures(pd.DataFrame(rows), fits, refused, (_what(fits), *notes))


def _measures(fit: Cfa) -> dict[str, float]:
    """Fit in the best version that the estimator has, with the interval of RMSEA."""
    found, f = best_indices(fit, None), fit.fit
    kind = next((kind for kind in (".robust", ".scaled", "") if f"rmsea{kind}" in f), "")
    order = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea")
    interval = {"rmsea_low": f[f"rmsea.ci.lower{kind}"], "rmsea_high": f[f"rmsea.ci.upper{kind}"]}
    interval |= {"rmsea_pclose": f[f"rmsea.pvalue{kind}"], "srmr": f["srmr"]}
    return {name: found[name] for name in order} | interval | {n: f[n] for n in ("aic", "bic") if n in f}


def _what(fits: Mapping[ModelKind, Cfa]) -> str:
    if not fits:
        return "no model could be fitted"
    fit = next(iter(fits.values()))
    version = next((said for said in ("robust", "scaled") if f"cfi.{said}" in fit.fit), "plain")
    test = "scaled" if "chisq.scaled" in fit.fit else "plain"
    return f"{fit.method}; {test} chi-square, {version} CFI, TLI and RMSEA"


@dataclass(frozen=True, slots=True, eq=False)
class ScaleLadders:
    """A ladder of invariance for each scale.

    Attributes
    ----------
    table : DataFrame
        A row a scale and step: scale, step, chisq, df, cfi, rmsea, srmr, diff_chisq, diff_df, diff_p, delta_cfi,
        delta_rmsea, held.
    ladders : dict of Invariance
        By characteristic, those that could be climbed.
    refused : dict
        Characteristic to the reason why there is no ladder.
    notes : tuple of str
    """

    table: pd.DataFrame
    ladders: dict[str, Invariance]
    refused: dict[str, str]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def scale_invariance(
    items: pd.DataFrame, instrument: Instrument, group: pd.Series, estimator: StructureEstimator = "WLSMV"
) -> ScaleLadders:
    """Climb the ladder of `invariance` with the one-factor model of every characteristic.

    Scale by scale, because what is compared between groups are the scales; a model of all items in all groups would
    also ask whether the factors' correlations are alike, of which a comparison of means needs nothing.

    Parameters
    ----------
    items : DataFrame, persons x items (keyed)
    instrument : Instrument
    group : Series
        Of the same rows; people without one are left out.
    estimator : {"WLSMV", "MLR"}
    """
    columns = ["step", "chisq", "df", "cfi", "rmsea", "srmr", "diff_chisq", "diff_df", "diff_p", "delta_cfi"]
    columns += ["delta_rmsea", "held"]
    ladders: dict[str, Invariance] = {}
    refused: dict[str, str] = {}
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for characteristic in instrument.characteristics:
        codes = [item.code for item in instrument.items_of(characteristic.code)]
        if len(codes) < 3:
            refused[characteristic.code] = f"a factor of its own needs three items, and it has {len(codes)}"
            continue
        try:
            found = invariance(f"f =~ {' + '.join(codes)}", items[codes], group, **ARGUMENTS[estimator])
        except MicroresearchError as error:
            refused[characteristic.code] = str(error)
            continue
        ladders[characteristic.code] = found
        parts.append(found.table.reindex(columns=columns).assign(scale=characteristic.code))
        notes += [f"{characteristic.code}, {said}" for said in found.warnings]
    notes += [f"{code}: no ladder, {reason}" for code, reason in refused.items()]
    table = pd.concat(parts, ignore_index=True)[["scale", *columns]] if parts else pd.DataFrame()
    rules = dict.fromkeys(
        verdict.rule for ladder in ladders.values() for verdict in ladder.verdicts.values() if verdict.rule != "none"
    )
    said = [f"{next(iter(ladders.values())).method}; held by {' and '.join(rules)}"] if ladders else []
    return ScaleLadders(table, ladders, refused, (*said, *notes))


def distinctness(fit: Cfa) -> pd.DataFrame:
    """Composite reliability, average variance extracted, and the largest HTMT ratio with another factor, by factor.

    Parameters
    ----------
    fit : Cfa
        Of one group, each item on one factor.

    Returns
    -------
    DataFrame
        scale, n_items, omega, ave, largest_correlation (of the factor with another), htmt, htmt_with.

    References
    ----------
    Fornell & Larcker (1981), Journal of Marketing Research 18, 39-50: AVE above the squared correlations.
    Henseler, Ringle & Sarstedt (2015): HTMT below .85 or .90. doi:10.1007/s11747-014-0403-8
    """
    found = fit.reliability()
    ratios = found.htmt[""].where(~np.eye(len(found.table), dtype=bool))
    correlations = fit.latent_correlation().loc[ratios.index, ratios.index]
    correlations = correlations.where(~np.eye(len(correlations), dtype=bool))
    table = found.table.rename(columns={"term": "scale"})[["scale", "n_items", "omega", "ave"]]
    table["largest_correlation"] = correlations.abs().max().to_numpy()
    return table.assign(htmt=ratios.max().to_numpy(), htmt_with=ratios.idxmax().to_numpy())
