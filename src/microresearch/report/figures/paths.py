"""What does a factor model say? Factors, their items with loadings, and the factors' correlations."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, FancyArrowPatch, Rectangle

from microresearch.errors import DataError
from microresearch.report.figures.inputs import fitted, frame_of, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import INK, MAX_HEIGHT, PALETTE, QUIET, StudyFigure, context, settle

_ARCS = 5
"""Factors up to which every correlation is drawn as an arc; more arcs cannot be told apart."""


def path_diagram(
    parameters: object, *, labels: Mapping[str, str] | None = None, value: str = "std.all", title: str = ""
) -> StudyFigure:
    """Path diagram of a measurement model: factors as ellipses, items as boxes, standardised loadings on the arrows.

    Parameters
    ----------
    parameters : Cfa or DataFrame
        A model of one group, or its parameters: lavaan's columns `lhs`, `op`, `rhs`, and the column named by `value`.
        `=~` rows are drawn as arrows, `~~` rows between two factors as arcs (up to five factors; with more, see the
        table of correlations).
    labels : mapping of name to str
        What stands in an ellipse or a box; the model's name when absent.
    value : str
        Column of the numbers.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns lhs, op, rhs, value: what was drawn.

    Raises
    ------
    DataError
        A column is missing, there is no loading, or more than a page holds (14 factors, or 12 items a factor).

    Examples
    --------
    >>> table = pd.DataFrame({"lhs": ["f", "f"], "op": ["=~", "=~"], "rhs": ["a", "b"], "std.all": [0.8, 0.7]})
    >>> path_diagram(table).alt
    'Path diagram. f is measured by a (.80) and b (.70).'
    """
    frame = frame_of(getattr(parameters, "parameters", parameters), ("lhs", "op", "rhs", value), "path_diagram")
    if "group" in frame and frame.loc[frame["op"] == "=~", "group"].nunique() > 1:
        raise DataError("path_diagram: the parameters hold several groups; give the rows of one.")
    loads = frame[frame["op"] == "=~"]
    factors = list(dict.fromkeys(loads["lhs"]))
    items = {factor: loads[loads["lhs"] == factor] for factor in factors}
    most = max((len(part) for part in items.values()), default=0)
    if not factors or len(factors) > 14 or most > 12:
        raise DataError("path_diagram holds 1 to 14 factors with up to 12 items each.")
    arcs = frame[(frame["op"] == "~~") & frame["lhs"].isin(factors) & frame["rhs"].isin(factors)]
    arcs = arcs[arcs["lhs"] != arcs["rhs"]] if len(factors) <= _ARCS else arcs.iloc[:0]
    drawn = pd.concat([loads, arcs])[["lhs", "op", "rhs", value]].rename(columns={value: "value"})
    tall = min(24.0, (MAX_HEIGHT - 4) / len(factors))
    figure = StudyFigure(
        "double", 4 + tall * len(factors), data=drawn.reset_index(drop=True), title=title or "Measurement model",
        alt=_alt(items, labels or {}, value), note="Standardised loadings"
        + ("; arcs: correlations of the factors." if len(arcs) else "."),
    )  # fmt: skip
    with context():
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 180), ylim=(4 + tall * len(factors), 0))
        axes.set_axis_off()
        centres = {factor: 2 + tall * (i + 0.5) for i, factor in enumerate(factors)}
        for i, factor in enumerate(factors):
            _measured(axes, items[factor], centres[factor], tall, labels or {}, value, PALETTE[i % 10])
        for row in arcs.to_dict("records"):
            _arc(
                axes,
                centres[row["lhs"]],
                centres[row["rhs"]],
                float(row[value]),
                factors.index(row["rhs"]) - factors.index(row["lhs"]),
            )
        return settle(figure)


def _alt(items: Mapping[str, pd.DataFrame], labels: Mapping[str, str], value: str) -> str:
    said = []
    for factor, part in items.items():
        parts = [f"{labels.get(r, r)} ({apa(v, 2, True)})" for r, v in zip(part["rhs"], part[value], strict=True)]
        listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
        said.append(f"{labels.get(factor, factor)} is measured by {listed}.")
    return f"Path diagram. {' '.join(said)}"


def _measured(
    axes: Axes, part: pd.DataFrame, y: float, tall: float, labels: Mapping[str, str], value: str, colour: str
) -> None:
    factor = str(part["lhs"].iloc[0])
    left, wide = 40.0, 34.0
    axes.add_patch(Ellipse((left, y), wide, 0.66 * tall, fc="white", ec=colour, lw=1.3))
    axes.text(left, y, wrap(labels.get(factor, factor), 18), ha="center", va="center", fontsize=6.5)
    low, high = y - 0.44 * tall, y + 0.44 * tall
    step = (high - low) / len(part)
    for i, (item, load) in enumerate(zip(part["rhs"], part[value], strict=True)):
        at = low + step * (i + 0.5)
        high_box = 0.84 * step
        axes.add_patch(Rectangle((106, at - high_box / 2), 72, high_box, fc="#f7f7f7", ec=QUIET, lw=0.5))
        text, size = fitted(labels.get(item, item), 68.0, min(6.0, 2.2 * high_box), 2 if high_box >= 5 else 1)
        axes.text(108, at, text, ha="left", va="center", fontsize=size, linespacing=0.95)
        axes.add_patch(
            FancyArrowPatch((left + wide / 2, y), (106, at), arrowstyle="-|>", mutation_scale=4, color=QUIET, lw=0.5,
                            shrinkA=0, shrinkB=0)
        )  # fmt: skip
        axes.text(96, y + (at - y) * (96 - left - wide / 2) / (106 - left - wide / 2), apa(float(load), 2, True),
                  fontsize=min(6.0, 2.2 * high_box), ha="center", va="center",
                  bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"})  # fmt: skip


def _arc(axes: Axes, first: float, second: float, value: float, apart: int) -> None:
    first, second = sorted((first, second))
    bend = 5.0 + 5.5 * (abs(apart) - 1)
    axes.add_patch(
        FancyArrowPatch(
            (23.0, first), (23.0, second), connectionstyle=f"arc3,rad={2 * bend / (second - first):.4f}",
            arrowstyle="<|-|>", mutation_scale=4, color=INK, lw=0.5, shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip
    axes.text(23.0 - bend, (first + second) / 2, apa(value, 2, True), fontsize=6, ha="center", va="center",
              bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"})  # fmt: skip
