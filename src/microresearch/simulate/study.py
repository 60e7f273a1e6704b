"""What would a study find if the truth were known? A whole study, from survey export to costs, with a planted truth."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.simulate.billing import draw_ccr, draw_finance
from microresearch.simulate.export import survey_export
from microresearch.simulate.files import write_study
from microresearch.simulate.hospitals import Setting, draw_setting
from microresearch.simulate.plant import CODES, Plant
from microresearch.simulate.record import study_truth
from microresearch.simulate.result import SimulatedStudy
from microresearch.simulate.stays import draw_stays
from microresearch.simulate.submissions import draw_submissions, scaled
from microresearch.simulate.truth import population_of
from microresearch.simulate.unit_months import draw_unit_months

SEED = 20240108


def simulate_study(
    directory: str | Path | None = None,
    *,
    seed: int = SEED,
    hospitals: int = 12,
    units_per_hospital: int = 8,
    staff_per_unit: float = 30,
    stays_per_unit: float = 625,
    effects: float = 1.0,
    slopes: Mapping[str, Mapping[str, float]] | None = None,
    mess: float = 1.0,
    plant: Plant | None = None,
) -> SimulatedStudy:
    """Simulate a study of clinical microsystems whose truth is known, and write its files if a folder is given.

    Parameters
    ----------
    directory : str or Path, optional
        Folder that takes `raw/` (the files of the study, a data dictionary, SHA256SUMS) and `truth.json`; the same
        arguments give the same bytes. A folder whose `raw/` was not written by a simulation is refused.
    seed : int
        One seed for everything; each part of the study draws from a stream of its own.
    hospitals, units_per_hospital : int
    staff_per_unit, stays_per_unit : float
        Means; units differ (14 to 56 staff, 225 to 1,200 stays at the defaults).
    effects : float
        Factor on all effects of the characteristics on outcomes; 0 plants none.
    slopes : mapping, optional
        Outcome (experience, cost, los, readmitted, died, falls) to marginal effects per true SD by characteristic, in
        place of the bundled ones: `{"experience": {"leadership": 2.0}}`; characteristics left out have effect 0. Points
        for experience, logarithms of ratios for cost, los and falls, log odds for the others.
    mess : float
        Factor on the number of previews, duplicates, straight-liners and so on; 0 plants none (the retest stays).
    plant : Plant, optional
        The whole generating model, for those who need to change more.

    Returns
    -------
    SimulatedStudy

    Raises
    ------
    DataError
        Sizes too small for what is planted, an unknown outcome or characteristic, or effects so large that mean
        experience leaves its scale; a folder that holds a real study.

    Examples
    --------
    >>> study = simulate_study(seed=1, hospitals=3, units_per_hospital=4, stays_per_unit=50)
    >>> len(study.units), study.truth["outcomes"]["experience"]["leadership"]["per_sd"]
    (12, 1.9)
    """
    _check(hospitals, units_per_hospital, staff_per_unit, stays_per_unit, mess)
    model = (plant or Plant()).with_effects(effects, slopes or {}).with_mess(mess)
    population = population_of(model)
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(7)]
    setting = draw_setting(population, hospitals, units_per_hospital, staff_per_unit, streams[0])
    counts = scaled(model.mess, hospitals * units_per_hospital * staff_per_unit)
    sent = draw_submissions(population, setting, counts, streams[1])
    survey, header, misspelt = survey_export(population, setting, sent, counts["misspelt"], streams[2])
    stays = draw_stays(population, setting, stays_per_unit, streams[3], streams[4])
    ccr = draw_ccr(setting, stays, streams[5])
    finance, linkage, billed = draw_finance(setting, stays, ccr, streams[5])
    months = draw_unit_months(population, setting, streams[6])
    truth = study_truth(population, setting, sent, misspelt, stays, months, linkage, billed, seed)
    study = SimulatedStudy(
        survey, header, setting.roster, setting.units, stays.table, finance, ccr, months, _named(setting), truth, seed
    )
    if directory is not None:
        write_study(Path(directory), study)
    return study


def _check(hospitals: int, units: int, staff: float, stays: float, mess: float) -> None:
    if hospitals < 1 or units < 1 or not staff >= 2 or not stays >= 1:
        raise DataError("a study needs at least one hospital, one unit in each, two staff and one stay a unit.")
    if not 0 <= mess <= 3:
        raise DataError("mess is a factor from 0 to 3.")


def _named(setting: Setting) -> pd.DataFrame:
    return pd.DataFrame(setting.true, index=pd.Index(setting.units["unit"], name="unit"), columns=list(CODES))
