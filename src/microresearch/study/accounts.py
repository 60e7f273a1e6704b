"""Where did every column, cell and row of the survey go? The survey room's accounts, with the study's settings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from microresearch.results import NotAvailable
from microresearch.study import reading

if TYPE_CHECKING:
    import pandas as pd

    from microresearch.responses import Responses
    from microresearch.study.study import Study
    from microresearch.survey.expert_ratings import ContentValidity
    from microresearch.survey.export import Export


def export_of(study: "Study") -> "Export":
    """The survey export as it was recognised (`said` tells how), before any meaning is given to a cell."""
    return reading.export(study)


def column_account(study: "Study", export: "Export") -> "pd.DataFrame":
    """What became of every column of the export: see `survey.column_uses`."""
    from microresearch.survey import column_uses

    said = reading.survey_settings(study)
    forms = list(study.instruments.values())
    return column_uses(export, forms, reading.columns(study), said.items, said.keep)


def cell_account(study: "Study", export: "Export", responses: "Responses") -> "pd.DataFrame":
    """The raw cells of each item and role against the states that they became: see `survey.reconcile`."""
    from microresearch.survey import reconcile

    said = reading.survey_settings(study)
    return reconcile(export, responses, said.items, said.blank)


def unmapped_account(study: "Study", export: "Export") -> "pd.DataFrame":
    """Every value that maps to no option, with all its rows: see `survey.unmapped_values`."""
    from microresearch.survey import unmapped_values

    said = reading.survey_settings(study)
    return unmapped_values(export, list(study.instruments.values()), None, said.items, blank=said.blank)


def rule_account(study: "Study", responses: "Mapping[str, Responses]") -> "pd.DataFrame":
    """Whether the order of any two cleaning rules matters on these responses: see `survey.rule_order`."""
    from microresearch.survey import rule_order

    rules = list(study.spec.cleaning)
    roster = study.roster() if any(rule.get("roster") for rule in rules) else None
    return rule_order(dict(responses), rules, roster)


def content_validity_account(study: "Study") -> "ContentValidity | NotAvailable":
    """What experts' ratings say of the items' relevance; not available, with the reason, until a study has them."""
    from microresearch.survey import content_validity

    said = study.spec.content_validity
    if said is None:
        return NotAvailable("content validity is not established: no experts' ratings of the items were given")
    return content_validity(study.file(said.file), said.relevant, said.scale)
