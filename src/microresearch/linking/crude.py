"""What do raw data show of scores and an outcome, before anything is held constant?"""

from dataclasses import replace

import pandas as pd

from microresearch.linking.cells import Cells
from microresearch.linking.estimates import LinkedEstimates
from microresearch.linking.outcomes import SCALES, link_outcome
from microresearch.units.score_table import UnitScores


def crude_effects(scores: UnitScores, cells: Cells, linked: LinkedEstimates) -> LinkedEstimates:
    """The effects of `linked` on raw unit means with no case mix, unit covariate or hospital held constant.

    The same outcome, model, characteristics and units, per the same standard deviation, so that what adjustment does
    can be read off. Nothing is corrected for unreliability, and no family is adjusted for: crude effects are told
    beside the others, never in their place.

    Parameters
    ----------
    scores, cells : UnitScores, Cells
        Those behind `linked`.
    linked : LinkedEstimates

    Returns
    -------
    LinkedEstimates
        Naive effects alone, without adjusted p-values.

    Raises
    ------
    DataError, SpecError, ConvergenceError
        As `link_outcome`.
    """
    design, units = scores.design, scores.design.units
    alone = pd.Series("", index=units, dtype="str")
    bare = replace(design, columns=pd.DataFrame(index=units), hospital=alone, covariates=(), reference={}, notes=())
    why = "crude effects are not corrected"
    model = next(known for known in SCALES if known == linked.model)
    parts = scores.components.assign(correctable=False, note=why)
    wanted = [row.characteristic for row in linked.rows]
    found = link_outcome(
        replace(scores, design=bare, components=parts), replace(cells, strata=()), linked.outcome, model,
        None, characteristics=wanted, confidence=linked.confidence, plan_hash=linked.plan_hash, role=linked.role,
    )  # fmt: skip
    return replace(found, rows=tuple(replace(row, p_holm=None, p_bh=None) for row in found.rows))
