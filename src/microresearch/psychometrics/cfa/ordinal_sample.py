"""What do ordered answers say before any model? Thresholds and polychorics of each group, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microresearch.errors import DataError, Problem
from microresearch.numeric.ordinal import PairFit, encode, fit_pairs, influence
from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_wls import Statistics
from microresearch.numeric.sem_wls_robust import Spread, pair_moments, scaled_shifted, spreads
from microresearch.psychometrics.cfa.sample import Sample
from microresearch.psychometrics.fit import ChiSquare
from microresearch.psychometrics.ordinal_input import check_codes


@dataclass(frozen=True, slots=True, eq=False)
class OrdinalSample:
    """Statistics of ordered answers.

    Attributes
    ----------
    observed : tuple of Statistics
        Thresholds and polychorics of each group, weighted by one over their sampling variances.
    spreads : tuple of Spread
        Their sampling covariance, robust to clusters where there are any.
    moments : tuple of Moments
        Polychoric matrix of each group, means of zero.
    categories : dict of item -> array
        Codes of each item's categories.
    baseline, baseline_scaled : ChiSquare
        Test of the model in which nothing correlates and thresholds are free.
    warnings : tuple of str
    """

    observed: tuple[Statistics, ...]
    spreads: tuple[Spread, ...]
    moments: tuple[Moments, ...]
    categories: dict[str, Array]
    baseline: ChiSquare
    baseline_scaled: ChiSquare
    warnings: tuple[str, ...]

    @property
    def n_thresholds(self) -> dict[str, int]:
        """Thresholds of each item."""
        return {name: len(codes) - 1 for name, codes in self.categories.items()}


def ordinal_sample(sample: Sample) -> OrdinalSample:
    """Thresholds, polychorics and their covariance in every group.

    Raises
    ------
    DataError
        Codes that are not whole numbers, a category that nobody in some group chose, two items that go together
        perfectly: all such items at once.

    References
    ----------
    Muthen (1984), Psychometrika 49, 115-132. doi:10.1007/BF02294210
    """
    names, p = sample.observed, len(sample.observed)
    check_codes(list(names), np.vstack(sample.values), np.zeros(p, dtype=np.bool_))
    _check_categories(names, sample.labels, sample.values)
    where = [f" in group {label}" if label else "" for label in sample.labels]
    groups = [_group(names, values, said) for values, said in zip(sample.values, where, strict=True)]
    observed = [one.observed for one in groups]
    moved = [one.influence for one in groups]
    if sample.clusters is None:
        moved = [one.influence * np.sqrt(_few(one.observed.n)) for one in groups]
    found = spreads(moved, sample.clusters, [one.weight for one in observed])
    first = sample.values[0]
    categories = {name: np.unique(x[~np.isnan(x)]) for name, x in zip(names, first.T, strict=True)}
    return OrdinalSample(
        tuple(observed), found, tuple(one.moments for one in groups), categories, *_independence(observed, found, p),
        tuple(said for one in groups for said in one.warnings),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """One group: statistics, each person's influence on them, polychoric matrix, warnings."""

    observed: Statistics
    influence: Array
    moments: Moments
    warnings: tuple[str, ...]


def _group(names: Sequence[str], values: Array, where: str) -> _Group:
    coded = encode(values)
    fit = fit_pairs(coded)
    _check_pairs(names, fit, where)
    own, n = influence(coded, fit), len(values)
    seen = np.concatenate([*(fit.thresholds[j, 1:k] for j, k in enumerate(coded.n_categories)), fit.rho])
    rho = fit.matrix(fit.rho, 1.0)
    warnings = []
    if fit.corrected.any():
        filled = int(fit.corrected.sum())
        warnings.append(f"an empty cell was filled with one half in {filled} two-by-two tables{where}")
    if float(np.linalg.eigvalsh(rho)[0]) <= 0:
        what = f"the polychoric correlations{where} are not positive definite"
        warnings.append(f"{what}: robust CFI, TLI and RMSEA, which need that, are absent")
    moments = Moments(n, np.zeros(len(names)), rho, np.arange(len(names)))
    weight = 1 / (_few(n) * np.einsum("ij,ij->j", own, own))
    return _Group(Statistics(n, seen, weight), own, moments, tuple(warnings))


def _few(n: int) -> float:
    """lavaan's test and errors have the divisor n - 1."""
    return n / (n - 1)


def _independence(observed: Sequence[Statistics], found: Sequence[Spread], p: int) -> tuple[ChiSquare, ChiSquare]:
    """Test of the model in which nothing correlates, plain and scaled."""
    pairs = p * (p - 1) // 2
    value = sum(float(one.weight[-pairs:] @ one.values[-pairs:] ** 2) for one in observed)
    df = pairs * len(observed)
    sizes = [len(one.values) for one in observed]
    factor, shift = scaled_shifted(df, *pair_moments(found, [pairs] * len(observed), sizes))
    return ChiSquare(value, df), ChiSquare(factor * value + shift, df, 1 / factor, shift)


def _check_categories(names: Sequence[str], labels: Sequence[str], groups: Sequence[Array]) -> None:
    """Every category that someone chose must be chosen in every group: a threshold without answers is not there."""
    problems = []
    for j, name in enumerate(names):
        used = [set(np.unique(values[~np.isnan(values[:, j]), j]).tolist()) for values in groups]
        everywhere = sorted(set().union(*used))
        for label, mine in zip(labels, used, strict=True):
            if lost := [f"{code:g}" for code in everywhere if code not in mine]:
                what = f"nobody in group {label} chose category {', '.join(lost)}, which others did"
                mend = "join the category with its neighbour in all groups, or leave the item out"
                problems.append(Problem(what, column=name, mend=mend))
    if problems:
        raise DataError(problems)


def _check_pairs(names: Sequence[str], fit: PairFit, where: str) -> None:
    problems = []
    alone = fit.counts.sum(axis=(1, 2)) == 0
    for k in np.flatnonzero(fit.at_limit | alone | ~fit.converged):
        pair = f"{names[fit.second[k]]} and {names[fit.first[k]]}"
        what = f"nobody answered both{where}" if alone[k] else f"the answers go together perfectly{where}"
        if not (alone[k] or fit.at_limit[k]):
            what = f"the likelihood equation of their correlation was not solved{where}"
        problems.append(Problem(what, column=pair, mend="leave one of the two out, or join rare categories"))
    if problems:
        raise DataError(problems)
