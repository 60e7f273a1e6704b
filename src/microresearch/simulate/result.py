"""What does a simulation hand back? The study as its researchers receive it, and the truth that they do not."""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedStudy:
    """A simulated study.

    Attributes
    ----------
    survey : DataFrame
        The raw Qualtrics table without its second and third header rows, all text.
    survey_header : list of two lists
        Those rows: question wording and ImportIds.
    roster, units, admissions, finance, ccr, unit_months : DataFrame
        As the files of the same name; `raw/README.md` is their dictionary.
    true_scores : DataFrame, units x 10
        T_uc on the long form, index the unit id.
    truth : dict
        Population values of the estimands, what was planted, and how many of each kind of mess, as in `truth.json`.
    seed : int
    """

    survey: pd.DataFrame
    survey_header: list[list[str]]
    roster: pd.DataFrame
    units: pd.DataFrame
    admissions: pd.DataFrame
    finance: pd.DataFrame
    ccr: pd.DataFrame
    unit_months: pd.DataFrame
    true_scores: pd.DataFrame
    truth: dict[str, Any]
    seed: int
