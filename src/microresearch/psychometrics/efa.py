"""Which factors lie behind the items? Exploratory factor analysis with rotation, fit, scores and bootstrap."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import Problem, SpecError
from microresearch.numeric.factoring import LOWEST, Extracted, Extraction, extract
from microresearch.numeric.ordinal import EmptyCells
from microresearch.numeric.rotation import ROTATIONS, Rotated, Rotation, rotate
from microresearch.psychometrics.correlations import Correlation, Kind, correlate
from microresearch.psychometrics.efa_bootstrap import Replicates, replicate_loadings
from microresearch.psychometrics.efa_result import Efa
from microresearch.psychometrics.factor_fit import degrees_of_freedom, factor_fit
from microresearch.psychometrics.item_matrix import Missing
from microresearch.psychometrics.polychoric import Polychoric

Floats = NDArray[np.float64]

EXTRACTIONS = {"minres": "minimum residuals", "ml": "maximum likelihood", "paf": "principal axes"}


def efa(
    items: pd.DataFrame | Polychoric,
    n_factors: int,
    extraction: Extraction = "minres",
    rotation: Rotation = "oblimin",
    correlation: Kind = "pearson",
    n_obs: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    missing: Missing = "pairwise",
    normalize: bool | None = None,
    target: pd.DataFrame | None = None,
    n_starts: int = 30,
    n_boot: int = 0,
    confidence: float = 0.95,
    seed: int = 0,
    empty_cells: EmptyCells = "lavaan",
    workers: int | None = None,
) -> Efa:
    """Exploratory factor analysis of items, or of a correlation matrix.

    Parameters
    ----------
    items : DataFrame, persons x items; or a correlation matrix; or a result of `polychoric`
        A frame whose row and column names are the same is taken as a correlation matrix.
    n_factors : int
    extraction : {"minres", "ml", "paf"}
    rotation : str
        "none", "varimax", "quartimax", "promax", "oblimin", "geomin", "geomin_orthogonal", "bifactor",
        "bifactor_oblique", "target", "target_orthogonal".
    correlation : {"pearson", "polychoric"}
        Of items; not asked when a matrix is given.
    n_obs : int, optional
        Persons behind a given matrix; without it there is no chi-square.
    columns : item names in a larger frame, optional
    missing : {"pairwise", "listwise"}
    normalize : bool, optional
        Kaiser's normalisation. By default yes for varimax and promax and no for the others, as psych does (SPSS
        normalises oblimin).
    target : DataFrame, items x factors, optional
        For target rotations: wanted loadings, missing where free.
    n_starts : int
        Starts of the rotation; the best optimum is kept.
    n_boot : int
        Bootstrap samples for standard errors of the loadings; needs items.
    confidence : float
        Of the bootstrap's percentile limits.
    seed : int
        Of the random starts and the bootstrap.
    empty_cells : as in `polychoric`
    workers : int, optional
        Processes that share the bootstrap, as in `n_factors`.

    Raises
    ------
    SpecError
        Unknown options; more factors than degrees of freedom allow.
    DataError
        Items or a matrix that cannot be analysed.
    ConvergenceError
        Extraction or rotation did not reach an optimum.

    References
    ----------
    Harman & Jones (1966), Psychometrika 31, 351-368. Jöreskog (1967), Psychometrika 32, 443-482.
    Jennrich (2002), Psychometrika 67, 7-19. doi:10.1007/BF02294706

    Examples
    --------
    >>> r = pd.DataFrame(0.4, index=list("abcdef"), columns=list("abcdef"))
    >>> r.loc["a":"c", "d":"f"] = r.loc["d":"f", "a":"c"] = 0.1
    >>> for name in r: r.loc[name, name] = 1.0
    >>> result = efa(r, 2, n_obs=300)
    >>> result.loadings.round(3)
          F1     F2
    a  0.632  0.000
    b  0.632  0.000
    c  0.632  0.000
    d  0.000  0.632
    e  0.000  0.632
    f  0.000  0.632
    >>> float(result.phi.loc["F1", "F2"])
    0.25
    """
    made = correlate(
        items,
        columns,
        correlation=correlation,
        n_obs=n_obs,
        missing=missing,
        empty_cells=empty_cells,
        least=3,
    )
    _check(made, n_factors, extraction, rotation, n_starts, n_boot, confidence)
    goal = _target(target, rotation, made.names, n_factors)
    unrotated = extract(made.matrix, n_factors, extraction)
    rotated = rotate(unrotated.loadings, rotation, normalize=normalize, target=goal, n_starts=n_starts, seed=seed)
    replicates = None
    if n_boot and made.values is not None:
        replicates = replicate_loadings(
            made.values, unrotated.loadings, rotated, extraction=extraction, rotation=rotation, kind=made.kind,
            target=goal, n_boot=n_boot, seed=seed, empty_cells=empty_cells, workers=workers,
        )  # fmt: skip
    notes = _notes(made, unrotated, rotated, replicates)
    method = _method(made, extraction, rotation, rotated)
    return _result(made, unrotated, rotated, replicates, confidence, seed, method, notes)


def _result(
    made: Correlation,
    unrotated: Extracted,
    rotated: Rotated,
    replicates: Replicates | None,
    confidence: float,
    seed: int,
    method: str,
    notes: tuple[str, ...],
) -> Efa:
    m = rotated.loadings.shape[1]
    factors = [f"F{k + 1}" for k in range(m)]

    def table(values: Floats) -> pd.DataFrame:
        return pd.DataFrame(values, index=made.names, columns=factors)

    def square(values: Floats) -> pd.DataFrame:
        return pd.DataFrame(values, index=factors, columns=factors)

    communalities = np.diag(rotated.loadings @ rotated.phi @ rotated.loadings.T)
    ss = np.diag(rotated.phi @ rotated.loadings.T @ rotated.loadings)
    variance = {"ss_loadings": ss, "proportion": ss / len(made.names), "cumulative": np.cumsum(ss) / len(made.names)}
    drawn = replicates.loadings if replicates is not None else None
    tail = (1 - confidence) / 2
    values = made.values
    return Efa(
        loadings=table(rotated.loadings),
        structure=table(rotated.loadings @ rotated.phi),
        phi=square(rotated.phi),
        uniquenesses=pd.Series(1 - communalities, index=made.names, name="uniqueness"),
        communalities=pd.Series(communalities, index=made.names, name="communality"),
        variance=pd.DataFrame(variance, index=factors),
        fit=factor_fit(made.matrix, unrotated.loadings, made.n_used),
        criterion=rotated.criterion,
        n_starts=rotated.n_starts,
        n_optima=rotated.n_optima,
        share=rotated.share,
        correlation=made.frame,
        centre=None if values is None else pd.Series(np.nanmean(values, axis=0), index=made.names),
        spread=None if values is None else pd.Series(np.nanstd(values, axis=0, ddof=1), index=made.names),
        se=None if drawn is None else table(drawn.std(axis=0, ddof=1)),
        ci_low=None if drawn is None else table(np.quantile(drawn, tail, axis=0)),
        ci_high=None if drawn is None else table(np.quantile(drawn, 1 - tail, axis=0)),
        phi_se=None if replicates is None else square(replicates.phi.std(axis=0, ddof=1)),
        n_used=made.n_used,
        n_dropped=made.n_dropped,
        n_boot=0 if drawn is None else len(drawn),
        seed=seed,
        method=method,
        converged=True,
        notes=notes,
    )


def _method(made: Correlation, extraction: str, rotation: str, rotated: Rotated) -> str:
    kaiser = "Kaiser-normalised" if rotated.normalized else "not normalised"
    turned = f"{rotation}, {kaiser}: {ROTATIONS[rotation].source}" if rotation != "none" else "unrotated"
    return f"{EXTRACTIONS[extraction]} of {made.kind} correlations; {turned}"


def _notes(made: Correlation, unrotated: Extracted, rotated: Rotated, replicates: Replicates | None) -> tuple[str, ...]:
    notes = list(made.notes)
    if unrotated.at_bound.any():
        held = ", ".join(name for name, hit in zip(made.names, unrotated.at_bound, strict=True) if hit)
        notes.append(f"Heywood case, uniqueness at or below {LOWEST}: {held}")
    if made.kind == "polychoric":
        notes.append("chi-square and what comes of it treat polychorics as if they were Pearson's: descriptive only")
    if rotated.n_optima > 1:
        notes.append(f"the rotation has {rotated.n_optima} optima; {rotated.share:.0%} of starts reached the best")
    if replicates is not None and replicates.failed:
        notes.append(f"{replicates.failed} bootstrap samples could not be fitted and are left out")
    return tuple(notes)


def _check(
    made: Correlation, m: int, extraction: str, rotation: str, n_starts: int, n_boot: int, confidence: float
) -> None:
    problems = []
    if extraction not in EXTRACTIONS:
        problems.append(Problem("unknown extraction", value=str(extraction), allowed=", ".join(EXTRACTIONS)))
    if rotation not in ROTATIONS:
        problems.append(Problem("unknown rotation", value=str(rotation), allowed=", ".join(ROTATIONS)))
    elif rotation.startswith("bifactor") and m < 3:
        problems.append(Problem(f"{m} factors: a bifactor rotation needs a general and two or more group factors"))
    p = len(made.names)
    if not isinstance(m, int | np.integer) or m < 1 or m >= p:
        problems.append(Problem(f"{m} factors of {p} items", allowed=f"1 to {p - 1}"))
    elif degrees_of_freedom(p, m) < 0:
        most = max(k for k in range(1, p) if degrees_of_freedom(p, k) >= 0)
        problems.append(
            Problem(f"{m} factors have more parameters than {p} items have correlations", allowed=f"1 to {most}")
        )
    if n_starts < 1 or n_boot < 0 or n_boot == 1 or not 0 < confidence < 1:
        problems.append(Problem("n_starts is 1 or more, n_boot 0 or at least 2, confidence between 0 and 1"))
    if n_boot and made.values is None:
        problems.append(Problem("a bootstrap needs the items, not their correlation matrix"))
    if problems:
        raise SpecError(problems)


def _target(target: pd.DataFrame | None, rotation: str, names: list[str], m: int) -> Floats | None:
    if not rotation.startswith("target"):
        if target is not None:
            raise SpecError("a target goes with rotation 'target' or 'target_orthogonal'.")
        return None
    if target is None:
        raise SpecError("a target rotation needs `target`: a frame, items x factors, missing where free.")
    missing = [name for name in names if name not in target.index]
    if missing or target.shape[1] != m:
        raise SpecError(f"target must have {m} columns and a row for every item; got {target.shape[1]} columns, "
                        f"no row for {', '.join(missing) or 'none'}.")  # fmt: skip
    return target.loc[names].to_numpy(dtype=np.float64, na_value=np.nan)
