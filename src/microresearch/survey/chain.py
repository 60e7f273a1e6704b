"""How is one completed data set drawn? Chained equations with predictive mean matching and random unit intercepts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
RIDGE = 1e-5
INNER = 5
BURN = 20


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What the chains share.

    Attributes
    ----------
    keyed : array, shape (n, items)
        Answers turned the same way, NaN where there is none.
    impute : bool array, shape (n, items)
        Cells to fill.
    scale : int array, shape (items,)
        Scale of each item, from 0.
    covariates : array, shape (n, q)
        Columns without missing values (dummies of the role).
    unit : int array, shape (n,), or None
        Unit of each person, from 0.
    unit_means : bool
        Whether the units' means of the scales are predictors.
    iterations, donors : int
    """

    keyed: Floats
    impute: Bools
    scale: NDArray[np.intp]
    covariates: Floats
    unit: NDArray[np.intp] | None
    unit_means: bool
    iterations: int
    donors: int


@dataclass(slots=True, eq=False)
class _Level:
    """State of one item's random-intercept model between visits, and the order of its answers by unit."""

    order: NDArray[np.intp]
    bounds: NDArray[np.intp]
    units: NDArray[np.intp]
    u: Floats
    tau2: float
    sigma2: float
    fresh: bool = True


@dataclass(slots=True, eq=False)
class _Scales:
    """The completed data's scale means of every person, and the units' means of them; kept up as items change."""

    design: Design
    means: Floats
    unit_means: Floats

    def update(self, filled: Floats, s: int) -> None:
        """The means of scale s after one of its items was imputed."""
        self.means[:, s] = _mean(filled[:, self.design.scale == s])
        if self.design.unit is not None:
            self.unit_means[:, s] = _by_unit(self.means[:, s], self.design.unit)


def run_chain(design: Design, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """One completed data set, and the mean of the imputed cells by iteration and item.

    Every item with gaps is in turn regressed on the other items of its scale, the means of the other scales, the
    covariates and the unit (a random intercept, and the units' means of the scales); a gap gets the answer of one of
    the `donors` people whose prediction is nearest (type 1 matching), so that only answers that were given are imputed.

    References
    ----------
    van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., algorithms 3.1, 3.3 and 4.3, section 7.6.
    Eekhout et al. (2018), Statistical Methods in Medical Research 27, 1128-1140 (scale means as predictors).
    Schafer & Yucel (2002), Journal of Computational and Graphical Statistics 11, 437-457 (Gibbs steps).
    """
    filled = _start(design, rng)
    n, n_scales = len(filled), int(design.scale.max()) + 1
    scales = _Scales(design, np.empty((n, n_scales)), np.empty((n, n_scales)))
    for s in range(n_scales):
        scales.update(filled, s)
    todo = np.flatnonzero(design.impute.any(axis=0))
    levels: dict[int, _Level] = {}
    trace = np.full((design.iterations, design.keyed.shape[1]), np.nan)
    for iteration in range(design.iterations):
        for j in todo:
            x = _predictors(design, filled, scales, int(j))
            gaps, seen = design.impute[:, j], ~np.isnan(design.keyed[:, j])
            near, far = _predictions(x, design, int(j), seen, gaps, levels, rng)
            filled[gaps, j] = _match(near, far, design.keyed[seen, j], design.donors, rng)
            scales.update(filled, int(design.scale[j]))
            trace[iteration, j] = filled[gaps, j].mean()
    return filled, trace


def _start(design: Design, rng: np.random.Generator) -> Floats:
    """Gaps filled with random answers to the same item."""
    filled = design.keyed.copy(order="F")
    for j in np.flatnonzero(design.impute.any(axis=0)):
        given = design.keyed[:, j][~np.isnan(design.keyed[:, j])]
        gaps = design.impute[:, j]
        filled[gaps, j] = rng.choice(given, size=int(gaps.sum()))
    return filled


def _mean(block: Floats) -> Floats:
    """Each person's mean over the items that apply; the sample's mean for those to whom none applies."""
    holes = np.isnan(block)
    if not holes.any():
        return block.mean(axis=1)
    n = (~holes).sum(axis=1)
    mean = np.where(holes, 0.0, block).sum(axis=1) / np.maximum(n, 1)
    return np.where(n > 0, mean, mean[n > 0].mean() if (n > 0).any() else 0.0)


def _by_unit(values: Floats, unit: NDArray[np.intp]) -> Floats:
    return (np.bincount(unit, values) / np.bincount(unit))[unit]


def _predictors(design: Design, filled: Floats, scales: _Scales, j: int) -> Floats:
    """Intercept, covariates, the scale's other items, other scales' means, the units' means of the scales."""
    n, own = len(filled), int(design.scale[j])
    others = np.flatnonzero(design.scale == own)
    others = others[others != j]
    elsewhere = np.arange(scales.means.shape[1]) != own
    columns = [np.ones((n, 1)), design.covariates, scales.means[:, elsewhere]]
    by_unit = design.unit is not None and design.unit_means
    if by_unit:
        columns.append(scales.unit_means[:, elsewhere])
    if len(others):
        block = filled[:, others]
        mean = _mean(block)
        columns.append(np.where(np.isnan(block), mean[:, None], block))
        if by_unit and design.unit is not None:
            columns.append(_by_unit(mean, design.unit)[:, None])
    x = np.hstack(columns)
    x[:, 1:] -= x[:, 1:].mean(axis=0)
    return x


def _predictions(
    x: Floats, design: Design, j: int, seen: Bools, gaps: Bools, levels: dict[int, _Level], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Predictions of those who answered at the estimate, and of those who did not at a posterior draw."""
    y, xo = design.keyed[seen, j], x[seen]
    cross = xo.T @ xo
    cross[np.diag_indices_from(cross)] += RIDGE * np.maximum(np.diag(cross), len(y) * 1e-8)
    root: Floats = np.asarray(linalg.solve_triangular(np.linalg.cholesky(cross), np.eye(len(cross)), lower=True)).T
    if design.unit is None:
        b = root @ (root.T @ (xo.T @ y))
        residual = y - xo @ b
        sigma2 = float(residual @ residual) / rng.chisquare(max(len(y) - x.shape[1], 1))
        return xo @ b, x[gaps] @ _draw(b, root, sigma2, rng)
    unit = design.unit
    if j not in levels:
        levels[j] = _level(unit[seen], int(unit.max()) + 1, float(y.var()))
    b, draw, u_hat = _gibbs(xo, y, cross, root, levels[j], rng)
    return xo @ b + u_hat[unit[seen]], x[gaps] @ draw + levels[j].u[unit[gaps]]


def _draw(b: Floats, root: Floats, sigma2: float, rng: np.random.Generator) -> Floats:
    """Slopes around their estimate; `root` times its transpose is the inverse of the cross products."""
    return b + np.sqrt(sigma2) * (root @ rng.standard_normal(len(b)))


def _level(unit: NDArray[np.intp], n_units: int, variance: float) -> _Level:
    order = np.argsort(unit, kind="stable")
    present, bounds = np.unique(unit[order], return_index=True)
    return _Level(order, bounds, present, np.zeros(n_units), 0.1 * variance, variance)


def _gibbs(
    x: Floats, y: Floats, cross: Floats, root: Floats, level: _Level, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draws of a random-intercept model, flat priors on the slopes, on log sigma and on tau (Gelman 2006).

    Everything is computed from sums over all answers and over those of each unit.
    """
    n_units = len(level.u)
    size, ys, xs = np.zeros(n_units), np.zeros(n_units), np.zeros((n_units, x.shape[1]))
    size[level.units] = np.diff(np.append(level.bounds, len(y)))
    ys[level.units] = np.add.reduceat(y[level.order], level.bounds)
    xs[level.units] = np.add.reduceat(x[level.order], level.bounds, axis=0)
    xy, yy = x.T @ y, float(y @ y)
    b = draw = u_hat = np.zeros(0)
    for _ in range(BURN if level.fresh else INNER):
        b = root @ (root.T @ (xy - xs.T @ level.u))
        draw = _draw(b, root, level.sigma2, rng)
        precision = size / level.sigma2 + 1 / level.tau2
        level.u = (ys - xs @ draw) / level.sigma2 / precision + rng.standard_normal(n_units) / np.sqrt(precision)
        u_hat = (ys - xs @ b) / level.sigma2 / precision
        explained = 2 * (draw @ xy + level.u @ ys) - draw @ cross @ draw - 2 * level.u @ xs @ draw
        residual = yy - float(explained) + float(size @ level.u**2)
        level.sigma2 = max(residual / rng.chisquare(len(y)), 1e-8)
        level.tau2 = max(float(level.u @ level.u) / rng.chisquare(max(n_units - 1, 1)), 1e-8)
    level.fresh = False
    return b, draw, u_hat


def _match(near: Floats, far: Floats, answers: Floats, donors: int, rng: np.random.Generator) -> Floats:
    """For each gap the answer of one of the `donors` people with the nearest prediction, ties in random order."""
    shuffle = rng.permutation(len(near))
    order = shuffle[np.argsort(near[shuffle], kind="stable")]
    sorted_near = near[order]
    width = min(2 * donors, len(near))
    d = min(donors, len(near))
    start = np.clip(np.searchsorted(sorted_near, far) - width // 2, 0, len(near) - width)
    window = start[:, None] + np.arange(width)
    nearest = np.argpartition(np.abs(sorted_near[window] - far[:, None]), d - 1, axis=1)[:, :d]
    pick = nearest[np.arange(len(far)), rng.integers(d, size=len(far))]
    return answers[order[window[np.arange(len(far)), pick]]]
