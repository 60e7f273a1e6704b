"""What can be said with fewer than twenty units? Scores shuffled among the units of each hospital."""

from dataclasses import dataclass
from itertools import permutations
from math import factorial, prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array, build
from microresearch.linking.two_stage import FAMILIES, first_stage
from microresearch.results import tidy
from microresearch.units.score_table import UnitScores

EXACT = 20_000
"""Up to this many arrangements all are counted; beyond, as many are drawn."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Slope of case-mix adjusted unit effects on raw unit means, against its arrangements within hospitals.

    Attributes
    ----------
    outcome : str
    rows : tuple of (characteristic, slope per SD, p, arrangements, exact)
        The slope is the naive one (link scale); p is two-sided.
    n_units : int
    """

    outcome: str
    rows: tuple[tuple[str, float, float, int, bool], ...]
    n_units: int

    def to_frame(self) -> pd.DataFrame:
        """Columns term, group (outcome), estimate, p, n, note."""
        return tidy(
            [
                {"term": name, "group": self.outcome, "estimate": slope, "p": p, "n": self.n_units,
                 "note": f"{'all' if exact else 'random'} {count} arrangements within hospitals"}
                for name, slope, p, count, exact in self.rows
            ],
            extra=("note",),
        )  # fmt: skip


def permutation_test(scores: UnitScores, cells: Cells, outcome: str, seed: int = 1) -> PermutationTest:
    """Test each characteristic by rearranging scores among units of the same hospital.

    The outcome's unit effects are adjusted for case mix within units; unit covariates are not adjusted for (with so
    few units there is no room), which the reader must be told. Weights are equal: every unit counts once.

    Parameters
    ----------
    scores, cells : UnitScores, Cells
    outcome : str
        With a declared kind.
    seed : int
        For the random arrangements, where there are more than 20,000.

    Raises
    ------
    SpecError
        An outcome without a kind.
    DataError
        No hospital with two units that have score and outcome, or as `unit_effects`.

    References
    ----------
    Fisher (1935), The Design of Experiments, section 21; Phipson & Smyth (2010), Stat Appl Genet Mol Biol 9, 39 (p of
    random arrangements is never 0).
    """
    kind = cells.outcome(outcome).kind
    if not kind:
        raise SpecError(Problem("this outcome has no declared kind", column=outcome, allowed=", ".join(FAMILIES)))
    rows: list[tuple[str, float, float, int, bool]] = []
    used = 0
    for name in scores.characteristics:
        table = scores.table[(scores.table["characteristic"] == name) & scores.table["mean"].notna()].set_index("unit")
        design = build(cells, outcome, list(table.index), scores.design, scores.design.by_hospital)
        effect = first_stage(design, FAMILIES[kind]).effect
        score = table["mean"].loc[list(design.units)].to_numpy(np.float64)
        hospitals = np.array(design.hospitals or ("",) * len(design.units))
        tau = float(scores.components.set_index("characteristic")["tau"][name])
        rows.append((name, *_test(effect, score, hospitals, tau, np.random.default_rng(seed))))
        used = max(used, len(design.units))
    return PermutationTest(outcome, tuple(rows), used)


def _test(
    effect: Array, score: Array, hospitals: NDArray[np.str_], tau: float, rng: np.random.Generator
) -> tuple[float, float, int, bool]:
    groups = [np.flatnonzero(hospitals == h) for h in sorted(set(hospitals))]
    inner, outer = score.copy(), effect.copy()
    for group in groups:
        inner[group] -= score[group].mean()
        outer[group] -= effect[group].mean()
    spread = float(inner @ inner)
    count = prod(factorial(len(group)) for group in groups)
    if count < 2 or spread == 0:
        raise DataError("no hospital has two units with different scores: there is nothing to rearrange.")
    observed = float(inner @ outer)
    exact = count <= EXACT
    sums = _all_sums(inner, outer, groups) if exact else _some_sums(inner, outer, groups, rng)
    hits = int((np.abs(sums) >= abs(observed) * (1 - 1e-10)).sum())
    p = hits / count if exact else (hits + 1) / (len(sums) + 1)
    return observed / spread * tau, p, len(sums), exact


def _all_sums(inner: Array, outer: Array, groups: list[NDArray[np.intp]]) -> Array:
    """Cross products under every arrangement: sums over hospitals combine freely."""
    total = np.zeros(1)
    for group in groups:
        own = np.array([inner[list(order)] @ outer[group] for order in permutations(group)])
        total = (total[:, None] + own[None, :]).ravel()
    return total


def _some_sums(inner: Array, outer: Array, groups: list[NDArray[np.intp]], rng: np.random.Generator) -> Array:
    total = np.zeros(EXACT)
    for group in groups:
        total += rng.permuted(np.tile(inner[group], (EXACT, 1)), axis=1) @ outer[group]
    return total
