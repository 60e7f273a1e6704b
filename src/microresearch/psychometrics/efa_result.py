"""What does an exploratory factor solution hold? Loadings, fit and uncertainty, and what can be asked of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import DataError, SpecError
from microresearch.numeric.rotation import congruence
from microresearch.psychometrics.factor_fit import FactorFit
from microresearch.psychometrics.factor_scores import ScoreMethod, determinacy, score_weights
from microresearch.psychometrics.item_matrix import item_matrix
from microresearch.psychometrics.schmid_leiman import SchmidLeiman, schmid_leiman
from microresearch.results import tidy


@dataclass(frozen=True, slots=True, eq=False)
class Efa:
    """An exploratory factor solution.

    Factors are ordered by their sums of squared pattern loadings, largest first, and signed so that these loadings
    sum to 0 or more (a bifactor rotation keeps the general factor first; a target rotation keeps the target's order
    and signs).

    Attributes
    ----------
    loadings, structure : DataFrame, items x factors
        Pattern; and correlations of items with factors (pattern times phi).
    phi : DataFrame, factors x factors
        Factor correlations.
    uniquenesses, communalities : Series, items
        1 - communality; diagonal of pattern phi pattern'.
    variance : DataFrame, factors x (ss_loadings, proportion, cumulative)
        Of total item variance, oblique factors counted with their correlations.
    fit : FactorFit
    criterion : float
        Value of the rotation criterion at the optimum; 0 for "none"; varimax's for promax.
    n_starts, n_optima, share : int, int, float
        Starts of the rotation, different optima they ended at, share of starts at the best.
    correlation : DataFrame, items x items
        The matrix that was analysed.
    centre, spread : Series, items, or None
        Means and standard deviations (ddof = 1) of the analysed answers; None if a matrix was given.
    se, ci_low, ci_high : DataFrame, items x factors, or None
        Bootstrap standard errors and percentile limits of `loadings`.
    phi_se : DataFrame, factors x factors, or None
    n_used : int or None
    n_dropped : int
    n_boot : int
        Bootstrap samples that were fitted.
    seed : int
    method : str
        Correlation, extraction, rotation, normalisation.
    converged : bool
    notes : tuple of str
        Named warnings.
    """

    loadings: pd.DataFrame
    structure: pd.DataFrame
    phi: pd.DataFrame
    uniquenesses: pd.Series
    communalities: pd.Series
    variance: pd.DataFrame
    fit: FactorFit
    criterion: float
    n_starts: int
    n_optima: int
    share: float
    correlation: pd.DataFrame
    centre: pd.Series | None
    spread: pd.Series | None
    se: pd.DataFrame | None
    ci_low: pd.DataFrame | None
    ci_high: pd.DataFrame | None
    phi_se: pd.DataFrame | None
    n_used: int | None
    n_dropped: int
    n_boot: int
    seed: int
    method: str
    converged: bool
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row an item and factor: the pattern loading, with se and interval if bootstrapped."""
        rows: list[dict[str, object]] = []
        for item in self.loadings.index:
            for factor in self.loadings.columns:
                row: dict[str, object] = {"term": item, "group": factor, "estimate": self.loadings.at[item, factor]}
                if self.se is not None and self.ci_low is not None and self.ci_high is not None:
                    row |= {"se": self.se.at[item, factor], "ci_low": self.ci_low.at[item, factor]}
                    row["ci_high"] = self.ci_high.at[item, factor]
                if self.n_used is not None:
                    row["n"] = self.n_used
                rows.append(row)
        return tidy(rows)

    def score_weights(self, method: ScoreMethod = "regression") -> pd.DataFrame:
        """Weights of standardised items, items x factors."""
        weights = score_weights(self.correlation.to_numpy(), self.loadings.to_numpy(), self.phi.to_numpy(), method)
        return pd.DataFrame(weights, index=self.loadings.index, columns=self.loadings.columns)

    def scores(self, items: pd.DataFrame, method: ScoreMethod = "regression") -> pd.DataFrame:
        """Factor scores, persons x factors; missing for a person who misses an item.

        Items are standardised by the mean and standard deviation (ddof = 1) of the analysed persons, or of `items`
        if a correlation matrix was analysed; after polychorics too, answers are scored as numbers. `method` is
        "regression" (Thurstone), "bartlett" or "tenberge".
        """
        names = list(self.loadings.index)
        _, values = item_matrix(items, names)
        if self.centre is None or self.spread is None:
            centre, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0, ddof=1)
            if (spread == 0).any():
                raise DataError("an item is constant: it cannot be standardised.")
        else:
            centre, spread = self.centre.to_numpy(), self.spread.to_numpy()
        scores = ((values - centre) / spread) @ self.score_weights(method).to_numpy()
        return pd.DataFrame(scores, index=items.index, columns=self.loadings.columns)

    def determinacy(self, method: ScoreMethod = "regression") -> pd.Series:
        """Correlation of each factor with its score; for regression scores the multiple correlation."""
        weights = self.score_weights(method).to_numpy()
        values = determinacy(self.correlation.to_numpy(), self.loadings.to_numpy(), self.phi.to_numpy(), weights)
        return pd.Series(values, index=self.loadings.columns, name="determinacy")

    def congruence(self, other: "Efa | pd.DataFrame") -> pd.DataFrame:
        """Tucker's congruence of these factors (rows) with others (columns), over the items both have."""
        theirs = other.loadings if isinstance(other, Efa) else other
        shared = [name for name in self.loadings.index if name in theirs.index]
        if len(shared) < 2:
            raise SpecError("the two solutions share fewer than two items.")
        values = congruence(self.loadings.loc[shared].to_numpy(), theirs.loc[shared].to_numpy(dtype=np.float64))
        return pd.DataFrame(values, index=self.loadings.columns, columns=theirs.columns)

    def schmid_leiman(self) -> SchmidLeiman:
        """General and group factors by Schmid and Leiman's transformation."""
        return schmid_leiman(self.loadings, self.phi)
