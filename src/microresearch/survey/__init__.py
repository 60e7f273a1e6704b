"""From a survey export to Responses: readers, cleaning, units, roster, and what is said of the data."""

from microresearch.survey.careless import Careless, careless
from microresearch.survey.cleaning import clean, rule_order
from microresearch.survey.columns import column_uses
from microresearch.survey.content_validity import ContentValidity, content_validity
from microresearch.survey.dictionary import data_dictionary
from microresearch.survey.read import read_responses
from microresearch.survey.recognise import read_export
from microresearch.survey.roster import read_roster, read_units
from microresearch.survey.states import reconcile, state_table
from microresearch.survey.units import Crosswalk, apply_applicability, assign_units, crosswalk

__all__ = [
    "Careless",
    "ContentValidity",
    "Crosswalk",
    "apply_applicability",
    "assign_units",
    "careless",
    "clean",
    "column_uses",
    "content_validity",
    "crosswalk",
    "data_dictionary",
    "read_export",
    "read_responses",
    "read_roster",
    "read_units",
    "reconcile",
    "rule_order",
    "state_table",
]
