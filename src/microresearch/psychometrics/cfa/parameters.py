"""What are the parameters, how sure are they, and what are they when everything has variance one?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from microresearch.numeric.sem_ml import Array
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.matrices import Layout


def parameter_frame(
    design: Design, estimate: Estimate, labels: Sequence[str], confidence: float = 0.95
) -> pd.DataFrame:
    """Estimates of every row of the table.

    Returns
    -------
    DataFrame
        lhs, op, rhs, group (a label; absent without groups) or level, label, est, se (0 where fixed), z, pvalue,
        ci.lower, ci.upper, std.all. z and pvalue are missing where a parameter is fixed.
    """
    table = design.table
    free = table["free"].to_numpy() - 1
    at = np.maximum(free, 0)
    est = np.where(free >= 0, estimate.theta[at], table["fixed"].to_numpy(dtype=float))
    est = _implied_scales(design, estimate.theta, est)
    se = np.where(free >= 0, np.where(np.isnan(np.diag(estimate.vcov)), np.nan, estimate.se)[at], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(se > 0, est / se, np.nan)
    half = float(ndtri(0.5 + confidence / 2)) * se
    out = table[["lhs", "op", "rhs"]].copy()
    if len(labels) > 1:
        marks = design.marks(labels)
        out[design.blocks] = [marks[g - 1] for g in table["group"]]
    out["label"] = table["label"].where(~table["label"].str.startswith("."), "")
    out["est"], out["se"], out["z"], out["pvalue"] = est, se, z, 2 * ndtr(-np.abs(z))
    out["ci.lower"], out["ci.upper"] = est - half, est + half
    out["std.all"] = standardised(design, estimate.theta, est)
    return out


def _implied_scales(design: Design, theta: Array, est: Array) -> Array:
    """Residual variances of ordered items that follow from their scales, or scales that follow from the variances."""
    out = np.array(est, dtype=float)
    table = design.table
    for g, layout in enumerate(design.layouts):
        structure = layout.structure
        if not structure.ordered.any():
            continue
        parts = implied(structure, theta).parts
        follows = "~*~" if structure.scaling == "theta" else "~~"
        mine = (table["group"] == g + 1) & (table["op"] == follows) & (table["lhs"] == table["rhs"])
        for i in np.flatnonzero(mine & table["lhs"].isin(layout.observed)).tolist():
            j = layout.observed.index(str(table["lhs"].iat[i]))
            out[i] = parts["delta"][j, 0] if follows == "~*~" else parts["theta"][j, j]
    return out


def standardised(design: Design, theta: Array, est: Array) -> Array:
    """Each row of the table with observed and latent variables scaled to variance one.

    References
    ----------
    Bollen (1989), Structural equations with latent variables, p. 349.
    """
    out = np.array(est, dtype=float)
    table = design.table
    names = [(str(lhs), str(op), str(rhs)) for lhs, op, rhs in table[["lhs", "op", "rhs"]].itertuples(index=False)]
    for g, layout in enumerate(design.layouts):
        sd, residual = _scales(layout, theta)
        for i in np.flatnonzero(table["group"].to_numpy() == g + 1).tolist():
            lhs, op, rhs = names[i]
            if op == "=~":
                factor = sd[lhs] / sd[rhs]
            elif op == "~":
                factor = sd[rhs] / sd[lhs]
            elif op in ("~1", "|"):
                factor = 1 / sd[lhs]
            elif op == "~*~":
                factor = sd[lhs]
            elif lhs == rhs:
                factor = 1 / sd[lhs] ** 2
            else:
                factor = 1 / (residual[lhs] * residual[rhs])
            out[i] = est[i] * factor
    return out


def _scales(layout: Layout, theta: Array) -> tuple[dict[str, float], dict[str, float]]:
    """Implied standard deviation of every variable, and of its residual (its own where nothing predicts it)."""
    at = implied(layout.structure, theta)
    with np.errstate(invalid="ignore"):
        sd = dict(zip(layout.eta, np.sqrt(np.diag(at.parts["eta"])), strict=True))
        residual = dict(zip(layout.eta, np.sqrt(np.diag(at.parts["psi"])), strict=True))
        for j, name in enumerate(layout.observed):
            if name not in sd:
                sd[name] = np.sqrt(at.sigma[j, j])
                residual[name] = np.sqrt(at.parts["theta"][j, j])
    return sd, residual


def latent_covariances(design: Design, theta: Array) -> list[pd.DataFrame]:
    """Implied covariance of the factors in each group."""
    out = []
    for layout in design.layouts:
        names = list(layout.eta[: layout.n_latent])
        cov = implied(layout.structure, theta).parts["eta"][: len(names), : len(names)]
        out.append(pd.DataFrame(cov, index=names, columns=names))
    return out
