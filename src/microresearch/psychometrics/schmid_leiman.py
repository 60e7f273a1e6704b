"""How much of each item is general, how much its group's? Schmid and Leiman's transformation of oblique factors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, SpecError
from microresearch.numeric.factoring import extract
from microresearch.results import tidy

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SchmidLeiman:
    """A general factor and group factors, all orthogonal.

    Attributes
    ----------
    loadings : DataFrame, items x (1 + n_factors)
        Column "g", then the group factors in the order of the oblique ones. Items are never flipped.
    communalities : Series, items
    second_order : Series, group factors
        Loadings of the oblique factors on the general one.
    method : str
    notes : tuple of str
    """

    loadings: pd.DataFrame
    communalities: pd.Series
    second_order: pd.Series
    method: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row an item and factor."""
        return tidy(
            [
                {"term": item, "group": factor, "estimate": float(value)}
                for item, row in self.loadings.iterrows()
                for factor, value in row.items()
            ]
        )


def schmid_leiman(loadings: pd.DataFrame, phi: pd.DataFrame) -> SchmidLeiman:
    """Schmid-Leiman solution of an oblique one.

    The second-order factor is extracted from phi by minimum residuals; of two factors, which do not identify it, the
    two loadings are taken as equal (psych's `option = "equal"`).

    Raises
    ------
    SpecError
        One factor only.
    DataError
        Two factors that correlate negatively: a general factor would need one of them flipped.

    References
    ----------
    Schmid & Leiman (1957), Psychometrika 22, 53-61. doi:10.1007/BF02289209
    """
    names, m = list(loadings.columns), loadings.shape[1]
    if m < 2:
        raise SpecError("a general factor above group factors needs two or more oblique factors; got one.")
    correlations = phi.to_numpy(dtype=np.float64)
    notes = []
    if m == 2:
        if correlations[0, 1] < 0:
            raise DataError("the two factors correlate negatively; flip the items of one, then try again.")
        second = np.full(2, np.sqrt(correlations[0, 1]))
        notes.append("two factors do not identify a general one: its two loadings are taken as equal")
    else:
        found = extract(correlations, 1)
        second = found.loadings[:, 0]
        if found.at_bound.any():
            held = ", ".join(name for name, hit in zip(names, found.at_bound, strict=True) if hit)
            notes.append(f"Heywood case among the second-order loadings: {held}")
    general = loadings.to_numpy(dtype=np.float64) @ second
    group = loadings.to_numpy(dtype=np.float64) * np.sqrt(np.maximum(1 - second**2, 0.0))
    table = pd.DataFrame(np.column_stack([general, group]), index=loadings.index, columns=["g", *names])
    return SchmidLeiman(
        loadings=table,
        communalities=(table**2).sum(axis=1).rename("communality"),
        second_order=pd.Series(second, index=names, name="g"),
        method="Schmid-Leiman; second order: minres" + (" with equal loadings" if m == 2 else ""),
        notes=tuple(notes),
    )
