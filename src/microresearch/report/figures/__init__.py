"""The figures of a study: each a function over a result that returns a `StudyFigure`."""

from microresearch.report.figures.calibration import calibration_plot
from microresearch.report.figures.careless import careless_indices
from microresearch.report.figures.caterpillar import caterpillar_plot
from microresearch.report.figures.correlations import correlation_heat_map
from microresearch.report.figures.dose import dose_response
from microresearch.report.figures.flow import flow_diagram
from microresearch.report.figures.forest import CURRENCY, RATIO, Panel, forest_plot
from microresearch.report.figures.funnel import funnel_plot
from microresearch.report.figures.heat_map import unit_heat_map
from microresearch.report.figures.influence import influence_plot
from microresearch.report.figures.item_correlations import item_correlation_heat_map
from microresearch.report.figures.items import item_distributions
from microresearch.report.figures.loadings import loadings
from microresearch.report.figures.missing_patterns import missing_patterns_plot
from microresearch.report.figures.missingness import missingness_map
from microresearch.report.figures.paths import path_diagram
from microresearch.report.figures.peers import unit_dot_plot
from microresearch.report.figures.plane import outcome_cost_plane
from microresearch.report.figures.scree import scree
from microresearch.report.figures.specifications import specification_curve
from microresearch.report.figures.unit_shares import unit_shares

__all__ = [
    "CURRENCY",
    "RATIO",
    "Panel",
    "calibration_plot",
    "careless_indices",
    "caterpillar_plot",
    "correlation_heat_map",
    "dose_response",
    "flow_diagram",
    "forest_plot",
    "funnel_plot",
    "influence_plot",
    "item_correlation_heat_map",
    "item_distributions",
    "loadings",
    "missing_patterns_plot",
    "missingness_map",
    "outcome_cost_plane",
    "path_diagram",
    "scree",
    "specification_curve",
    "unit_dot_plot",
    "unit_heat_map",
    "unit_shares",
]
