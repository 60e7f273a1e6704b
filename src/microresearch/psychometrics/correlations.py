"""Which correlation matrix is analysed? From items (Pearson or polychoric) or as given, checked and made usable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.ordinal import EmptyCells
from microresearch.numeric.positive_definite import smooth
from microresearch.psychometrics.item_matrix import Missing, check_variation, item_matrix, keep_rows
from microresearch.psychometrics.polychoric import Polychoric, polychoric

Floats = NDArray[np.float64]
Kind = Literal["pearson", "polychoric"]


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """A positive definite correlation matrix and where it comes from.

    Attributes
    ----------
    names : list of str
    matrix : array, shape (n_items, n_items)
    n_used : int or None
        Persons; None if a matrix was given without `n_obs`.
    n_dropped : int
    kind : {"pearson", "polychoric", "given"}
    values : array, shape (n_used, n_items), or None
        The answers; None if a matrix was given.
    notes : tuple of str
    """

    names: list[str]
    matrix: Floats
    n_used: int | None
    n_dropped: int
    kind: str
    values: Floats | None
    notes: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """The matrix with names."""
        return pd.DataFrame(self.matrix, index=self.names, columns=self.names)


def correlate(
    items: pd.DataFrame | Polychoric,
    columns: Sequence[str] | None = None,
    *,
    correlation: Kind = "pearson",
    n_obs: int | None = None,
    missing: Missing = "pairwise",
    empty_cells: EmptyCells = "lavaan",
    least: int = 2,
) -> Correlation:
    """The correlation matrix of items, or the given one, checked.

    A frame whose row and column names are the same is taken as a correlation matrix.

    Raises
    ------
    SpecError
        Options that do not fit together.
    DataError
        A constant item, a pair that nobody answered both, or a given matrix that is not a correlation matrix.
    """
    if correlation not in ("pearson", "polychoric"):
        raise SpecError(Problem("unknown correlation", value=str(correlation), allowed="pearson, polychoric"))
    if isinstance(items, Polychoric):
        rho = items.rho if columns is None else _part(items.rho, columns)
        n = items.n_used if n_obs is None else n_obs
        made = Correlation(list(rho.columns), rho.to_numpy(), n, items.n_dropped, "polychoric", None, items.notes)
        return _usable(made)
    if is_square(items):
        return _usable(_given(items, columns, n_obs, least))
    if n_obs is not None:
        raise SpecError("n_obs goes with a correlation matrix; the number of persons is counted from items.")
    names, everything = item_matrix(items, columns, least)
    values, n_dropped = keep_rows(everything, missing)
    check_variation(names, values)
    notes: list[str] = []
    if correlation == "polychoric":
        result = polychoric(pd.DataFrame(values, columns=names), missing=missing, empty_cells=empty_cells, smooth=False)
        matrix = result.rho.to_numpy()
        notes += [note for note in result.notes if "not positive definite" not in note and "fewer" not in note]
    else:
        matrix = pearson(values)
    if len(values) < len(names):
        notes.append(f"fewer persons ({len(values)}) than items ({len(names)})")
    if np.isnan(values).any():
        seen = (~np.isnan(values)).astype(np.float64)
        notes.append(f"pairwise: n is {len(values)} persons with any answer, {int((seen.T @ seen).min())} for the pair")
        notes[-1] = f"{notes[-1]} with fewest"
    return _usable(Correlation(names, matrix, len(values), n_dropped, correlation, values, tuple(notes)))


def is_square(items: pd.DataFrame) -> bool:
    """Whether a frame is a matrix of variables by the same variables."""
    return isinstance(items, pd.DataFrame) and len(items) > 1 and list(items.index) == list(items.columns)


def pearson(values: Floats) -> Floats:
    """Pearson correlations, shape (n_items, n_items); each pair from the persons who answered both.

    Raises
    ------
    DataError
        Among the persons who answered both, one of a pair's items is constant.
    """
    seen = (~np.isnan(values)).astype(np.float64)
    centre = np.nanmean(values, axis=0)
    x = np.where(seen > 0, values - centre, 0.0)
    n = seen.T @ seen
    sums = x.T @ seen  # of the row's item, over persons who have both
    squares = (x * x).T @ seen
    cross = x.T @ x - sums * sums.T / n
    spread = squares - sums * sums / n
    if (bad := spread <= 1e-12 * squares.max()).any():
        i, j = np.argwhere(bad)[0]
        raise DataError(f"among the {int(n[i, j])} persons who answered items {i + 1} and {j + 1} one is constant.")
    out = cross / np.sqrt(spread * spread.T)
    np.fill_diagonal(out, 1.0)
    return (out + out.T) / 2


def _given(frame: pd.DataFrame, columns: Sequence[str] | None, n_obs: int | None, least: int) -> Correlation:
    if columns is not None:
        frame = _part(frame, columns)
    if len(frame) < least:
        raise SpecError(f"{least} or more items are needed; got {len(frame)}.")
    if not all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes):
        raise DataError("the correlation matrix holds something that is not a number.")
    matrix = frame.to_numpy(dtype=np.float64)
    what = ""
    if not np.isfinite(matrix).all():
        what = "it has missing or infinite entries"
    elif np.abs(np.diag(matrix) - 1).max() > 1e-8:
        what = "its diagonal is not 1 (a covariance matrix is scaled to correlations first)"
    elif np.abs(matrix - matrix.T).max() > 1e-8:
        what = "it is not symmetric"
    elif np.abs(matrix).max() > 1 + 1e-8:
        what = "an entry is larger than 1 in absolute value"
    if what:
        raise DataError(f"rows and columns have the same names, but this is not a correlation matrix: {what}.")
    if n_obs is not None and n_obs < 2:
        raise SpecError(f"n_obs must be 2 or more; got {n_obs}.")
    names = [str(name) for name in frame.columns]
    return Correlation(names, (matrix + matrix.T) / 2, n_obs, 0, "given", None, ())


def _part(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    strange = [name for name in columns if name not in frame.columns]
    if strange:
        raise SpecError([Problem("no such column", column=str(name)) for name in strange])
    return frame.loc[list(columns), list(columns)]


def _usable(made: Correlation) -> Correlation:
    near = smooth(made.matrix)
    if not near.changed:
        return made
    note = (
        f"the matrix is not positive definite (smallest eigenvalue {near.smallest:.2g}): smoothed, "
        f"largest change {near.largest_change:.2g}"
    )
    return replace(made, matrix=near.matrix, notes=(*made.notes, note))
