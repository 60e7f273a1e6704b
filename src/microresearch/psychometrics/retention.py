"""How many factors? Parallel analysis, MAP and the empirical Kaiser criterion side by side, with KMO and Bartlett."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import Problem, SpecError
from microresearch.numeric.ordinal import EmptyCells
from microresearch.numeric.retention import (
    Communalities,
    Sphericity,
    adequacy,
    component_eigenvalues,
    ekc_reference,
    factor_eigenvalues,
    leading,
    map_averages,
    sphericity,
)
from microresearch.psychometrics.correlations import Correlation, Kind, correlate
from microresearch.psychometrics.item_matrix import Missing
from microresearch.psychometrics.polychoric import Polychoric
from microresearch.psychometrics.random_sets import Draw, random_eigenvalues, shape_of
from microresearch.results import NotAvailable, tidy

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NFactors:
    """What each criterion says about the number of factors.

    Attributes
    ----------
    criteria : DataFrame
        One row a criterion: `criterion`, `n_factors`, `rule`.
    eigenvalues : DataFrame
        One row an eigenvalue: `kind` ("components", "factors"), `random` ("normal", "permuted", or "none" where there
        are no random sets), `number` (1 is the largest), `observed`, and of the random sets `random_mean` and
        `random_percentile`.
    map : DataFrame
        `number` of components taken out, average squared (`power_2`) and fourth-power (`power_4`) partial correlation.
    kmo : float
        Kaiser-Meyer-Olkin measure.
    msa : Series, items
        Measure of sampling adequacy.
    bartlett : Sphericity or NotAvailable
        Test that all correlations are zero.
    n_used : int or None
    n_dropped, n_sets, seed : int
    percentile : float
    method : str
    notes : tuple of str
    """

    criteria: pd.DataFrame
    eigenvalues: pd.DataFrame
    map: pd.DataFrame
    kmo: float
    msa: pd.Series
    bartlett: Sphericity | NotAvailable
    n_used: int | None
    n_dropped: int
    n_sets: int
    seed: int
    percentile: float
    method: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a criterion: term, estimate (number of factors), n."""
        extra: dict[str, object] = {} if self.n_used is None else {"n": self.n_used}
        return tidy([{"term": row.criterion, "estimate": row.n_factors} | extra for row in self.criteria.itertuples()])

    def scree(self, kind: Literal["components", "factors"] = "factors", random: Draw | None = None) -> pd.DataFrame:
        """The part of `eigenvalues` that one scree plot shows: `number`, `observed` and the random columns.

        `random` is "normal" or "permuted"; by default the first that was drawn.
        """
        drawn = list(dict.fromkeys(self.eigenvalues["random"]))
        wanted = drawn[0] if random is None else random
        if kind not in ("components", "factors") or wanted not in drawn:
            raise SpecError(f"kind is components or factors, random one of {', '.join(drawn)}; got {kind}, {wanted}.")
        rows = (self.eigenvalues["kind"] == kind) & (self.eigenvalues["random"] == wanted)
        return self.eigenvalues[rows].drop(columns=["kind", "random"]).reset_index(drop=True)


def n_factors(
    items: pd.DataFrame | Polychoric,
    correlation: Kind = "pearson",
    n_obs: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    missing: Missing = "pairwise",
    random: Literal["normal", "permuted", "both"] = "both",
    n_sets: int = 100,
    percentile: float = 0.95,
    communalities: Communalities = "minres",
    seed: int = 0,
    empty_cells: EmptyCells = "lavaan",
    workers: int | None = None,
) -> NFactors:
    """Criteria for the number of factors.

    Parameters
    ----------
    items : DataFrame, persons x items; or a correlation matrix; or a result of `polychoric`
        A matrix alone is compared with normal random data of `n_obs` persons.
    correlation : {"pearson", "polychoric"}
        Of the items and of every random set.
    n_obs : int, optional
        Persons behind a given matrix.
    columns : item names in a larger frame, optional
    missing : {"pairwise", "listwise"}
        Random sets have the holes of the data.
    random : {"normal", "permuted", "both"}
    n_sets : int
        Random sets of each sort.
    percentile : float
        Of the random eigenvalues, beside their mean.
    communalities : {"minres", "smc"}
        Diagonal for factor eigenvalues: of one minres factor (psych's fa.parallel), or squared multiple correlations.
    seed : int
    empty_cells : as in `polychoric`
    workers : int, optional
        Processes that share the random sets, -1 for every core; the digits are the same. By default as
        `joblib.parallel_config` says, or one.

    Raises
    ------
    SpecError, DataError

    References
    ----------
    Horn (1965), Psychometrika 30, 179-185. doi:10.1007/BF02289447
    Velicer (1976), Psychometrika 41, 321-327. doi:10.1007/BF02293557
    Braeken & van Assen (2017), Psychological Methods 22, 450-466. doi:10.1037/met0000074

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> f = rng.normal(size=(400, 2))
    >>> x = pd.DataFrame(f[:, [0, 0, 0, 1, 1, 1]] + rng.normal(size=(400, 6)), columns=list("abcdef"))
    >>> result = n_factors(x, random="normal", n_sets=20)
    >>> result.to_frame().drop_duplicates("estimate")[["estimate", "n"]]
       estimate    n
    0         2  400
    """
    draws = _draws(random, n_sets, percentile, communalities)
    made = correlate(
        items,
        columns,
        correlation=correlation,
        n_obs=n_obs,
        missing=missing,
        empty_cells=empty_cells,
        least=3,
    )
    notes = list(made.notes)
    if made.values is None:
        if "normal" not in draws:
            raise SpecError("permuted data need the items, not their correlation matrix; use random='normal'.")
        draws = ("normal",)
        if made.n_used is None:
            notes.append("n_obs was not given: no parallel analysis, empirical Kaiser criterion or Bartlett's test")
            draws = ()
        elif made.kind == "polychoric":
            notes.append("a polychoric matrix is compared with Pearson correlations of normal data; give the items")
    tables = _eigenvalues(made, draws, n_sets, percentile, communalities, seed, empty_cells, workers)
    averages = _map(made.matrix)
    fit = adequacy(made.matrix)
    no = NotAvailable("n_obs was not given")
    return NFactors(
        criteria=_criteria(made, tables, averages, percentile),
        eigenvalues=tables,
        map=averages,
        kmo=fit.kmo,
        msa=pd.Series(fit.msa, index=made.names, name="msa"),
        bartlett=no if made.n_used is None else sphericity(made.matrix, made.n_used),
        n_used=made.n_used,
        n_dropped=made.n_dropped,
        n_sets=n_sets if draws else 0,
        seed=seed,
        percentile=percentile,
        method=f"{made.kind} correlations; communalities for factors: {communalities}",
        notes=tuple(notes),
    )


def _draws(random: str, n_sets: int, percentile: float, communalities: str) -> tuple[Draw, ...]:
    problems = []
    if random not in ("normal", "permuted", "both"):
        problems.append(Problem("unknown random data", value=str(random), allowed="normal, permuted, both"))
    if communalities not in ("minres", "smc"):
        problems.append(Problem("unknown communalities", value=str(communalities), allowed="minres, smc"))
    if n_sets < 2 or not 0 < percentile < 1:
        problems.append(Problem("n_sets is 2 or more and percentile between 0 and 1"))
    if problems:
        raise SpecError(problems)
    if random == "both":
        return ("normal", "permuted")
    return ("normal",) if random == "normal" else ("permuted",)


def _eigenvalues(
    made: Correlation,
    draws: tuple[Draw, ...],
    n_sets: int,
    percentile: float,
    communalities: Communalities,
    seed: int,
    empty_cells: EmptyCells,
    workers: int | None,
) -> pd.DataFrame:
    p = len(made.names)
    observed = {
        "components": component_eigenvalues(made.matrix),
        "factors": factor_eigenvalues(made.matrix, communalities),
    }
    number = np.arange(1, p + 1)
    if not draws or made.n_used is None:
        parts = [
            pd.DataFrame({"kind": kind, "random": "none", "number": number, "observed": values})
            for kind, values in observed.items()
        ]
        return pd.concat(parts, ignore_index=True)
    shape = shape_of(made.values, made.n_used, p, made.kind == "polychoric")
    parts = []
    for draw in draws:
        sets = random_eigenvalues(shape, draw, n_sets, seed, communalities, empty_cells, workers)
        for (kind, values), drawn in zip(observed.items(), sets, strict=True):
            columns = {"observed": values, "random_mean": drawn.mean(axis=0)}
            columns["random_percentile"] = np.quantile(drawn, percentile, axis=0)
            parts.append(pd.DataFrame({"kind": kind, "random": draw, "number": number, **columns}))
    return pd.concat(parts, ignore_index=True)


def _map(matrix: Floats) -> pd.DataFrame:
    second, fourth = map_averages(matrix), map_averages(matrix, 4)
    return pd.DataFrame({"number": np.arange(len(second)), "power_2": second, "power_4": fourth})


def _criteria(made: Correlation, tables: pd.DataFrame, averages: pd.DataFrame, percentile: float) -> pd.DataFrame:
    rows: list[tuple[str, int, str]] = []
    if "random_mean" in tables:
        names = {"random_mean": "mean", "random_percentile": f"{100 * percentile:g}th percentile"}
        for (kind, draw), part in tables.groupby(["kind", "random"], sort=False):
            for column, name in names.items():
                count = leading(part["observed"].to_numpy(), part[column].to_numpy())
                rows.append((f"parallel analysis, {kind}, {draw} {name}", count, "observed above random (Horn 1965)"))
    for column, name in (("power_2", "MAP, squared (1976)"), ("power_4", "MAP, fourth power (2000)")):
        rows.append((name, int(averages[column].to_numpy().argmin()), "smallest average partial correlation (Velicer)"))
    if made.n_used is not None:
        values = component_eigenvalues(made.matrix)
        count = leading(values, ekc_reference(values, made.n_used))
        rows.append(("empirical Kaiser (2017)", count, "observed above reference (Braeken & van Assen)"))
    return pd.DataFrame(rows, columns=["criterion", "n_factors", "rule"])
