"""From a survey export to Responses: readers, cleaning, units, roster, and what is said of the data."""

from microresearch.survey.careless import Careless, careless
from microresearch.survey.careless_effect import with_and_without
from microresearch.survey.cleaning import clean, rule_order
from microresearch.survey.columns import column_uses
from microresearch.survey.content_validity import ContentValidity, content_validity
from microresearch.survey.dictionary import data_dictionary
from microresearch.survey.imputation import Imputations, compare_missing, impute
from microresearch.survey.missing import McarTest, MissingPatterns, cant_rate_rates, little_mcar, missing_patterns
from microresearch.survey.pooling import Pooled, pool
from microresearch.survey.read import read_responses
from microresearch.survey.recognise import read_export
from microresearch.survey.roster import read_roster, read_units
from microresearch.survey.states import reconcile, state_table
from microresearch.survey.units import Crosswalk, apply_applicability, assign_units, crosswalk

__all__ = [
    "Careless",
    "ContentValidity",
    "Crosswalk",
    "Imputations",
    "McarTest",
    "MissingPatterns",
    "Pooled",
    "apply_applicability",
    "assign_units",
    "cant_rate_rates",
    "careless",
    "clean",
    "column_uses",
    "compare_missing",
    "content_validity",
    "crosswalk",
    "data_dictionary",
    "impute",
    "little_mcar",
    "missing_patterns",
    "pool",
    "read_export",
    "read_responses",
    "read_roster",
    "read_units",
    "reconcile",
    "rule_order",
    "state_table",
    "with_and_without",
]
