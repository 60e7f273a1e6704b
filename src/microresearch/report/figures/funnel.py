"""Which units' outcomes differ by more than chance, given how many patients they have?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.style import ACCENT, QUIET, SECOND, StudyFigure, context, settle


def funnel_plot(
    funnel: object,
    *,
    limits: Sequence[tuple[str, str, str]] = (
        ("low_95", "high_95", "95% limits"),
        ("low_998", "high_998", "99.8% limits"),
    ),
    target: float = 1.0,
    size: str = "expected",
    value: str = "ratio",
    labels: tuple[str, str] = ("Expected events", "Observed / expected"),
    minimum: float = 10,
    events: str = "",
    title: str = "",
) -> StudyFigure:
    """Funnel plot: a unit's outcome against its size, with control limits that the analysis has computed.

    Parameters
    ----------
    funnel : result or DataFrame
        A row per unit: `unit`, the columns named by `size` and `value`, and those of `limits` at that unit's size.
    limits : sequence of (low, high, name)
        Columns of the control limits, inner first.
    target : float
        The value without difference (1 for a ratio).
    size, value : str
        Columns of the horizontal and the vertical axis.
    labels : (str, str)
        Of both axes.
    minimum : float
        Units whose size is this or less are left out of figure and data: a count could be worked out.
    events : str
        Column of the counts behind the values, if there is one: units with so few of them are left out as well.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns unit, size (two significant digits), value (two decimals), outside (the widest limits).

    Raises
    ------
    DataError
        A column is missing, or no unit is large enough.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202. doi:10.1002/sim.1970

    Examples
    --------
    >>> frame = pd.DataFrame({"unit": ["a", "b"], "expected": [40.0, 90.0], "ratio": [1.6, 1.0], "low": 0.7,
    ...                       "high": 1.4})
    >>> funnel_plot(frame, limits=[("low", "high", "95% limits")]).data["outside"].tolist()
    [True, False]
    """
    columns = [column for low, high, _ in limits for column in (low, high)]
    frame = frame_of(funnel, ("unit", size, value, *([events] if events else []), *columns), "funnel_plot")
    few = frame[size] <= minimum
    if events:
        few |= frame[events] <= minimum
    frame = frame[~few].sort_values(size, ignore_index=True)
    if frame.empty:
        raise DataError(f"funnel_plot: no unit has a size above {minimum:g}.")
    outside = (frame[value] < frame[limits[-1][0]]) | (frame[value] > frame[limits[-1][1]])
    rounded = [float(f"{x:.2g}") for x in frame[size]]
    data = pd.DataFrame({"unit": frame["unit"], "size": rounded, "value": frame[value].round(2), "outside": outside})
    left_out = f" {int(few.sum())} small units are not shown." if few.any() else ""
    figure = StudyFigure(
        "single", 76, data=data.reset_index(drop=True), title=title or "Funnel plot",
        alt=f"Funnel plot of {len(frame)} units; {int(outside.sum())} lie outside the {limits[-1][2]}.",
        note=f"Filled: outside the {limits[-1][2]}.{left_out}",
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        axes.axhline(target, color=QUIET, lw=0.7)
        for (low, high, name), style in zip(limits, ("--", "-", ":"), strict=False):
            for side, said in ((low, name), (high, "_")):
                axes.plot(*_smooth(frame[size], frame[side]), style, color=SECOND, lw=0.9, label=said)
        inner = ~outside.to_numpy()
        axes.scatter(
            frame[size][inner], frame[value][inner], s=11, facecolors="white", edgecolors=QUIET, lw=0.7, zorder=3
        )
        axes.scatter(frame[size][~inner], frame[value][~inner], s=14, color=ACCENT, lw=0, zorder=4)
        axes.set(xlabel=wrap(labels[0], 46), ylabel=wrap(labels[1], 40))
        low_edge, high_edge = frame[value].min(), frame[value].max()
        room = 0.35 * max(high_edge - low_edge, 1e-9)
        axes.set_ylim(max(low_edge - room, 0 if low_edge >= 0 else -np.inf), high_edge + room)
        axes.legend(loc="upper right")
        return settle(figure)


def _smooth(size: pd.Series, limit: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A limit between the units' sizes, where it is nearly straight over one by the root of the size."""
    if len(size) < 2 or limit.isna().any() or size.iloc[0] <= 0:
        return size.to_numpy(float), limit.to_numpy(float)
    fine = np.linspace(size.iloc[0], size.iloc[-1], 200)
    root = 1 / np.sqrt(size.to_numpy(float))
    return fine, np.interp(-1 / np.sqrt(fine), -root, limit.to_numpy(float))
