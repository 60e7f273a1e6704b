"""Outcome and cost together, and effects without each unit: what the bootstrap's fast models say beside intervals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.bootstrap import BootstrapEffects, draw_effects, gather
from microresearch.linking.cells import Cells
from microresearch.linking.design import Array
from microresearch.linking.influence import refuse_to_leave_out
from microresearch.units.score_table import UnitScores


def plane_draws(
    found: BootstrapEffects, cells: Cells, outcome: str, cost: str, characteristic: str, better: str = "higher"
) -> pd.DataFrame:
    """Bootstrap draws of two effects of one characteristic on their own scales: the bivariate draw of units.

    Differences per true SD at the mean of all stays: points, days or money; events per 1,000 stays.

    Parameters
    ----------
    found : BootstrapEffects
        With both outcomes.
    better : "higher" or "lower"
        Which outcome is better; "lower" turns the sign, so that right is better in the plane.

    Returns
    -------
    DataFrame
        Columns outcome, cost, a row a draw that has both; the first row holds the estimates themselves.

    Raises
    ------
    DataError
        An outcome or characteristic that was not drawn.
    """
    if better not in ("higher", "lower"):
        raise SpecError(Problem("better is 'higher' or 'lower'", value=better))
    columns: dict[str, Array] = {}
    for name, key in (("outcome", outcome), ("cost", cost)):
        if key not in found.outcomes or characteristic not in found.characteristics:
            raise DataError(Problem("this was not among the bootstrap's effects", column=f"{key}, {characteristic}"))
        i, j = found.outcomes.index(key), found.characteristics.index(characteristic)
        effects = np.append(found.estimate[i, j], found.draws[i, j])
        columns[name] = _absolute(cells, key, effects) * (-1.0 if name == "outcome" and better == "lower" else 1.0)
    return pd.DataFrame(columns).dropna(ignore_index=True)


def _absolute(cells: Cells, outcome: str, effects: Array) -> Array:
    mean = float(cells.table[f"{outcome}_sum"].sum() / cells.table[f"{outcome}_n"].sum())
    kind = cells.outcome(outcome).kind
    if kind == "continuous":
        return effects
    if kind == "binary":
        return np.asarray(1000 * (expit(logit(mean) + effects) - mean), dtype=np.float64)
    return mean * np.expm1(effects)


def effects_left_out(
    ratings: pd.DataFrame, scores: UnitScores, cells: Cells, outcomes: Sequence[str], by: str = "unit"
) -> pd.DataFrame:
    """Corrected two-stage effects of every characteristic with each unit (or hospital) left out in turn.

    Case mix is adjusted once, within all units; scores, their reliability and tau are estimated anew each time. With
    full models refitted see `leave_one_out`.

    Parameters
    ----------
    ratings, scores, cells, outcomes
        As in `bootstrap_effects`.
    by : "unit" or "hospital"

    Returns
    -------
    DataFrame
        Columns outcome, characteristic, group (what was left out; "" for nothing), estimate, change (from the whole,
        in its standard errors). Private: a unit may be known.

    Raises
    ------
    SpecError
        An unknown `by`, or hospitals where scores have none.
    """
    refuse_to_leave_out(by, scores)
    names = tuple(scores.characteristics)
    study = gather(ratings, scores, cells, tuple(outcomes), names)
    units = pd.Index(scores.design.units)
    place = units if by == "unit" else pd.Index(scores.design.hospital.loc[units])
    groups = list(dict.fromkeys(place))
    weights = np.vstack([np.ones(len(units)), *[(place != group).astype(float) for group in groups]])
    estimate, se = draw_effects(study, weights)
    parts = []
    for i, outcome in enumerate(outcomes):
        for j, name in enumerate(names):
            change = (estimate[i, j] - estimate[i, j, 0]) / se[i, j, 0]
            parts.append(pd.DataFrame({"outcome": outcome, "characteristic": name, "group": ["", *map(str, groups)],
                                       "estimate": estimate[i, j], "change": change}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)
