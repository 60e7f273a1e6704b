"""Where does each row of the parameter table stand in the model's matrices?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import SpecError
from microresearch.numeric.sem_structure import Cell, Matrix, Parameterization, Structure


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Names behind one group's matrices: observed variables, the variables of eta, and the structure itself."""

    observed: tuple[str, ...]
    eta: tuple[str, ...]
    thresholds: tuple[str, ...]  # "item|t1", in the order of tau
    n_latent: int  # the first of eta; what follows are observed variables in their own right
    higher: frozenset[tuple[int, int]]  # (factor, its higher-order factor), places in eta
    structure: Structure


Floats = NDArray[np.float64]


def lay_out(
    table: pd.DataFrame, observed: Sequence[str], group: int = 1, level: int = 1, scaling: Parameterization = "delta"
) -> Layout:
    """The matrices of one group and level.

    An observed variable that takes part in a regression, or covaries with a factor, becomes its own single-indicator
    factor (loading 1, no residual), so that one form serves factors, covariates and second-order models alike.

    Raises
    ------
    SpecError
        A row that no matrix can hold.
    """
    rows = table[(table["group"] == group) & (table["level"] == level)]
    latent = list(dict.fromkeys(rows.loc[rows["op"] == "=~", "lhs"]))
    paths = rows[rows["op"] == "~"]
    beside = rows[(rows["op"] == "~~") & (rows["lhs"].isin(latent) ^ rows["rhs"].isin(latent))]
    named = {*paths["lhs"], *paths["rhs"], *beside["lhs"], *beside["rhs"]}
    promoted = [v for v in observed if v in named]
    eta = (*latent, *promoted)
    place = {name: i for i, name in enumerate(eta)}
    seen = {name: i for i, name in enumerate(observed)}
    steps = {item: int((part["op"] == "|").sum()) for item, part in rows.groupby("lhs", sort=False)}
    thresholds = [f"{item}|t{k + 1}" for item in observed for k in range(steps.get(item, 0))]
    tau = {name: i for i, name in enumerate(thresholds)}
    cells = [Cell("lambda", seen[v], place[v], -1, 1.0) for v in promoted]
    columns = (rows[name].tolist() for name in ("lhs", "op", "rhs", "free", "fixed"))
    for lhs, op, rhs, free, fixed in zip(*columns, strict=True):
        matrix, i, j = where(lhs, op, rhs, place, seen, tau)
        cells.append(Cell(matrix, i, j, free - 1, 0.0 if free else float(fixed)))
    item_of = np.array([seen[name.split("|")[0]] for name in thresholds], dtype=np.intp)
    ordered = np.zeros(len(observed), dtype=bool)
    ordered[item_of] = True
    means = bool((rows["op"] == "~1").any())
    structure = Structure(len(observed), len(eta), tuple(cells), item_of, ordered, means, scaling)
    loadings = rows[(rows["op"] == "=~") & rows["rhs"].isin(eta)]
    higher = frozenset(
        (place[below], place[above]) for above, below in zip(loadings["lhs"], loadings["rhs"], strict=True)
    )
    return Layout(tuple(observed), eta, tuple(thresholds), len(latent), higher, structure)


def where(
    lhs: str, op: str, rhs: str, eta: dict[str, int], seen: dict[str, int], tau: dict[str, int]
) -> tuple[Matrix, int, int]:
    """Matrix, row and column of a parameter, given the places of latent variables, observed ones and thresholds.

    Raises
    ------
    SpecError
        A parameter that no matrix can hold.
    """
    if op == "~~":
        if lhs in eta and rhs in eta:
            return "psi", eta[lhs], eta[rhs]
        if lhs in eta or rhs in eta:
            raise SpecError(f"{lhs} ~~ {rhs}: a covariance between a factor and a residual cannot be estimated here.")
        return "theta", seen[lhs], seen[rhs]
    if op == "=~":
        return ("beta", eta[rhs], eta[lhs]) if rhs in eta else ("lambda", seen[rhs], eta[lhs])
    if op == "~1":
        return ("alpha", eta[lhs], 0) if lhs in eta else ("nu", seen[lhs], 0)
    if op == "~":
        return "beta", eta[lhs], eta[rhs]
    return ("tau", tau[f"{lhs}|{rhs}"], 0) if op == "|" else ("delta", seen[lhs], 0)


def start_values(
    table: pd.DataFrame, layouts: Sequence[Layout], covs: Sequence[Floats], means: Sequence[Floats]
) -> Floats:
    """Start values: given ones, then loadings from covariances with a factor's other items, half the variances.

    A parameter that stands in several places starts where it stands first.

    References
    ----------
    Hagglund (1982), Psychometrika 47, 209-222, for the idea of instruments per factor; simplified to ratios of sums
    of covariances.
    """
    start = np.full(int(table["free"].max()), nan)
    for layout, cov, mean in zip(layouts, covs, means, strict=True):
        spread = _spreads(layout, cov)
        for matrix, i, j, free, _ in layout.structure.cells:
            if free >= 0 and np.isnan(start[free]):
                start[free] = _start(matrix, i, j, layout, cov, mean, spread)
    given = table[(table["free"] > 0) & table["start"].notna()]
    start[given["free"].to_numpy() - 1] = given["start"].to_numpy()
    return start


def _start(matrix: Matrix, i: int, j: int, layout: Layout, cov: Floats, mean: Floats, spread: Floats) -> float:
    name = layout.eta[i] if matrix == "alpha" else ""
    value = 1.0 if matrix == "delta" else 0.0
    if matrix == "lambda":
        value = _loading_start(i, j, layout, cov)
    elif matrix == "beta" and (i, j) in layout.higher:
        value = 0.7 * np.sqrt(spread[i] / spread[j])
    elif matrix == "psi" and i == j:
        value = spread[i]
    elif matrix == "theta" and i == j:
        value = cov[i, i] / 2
    elif matrix == "nu":
        value = mean[i]
    elif name in layout.observed:
        value = mean[layout.observed.index(name)]
    return float(value)


def _spreads(layout: Layout, cov: Floats) -> Floats:
    """Start of each variance in psi: an observed variable's own, a third of the marker's, 1 without a marker."""
    own = np.ones(len(layout.eta))
    fixed = [cell for cell in layout.structure.cells if cell.free < 0 and cell.value != 0]
    for j, name in enumerate(layout.eta):
        marker = next((c.row for c in fixed if c.matrix == "lambda" and c.col == j), None)
        if name in layout.observed:
            at = layout.observed.index(name)
            own[j] = cov[at, at]
        elif marker is not None:
            own[j] = 0.3 * cov[marker, marker]
    for j in range(layout.n_latent):
        below = next((c.row for c in fixed if c.matrix == "beta" and c.col == j and (c.row, j) in layout.higher), None)
        if below is not None:
            own[j] = 0.5 * own[below]
    return own


def _loading_start(i: int, j: int, layout: Layout, cov: Floats) -> float:
    """The item's regression on its factor's marker, taken from covariances with the factor's other items."""
    mine = [c for c in layout.structure.cells if c.matrix == "lambda" and c.col == j]
    marker = next((c.row for c in mine if c.free < 0 and c.value != 0), None)
    if marker is None:
        together = sum(cov[i, c.row] for c in mine if c.row != i)
        return float((-0.6 if together < 0 else 0.6) * np.sqrt(cov[i, i]))
    others = [c.row for c in mine if c.row not in (i, marker)]
    down = sum(cov[marker, k] for k in others)
    up = sum(cov[i, k] for k in others)
    ratio = up / down if others and abs(down) > 1e-3 * cov[marker, marker] else cov[i, marker] / cov[marker, marker]
    limit = 5 * np.sqrt(cov[i, i] / cov[marker, marker])
    return float(np.clip(ratio, -limit, limit))
