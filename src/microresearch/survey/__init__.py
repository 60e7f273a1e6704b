"""From a survey export to Responses: readers, cleaning, units, roster, and what is said of the data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microresearch.survey.careless_effect import with_and_without
    from microresearch.survey.careless_indices import Careless, careless
    from microresearch.survey.cleaning import clean, order_note, rule_order
    from microresearch.survey.columns import column_uses
    from microresearch.survey.dictionary import data_dictionary
    from microresearch.survey.expert_ratings import ContentValidity, content_validity
    from microresearch.survey.imputation import Imputations, compare_missing, impute
    from microresearch.survey.missing import McarTest, MissingPatterns, cant_rate_rates, little_mcar, missing_patterns
    from microresearch.survey.missing_effect import compare_unit_means
    from microresearch.survey.pooling import Pooled, pool
    from microresearch.survey.read import read_responses
    from microresearch.survey.recognise import read_export
    from microresearch.survey.roster import read_roster, read_units
    from microresearch.survey.states import reconcile, state_table
    from microresearch.survey.units import Crosswalk, apply_applicability, assign_units, crosswalk
    from microresearch.survey.unmapped import unmapped_values

_HOMES = {
    "read_responses": "read",  # an export as Responses, for one instrument or several
    "read_export": "recognise",  # an export as text cells, its format recognised
    "unmapped_values": "unmapped",  # every value that maps to no option, with its rows
    "column_uses": "columns",  # what became of every column, and why
    "Crosswalk": "units",  # every declared name of every unit
    "crosswalk": "units",  # made from the units file
    "assign_units": "units",  # names to unit ids, or a stop
    "apply_applicability": "units",  # items that do not apply to a unit
    "read_units": "roster",  # the units file, checked whole
    "read_roster": "roster",  # the roster, checked whole
    "clean": "cleaning",  # declared rules in order, each in the ledger
    "rule_order": "cleaning",  # whether the order of two rules matters
    "order_note": "cleaning",  # the same in a sentence
    "state_table": "states",  # answered, can't rate, blank, not applicable by item and role
    "reconcile": "states",  # the same against the raw file
    "data_dictionary": "dictionary",  # a row a variable
    "Careless": "careless_indices",  # indices and flags
    "careless": "careless_indices",  # of careless responding
    "with_and_without": "careless_effect",  # scores and alpha beside those without the flagged
    "MissingPatterns": "missing",  # combinations of missing items
    "missing_patterns": "missing",  # and how often each occurs
    "McarTest": "missing",  # Little's test
    "little_mcar": "missing",  # of missing completely at random
    "cant_rate_rates": "missing",  # can't rate by item and role or unit
    "Imputations": "imputation",  # completed data sets
    "impute": "imputation",  # by chained equations
    "compare_missing": "imputation",  # complete cases, missing rule and imputation side by side
    "compare_unit_means": "missing_effect",  # the same for units
    "Pooled": "pooling",  # one estimate over imputations
    "pool": "pooling",  # by Rubin's rules
    "ContentValidity": "expert_ratings",  # I-CVI, S-CVI, modified kappa
    "content_validity": "expert_ratings",  # from experts' ratings
}

__all__ = [
    "Careless", "ContentValidity", "Crosswalk", "Imputations", "McarTest", "MissingPatterns", "Pooled",
    "apply_applicability", "assign_units", "cant_rate_rates", "careless", "clean", "column_uses", "compare_missing",
    "compare_unit_means", "content_validity", "crosswalk", "data_dictionary", "impute", "little_mcar",
    "missing_patterns", "order_note", "pool", "read_export", "read_responses", "read_roster", "read_units",
    "reconcile", "rule_order", "state_table", "unmapped_values", "with_and_without",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"microresearch.survey has no {name!r}; it has: {', '.join(__all__)}")
    return getattr(import_module(f"microresearch.survey.{_HOMES[name]}"), name)
