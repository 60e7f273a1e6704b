"""How reliable are the factors' scores, and are the factors distinct? Omega, average variance extracted, HTMT."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.numeric.sem_ml import Array, Moments
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.ordinal_reliability import ordinal_omegas
from microresearch.psychometrics.matrices import Layout


@dataclass(frozen=True, slots=True, eq=False)
class FactorReliability:
    """Reliability of unit-weighted sums of each factor's items, and distinctness of factors.

    Attributes
    ----------
    table : DataFrame
        term (factor), group, n_items, and the shares of the sum's variance that the factor makes: `omega` of factor
        and residuals alone (Bollen), `omega2` of the variance that the model implies (Bentler; for the general factor
        of a bifactor model this is omega hierarchical), `omega3` of the variance observed (McDonald); of ordered items
        all three are of the sum of coded categories (Green & Yang); `ave`, average
        variance extracted (NaN for a factor whose items measure other factors too: it is not defined there).
    htmt : dict of DataFrame
        Heterotrait-monotrait ratios of each group, factors x factors; NaN for a factor with one item.
    """

    table: pd.DataFrame
    htmt: dict[str, pd.DataFrame]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def factor_reliability(design: Design, estimate: Estimate, labels: tuple[str, ...]) -> FactorReliability:
    """Reliability of the sums of each factor's items; factors without items of their own (second order) are left out.

    References
    ----------
    Bollen (1980), American Sociological Review 45, 370-385 (omega); Bentler (1972, 2009); McDonald (1999).
    Fornell & Larcker (1981), Journal of Marketing Research 18, 39-50 (AVE).
    Henseler, Ringle & Sarstedt (2015), Journal of the Academy of Marketing Science 43, 115-135, eq. 5 (HTMT).
    """
    rows: list[dict[str, object]] = []
    ratios: dict[str, pd.DataFrame] = {}
    blocks = zip(labels, design.marks(labels), design.layouts, estimate.observed, strict=True)
    for label, mark, layout, seen in blocks:
        items = {name: _items(layout, j) for j, name in enumerate(layout.eta[: layout.n_latent])}
        items = {name: at for name, at in items.items() if len(at)}
        for name, at in items.items():
            row: dict[str, object] = {"term": name}
            if label:
                row[design.blocks] = mark
            arguments = layout, estimate.theta, seen, layout.eta.index(name), at
            row |= {"n_items": len(at)} | _omegas(*arguments)
            rows.append(row if estimate.ordinal is None else row | ordinal_omegas(*arguments))
        ratios[label] = _htmt(seen.cov, items)
    return FactorReliability(pd.DataFrame(rows), ratios)


def _items(layout: Layout, factor: int) -> list[int]:
    """Items that load on the factor."""
    found = {c.row for c in layout.structure.cells if c.matrix == "lambda" and c.col == factor}
    return sorted(i for i in found if layout.observed[i] not in layout.eta)


def _omegas(layout: Layout, theta: Array, seen: Moments, factor: int, at: list[int]) -> dict[str, float]:
    found = implied(layout.structure, theta)
    loadings, errors = found.parts["lambda"][at, factor], found.parts["theta"][np.ix_(at, at)]
    variance = found.parts["eta"][factor, factor]
    true = loadings.sum() ** 2 * variance
    own = (loadings**2).sum() * variance
    alone = not np.delete(found.parts["lambda"][at], factor, axis=1).any()
    return {
        "omega": float(true / (true + errors.sum())),
        "omega2": float(true / found.sigma[np.ix_(at, at)].sum()),
        "omega3": float(true / seen.cov[np.ix_(at, at)].sum()),
        "ave": float(own / (own + np.trace(errors))) if alone else np.nan,
    }


def _htmt(cov: Array, items: dict[str, list[int]]) -> pd.DataFrame:
    """Mean absolute correlation between two factors' items over the geometric mean of those within."""
    sd = np.sqrt(np.diag(cov))
    r = np.abs(cov / np.outer(sd, sd))
    names = list(items)
    out = np.eye(len(names))
    within = [_mean_below(r[np.ix_(at, at)]) for at in items.values()]
    for i, one in enumerate(names):
        for j in range(i):
            between = float(r[np.ix_(items[one], items[names[j]])].mean())
            product = within[i] * within[j]
            out[i, j] = out[j, i] = between / np.sqrt(product) if product > 0 else np.nan
    return pd.DataFrame(out, index=names, columns=names)


def _mean_below(r: Array) -> float:
    return float(r[np.tril_indices(len(r), -1)].mean()) if len(r) > 1 else np.nan
