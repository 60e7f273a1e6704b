"""Is the solution one that can be meant? Warnings on variances below zero, impossible covariances, small samples."""

import numpy as np
import pandas as pd

from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.parameters import latent_covariances


def solution_warnings(
    design: Design, estimate: Estimate, parameters: pd.DataFrame, labels: tuple[str, ...], n: int
) -> tuple[str, ...]:
    """What a reader must know before using the solution; nothing is repaired."""
    out = list(estimate.warnings)
    if not estimate.converged:
        out.append(f"not converged after {estimate.steps} steps: {estimate.reason}; do not use these numbers")
    if n < len(estimate.theta):
        out.append(f"{n} people are fewer than the {len(estimate.theta)} free parameters")
    below = parameters[(parameters["op"] == "~~") & (parameters["lhs"] == parameters["rhs"]) & (parameters["est"] < 0)]
    for row in below.to_dict("records"):
        where = f" in {design.blocks} {row[design.blocks]}" if design.blocks in row else ""
        out.append(f"Heywood case: the variance of {row['lhs']}{where} is estimated below zero ({row['est']:.3g})")
    for label, cov in zip(labels, latent_covariances(design, estimate.theta), strict=True):
        where = f" in {design.blocks} {label}" if label else ""
        out += [f"{said}{where}" for said in _latent_problems(cov)]
    return tuple(out)


def _latent_problems(cov: pd.DataFrame) -> list[str]:
    """Why the covariance matrix of the factors cannot be one, naming the factors."""
    values = cov.to_numpy()
    if not len(values):
        return []
    lowest = float(np.linalg.eigvalsh(values)[0])
    if lowest >= -1e-8 * max(float(np.diag(values).max()), 1e-300):
        return []
    sd = np.sqrt(np.maximum(np.diag(values), 1e-300))
    correlation = values / np.outer(sd, sd)
    pairs = [
        f"{cov.index[i]} and {cov.columns[j]} correlate {correlation[i, j]:.3f}"
        for i, j in np.argwhere(np.tril(np.abs(correlation) > 1, -1))
        if values[i, i] > 0 and values[j, j] > 0
    ]
    why = "; ".join(pairs) if pairs else f"its smallest eigenvalue is {lowest:.3g}"
    return [f"the covariance matrix of the factors is not positive definite ({why})"]
