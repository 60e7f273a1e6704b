"""How do items with ordered answers correlate, if a normal variable lies behind each? Thresholds, rho, and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from microresearch.errors import SpecError
from microresearch.numeric.ordinal import EmptyCells, encode, fit_pairs, influence, pair_errors, pair_index
from microresearch.numeric.ordinal.mixed import fit_mixed
from microresearch.numeric.positive_definite import smooth as lift
from microresearch.psychometrics.item_matrix import Missing, check_variation, item_matrix, keep_rows
from microresearch.psychometrics.ordinal_input import check_codes, cluster_codes, which_continuous
from microresearch.results import tidy

Floats = NDArray[np.float64]

EMPTY_CELLS = {
    "lavaan": "one half added to an empty cell of a 2 x 2 table, margins kept (lavaan)",
    "psych": "one half put into an empty cell of a 2 x 2 table (psych's tetrachoric)",
    "none": "left empty",
}


@dataclass(frozen=True, slots=True, eq=False)
class Polychoric:
    """Correlations of the normal variables behind ordered items.

    Attributes
    ----------
    rho : DataFrame, items x items
        Correlations; positive definite if `smooth` was asked for and needed (see `notes`).
    thresholds : dict of item -> array, shape (n_categories - 1,)
        In standard normal units; continuous variables have none.
    se : DataFrame, items x items
        Standard errors of `rho` before smoothing; NaN where rho is at its limit (see `notes`).
    n : DataFrame, items x items
        Persons who answered both; on the diagonal, who answered the item.
    acov : array, shape (n_thresholds + n_pairs, n_thresholds + n_pairs), or None
        Covariance of the estimates: thresholds item by item, then correlations, lower triangle by rows.
        `n_used * acov` is what lavaan calls NACOV (gamma).
    terms : tuple of str
        What the rows of `acov` stand for: "item|t1", "item~~other".
    n_used, n_dropped : int
    confidence : float
    method : str
        The conventions: estimator, missing data, empty cells.
    converged : bool
        Every pair's likelihood equation is solved, or its estimate is at the limit (see `notes`).
    notes : tuple of str
        Named warnings.
    """

    rho: pd.DataFrame
    thresholds: dict[str, Floats]
    se: pd.DataFrame
    n: pd.DataFrame
    acov: Floats | None
    terms: tuple[str, ...]
    n_used: int
    n_dropped: int
    confidence: float
    method: str
    converged: bool
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a pair: term, estimate, se, interval (on Fisher's z scale) and n."""
        names = list(self.rho.columns)
        first, second = pair_index(len(names))
        rho, se = self.rho.to_numpy()[first, second], self.se.to_numpy()[first, second]
        half = ndtri(0.5 + self.confidence / 2) * se / (1 - rho * rho)
        low, high = np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half)
        n = self.n.to_numpy()[first, second]
        rows = [
            {"term": f"{names[i]}~~{names[j]}", "estimate": r, "se": s, "ci_low": a, "ci_high": b, "n": int(m)}
            for i, j, r, s, a, b, m in zip(first, second, rho, se, low, high, n, strict=True)
        ]
        return tidy(rows)


def polychoric(
    items: pd.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    kind: Literal["ordinal", "mixed"] = "ordinal",
    continuous: Sequence[str] | None = None,
    missing: Missing = "pairwise",
    empty_cells: EmptyCells = "lavaan",
    acov: bool = False,
    cluster: str | pd.Series | None = None,
    smooth: bool = True,
    confidence: float = 0.95,
) -> Polychoric:
    """Polychoric correlations of all pairs of items, with thresholds and standard errors.

    Two-step maximum likelihood: thresholds from each item's own answers, then rho of each pair (Olsson 1979).
    Standard errors allow for the thresholds being estimated (Muthén 1984). Two categories give tetrachorics.

    Parameters
    ----------
    items : DataFrame, persons x items
        Whole-number codes, missing where unanswered. Only their order counts.
    columns : item names in a larger frame, optional
    kind : {"ordinal", "mixed"}
        "mixed" takes continuous variables too: polyserial correlations with items, Pearson's among themselves.
    continuous : names, optional
        With "mixed": which variables are continuous. By default those with fractions or more than 20 values.
    missing : {"pairwise", "listwise"}
        "pairwise" uses every answer for the thresholds and every pair of answers for rho.
    empty_cells : {"lavaan", "psych", "none"}
        Two-by-two tables with an empty cell: "lavaan" adds one half and keeps the margins (two empty cells, a perfect
        association, stay), "psych" puts one half into each empty cell, "none" leaves it. Larger tables are left alone.
    acov : bool
        Also give the covariance of all thresholds and correlations: 16 MB for 50 items of five categories, 735 MB
        for 135 (it grows with the fourth power of items).
    cluster : column name or Series, optional
        Persons in one cluster (say a unit) answer alike: `se` and `acov` become cluster-robust.
    smooth : bool
        If rho is not positive definite, lift its eigenvalues and say so in `notes`.
    confidence : float
        Of the intervals in `to_frame()`.

    Raises
    ------
    SpecError
        An unknown column or option.
    DataError
        A constant item, codes that are not whole numbers, more than 20 categories, a pair that nobody answered both.

    References
    ----------
    Olsson (1979), Psychometrika 44, 443-460. doi:10.1007/BF02296207
    Muthén (1984), Psychometrika 49, 115-132. doi:10.1007/BF02294210

    Examples
    --------
    >>> items = pd.DataFrame({"a": [1, 1, 2, 2, 3, 3, 1, 3], "b": [1, 2, 1, 2, 2, 3, 1, 3]})
    >>> result = polychoric(items)
    >>> result.to_frame()[["term", "estimate", "se", "n"]]
       term  estimate     se  n
    0  b~~a     0.867  0.194  8
    >>> result.thresholds["a"]
    array([-0.319,  0.319])
    """
    if empty_cells not in EMPTY_CELLS or kind not in ("ordinal", "mixed") or not 0 < confidence < 1:
        raise SpecError(
            "kind is 'ordinal' or 'mixed'; empty_cells is 'lavaan', 'psych' or 'none'; confidence is between 0 and 1; "
            f"got {kind!r}, {empty_cells!r}, {confidence!r}."
        )
    groups = cluster_codes(items, cluster)
    if columns is None and isinstance(cluster, str):
        columns = [name for name in items.columns if name != cluster]
    names, everything = item_matrix(items, columns)
    values, n_dropped = keep_rows(everything, missing)
    if groups is not None:
        holes = np.isnan(everything)
        groups = groups[~holes.any(axis=1) if missing == "listwise" else ~holes.all(axis=1)]
    check_variation(names, values)
    is_continuous = which_continuous(names, values, kind, continuous)
    check_codes(names, values, is_continuous)
    if is_continuous.any() or acov or groups is not None:
        parts = _with_influence(values, is_continuous, empty_cells, groups)
    else:
        parts = _from_tables(values, empty_cells)
    head = f"two-step maximum likelihood, {missing}; empty cells: {EMPTY_CELLS[empty_cells]}"
    if groups is not None:
        head += f"; errors robust to {len(np.unique(groups))} clusters"
    return _assemble(names, values, parts, n_dropped, smooth, confidence, head, is_continuous, acov)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    rho: Floats
    se: Floats
    thresholds: tuple[Floats, ...]
    at_limit: NDArray[np.bool_]
    corrected: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    acov: Floats | None


def _from_tables(values: Floats, empty_cells: EmptyCells) -> _Parts:
    coded = encode(values)
    fit = fit_pairs(coded, empty_cells)
    thresholds = tuple(fit.thresholds[j, 1:k] for j, k in enumerate(coded.n_categories))
    return _Parts(fit.rho, pair_errors(coded, fit), thresholds, fit.at_limit, fit.corrected, fit.converged, None)


def _with_influence(
    values: Floats, continuous: NDArray[np.bool_], empty_cells: EmptyCells, groups: NDArray[np.int64] | None
) -> _Parts:
    if continuous.any():
        fit = fit_mixed(values, continuous, empty_cells)
        thresholds, moved = fit.thresholds, fit.influence
    else:
        coded = encode(values)
        fit = fit_pairs(coded, empty_cells)
        thresholds = tuple(fit.thresholds[j, 1:k] for j, k in enumerate(coded.n_categories))
        moved = influence(coded, fit)
    if groups is not None:
        sums = np.zeros((groups.max() + 1, moved.shape[1]))
        np.add.at(sums, groups, moved)
        moved = sums * np.sqrt(len(sums) / (len(sums) - 1))
    covariance = moved.T @ moved
    se = np.sqrt(np.diag(covariance))[-len(fit.rho) :]
    return _Parts(fit.rho, se, thresholds, fit.at_limit, fit.corrected, fit.converged, covariance)


def _assemble(
    names: list[str],
    values: Floats,
    parts: _Parts,
    n_dropped: int,
    smooth: bool,
    confidence: float,
    method: str,
    continuous: NDArray[np.bool_],
    keep_acov: bool,
) -> Polychoric:
    first, second = pair_index(len(names))
    pairs = [f"{names[i]}~~{names[j]}" for i, j in zip(first, second, strict=True)]
    rho, se = np.eye(len(names)), np.zeros((len(names), len(names)))
    rho[first, second] = rho[second, first] = parts.rho
    se[first, second] = se[second, first] = np.where(parts.at_limit, np.nan, parts.se)
    notes = []
    for flags, text in (
        (parts.at_limit, "the likelihood climbs to a correlation of 1 in absolute value, no standard error"),
        (parts.corrected, "an empty cell was filled"),
        (~parts.converged, "the likelihood equation was not solved"),
    ):
        if flags.any():
            told = [pairs[k] for k in np.flatnonzero(flags)]
            notes.append(f"{text}: {', '.join(told[:10])}" + (f" and {len(told) - 10} more" if len(told) > 10 else ""))
    if len(values) < len(names):
        notes.append(f"fewer persons ({len(values)}) than items ({len(names)})")
    near = lift(rho)
    if near.changed:
        text = f"rho is not positive definite (smallest eigenvalue {near.smallest:.2g})"
        notes.append(f"{text}: smoothed, largest change {near.largest_change:.2g}" if smooth else text)
    answered = (~np.isnan(values)).astype(np.float64)
    n = np.rint(answered.T @ answered).astype(np.int64)
    ordered = [name for name, number in zip(names, continuous, strict=True) if not number]
    thresholds = dict(zip(ordered, parts.thresholds, strict=True))
    terms = [f"{name}|t{s + 1}" for name, t in thresholds.items() for s in range(len(t))] + pairs

    def frame(matrix: NDArray[np.float64] | NDArray[np.int64]) -> pd.DataFrame:
        return pd.DataFrame(matrix, index=names, columns=names)

    return Polychoric(
        rho=frame(near.matrix if smooth else rho),
        thresholds=thresholds,
        se=frame(se),
        n=frame(n),
        acov=parts.acov if keep_acov else None,
        terms=tuple(terms),
        n_used=len(values),
        n_dropped=n_dropped,
        confidence=confidence,
        method=method,
        converged=bool(parts.converged.all()),
        notes=tuple(notes),
    )
