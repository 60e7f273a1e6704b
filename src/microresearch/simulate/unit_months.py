"""How often did something happen on a unit in a month? Patient-days and falls per unit and month, after the survey."""

import numpy as np
import pandas as pd

from microresearch.simulate.hospitals import Setting
from microresearch.simulate.stays import DAYS, OPENED, unit_level
from microresearch.simulate.truth import Population

OCCUPANCY = (0.6, 0.95)
"""Least and largest share of the beds that are taken in a month, all shares between equally likely."""


def draw_unit_months(population: Population, setting: Setting, rng: np.random.Generator) -> pd.DataFrame:
    """A row per unit and month over the time of the stays: unit, month, patient_days, and each monthly outcome.

    Counts are Poisson around rates that vary from month to month by a gamma factor, so negative binomial.
    """
    months = np.arange(OPENED.astype("datetime64[M]"), (OPENED + DAYS).astype("datetime64[M]"))
    length = np.diff(np.append(months, months[-1] + 1).astype("datetime64[D]")).astype(np.int64)
    units, shape = setting.units["unit"].to_numpy(), (len(setting.units), len(months))
    taken = rng.uniform(*OCCUPANCY, shape)
    days = np.maximum(np.rint(setting.kind.beds[:, None] * length * taken), 1).astype(np.int64)
    table = pd.DataFrame({
        "unit": np.repeat(units, len(months)), "month": np.tile(months.astype(str), len(units)),
        "patient_days": days.ravel(),
    })  # fmt: skip
    for outcome in population.plant.monthly:
        rate = np.exp(unit_level(population, setting, outcome, rng))[:, None]
        varying = rng.standard_gamma(outcome.spread, shape) / outcome.spread
        table[outcome.name] = rng.poisson(days * rate * varying).ravel()
    return table
