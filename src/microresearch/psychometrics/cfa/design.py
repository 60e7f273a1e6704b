"""What is to be estimated? The parameter table with its matrices, starts and degrees of freedom, known identified."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_structure import Structure, directions, gather_square, implied
from microresearch.psychometrics.cfa.sample import Sample
from microresearch.psychometrics.matrices import Layout, lay_out, start_values

SINGULAR = 1e-8
"""Smallest eigenvalue of the scaled information that still counts as information."""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A model for a sample.

    Attributes
    ----------
    table : DataFrame
        The parameter table.
    layouts : tuple of Layout
        Matrices of each group, with names.
    start : array, shape (q,)
    df : int
        Moments less free parameters.
    exogenous : tuple of str
        Observed predictors, whose moments are the sample's.
    blocks : {"group", "level"}
        What each of the layouts describes: a group of people, or a level (within and between clusters).
    """

    table: pd.DataFrame
    layouts: tuple[Layout, ...]
    start: Array
    df: int
    exogenous: tuple[str, ...]
    blocks: Literal["group", "level"] = "group"

    @property
    def structures(self) -> tuple[Structure, ...]:
        """The bare matrices of each group."""
        return tuple(layout.structure for layout in self.layouts)

    @property
    def means(self) -> bool:
        """Whether the model has means."""
        return self.layouts[0].structure.means

    def marks(self, labels: Sequence[str]) -> list[str | int]:
        """What tables call the blocks: a group by its label, a level by its number, as lavaan does."""
        return [1, 2] if self.blocks == "level" else list(labels)

    def name(self, free: int) -> str:
        """What the table calls a free parameter (0-based)."""
        row = self.table[self.table["free"] == free + 1].iloc[0]
        said = f"{row['lhs']} {row['op']} {row['rhs']}".strip()
        return said if self.table["group"].max() == 1 else f"{said} ({self.blocks} {row['group']})"


def make_design(table: pd.DataFrame, sample: Sample, moments: Sequence[Moments]) -> Design:
    """Lay the table out for a sample and check that every free parameter can be found from its moments.

    Parameters
    ----------
    table : DataFrame
        A parameter table.
    sample : Sample
    moments : sequence of Moments
        Saturated moments of each group.

    Raises
    ------
    SpecError
        More parameters than moments, or a parameter that the moments do not determine (named).
    """
    table, exogenous = _with_sample_moments(table, sample.observed, moments)
    layouts = tuple(lay_out(table, sample.observed, group + 1) for group in range(len(sample.labels)))
    start = start_values(table, layouts, [m.cov for m in moments], [m.mean for m in moments])
    p, x = len(sample.observed), len(exogenous)
    means = layouts[0].structure.means
    free_moments = (p * (p + 1) - x * (x + 1)) // 2 + (p - x if means else 0)
    design = Design(table, layouts, start, len(moments) * free_moments - len(start), exogenous)
    if design.df < 0:
        what = f"{len(start)} free parameters but {len(moments) * free_moments} moments: the model is not identified"
        raise SpecError(Problem(what, mend="fix or equate parameters"))
    check_identified(design, moments)
    return design


def _with_sample_moments(
    table: pd.DataFrame, observed: Sequence[str], moments: Sequence[Moments]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with the moments of observed predictors filled in, and their names."""
    exo = table[table["exo"]]
    if exo.empty:
        return table, ()
    values = table["fixed"].to_numpy(dtype=float, copy=True)
    for at in np.flatnonzero(table["exo"]).tolist():
        lhs, op, rhs, group = (table[name].iloc[at] for name in ("lhs", "op", "rhs", "group"))
        seen, i = moments[int(group) - 1], observed.index(lhs)
        values[at] = seen.mean[i] if op == "~1" else seen.cov[i, observed.index(rhs)]
    return table.assign(fixed=values), tuple(dict.fromkeys(exo["lhs"]))


def check_identified(design: Design, moments: Sequence[Moments]) -> None:
    """Whether the moments' derivatives by the parameters are independent, at a point without special zeros."""
    q = len(design.start)
    if q == 0:
        raise SpecError("the model has no free parameter.")
    rng = np.random.default_rng(0)
    theta = design.start * rng.uniform(0.8, 1.2, q)
    curvature = np.zeros((q, q))
    for layout, seen in zip(design.layouts, moments, strict=True):
        sd = np.sqrt(np.diag(seen.cov))
        for matrix, i, j, free, _ in layout.structure.cells:
            if free >= 0 and design.start[free] == 0 and matrix in ("theta", "psi", "beta", "alpha"):
                theta[free] = rng.uniform(0.05, 0.2) * (sd[i] * sd[j] if matrix == "theta" else 1.0)
        at = implied(layout.structure, theta)
        ways = directions(layout.structure, at)
        weight = np.diag(1 / sd**2)
        bend = ways.bend(weight, weight)
        if layout.structure.means:
            bend += 2 * ways.mu.T @ weight @ ways.mu
        curvature += gather_square(ways.ids, bend, q)
    if weak := weakest(curvature):
        names = ", ".join(design.name(k) for k in weak)
        what = f"the model is not identified: fit stays when these parameters change together: {names}"
        raise SpecError(Problem(what, mend="fix one of them, or equate it with another"))


def weakest(information: Array) -> list[int]:
    """Parameters that a singular information matrix leaves undetermined, the clearest first; none where regular."""
    diagonal = np.diag(information)
    if (dead := np.flatnonzero(diagonal <= 1e-25 * max(diagonal.max(), 1e-300))).size:
        return [int(k) for k in dead]
    scale = 1 / np.sqrt(diagonal)
    scaled = information * np.outer(scale, scale)
    if _clearly_regular(scaled):
        return []
    values, vectors = np.linalg.eigh(scaled)
    if values[0] > SINGULAR:
        return []
    share = np.abs(vectors[:, 0])
    return [int(k) for k in np.argsort(-share) if share[k] > 0.1 * share.max()][:6]


def rank(information: Array) -> int:
    """How many parameters (or combinations of them) the moments determine."""
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information * np.outer(scale, scale)
    if _clearly_regular(scaled):
        return len(scaled)
    return int((np.linalg.eigvalsh(scaled) > SINGULAR).sum())


def _clearly_regular(scaled: Array) -> bool:
    """Whether every eigenvalue is above the limit, by a factorisation that is cheaper than the eigenvalues."""
    try:
        np.linalg.cholesky(scaled - 2 * SINGULAR * np.eye(len(scaled)))
    except np.linalg.LinAlgError:
        return False
    return True


def check_known(data: pd.DataFrame, observed: Sequence[str]) -> None:
    """Refuse a model that names columns which the data do not have; all of them at once."""
    if not isinstance(data, pd.DataFrame):
        raise SpecError(f"data must be a pandas DataFrame, persons x items; got {type(data).__name__}.")
    unknown = [name for name in observed if name not in data.columns]
    if unknown:
        what = "the model names a column that the data do not have"
        raise DataError([Problem(what, column=name) for name in unknown])
