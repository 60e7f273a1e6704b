"""What do many patterns of missing answers add up to? Likelihood, slopes and curvature over all patterns at once.

With K the inverse of sigma and h the items a person did not answer, the weight of what was answered is
K - K[:, h] K[h, h]^-1 K[h, :] and log det of the answered part is log det sigma + log det K[h, h]: small matrices where
few answers are missing. Patterns with equally many holes are handled together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.sem_structure import Array, Directions, Index, Moments

CHUNK = 256
"""Patterns handled at once: what bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Over patterns, each times its people: `value` of log det + trace, weights W, W C W and W (mean - mu)."""

    value: float
    weight: Array
    seen: Array
    pull: Array


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Patterns with equally many holes at given moments.

    `which` are their places, `n` (m) people, `hidden` (m, h) unanswered items, `gap` (m, p) mean - mu and `pull` (m, p)
    W gap, both 0 where hidden; `inner` (m, h, h) the inverse of K[h, h] and `side` (m, h, p) that times K[h, :].
    """

    which: Index
    n: Array
    hidden: Index
    gap: Array
    pull: Array
    log_det: Array
    inner: Array
    side: Array


def positive_batches(sigma: Array, mu: Array, patterns: Sequence[Moments]) -> Iterator[tuple[Batch, Array]]:
    """`batches` where sigma is known to be positive definite; LinAlgError where it is not."""
    found = batches(sigma, mu, patterns)
    if found is None:
        raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
    return found


def batches(sigma: Array, mu: Array, patterns: Sequence[Moments]) -> Iterator[tuple[Batch, Array]] | None:
    """Batches and the inverse of sigma; None where sigma is not positive definite."""
    try:
        log_det = 2 * float(np.log(np.diag(np.linalg.cholesky(sigma))).sum())
    except np.linalg.LinAlgError:
        return None
    inverse = np.asarray(np.linalg.inv(sigma), dtype=np.float64)
    return _batches(inverse, log_det, mu, patterns)


def _batches(inverse: Array, log_det: float, mu: Array, patterns: Sequence[Moments]) -> Iterator[tuple[Batch, Array]]:
    p = len(mu)
    count = np.array([p - len(moments.seen) for moments in patterns])
    for h in np.unique(count).tolist():
        alike = np.flatnonzero(count == h)
        for start in range(0, len(alike), CHUNK):
            which = alike[start : start + CHUNK]
            gap, answered = np.zeros((len(which), p)), np.zeros((len(which), p), dtype=bool)
            for row, place in enumerate(which.tolist()):
                seen = patterns[place].seen
                answered[row, seen] = True
                gap[row, seen] = patterns[place].mean - mu[seen]
            hidden = np.nonzero(~answered)[1].reshape(len(which), h)
            n = np.array([patterns[place].n for place in which.tolist()], dtype=np.float64)
            across = inverse[hidden]  # (m, h, p)
            block = np.take_along_axis(across, hidden[:, None, :], axis=2)
            inner = np.asarray(np.linalg.inv(block), dtype=np.float64)
            side = inner @ across
            pulled = gap @ inverse
            pull = pulled - (np.take_along_axis(pulled, hidden, axis=1)[:, None, :] @ side)[:, 0]
            np.put_along_axis(pull, hidden, 0.0, axis=1)
            dets = log_det + np.linalg.slogdet(block)[1]
            yield Batch(which, n, hidden, gap, pull, dets, inner, side), inverse


def weights(batch: Batch, inverse: Array) -> Array:
    """Weight of every pattern of a batch, (m, p, p), zero where hidden."""
    out = inverse - inverse[batch.hidden].transpose(0, 2, 1) @ batch.side
    rows = np.arange(len(out))[:, None]
    out[rows, batch.hidden] = 0.0
    out[rows, :, batch.hidden] = 0.0
    return out


def spread(batch: Batch, patterns: Sequence[Moments], inverse: Array) -> Iterator[tuple[int, Array]]:
    """Patterns of several people: place in the batch, and their covariance (p x p, zero where hidden)."""
    for row in np.flatnonzero(batch.n > 1).tolist():
        moments = patterns[int(batch.which[row])]
        cov = np.zeros_like(inverse)
        cov[np.ix_(moments.seen, moments.seen)] = moments.cov
        yield row, cov


def _weight(batch: Batch, row: int, inverse: Array) -> Array:
    """Weight of one pattern (p x p)."""
    hidden = batch.hidden[row]
    out = inverse - inverse[:, hidden] @ batch.side[row]
    out[hidden], out[:, hidden] = 0.0, 0.0
    return out


def pattern_sums(sigma: Array, mu: Array, patterns: Sequence[Moments]) -> Sums | None:
    """The likelihood of all patterns and what its derivatives are made of; None where sigma is not positive definite.

    References
    ----------
    Arbuckle (1996), in Marcoulides & Schumacker, 243-277, eq. 3; the weights by the inverse of a partitioned matrix.
    """
    found = batches(sigma, mu, patterns)
    if found is None:
        return None
    p = len(mu)
    value, weight, seen, pull = 0.0, np.zeros((p, p)), np.zeros((p, p)), np.zeros(p)
    for batch, inverse in found:
        n, z = batch.n, batch.pull
        value += float(n @ (batch.log_det + np.einsum("mp,mp->m", batch.gap, z)))
        across = inverse[batch.hidden].reshape(-1, p)
        weight += n.sum() * inverse - across.T @ (n[:, None, None] * batch.side).reshape(-1, p)
        seen += z.T @ (n[:, None] * z)
        pull += n @ z
        for row, cov in spread(batch, patterns, inverse):
            own = _weight(batch, row, inverse)
            left = own @ cov
            value += n[row] * float(np.trace(left))
            seen += n[row] * left @ own
    return Sums(value, (weight + weight.T) / 2, seen, pull)


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """Second derivatives in the frame of the moments: by pairs of covariances (v x v), v = p (p + 1) / 2 from the lower
    triangle; of means with covariances (p x v); and the summed weight (p x p)."""

    pairs: Array
    mixed: Array
    weight: Array

    def along(self, one: Directions, other: Directions, means: bool) -> Array:
        """Curvature along two sets of directions (k x l)."""
        left, right = _triangle(one), _triangle(other)
        out = left.T @ self.pairs @ right
        if means:
            out = out + 2 * one.mu.T @ self.weight @ other.mu
            out += 2 * (one.mu.T @ self.mixed @ right + left.T @ self.mixed.T @ other.mu)
        return out


def _triangle(ways: Directions) -> Array:
    """How the lower triangle of sigma moves, (v, k)."""
    rows, cols = np.tril_indices(len(ways.a))
    return ways.a[rows] * ways.b[cols] + ways.b[rows] * ways.a[cols]


def pattern_curvature(sigma: Array, mu: Array, patterns: Sequence[Moments], observed: bool) -> Curvature:
    """Curvature of the deviance by the moments themselves, observed or expected, summed over patterns and people.

    References
    ----------
    Savalei (2010), Psychological Methods 15, 352-367, eqs. 6-9. doi:10.1037/a0020143
    """
    p = len(mu)
    rows, cols = np.tril_indices(p)
    sums, mixed, total = np.zeros((len(rows), len(rows))), np.zeros((p * p, p)), np.zeros((p, p))
    for batch, inverse in positive_batches(sigma, mu, patterns):
        own, n, z = weights(batch, inverse), batch.n, batch.pull
        flat = own[:, rows, cols]
        right = flat
        if observed:
            right = 2 * z[:, rows] * z[:, cols] - flat
            for row, cov in spread(batch, patterns, inverse):
                right[row] += 2 * (own[row] @ cov @ own[row])[rows, cols]
            mixed += own.reshape(len(own), -1).T @ (n[:, None] * z)
        sums += (n[:, None] * flat).T @ right
        total += np.einsum("m,mij->ij", n, own)
    cube = mixed.reshape(p, p, p)
    folded = cube[:, rows, cols] + np.where(rows != cols, cube[:, cols, rows], 0.0)
    return Curvature(_paired(sums, p), folded, total)


def _paired(sums: Array, p: int) -> Array:
    """From sums of W[b, c] R[d, a] (both by lower triangle) the sums of tr(E_ab W E_cd R) over symmetric E."""
    rows, cols = np.tril_indices(p)
    place = np.zeros((p, p), dtype=np.intp)
    place[rows, cols] = place[cols, rows] = np.arange(len(rows))
    once = (rows == cols).astype(np.float64)
    out = np.zeros_like(sums)
    for flip_left in (False, True):
        a, b = (cols, rows) if flip_left else (rows, cols)
        left = 1 - once if flip_left else np.ones(len(rows))
        for flip_right in (False, True):
            c, d = (cols, rows) if flip_right else (rows, cols)
            right = 1 - once if flip_right else np.ones(len(rows))
            term = sums[place[b][:, c], place[a][:, d]]
            out += term * left[:, None] * right
    return (out + out.T) / 2
