"""How is one completed data set drawn? Chained equations with predictive mean matching and random unit intercepts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
RIDGE = 1e-5
INNER = 3
BURN = 20
(_TRTRI,) = linalg.get_lapack_funcs(("trtri",), dtype=np.float64)


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


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """The design with a row an item and the people of a unit side by side, so that sums by unit are sums of runs.

    Attributes
    ----------
    keyed : array, shape (items, n)
    gaps, seen, out : lists of int arrays
        By item: who is to be imputed, who answered, and who did not.
    covariates : array, shape (1 + q, n)
        The intercept and the centred covariates.
    bounds, size : int arrays, shape (units,)
        Where each unit begins, and how many people it has; one unit of everybody where there is none.
    unit : int array, shape (n,)
    holes : bool array, shape (scales,)
        Whether a scale has cells that stay empty.
    """

    keyed: Floats
    gaps: list[NDArray[np.intp]]
    seen: list[NDArray[np.intp]]
    out: list[NDArray[np.intp]]
    covariates: Floats
    bounds: NDArray[np.intp]
    size: NDArray[np.intp]
    unit: NDArray[np.intp]
    holes: Bools

    def by_unit(self, values: Floats) -> Floats:
        """Each unit's mean of one value a person, for every person."""
        return np.repeat(np.add.reduceat(values, self.bounds) / self.size, self.size)


@dataclass(slots=True, eq=False)
class _Level:
    """State of one item's random-intercept model between visits, and what its answers add up to in each unit."""

    size: Floats
    ys: Floats
    u: Floats
    tau2: float
    sigma2: float
    fresh: bool = True


@dataclass(slots=True, eq=False)
class _Sums:
    """Predictors of one item as rows: those that stay while the items of a scale are visited, then the scale's own."""

    x: Floats
    kept: int
    cross: Floats
    by_unit: Floats


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
    n, items = design.keyed.shape
    order = np.arange(n) if design.unit is None else np.argsort(design.unit, kind="stable")
    people = _people(design, order)
    filled = _start(people, rng)
    members = [np.flatnonzero(design.scale == s) for s in range(int(design.scale.max()) + 1)]
    means = np.array([_mean(filled[own]) for own in members])
    levels: dict[int, _Level] = {}
    trace = np.full((design.iterations, items), np.nan)
    for iteration in range(design.iterations):
        for s, own in enumerate(members):
            todo = [int(j) for j in own if len(people.gaps[j])]
            if not todo:
                continue
            sums = _shared(design, people, means, s)
            for j in todo:
                _others(sums, design, people, filled, own[own != j], s)
                near, far = _predictions(sums, design, people, j, levels, rng)
                drawn = _match(near, far, people.keyed[j, people.seen[j]], design.donors, rng)
                filled[j, people.gaps[j]] = drawn
                trace[iteration, j] = drawn.mean()
            means[s] = _mean(filled[own])
    completed = np.empty((n, items), order="F")
    completed[order] = filled.T
    return completed, trace


def _people(design: Design, order: NDArray[np.intp]) -> _People:
    keyed, impute = np.ascontiguousarray(design.keyed[order].T), design.impute[order].T
    unit = np.zeros(len(order), dtype=np.intp) if design.unit is None else design.unit[order]
    bounds = np.flatnonzero(np.append(True, np.diff(unit) > 0))
    covariates = np.vstack([np.ones(len(order)), design.covariates[order].T])
    covariates[1:] -= covariates[1:].mean(axis=1, keepdims=True)
    empty = np.isnan(keyed)
    stay: Bools = np.asarray((empty & ~impute).any(axis=1), dtype=np.bool_)
    holes = np.array([stay[design.scale == s].any() for s in range(int(design.scale.max()) + 1)])
    return _People(
        keyed, [np.flatnonzero(one) for one in impute], [np.flatnonzero(~one) for one in empty],
        [np.flatnonzero(one) for one in empty], covariates, bounds, np.diff(np.append(bounds, len(order))), unit, holes,
    )  # fmt: skip


def _start(people: _People, rng: np.random.Generator) -> Floats:
    """Gaps filled with random answers to the same item."""
    filled = people.keyed.copy()
    for row, gaps, seen in zip(filled, people.gaps, people.seen, strict=True):
        if len(gaps):
            row[gaps] = rng.choice(row[seen], size=len(gaps))
    return filled


def _mean(block: Floats) -> Floats:
    """Each person's mean over the items that apply; the sample's mean for those to whom none applies."""
    holes = np.isnan(block)
    if not holes.any():
        return block.mean(axis=0)
    n = (~holes).sum(axis=0)
    mean = np.where(holes, 0.0, block).sum(axis=0) / np.maximum(n, 1)
    return np.where(n > 0, mean, mean[n > 0].mean() if (n > 0).any() else 0.0)


def _shared(design: Design, people: _People, means: Floats, s: int) -> _Sums:
    """Predictors that all items of scale s share: covariates, other scales' means, the units' means of those."""
    elsewhere = np.delete(means, s, axis=0)
    parts = [people.covariates, elsewhere - elsewhere.mean(axis=1, keepdims=True)]
    own = int((design.scale == s).sum()) - 1
    if design.unit_means and len(elsewhere):
        by_unit = np.array([people.by_unit(one) for one in elsewhere])
        parts.append(by_unit - by_unit.mean(axis=1, keepdims=True))
    kept = sum(len(part) for part in parts)
    p = kept + own + (1 if own and design.unit_means else 0)
    x, cross = np.empty((p, people.keyed.shape[1])), np.empty((p, p))
    x[:kept] = np.vstack(parts)
    cross[:kept, :kept] = x[:kept] @ x[:kept].T
    sums = np.zeros((p, len(people.bounds)))
    sums[:kept] = np.add.reduceat(x[:kept], people.bounds, axis=1)
    return _Sums(x, kept, cross, sums)


def _others(sums: _Sums, design: Design, people: _People, filled: Floats, others: NDArray[np.intp], s: int) -> None:
    """The scale's other items, and the units' means of them, in the last rows of the predictors."""
    if not len(others):
        return
    x, kept = sums.x, sums.kept
    own = x[kept:]
    own[: len(others)] = filled[others]
    if design.unit_means or people.holes[s]:
        mean = _mean(own[: len(others)])
        if people.holes[s]:
            own[: len(others)] = np.where(np.isnan(own[: len(others)]), mean, own[: len(others)])
        if design.unit_means:
            own[-1] = people.by_unit(mean)
    own -= own.mean(axis=1, keepdims=True)
    across = own @ x.T
    sums.cross[kept:], sums.cross[:kept, kept:] = across, across[:, :kept].T
    sums.by_unit[kept:] = np.add.reduceat(own, people.bounds, axis=1)


def _predictions(
    sums: _Sums, design: Design, people: _People, j: int, levels: dict[int, _Level], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Predictions of those who answered at the estimate, and of those who did not at a posterior draw."""
    x, out, seen, gaps = sums.x, people.out[j], people.seen[j], people.gaps[j]
    y = people.keyed[j].copy()
    y[out] = 0.0
    apart = x[:, out]
    cross = sums.cross - apart @ apart.T
    cross.flat[:: len(cross) + 1] += RIDGE * np.maximum(np.diag(cross), len(seen) * 1e-8)
    inverse, _ = _TRTRI(np.linalg.cholesky(cross), lower=1)
    root: Floats = np.asarray(inverse, dtype=np.float64).T
    xy = x @ y
    if design.unit is None:
        b = root @ (root.T @ xy)
        fitted = b @ x
        sigma2 = float(((y - fitted)[seen] ** 2).sum()) / rng.chisquare(max(len(seen) - len(x), 1))
        return fitted[seen], _draw(b, root, sigma2, rng) @ x[:, gaps]
    if j not in levels:
        levels[j] = _level(people, y, j)
    left = np.flatnonzero(np.append(True, np.diff(people.unit[out]) > 0))
    xs = sums.by_unit.T.copy()
    xs[people.unit[out[left]]] -= np.add.reduceat(apart, left, axis=1).T
    b, draw, u_hat = _gibbs(xs, xy, float(y @ y), root, levels[j], rng)
    return (b @ x + u_hat[people.unit])[seen], draw @ x[:, gaps] + levels[j].u[people.unit[gaps]]


def _draw(b: Floats, root: Floats, sigma2: float, rng: np.random.Generator) -> Floats:
    """Slopes around their estimate; `root` times its transpose is the inverse of the cross products."""
    return b + np.sqrt(sigma2) * (root @ rng.standard_normal(len(b)))


def _level(people: _People, y: Floats, j: int) -> _Level:
    answered = np.zeros(len(y))
    answered[people.seen[j]] = 1.0
    size, ys = np.add.reduceat(answered, people.bounds), np.add.reduceat(y, people.bounds)
    variance = float(y[people.seen[j]].var())
    return _Level(size, ys, np.zeros(len(size)), 0.1 * variance, variance)


def _gibbs(
    xs: Floats, xy: Floats, yy: float, root: Floats, level: _Level, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draws of a random-intercept model, flat priors on the slopes, on log sigma and on tau (Gelman 2006).

    Everything is computed from sums over all answers (`xy`, `yy`, and `root`, which times its transpose is the inverse
    of the cross products) and over those of each unit (`xs`).
    """
    n_units, n, steps = len(level.u), float(level.size.sum()), BURN if level.fresh else INNER
    white, rotated = root.T @ xy, xs @ root  # slopes are root times g, and g has independent parts
    noise, jumps = rng.standard_normal((steps, len(xy))), rng.standard_normal((steps, n_units))
    spread, apart_units = rng.chisquare(n, steps), rng.chisquare(max(n_units - 1, 1), steps)
    estimate = draw = u_hat = np.zeros(0)
    for i in range(steps):
        centre = white - level.u @ rotated
        g = centre + np.sqrt(level.sigma2) * noise[i]
        shrunk = level.size + level.sigma2 / level.tau2
        apart = level.ys - rotated @ g
        level.u = apart / shrunk + jumps[i] * np.sqrt(level.sigma2 / shrunk)
        residual = yy - 2 * float(g @ white + level.u @ apart) + float(g @ g) + float(level.size @ level.u**2)
        if i == steps - 1:
            estimate, draw, u_hat = root @ centre, root @ g, (level.ys - rotated @ centre) / shrunk
        level.sigma2 = max(residual / spread[i], 1e-8)
        level.tau2 = max(float(level.u @ level.u) / apart_units[i], 1e-8)
    level.fresh = False
    return estimate, draw, u_hat


def _match(near: Floats, far: Floats, answers: Floats, donors: int, rng: np.random.Generator) -> Floats:
    """For each gap the answer of one of the `donors` people with the nearest prediction, ties in random order."""
    near = near + 1e-9 * (np.ptp(near) + 1e-3) * rng.random(len(near))
    order = np.argsort(near)
    sorted_near = near[order]
    width = min(2 * donors, len(near))
    d = min(donors, len(near))
    start = np.clip(np.searchsorted(sorted_near, far) - width // 2, 0, len(near) - width)
    window = start[:, None] + np.arange(width)
    nearest = np.argpartition(np.abs(sorted_near[window] - far[:, None]), d - 1, axis=1)[:, :d]
    pick = nearest[np.arange(len(far)), rng.integers(d, size=len(far))]
    return answers[order[window[np.arange(len(far)), pick]]]
