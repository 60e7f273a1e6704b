"""What counts would a reader hold possible? A cross-classification of people, taken apart where its tables allow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from microresearch.errors import DisclosureError

Where: TypeAlias = frozenset[tuple[str, str]]
"""Which people a count counts: a level of each dimension that is named."""

OTHERS = "(none of these)"


@dataclass(frozen=True, slots=True)
class Count:
    """One count of people: whom it counts, how many, and every cell that shows it.

    With `among`, those of `among` who are not in `where`: no cell shows them, but the difference of two cells does.
    `zero` tells that the cells would hide 0 as well.
    """

    where: Where
    value: int
    spots: tuple[tuple[str, int, str], ...] = ()
    among: Where | None = None
    zero: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Part of a classification that can be solved alone.

    Attributes
    ----------
    members : array of int
        Which of the counts it holds.
    matrix, ties : sparse arrays
        Members x cells: 1 where a cell is counted; and differences of cells that must be 0.
    """

    members: NDArray[np.intp]
    matrix: Any
    ties: Any

    def extreme(self, low: NDArray[np.float64], high: NDArray[np.float64], target: int, sign: float) -> int:
        """The largest (sign -1) or smallest (sign 1) whole number that a member can be, as far as a reader can tell."""
        goal = sign * self.matrix[[target]].toarray()[0]
        rows = vstack([self.matrix, self.ties]) if self.ties.shape[0] else self.matrix
        zeros = np.zeros(self.ties.shape[0])
        most = float(high[np.isfinite(high)].sum()) + 1000.0  # more than anyone could be: keeps the program bounded
        found = milp(
            goal, integrality=np.ones(len(goal)), bounds=Bounds(0, most),
            constraints=LinearConstraint(rows, np.concatenate([low, zeros]), np.concatenate([high, zeros])),
        )  # fmt: skip
        if not found.success:
            raise DisclosureError(f"the disclosure attack could not be solved ({found.message}); publish fewer cells.")
        return round(sign * float(found.fun))

    def binding(self, low: NDArray[np.float64], high: NDArray[np.float64], target: int) -> list[int]:
        """The shown members that hold one down, by the dual of the linear program; if it has none, all shown."""
        shown, gone = np.flatnonzero(low == high), np.flatnonzero(low != high)
        goal = -self.matrix[[target]].toarray()[0]
        equal = vstack([self.matrix[shown], self.ties]) if self.ties.shape[0] else self.matrix[shown]
        found = linprog(
            goal, A_ub=-self.matrix[gone], b_ub=-low[gone], A_eq=equal,
            b_eq=np.concatenate([low[shown], np.zeros(self.ties.shape[0])]), method="highs",
        )  # fmt: skip
        if found.status == 0:
            held = shown[np.abs(found.eqlin.marginals[: len(shown)]) > 1e-9]
            if len(held := held[low[held] > 0]):
                return [int(i) for i in held]
        return [int(i) for i in shown if low[i] > 0]


def levels_of(counts: Sequence[Count]) -> dict[str, list[str]]:
    """Every dimension with its levels."""
    levels: dict[str, list[str]] = {}
    for dim, level in sorted({pair for count in counts for pair in count.where | (count.among or frozenset())}):
        levels.setdefault(dim, []).append(level)
    return levels


def cliques(sets: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Sets of dimensions that must be cross-classified, so that the rest follows: cliques of a chordal graph.

    Examples
    --------
    >>> [sorted(one) for one in cliques([frozenset("ab"), frozenset("bc"), frozenset("d")])]
    [['d'], ['a', 'b'], ['b', 'c']]
    """
    near: dict[str, set[str]] = {}
    for some in sets:
        for dim in some:
            near.setdefault(dim, set()).update(some - {dim})
    made: list[frozenset[str]] = []
    while near:

        def fill(dim: str) -> tuple[int, int, str]:
            lacking = sum(b not in near[a] for a, b in combinations(near[dim], 2))
            return lacking, len(near[dim]), dim

        dim = min(near, key=fill)
        around = near.pop(dim)
        if not any({dim, *around} <= other for other in made):
            made.append(frozenset({dim, *around}))
        for other in around:
            near[other] = (near[other] | around) - {other, dim}
    return made or [frozenset()]


def size(counts: Sequence[Count]) -> float:
    """How many cells the cliques of these counts have together."""
    levels = levels_of(counts)
    return sum(
        float(np.prod([len(levels[dim]) + 1.0 for dim in clique])) for clique in cliques([_dims(one) for one in counts])
    )


def blocks(counts: Sequence[Count], shown: NDArray[np.bool_]) -> tuple[list[Block], NDArray[np.bool_]]:
    """The classification behind the counts, parted where shown counts tell all that the parts share; and which do.

    Notes
    -----
    Tables over the cliques of a chordal graph that agree on what they share are margins of one table of whole numbers,
    and every such table has them: nothing is lost by taking cliques in place of the full classification.

    References
    ----------
    Dobra & Fienberg (2000), PNAS 97, 11885-11892. doi:10.1073/pnas.97.22.11885
    """
    parts, levels = cliques([_dims(one) for one in counts]), levels_of(counts)
    home, held = list(range(len(parts))), np.zeros(len(counts), dtype=bool)
    ties: list[tuple[int, int]] = []
    for a, b in _tree(parts):
        told = shown & np.array([one.among is None and _dims(one) <= parts[a] & parts[b] for one in counts])
        if _known(parts[a] & parts[b], [one for one, yes in zip(counts, told, strict=True) if yes], levels):
            held |= told
        else:
            ties.append((a, b))
            home = [home[a] if one == home[b] else one for one in home]
    found = []
    for label in dict.fromkeys(home):
        inside = [parts[i] for i, one in enumerate(home) if one == label]
        members = [i for i, one in enumerate(counts) if any(_dims(one) <= part for part in inside)]
        tied = [(parts[a], parts[b]) for a, b in ties if home[a] == label]
        found.append(_block(inside, tied, counts, members, levels))
    return found, held


def _dims(count: Count) -> frozenset[str]:
    return frozenset(dim for dim, _ in count.where | (count.among or frozenset()))


def _tree(parts: Sequence[frozenset[str]]) -> list[tuple[int, int]]:
    """A spanning tree of cliques whose neighbours share as much as can be."""
    edges: list[tuple[int, int]] = []
    best = {b: (len(parts[0] & parts[b]), 0) for b in range(1, len(parts))}
    while best:
        b = max(best, key=lambda b: (best[b][0], -b))
        edges.append((best.pop(b)[1], b))
        best = {c: max(edge, (len(parts[b] & parts[c]), b), key=lambda one: one[0]) for c, edge in best.items()}
    return edges


def _known(shared: frozenset[str], told: Sequence[Count], levels: Mapping[str, list[str]]) -> bool:
    """Whether these counts fix every cell of what two cliques share."""
    matrix = _rows([shared], told, {dim: [*levels[dim], OTHERS] for dim in shared})
    return bool(told) and bool(np.linalg.matrix_rank(matrix.toarray()) == matrix.shape[1])


def _block(
    parts: Sequence[frozenset[str]],
    ties: Sequence[tuple[frozenset[str], frozenset[str]]],
    counts: Sequence[Count],
    members: Sequence[int],
    levels: Mapping[str, list[str]],
) -> Block:
    """A reader takes the named levels for everybody, as long as the counts allow it; else some are in none of them."""
    some = [counts[i] for i in members]
    value = np.array([one.value for one in some], dtype=float)
    dims = sorted(frozenset().union(*parts))
    lone = {dim for dim in dims if len(levels[dim]) == 1}
    for open_dims in (lone, *(lone | {dim} for dim in dims if dim not in lone), set(dims)):
        wide = {dim: [*levels[dim], OTHERS] if dim in open_dims else levels[dim] for dim in dims}
        matrix, tied = _rows(parts, some, wide), _ties(parts, ties, wide)
        both = vstack([matrix, tied]) if tied.shape[0] else matrix
        right = np.concatenate([value, np.zeros(tied.shape[0])])
        if linprog(np.zeros(matrix.shape[1]), A_eq=both, b_eq=right, method="highs").status == 0:
            return Block(np.array(members, dtype=np.intp), matrix, tied)
    raise DisclosureError("counts of the same people contradict each other; publish them from one set of people.")


def _cells(part: frozenset[str], levels: Mapping[str, list[str]]) -> tuple[list[str], NDArray[np.intp]]:
    dims = sorted(part)
    shape = tuple(len(levels[dim]) for dim in dims)
    return dims, np.indices(shape, dtype=np.intp).reshape(len(dims), math.prod(shape)).T


def _rows(parts: Sequence[frozenset[str]], counts: Sequence[Count], levels: Mapping[str, list[str]]) -> Any:
    """Counts x cells of all cliques: each count over the first clique that has all its dimensions."""
    tables = [_cells(part, levels) for part in parts]
    start = np.cumsum([0, *(len(codes) for _, codes in tables)])
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for i, one in enumerate(counts):
        part = next(p for p in range(len(parts)) if _dims(one) <= parts[p])
        dims, codes = tables[part]
        inside = _inside(one.where, dims, codes, levels).astype(float)
        if one.among is not None:
            inside = _inside(one.among, dims, codes, levels) - inside
        at = np.flatnonzero(inside)
        rows += [i] * len(at)
        columns += [*(start[part] + at)]
        values += [*inside[at]]
    return csr_array((values, (rows, columns)), shape=(len(counts), start[-1]))


def _ties(
    parts: Sequence[frozenset[str]],
    ties: Sequence[tuple[frozenset[str], frozenset[str]]],
    levels: Mapping[str, list[str]],
) -> Any:
    """For each pair of cliques and each cell of what they share: the one's sum less the other's."""
    tables = {part: _cells(part, levels) for part in parts}
    start = dict(zip(parts, np.cumsum([0, *(len(codes) for _, codes in tables.values())]), strict=False))
    width = sum(len(codes) for _, codes in tables.values())
    rows: list[NDArray[np.intp]] = []
    columns: list[NDArray[np.intp]] = []
    above = 0
    for a, b in ties:
        shape = tuple(len(levels[dim]) for dim in sorted(a & b))
        for part in (a, b):
            dims, codes = tables[part]
            shared = tuple(codes[:, dims.index(dim)] for dim in sorted(a & b))
            rows.append(above + (np.ravel_multi_index(shared, shape) if shape else np.zeros(len(codes), dtype=np.intp)))
            columns.append(start[part] + np.arange(len(codes)))
        above += math.prod(shape)
    if not ties:
        return csr_array((0, width))
    signs = np.concatenate([np.full(len(one), (-1.0) ** i) for i, one in enumerate(rows)])  # a, b, a, b, ...
    return csr_array((signs, (np.concatenate(rows), np.concatenate(columns))), shape=(above, width))


def _inside(
    where: Where, dims: Sequence[str], codes: NDArray[np.intp], levels: Mapping[str, list[str]]
) -> NDArray[np.bool_]:
    inside = np.ones(len(codes), dtype=bool)
    for dim, level in where:
        inside &= codes[:, dims.index(dim)] == levels[dim].index(level)
    return inside
