"""How sure are the parameters, and how large is chi-square by chance, when people are not normal or not independent?

The sandwich of Huber and White, and the scaling of the likelihood-ratio test after Yuan and Bentler in the form of
Asparouhov and Muthen: traces of what the scores of people (or of clusters) vary over what the information says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.sem_holes import positive_batches, weights
from microresearch.numeric.sem_ml import Array, Moments, hessian, people
from microresearch.numeric.sem_patterns import Pattern
from microresearch.numeric.sem_structure import Cell, Implied, Index, Structure, directions, gather, implied


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """One group: values (n x p, NaN where missing), its patterns, cluster number of each person (or None)."""

    values: Array
    patterns: Sequence[Pattern]
    clusters: Index | None


def case_scores(structure: Structure, at: Implied, group: People, centre: Array, q: int) -> Array:
    """Slope of every person's log likelihood by each parameter, shape (n, q).

    `centre` holds the means of the items, which a model without means takes from the sample.

    References
    ----------
    Yuan & Bentler (2000), Sociological Methodology 30, 165-200, eq. 13. doi:10.1111/0081-1750.00078
    """
    ways = directions(structure, at)
    mu = at.mu if structure.means else centre
    z = np.zeros((len(group.values), structure.p))
    level = np.zeros((len(group.values), len(ways.ids)))
    moments = [pattern.moments for pattern in group.patterns]
    for batch, inverse in positive_batches(at.sigma, mu, moments):
        own = weights(batch, inverse)
        slopes = own.reshape(len(own), -1) @ ways.flat()
        for place, weight, slope in zip(batch.which.tolist(), own, slopes, strict=True):
            pattern, o = group.patterns[place], moments[place].seen
            z[pattern.rows] = (group.values[np.ix_(pattern.rows, o)] - mu[o]) @ weight[o]
            level[pattern.rows] = slope
    return gather(ways.ids, (ways.cases(z) - level) / 2 + z @ ways.mu, q)


def outer_products(scores: Sequence[Array], groups: Sequence[People]) -> Array:
    """Sum of outer products of the scores of people, or of the sums over each cluster times J / (J - 1).

    Clusters that lie within one group each are counted (J) by group, as strata are; where a cluster has people in
    several groups its scores are summed over the groups, as these people are not independent either.

    References
    ----------
    Muthen & Satorra (1995), Sociological Methodology 25, 267-316; Fuller (1975) for the factor.
    """
    clusters = [group.clusters for group in groups]
    if any(one is None for one in clusters):
        return np.sum([one.T @ one for one in scores], axis=0)
    found = [one for one in clusters if one is not None]
    if not clusters_are_nested(groups):
        return _over_clusters(np.vstack(scores), np.concatenate(found))
    return np.sum([_over_clusters(one, numbers) for one, numbers in zip(scores, found, strict=True)], axis=0)


def clusters_are_nested(groups: Sequence[People]) -> bool:
    """Whether no cluster has people in two groups."""
    apart = [np.unique(group.clusters) for group in groups if group.clusters is not None]
    return not apart or len(np.unique(np.concatenate(apart))) == sum(map(len, apart))


def _over_clusters(scores: Array, clusters: Index) -> Array:
    numbers, which = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(numbers), scores.shape[1]))
    np.add.at(sums, which, scores)
    return sums.T @ sums * _correction(len(numbers))


def _correction(n_clusters: int) -> float:
    return n_clusters / (n_clusters - 1) if n_clusters > 1 else 1.0


def sandwich(
    structures: Sequence[Structure], groups: Sequence[People], observed: Sequence[Moments], theta: Array
) -> tuple[Array, float]:
    """Covariance matrix of the estimates (q x q), A^-1 B A^-1, and the trace of A^-1 B; A is the observed information.

    References
    ----------
    White (1982), Econometrica 50, 1-25, theorem 3.2. doi:10.2307/1912526
    """
    moments = [[pattern.moments for pattern in group.patterns] for group in groups]
    scores = [
        case_scores(structure, implied(structure, theta), group, seen.mean, len(theta))
        for structure, group, seen in zip(structures, groups, observed, strict=True)
    ]
    bread = np.linalg.inv(hessian(structures, moments, theta) / 2 * people(moments))
    filling = outer_products(scores, groups)
    return bread @ filling @ bread, float(np.einsum("ij,ij->", bread, filling))


def trace_saturated(groups: Sequence[People], observed: Sequence[Moments], means: bool) -> float:
    """tr(A^-1 B) of the saturated model: the number of its parameters when answers are normal and people independent.

    Complete data need no matrix of that size: with y the answers whitened by the sample covariance, a person's score is
    made of y and y y' - I, and A^-1 turns it into its squared length.

    References
    ----------
    Asparouhov & Muthen (2005), Multivariate statistical modeling with survey data, eq. 12; Mardia (1970).
    """
    nested = clusters_are_nested(groups)
    everyone = np.concatenate([g.clusters for g in groups if g.clusters is not None] or [np.zeros(0, dtype=np.intp)])
    total = 0.0
    for group, seen in zip(groups, observed, strict=True):
        correction = 1.0
        if group.clusters is not None:
            correction = _correction(len(np.unique(group.clusters if nested else everyone)))
        if any(len(pattern.moments.seen) < len(seen.mean) for pattern in group.patterns):
            total += correction * _trace_with_holes(group, seen)
        else:
            total += correction * _trace_complete(group, seen, means)
    return total


def _trace_complete(group: People, seen: Moments, means: bool) -> float:
    n, p = group.values.shape
    y = np.linalg.solve(np.linalg.cholesky(seen.cov), (group.values - seen.mean).T).T
    if group.clusters is None:
        d = np.einsum("ij,ij->i", y, y)
        return float((d.mean() if means else 0.0) + (d**2 - 2 * d + p).mean() / 2)
    total = 0.0
    for cluster in np.unique(group.clusters):
        mine = y[group.clusters == cluster]
        total += float((mine.sum(axis=0) ** 2).sum()) if means else 0.0
        total += float(((mine.T @ mine - len(mine) * np.eye(p)) ** 2).sum() / 2)
    return total / n


def saturated_structure(p: int) -> Structure:
    """A structure whose parameters are the covariances and means themselves."""
    rows, cols = np.tril_indices(p)
    cells = [Cell("theta", int(i), int(j), k, 0.0) for k, (i, j) in enumerate(zip(rows, cols, strict=True))]
    cells += [Cell("nu", j, 0, len(rows) + j, 0.0) for j in range(p)]
    return Structure(p, 0, tuple(cells), np.zeros(0, dtype=np.intp), np.zeros(p, dtype=bool), True)


def saturated_parameters(cov: Array, mean: Array) -> Array:
    """The parameters of `saturated_structure` at given moments."""
    return np.concatenate([cov[np.tril_indices(len(mean))], mean])


def _trace_with_holes(group: People, seen: Moments) -> float:
    structure, theta = saturated_structure(len(seen.mean)), saturated_parameters(seen.cov, seen.mean)
    moments = [pattern.moments for pattern in group.patterns]
    information = hessian([structure], [moments], theta) / 2 * people([moments])
    scores = case_scores(structure, implied(structure, theta), group, seen.mean, len(theta))
    plain = People(group.values, group.patterns, None)
    filling = outer_products([scores], [plain])
    if group.clusters is not None:
        filling = _over_clusters(scores, group.clusters) / _correction(len(np.unique(group.clusters)))
    return float(np.trace(np.linalg.solve(information, filling)))


def independence_structure(p: int, group: int, means: bool) -> Structure:
    """Variances (and means) alone, numbered from 2 p `group` (p `group` without means)."""
    first = (2 * p if means else p) * group
    cells = [Cell("theta", j, j, first + j, 0.0) for j in range(p)]
    cells += [Cell("nu", j, 0, first + p + j, 0.0) for j in range(p)] if means else []
    return Structure(p, 0, tuple(cells), np.zeros(0, dtype=np.intp), np.zeros(p, dtype=bool), means)
