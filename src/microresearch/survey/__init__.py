"""From a survey export to Responses: readers, cleaning, units, roster."""

from microresearch.survey.cleaning import clean
from microresearch.survey.read import read_responses
from microresearch.survey.recognise import read_export
from microresearch.survey.roster import read_roster, read_units
from microresearch.survey.units import Crosswalk, apply_applicability, assign_units, crosswalk

__all__ = [
    "Crosswalk",
    "apply_applicability",
    "assign_units",
    "clean",
    "crosswalk",
    "read_export",
    "read_responses",
    "read_roster",
    "read_units",
]
