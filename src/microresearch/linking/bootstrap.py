"""How sure is an effect when scores, their reliability and their scale are themselves estimated? Units drawn again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, build
from microresearch.linking.two_stage import FAMILIES, first_stage
from microresearch.numeric.moments import GroupMoments, group_moments
from microresearch.numeric.reweighted import effect_slopes, rating_components, rescaled_weights
from microresearch.parallel import map_seeded
from microresearch.results import NotAvailable, tidy
from microresearch.units.score_table import UnitScores

CHUNK = 125
"""Draws a task: fixed, so that the digits do not depend on the number of workers."""
MOST_FAILED = 0.05
"""An effect with more draws than this without an estimate is no member of the max-T family."""


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapEffects:
    """Effects per true SD with bootstrap intervals, over several outcomes and characteristics.

    Attributes
    ----------
    outcomes, characteristics : tuple of str
    estimate, se : arrays, shape (n_outcomes, n_characteristics)
        Two-stage estimates on the units as they are, and Knapp-Hartung standard errors.
    draws : array, shape (n_outcomes, n_characteristics, n_boot)
        Estimates under every draw; NaN where a draw has no variance between units.
    t : array, the same shape
        (draw - estimate) / the draw's standard error.
    confidence : float
    seed : int
    n_units : int
    """

    outcomes: tuple[str, ...]
    characteristics: tuple[str, ...]
    estimate: Array
    se: Array
    draws: Array
    t: Array
    confidence: float
    seed: int
    n_units: int

    @property
    def failed(self) -> Array:
        """Share of draws without an estimate, shape (n_outcomes, n_characteristics)."""
        return np.isnan(self.t).mean(axis=2)

    def interval(self, outcome: str, characteristic: str) -> tuple[float, float] | NotAvailable:
        """Symmetric bootstrap-t interval of one effect (Hall 1988), or why there is none.

        A draw without an estimate counts as the most extreme one.
        """
        i, j = self.outcomes.index(outcome), self.characteristics.index(characteristic)
        if np.isnan(self.estimate[i, j]):
            return NotAvailable("the true variance between units was estimated as zero, so there is no SD to scale by")
        size = np.sort(self._size[i, j])
        rank = min(int(np.ceil(self.confidence * (len(size) + 1))), len(size)) - 1
        if not np.isfinite(size[rank]):
            return NotAvailable(f"{self.failed[i, j]:.0%} of the draws had no variance between units to scale by")
        half = float(size[rank] * self.se[i, j])
        return float(self.estimate[i, j]) - half, float(self.estimate[i, j]) + half

    def p_maxt(self) -> Array:
        """p-values of every effect adjusted for all of them (Westfall & Young 1993, single step max-T)."""
        observed = np.abs(self.estimate / self.se)
        usable = (self.failed <= MOST_FAILED) & ~np.isnan(self.estimate)
        n = self.t.shape[2]
        largest = np.where(usable[:, :, None], self._size, -np.inf).reshape(-1, n).max(axis=0)
        p = (1 + (largest[None, None, :] >= observed[:, :, None]).sum(axis=2)) / (n + 1)
        return np.where(usable, p, np.nan)

    @property
    def _size(self) -> Array:
        return np.where(np.isnan(self.t), np.inf, np.abs(self.t))

    def to_frame(self) -> pd.DataFrame:
        """A row per outcome (group) and characteristic (term): estimate, se, ci_low, ci_high, p_maxt, note."""
        rows: list[dict[str, object]] = []
        p = self.p_maxt()
        for i, outcome in enumerate(self.outcomes):
            for j, name in enumerate(self.characteristics):
                row: dict[str, object] = {"term": name, "group": outcome, "n": self.n_units, "note": ""}
                bounds = self.interval(outcome, name)
                if isinstance(bounds, NotAvailable):
                    row["note"] = bounds.reason
                else:
                    row |= {
                        "estimate": self.estimate[i, j],
                        "se": self.se[i, j],
                        "ci_low": bounds[0],
                        "ci_high": bounds[1],
                    }
                    row["p_maxt"] = p[i, j]
                rows.append(row)
        return tidy(rows, extra=("p_maxt", "note"))


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """All that a draw needs: ratings by unit, coded covariates, strata, first-stage effects of every outcome."""

    ratings: tuple[GroupMoments, ...]
    covariates: Array
    strata: Array
    effects: tuple[tuple[Array, Array], ...]


def bootstrap_effects(
    ratings: pd.DataFrame,
    scores: UnitScores,
    cells: Cells,
    outcomes: Sequence[str],
    n_boot: int = 1000,
    seed: int = 1,
    characteristics: Sequence[str] | None = None,
    confidence: float = 0.95,
    workers: int | None = None,
) -> BootstrapEffects:
    """Corrected effects with intervals that re-estimate reliability and scale in every draw of units.

    Every draw takes units within hospitals (rescaled, Rao & Wu 1988), re-estimates tau2 and sigma2 of the ratings and
    the empirical-Bayes scores, and regresses the outcomes' unit effects (case mix from within units, estimated once) on
    hospitals, covariates and score. One draw serves all outcomes and characteristics, so that max-T knows how
    they go together.

    Parameters
    ----------
    ratings : DataFrame, persons x (unit, characteristics)
        What `unit_scores` was given (from `Responses`: `characteristic_scores(...)` with a column `unit`).
    scores, cells : UnitScores, Cells
    outcomes : sequence of str
        Outcomes of `cells` with declared kinds.
    n_boot, seed : int
    workers : int, optional
        As `map_seeded`: the digits are the same whatever it is.

    Returns
    -------
    BootstrapEffects

    Raises
    ------
    SpecError
        Scores for a roster (no bootstrap of those here), an outcome without a kind, fewer than 99 draws.
    DataError
        Ratings that are not those of the scores, or as `unit_effects`.

    References
    ----------
    Hall (1988), Ann Stat 16, 927-953 (bootstrap-t); Rao & Wu (1988); Westfall & Young (1993), algorithm 2.8.
    """
    refuse_to_draw(n_boot, scores)
    names = tuple(scores.characteristics if characteristics is None else characteristics)
    study = gather(ratings, scores, cells, tuple(outcomes), names)
    strata = np.asarray(study.strata, np.intp)
    estimate, se, draws, t = studentised(partial(draw_effects, study), strata, n_boot, seed, workers)
    return BootstrapEffects(tuple(outcomes), names, estimate, se, draws, t, confidence, seed, len(strata))


def refuse_to_draw(n_boot: int, scores: UnitScores) -> None:
    """An error unless there are draws enough, and scores that a draw of units can make anew."""
    if n_boot < 99 or scores.population != "process":
        raise SpecError("the bootstrap needs 99 draws or more, and scores whose population is 'process'.")


Under = Callable[[Array], tuple[Array, Array]]
"""Weights of units (draws, units) -> effects and their errors, each (outcomes, characteristics, draws)."""


def studentised(
    under: Under, strata: NDArray[np.intp], n_boot: int, seed: int, workers: int | None
) -> tuple[Array, Array, Array, Array]:
    """Estimates and errors on the units as they are; then every draw's estimate, and its distance in its own errors."""
    estimate, se = (part[:, :, 0] for part in under(np.ones((1, len(strata)))))
    chunks = [CHUNK] * (n_boot // CHUNK) + ([n_boot % CHUNK] if n_boot % CHUNK else [])
    parts = map_seeded(_Task(under, strata), chunks, seed, workers)
    draws, errors = (np.concatenate([part[i] for part in parts], axis=2) for i in (0, 1))
    return estimate, se, draws, (draws - estimate[:, :, None]) / errors


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    under: Under
    strata: NDArray[np.intp]

    def __call__(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        return self.under(rescaled_weights(self.strata, size, rng))


def gather(
    ratings: pd.DataFrame, scores: UnitScores, cells: Cells, outcomes: tuple[str, ...], names: tuple[str, ...]
) -> Study:
    """All that a draw needs, checked against the scores."""
    units = scores.design.units
    if missing := [name for name in ("unit", *names) if name not in ratings]:
        raise DataError([Problem("the ratings have no such column", column=name) for name in missing])
    codes = np.asarray(units.get_indexer(pd.Index(ratings["unit"].fillna("").astype(str))), dtype=np.int64)
    moments = tuple(group_moments(ratings[name].to_numpy(np.float64), codes, len(units)) for name in names)
    for name, found in zip(names, moments, strict=True):
        known = (
            scores.table.loc[scores.table["characteristic"] == name]
            .set_index("unit")
            .loc[units, "mean"]
            .to_numpy(float)
        )
        if not np.allclose(found.mean, known, rtol=1e-9, atol=1e-9, equal_nan=True):
            raise DataError(Problem("these are not the ratings behind the scores", column=name))
    effects = []
    for outcome in outcomes:
        kind = cells.outcome(outcome).kind
        if not kind:
            raise SpecError(Problem("this outcome has no declared kind", column=outcome, allowed=", ".join(FAMILIES)))
        design = build(cells, outcome, list(units), scores.design, scores.design.by_hospital)
        found = first_stage(design, FAMILIES[kind])
        at = units.get_indexer(pd.Index(design.units))
        effect, variance = np.full(len(units), np.nan), np.full(len(units), np.nan)
        effect[at], variance[at] = found.effect, np.diag(found.cov)
        effects.append((effect, variance))
    strata = np.unique(scores.design.hospital.to_numpy(), return_inverse=True)[1].astype(np.float64)
    return Study(moments, scores.design.columns.to_numpy(np.float64), strata, tuple(effects))


def draw_effects(study: Study, weights: Array) -> tuple[Array, Array]:
    """Effects per SD and their standard errors under every weighting, shapes (outcomes, characteristics, draws)."""
    strata = np.asarray(study.strata, np.intp)
    estimate = np.full((len(study.effects), len(study.ratings), len(weights)), np.nan)
    se = estimate.copy()
    fixed = np.broadcast_to(study.covariates, (len(weights), *study.covariates.shape))
    for j, rated in enumerate(study.ratings):
        eb, tau = drawn_scores(rated, study.covariates, strata, weights)
        x = np.concatenate([fixed, eb[:, :, None]], axis=2)
        for i, (effect, variance) in enumerate(study.effects):
            found = effect_slopes(np.where(rated.n > 0, effect, np.nan), variance, weights, strata, x)
            estimate[i, j], se[i, j] = found.estimate * tau, found.se * tau
    return estimate, se


def drawn_scores(
    rated: GroupMoments, covariates: Array, strata: NDArray[np.intp], weights: Array
) -> tuple[Array, Array]:
    """Empirical-Bayes scores (draws, units) under every weighting, and the true SD, NaN where it is not above zero."""
    n = rated.n.astype(np.float64)
    within = rating_components(n, rated.mean, rated.ss, weights, strata, covariates[:, :0])
    given = rating_components(n, rated.mean, rated.ss, weights, strata, covariates)
    return given.eb, np.where((within.tau2 > 0) & (given.tau2 > 0), np.sqrt(within.tau2), np.nan)
