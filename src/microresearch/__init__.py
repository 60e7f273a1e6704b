"""Clinical microsystems from survey export to paper: the public names, each loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microresearch.instrument import load_instrument
    from microresearch.linking.costs import link_cost
    from microresearch.linking.encounters import read_encounters
    from microresearch.linking.outcomes import link_outcome
    from microresearch.psychometrics.alpha import alpha
    from microresearch.psychometrics.cfa import cfa
    from microresearch.psychometrics.efa import efa
    from microresearch.psychometrics.icc import icc
    from microresearch.psychometrics.invariance import invariance
    from microresearch.psychometrics.item_analysis import item_analysis
    from microresearch.psychometrics.omega import omega
    from microresearch.psychometrics.polychoric import polychoric
    from microresearch.psychometrics.retention import n_factors
    from microresearch.report.interpret import interpret
    from microresearch.simulate import simulate_study
    from microresearch.study.reproduce import reproduce
    from microresearch.study.study import open_study
    from microresearch.survey import clean, read_responses
    from microresearch.survey.expert_ratings import content_validity
    from microresearch.units.aggregation import unit_scores
    from microresearch.units.agreement import agreement
    from microresearch.units.comparisons import compare_groups

_HOMES = {
    "open_study": "study.study",  # the study that a notebook works on
    "load_instrument": "instrument",  # what was asked: a built-in form or a TOML file
    "read_responses": "survey",  # a survey export as Responses, in four states
    "content_validity": "survey.expert_ratings",  # I-CVI, S-CVI/Ave, modified kappa from expert ratings
    "clean": "survey",  # declared exclusions in order, each in the ledger
    "alpha": "psychometrics.alpha",  # coefficient alpha with an interval free of any distribution
    "item_analysis": "psychometrics.item_analysis",  # spread, floor, ceiling, item-rest r, alpha without each item
    "omega": "psychometrics.omega",  # omega total, categorical, hierarchical
    "icc": "psychometrics.icc",  # the six intraclass correlations, complete or with holes
    "cfa": "psychometrics.cfa",  # confirmatory factor models, with groups, holes, clusters
    "invariance": "psychometrics.invariance",  # does the model mean the same in every group?
    "polychoric": "psychometrics.polychoric",  # correlations behind ordered answers
    "n_factors": "psychometrics.retention",  # parallel analysis, MAP, empirical Kaiser, side by side
    "efa": "psychometrics.efa",  # exploratory factors: extraction, rotation, fit, scores
    "agreement": "units.agreement",  # rwg, rwg(j), AD, ICC(1), ICC(2)
    "unit_scores": "units.aggregation",  # raw and empirical-Bayes unit scores, reliability
    "compare_groups": "units.comparisons",  # roles and types of unit compared, the unit as what counts
    "read_encounters": "linking.encounters",  # admissions and costs reduced to cells
    "link_outcome": "linking.outcomes",  # outcomes on scores: naive and corrected
    "link_cost": "linking.costs",  # costs on scores, in money by recycled predictions
    "interpret": "report.interpret",  # verdicts by named, cited rules
    "simulate_study": "simulate",  # a study with a planted truth
    "reproduce": "study.reproduce",  # run again from raw data and compare with what was published
}

__all__ = [
    "agreement", "alpha", "cfa", "clean", "compare_groups", "content_validity", "efa", "icc", "interpret", "invariance",
    "item_analysis", "link_cost", "link_outcome", "load_instrument", "n_factors", "omega", "open_study",
    "polychoric", "read_encounters", "read_responses", "reproduce", "simulate_study", "unit_scores",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"microresearch has no {name!r}; it has: {', '.join(__all__)}")
    return getattr(import_module(f"microresearch.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__doc__"])
