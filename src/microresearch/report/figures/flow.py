"""Who came in, who was left out and why, and who was analysed?"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.rounding import missing
from microresearch.report.style import INK, QUIET, StudyFigure, context, settle

_TRUNK, _SIDE, _LETTERS = (4.0, 62.0), (72.0, 178.0), 68  # mm from the left; letters a line of a side box


def flow_diagram(
    flow: object,
    *,
    received: str = "Responses received",
    analysed: str = "Responses analysed",
    title: str = "Flow of participants",
    of: str = "responses",
) -> StudyFigure:
    """Flow diagram: received at the top, each exclusion to the side with its reason, analysed at the bottom.

    Parameters
    ----------
    flow : DataFrame
        What `disclosure.public_flow` returns: columns `reason`, `excluded`, `remaining`; the first row is the start
        (nobody excluded). A count that is not shown is missing.
    received, analysed, title : str
        Words of the first and the last box; the figure's title.
    of : str
        Whom it counts, for the disclosure guard.

    Returns
    -------
    StudyFigure
        `data` is the frame.

    Raises
    ------
    DataError
        A column is missing, or the frame is empty.

    References
    ----------
    von Elm et al. (2007), STROBE statement, item 13(c), Lancet 370, 1453-1457. doi:10.1016/S0140-6736(07)61602-X

    Examples
    --------
    >>> flow = pd.DataFrame({"reason": ["start", "Previews"], "excluded": [0, 20], "remaining": [120, 100]})
    >>> flow_diagram(flow).alt
    'Flow diagram. Responses received: 120. Excluded: Previews 20. Responses analysed: 100.'
    """
    frame = frame_of(flow, ("reason", "excluded", "remaining"), "flow_diagram")
    if frame.empty:
        raise DataError("flow_diagram: the flow has no rows; its first row is the start.")
    steps = frame.iloc[1:]
    lines = [
        wrap(f"{reason} ({_n(n)})", _LETTERS) for reason, n in zip(steps["reason"], steps["excluded"], strict=True)
    ]
    tall = [7.5 + 3.1 * line.count("\n") for line in lines]
    gone = "; ".join(f"{reason} {_count(n)}" for reason, n in zip(steps["reason"], steps["excluded"], strict=True))
    figure = StudyFigure(
        "double",
        27 + sum(height + 3.0 for height in tall),
        data=frame.reset_index(drop=True),
        title=title,
        alt=f"Flow diagram. {received}: {_count(frame['remaining'].iloc[0])}. Excluded: {gone or 'none'}. "
        f"{analysed}: {_count(frame['remaining'].iloc[-1])}.",
        note="Exclusions in the order in which they were applied; small ones are shown together.",
        counts=("excluded", "remaining"),
        of=of,
    )
    with context():
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        _draw(axes, frame, lines, tall, (received, analysed))
        return settle(figure)


def _draw(axes: Axes, frame: pd.DataFrame, lines: list[str], tall: list[float], ends: tuple[str, str]) -> None:
    total = 27 + sum(height + 3.0 for height in tall)
    axes.set_xlim(0, 180)
    axes.set_ylim(total, 0)
    axes.set_axis_off()
    left, right = _TRUNK
    middle = (left + right) / 2
    _box(axes, left, 2.0, right - left, 9.0, f"{ends[0]} ({_n(frame['remaining'].iloc[0])})", bold=True)
    y = 12.5
    axes.annotate("", (middle, total - 11.5), (middle, 11.0), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.8})
    shown = [*frame["remaining"].iloc[1:-1], None]  # the last one stands in the bottom box
    for line, height, left_over in zip(lines, tall, shown[: len(lines)], strict=True):
        level = y + height / 2
        axes.annotate("", (_SIDE[0], level), (middle, level), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.8})
        _box(axes, _SIDE[0], y, _SIDE[1] - _SIDE[0], height, line)
        if not missing(left_over):
            axes.text(middle - 2, level + 3.6, _n(left_over), ha="right", va="center", color=QUIET, fontsize=6.5)
        y += height + 3.0
    _box(axes, left, total - 11.0, right - left, 9.0, f"{ends[1]} ({_n(frame['remaining'].iloc[-1])})", bold=True)


def _box(axes: Axes, x: float, y: float, wide: float, tall: float, text: str, bold: bool = False) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x, y), wide, tall, boxstyle="round,pad=0,rounding_size=1", facecolor="#eef2f8" if bold else "white",
            edgecolor=INK, lw=0.8 if bold else 0.6,
        )
    )  # fmt: skip
    where, align = (x + wide / 2, "center") if bold else (x + 2.0, "left")
    axes.text(where, y + tall / 2, text, ha=align, va="center", fontsize=7, fontweight="bold" if bold else "normal")


def _count(value: object) -> str:
    return "not shown" if missing(value) else f"{float(str(value)):,.0f}"


def _n(value: object) -> str:
    text = "n not shown" if missing(value) else f"n = {_count(value)}"
    return text.replace(" ", "\N{NO-BREAK SPACE}")
