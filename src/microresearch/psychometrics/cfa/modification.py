"""Which fixed or absent parameter would improve fit most if it were freed? Score tests, one parameter at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from microresearch.numeric.sem_ml import Array, Moments, positive_slopes
from microresearch.numeric.sem_structure import Cell, directions, gather, implied
from microresearch.numeric.sem_two_level import level_scores
from microresearch.numeric.sem_wls import candidate_scores
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.parameters import standardised
from microresearch.psychometrics.matrices import Layout, where

_FOLLOWS = {"delta": "~~", "theta": "~*~"}
"""What of an ordered item is no parameter but follows from one."""


def modification_indices(design: Design, estimate: Estimate, labels: tuple[str, ...]) -> pd.DataFrame:
    """Modification index, expected parameter change and its standardised size, largest index first.

    Candidates are parameters fixed by the model, and absent loadings and residual covariances of items. Equality
    constraints are kept.

    References
    ----------
    Sorbom (1989), Psychometrika 54, 371-384, eqs. 8-12; Saris, Satorra & Sorbom (1987) for the expected change.
    """
    rows = []
    inverse = np.linalg.pinv(estimate.information, hermitian=True)
    for g, (layout, patterns) in enumerate(zip(design.layouts, estimate.patterns, strict=True)):
        names, cells = zip(*_candidates(design, layout, g), strict=True)
        if estimate.levels is not None:
            levels = (design.structures[0], design.structures[1])
            slope, own, cross = level_scores(levels, estimate.levels, estimate.theta, g, cells)
        elif estimate.ordinal is not None:
            seen = estimate.ordinal.observed[g]
            slope, own, cross = candidate_scores(layout.structure, seen, estimate.theta, cells)
        else:
            slope, own, cross = _scores(layout, patterns, estimate.theta, cells)
        left = own - np.einsum("kq,qr,kr->k", cross, inverse, cross)
        for name, s, spread, full in zip(names, slope, left, own, strict=True):
            if spread > 1e-8 * full:
                rows.append((*name, g + 1, s**2 / spread, s / spread))
    frame = pd.DataFrame(rows, columns=["lhs", "op", "rhs", "group", "mi", "epc"])
    frame["sepc.all"] = standardised(replace(design, table=frame), estimate.theta, frame["epc"].to_numpy())
    frame["pvalue"] = chdtrc(1, frame["mi"].to_numpy())
    frame = frame.sort_values("mi", ascending=False, kind="stable", ignore_index=True)
    if len(labels) > 1:
        marks = design.marks(labels)
        named = frame.assign(group=[marks[g - 1] for g in frame["group"]])
        return named.rename(columns={"group": design.blocks})
    return frame.drop(columns="group")


def _candidates(design: Design, layout: Layout, g: int) -> Iterator[tuple[tuple[str, str, str], Cell]]:
    """Names and places of what could be freed, as parameters 0, 1, ... of their own."""
    table = design.table[design.table["group"] == g + 1]
    have = set(zip(table["lhs"], table["op"], table["rhs"], strict=True))
    have |= {(rhs, op, lhs) for lhs, op, rhs in have if op == "~~"}
    items = [name for name in layout.observed if name not in layout.eta]
    seen, place = {name: i for i, name in enumerate(layout.observed)}, {name: i for i, name in enumerate(layout.eta)}
    count = 0
    tau = {name: i for i, name in enumerate(layout.thresholds)}
    for lhs, op, rhs in table.loc[(table["free"] == 0) & ~table["exo"], ["lhs", "op", "rhs"]].itertuples(index=False):
        if lhs == rhs and op == _FOLLOWS[layout.structure.scaling] and layout.structure.ordered.any():
            continue
        matrix, i, j = where(str(lhs), str(op), str(rhs), place, seen, tau)
        yield (str(lhs), str(op), str(rhs)), Cell(matrix, i, j, count, 0.0)
        count += 1
    for factor in layout.eta[: layout.n_latent]:
        for item in items:
            if (factor, "=~", item) not in have:
                yield (factor, "=~", item), Cell("lambda", seen[item], place[factor], count, 0.0)
                count += 1
    for i, one in enumerate(items):
        for other in items[i + 1 :]:
            if (one, "~~", other) not in have:
                yield (one, "~~", other), Cell("theta", seen[one], seen[other], count, 0.0)
                count += 1


def _scores(
    layout: Layout, patterns: Sequence[Moments], theta: Array, cells: tuple[Cell, ...]
) -> tuple[Array, Array, Array]:
    """Slope of the group's log likelihood by each candidate, its information, and that shared with free parameters."""
    structure = layout.structure
    at = implied(structure, theta)
    now, new = directions(structure, at), directions(replace(structure, cells=cells), at)
    slope, own, cross = np.zeros(len(cells)), np.zeros(len(cells)), np.zeros((len(cells), len(now.ids)))
    for moments in patterns:
        found = positive_slopes(at, moments, structure.means)
        w, half = found.weight, moments.n / 2
        wa, wb = w @ new.a, w @ new.b
        slope -= half * new.slope(w - found.seen, -2 * found.pull)
        own += 2 * half * (_paired(new.a, wb) ** 2 + _paired(new.a, wa) * _paired(new.b, wb))
        cross += 2 * half * ((wa.T @ now.a) * (wb.T @ now.b) + (wa.T @ now.b) * (wb.T @ now.a))
        if structure.means:
            own += 2 * half * _paired(new.mu, w @ new.mu)
            cross += 2 * half * new.mu.T @ w @ now.mu
    return slope, own, gather(now.ids, cross, len(theta))


def _paired(left: Array, right: Array) -> Array:
    """Column by column, the inner products."""
    return np.einsum("pk,pk->k", left, right)
