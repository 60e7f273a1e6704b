"""The figures of a study: each a function over a result that returns a `StudyFigure`."""

from microresearch.report.figures.caterpillar import caterpillar_plot
from microresearch.report.figures.flow import flow_diagram
from microresearch.report.figures.forest import CURRENCY, RATIO, Panel, forest_plot
from microresearch.report.figures.heat_map import unit_heat_map

__all__ = ["CURRENCY", "RATIO", "Panel", "caterpillar_plot", "flow_diagram", "forest_plot", "unit_heat_map"]
