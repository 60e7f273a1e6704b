"""What is each unit's score, and how far can it be trusted? Means, empirical-Bayes scores, reliability."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from microresearch.errors import ConvergenceError, DataError, Problem, SpecError
from microresearch.numeric.moments import GroupMoments, group_moments
from microresearch.numeric.variance import RandomIntercept, random_intercept, ratio_interval
from microresearch.psychometrics.scores import characteristic_scores
from microresearch.responses import Responses
from microresearch.units.covariates import UnitDesign, code_covariates
from microresearch.units.response_rates import ResponseRates, response_rates
from microresearch.units.scale import POINTS, scale_factors
from microresearch.units.score_table import UnitScores

POPULATIONS = ("process", "roster")
LEAST_RELIABILITY, LEAST_UNITS = 0.5, 40
"""Below this mean reliability with fewer units than this, a correction for unreliability is unstable and refused.

So it is, whatever the number of units, where the exact interval of the variance ratio given the covariates reaches
zero: nothing then bounds the corrected slope, and its mean over studies was 1.8 times the truth (40 units, ICC(1) .05).
"""


def unit_scores(
    scores: Responses | pd.DataFrame,
    units: pd.DataFrame | None = None,
    unit: str | pd.Series = "unit",
    hospital: str | pd.Series | None = None,
    covariates: Sequence[str] | Mapping[str, str | None] = (),
    roster: pd.DataFrame | None = None,
    missing: str | float = "half",
    estimand: str = "mean",
    cut: float | None = None,
    population: str = "process",
    confidence: float = 0.95,
    shrink: bool = True,
) -> UnitScores:
    """Score units from the ratings of their staff.

    The model of a characteristic is y = hospital + x b + v + e, with v between units (variance tau2) and e between the
    raters of a unit (sigma2), fitted by REML. The empirical-Bayes score is E(hospital + x b + v | ratings). Regressed
    on these scores with the same hospitals and covariates, an outcome gives the slope on the true score (regression
    calibration); on raw means the slope is too small by about their reliability.

    A correction is refused (`correctable` in `components`) where the exact interval of tau2 / sigma2, given hospitals
    and covariates, reaches zero, or where the mean reliability is below .5 with fewer than 40 units. So it keeps its
    level at ICC(1) .05 to .25 with 40 and 100 units (benchmarks/calibrate/linked_rated.csv).

    Parameters
    ----------
    scores : Responses or DataFrame (persons x characteristics)
        Of `Responses` the first wave is used.
    units : DataFrame, optional
        A row a unit: `unit` and what `hospital` and `covariates` name. Units without raters stay in, unscored.
    unit : str or Series
        For a frame of scores: its column with the unit, or units in the same index. `Responses` know theirs.
    hospital : str or Series, optional
        Column of `units` or hospitals by unit: their effects are fixed, so that true scores are compared within them.
    covariates : sequence of str, or mapping of name to reference level
        Every unit-level covariate of the outcome model to come (see `code_covariates`). Left out here but used there,
        they bias the corrected slope.
    roster : DataFrame, optional
        `staff_id`, `unit`, `role`: gives `n_roster` and, from `Responses`, response rates.
    missing : {"half", "all", "any"} or float
        Rule of a person's characteristic score (see `characteristic_scores`).
    estimand, cut : str and float, optional
        What a person's score is (see `characteristic_scores`); for a frame `estimand` is the words to print.
    population : {"process", "roster"}
        Whose mean the true score is: of all staff whom the unit might have (reliability tau2 / (tau2 + sigma2 / k)), or
        of the staff on the roster, K, of whom k answered: (tau2 + sigma2 / K) / (tau2 + sigma2 / k).
    confidence : float, default 0.95
    shrink : bool, default True
        False: the study declines the correction for unreliability; outcomes are linked to raw means alone, and say so.

    Returns
    -------
    UnitScores

    Raises
    ------
    DataError
        Units that the table of units does not know, holes in a covariate, a column that is missing.
    SpecError
        An unknown population, or `"roster"` without a roster.

    References
    ----------
    Carroll, Ruppert, Stefanski & Crainiceanu (2006), Measurement Error in Nonlinear Models, ch. 4.
    Raudenbush & Bryk (2002), Hierarchical Linear Models, eq. 3.42 (reliability) and 3.57 (empirical Bayes).
    Wald (1940), Annals of Mathematical Statistics 11, 96-99 (intervals). doi:10.1214/aoms/1177731946

    Examples
    --------
    >>> people = pd.DataFrame({"unit": list("AABBCC"), "leadership": [2.0, 3.0, 3.0, 4.0, 5.0, 4.0]})
    >>> result = unit_scores(people)
    >>> result.table["eb"].round(2).tolist()
    [2.75, 3.5, 4.25]
    >>> result.components[["tau", "icc1"]].round(2).values.tolist()
    [[0.87, 0.6]]
    """
    _check_population(population, roster)
    persons, where = _persons(scores, unit, missing, estimand, cut)
    design = code_covariates(_unit_table(units, where), covariates, hospital)
    strange = ~where.isin(design.units) & (where != "")
    if strange.any():
        n = where[strange].nunique()
        raise DataError(Problem(f"{n} units of the raters are not in the table of units", column="unit"))
    sizes = None if roster is None else roster["unit"].astype(str).value_counts().reindex(design.units).fillna(0)
    codes = np.asarray(design.units.get_indexer(pd.Index(where)), dtype=np.int64)
    tables: list[pd.DataFrame] = []
    rows: list[dict[str, object]] = []
    factors: dict[str, np.ndarray] = {}
    for name in persons.columns:
        moments = group_moments(persons[name].to_numpy(np.float64), codes, len(design.units))
        table, row, factor = _one(str(name), moments, design, sizes, population, confidence)
        if not shrink:
            row |= {"correctable": False, "note": "the study declines a correction for unreliability (shrink=False)"}
        tables.append(table)
        rows.append(row)
        if row["correctable"]:
            factors[str(name)] = factor
    table = pd.concat(tables, ignore_index=True)
    if sizes is not None:
        table = _with_roster(table, sizes, scores, roster)
    notes = design.notes + _unplaced(where, design.units)
    method = (
        "REML random intercepts, hospitals fixed, empirical Bayes given hospital and covariates; "
        "intervals of tau and ICC(1) from Wald's exact interval of the variance ratio"
    )
    scale = pd.DataFrame.from_dict(factors, orient="index", columns=[f"factor_{i}" for i in range(1, POINTS + 1)])
    return UnitScores(
        table, pd.DataFrame(rows), design, estimand, population, confidence, method, notes,
        scale.rename_axis("characteristic").reset_index(),
    )  # fmt: skip


def _check_population(population: str, roster: pd.DataFrame | None) -> None:
    if population not in POPULATIONS:
        raise SpecError(Problem("unknown population", value=population, allowed=", ".join(POPULATIONS)))
    if population == "roster" and roster is None:
        raise SpecError("population 'roster' needs a roster: the number of staff of each unit is unknown.")


def _persons(
    scores: Responses | pd.DataFrame, unit: str | pd.Series, missing: str | float, estimand: str, cut: float | None
) -> tuple[pd.DataFrame, pd.Series]:
    """Scores of persons and the unit of each; "" for none."""
    if isinstance(scores, Responses):
        first = scores.wave(int(scores.people["wave"].min())) if len(scores) else scores
        return characteristic_scores(first, missing, estimand, cut), first.people["unit"].fillna("").astype(str)
    if isinstance(unit, str):
        if unit not in scores.columns:
            raise DataError(Problem("the scores have no such column", column=unit))
        return scores.drop(columns=unit), scores[unit].fillna("").astype(str)
    return scores, unit.reindex(scores.index).fillna("").astype(str)


def _unit_table(units: pd.DataFrame | None, where: pd.Series) -> pd.DataFrame:
    if units is not None:
        return units
    return pd.DataFrame({"unit": sorted(set(where) - {""})})


def _unplaced(where: pd.Series, units: pd.Index) -> tuple[str, ...]:
    lost = int((~where.isin(units)).sum())
    return (f"{lost} persons without a unit are in no unit's score",) if lost else ()


def _one(
    name: str, moments: GroupMoments, design: UnitDesign, sizes: pd.Series | None, population: str, confidence: float
) -> tuple[pd.DataFrame, dict[str, object], np.ndarray]:
    """Table, components and scale factors of one characteristic."""
    rated = moments.n > 0
    units, groups = design.units[rated], moments.keep(rated)
    table = pd.DataFrame({"unit": design.units, "characteristic": name, "mean": moments.mean})
    lone = int((design.hospital.loc[units].value_counts() == 1).sum()) if design.by_hospital else 0
    counts: dict[str, object] = {
        "characteristic": name, "n_units": len(units), "n_hospitals": design.hospital.loc[units].nunique(),
        "n_staff": groups.total,
    }  # fmt: skip
    columns = ("eb", "eb_se", "reliability", "shrinkage")
    hospitals, whole = design.matrix(units, covariates=False), design.matrix(units)
    try:
        within, given = random_intercept(groups, hospitals), random_intercept(groups, whole)
        interval = ratio_interval(groups, hospitals, confidence)
    except (DataError, ConvergenceError) as error:
        row = counts | {"converged": False, "correctable": False, "note": f"no variance between units: {error}"}
        empty = dict.fromkeys(columns, np.nan)
        return table.assign(**empty, n_raters=moments.n, hospital=design.hospital.to_numpy()), row, np.empty(0)
    staff = sizes.to_numpy(np.float64)[rated] if sizes is not None and population == "roster" else None
    share = np.zeros(len(groups.n)) if staff is None else 1 / np.maximum(staff, groups.n)
    found = _predict(within, given, groups, share)
    for column in columns:
        values = np.full(len(rated), np.nan)
        values[rated] = found[column].to_numpy()
        table[column] = values
    table["n_raters"], table["hospital"] = moments.n, design.hospital.to_numpy()
    row = counts | _components(within, given, groups, interval, found, share)
    factors = scale_factors(groups, hospitals, whole, within, given, share)
    open_below = len(factors) > 0 and bool(np.isinf(factors).mean() >= (1 - confidence) / 2)
    row |= _verdict(within, given, found, lone, open_below)
    return table, row, factors


def _predict(within: RandomIntercept, given: RandomIntercept, groups: GroupMoments, share: np.ndarray) -> pd.DataFrame:
    """EB scores, their prediction error, and reliabilities; `share` is 1 / staff on the roster, 0 for the process."""
    size = groups.n.astype(np.float64)
    true = given.tau2 + given.sigma2 * share
    weight = true / (given.tau2 + given.sigma2 / size)
    error = true * (1 - weight) + ((1 - weight) * given.fitted_se) ** 2
    reliability = (within.tau2 + within.sigma2 * share) / (within.tau2 + within.sigma2 / size)
    return pd.DataFrame({
        "eb": given.fitted + weight * (groups.mean - given.fitted), "eb_se": np.sqrt(np.maximum(error, 0.0)),
        "reliability": reliability, "shrinkage": weight,
    })  # fmt: skip


def _components(
    within: RandomIntercept, given: RandomIntercept, groups: GroupMoments, interval: tuple[float, float],
    found: pd.DataFrame, share: np.ndarray,
) -> dict[str, object]:  # fmt: skip
    extra = float(share.mean()) * within.sigma2
    size = float(groups.n.mean())
    low, high = interval
    return {
        "tau": float(np.sqrt(within.tau2 + extra)),
        "tau_low": float(np.sqrt(low * within.sigma2 + extra)),
        "tau_high": float(np.sqrt(high * within.sigma2 + extra)),
        "tau2_residual": given.tau2,
        "sigma2": given.sigma2,
        "icc1": within.icc,
        "icc1_low": low / (1 + low),
        "icc1_high": high / (1 + high),
        "icc2": within.tau2 / (within.tau2 + within.sigma2 / size),
        "reliability": float(found["reliability"].mean()),
        "shrinkage": float(found["shrinkage"].mean()),
    }


def _verdict(
    within: RandomIntercept, given: RandomIntercept, found: pd.DataFrame, lone: int, open_below: bool
) -> dict[str, object]:
    """Whether a corrected slope may be reported, and what a reader must know."""
    notes = []
    mean, n = float(found["shrinkage"].mean()), len(found)
    if given.boundary:
        notes.append("units do not differ beyond their raters given hospital and covariates: "
                     "EB scores equal the fitted values and a corrected slope cannot be had")  # fmt: skip
    elif within.boundary:
        notes.append("units of one hospital do not differ beyond their raters: tau is zero, and nothing is per tau")
    elif mean < LEAST_RELIABILITY and n < LEAST_UNITS:
        notes.append(f"mean reliability {mean:.2f} with {n} units: a correction for it would be unstable")
    elif open_below:
        notes.append("the interval of the variance between units, given hospital and covariates, reaches zero: "
                     "nothing bounds a corrected slope")  # fmt: skip
    correctable = not notes
    if lone:
        hospitals = "hospital has" if lone == 1 else "hospitals have"
        notes.append(f"{lone} {hospitals} a single unit with raters: its EB score is its own mean, "
                     "and it tells nothing within hospitals")  # fmt: skip
    return {"converged": True, "correctable": correctable, "note": "; ".join(notes)}


def _with_roster(
    table: pd.DataFrame, sizes: pd.Series, scores: Responses | pd.DataFrame, roster: pd.DataFrame | None
) -> pd.DataFrame:
    table = table.assign(n_roster=sizes.loc[table["unit"]].to_numpy().astype(np.int64))
    rates = response_rates(roster, scores) if isinstance(scores, Responses) else None
    if isinstance(rates, ResponseRates):
        table["response_rate"] = rates.units["rr2"].reindex(table["unit"]).to_numpy()
    order = ["unit", "characteristic", "mean", "eb", "eb_se", "reliability", "shrinkage", "n_raters", "n_roster",
             "response_rate", "hospital"]  # fmt: skip
    return table[[name for name in order if name in table]]
