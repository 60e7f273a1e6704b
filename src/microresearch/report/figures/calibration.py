"""Do patients fare as their case mix predicts, from the lowest to the highest risk?"""

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import ACCENT, QUIET, StudyFigure, context, settle


def calibration_plot(
    found: object,
    *,
    labels: tuple[str, str] = ("Expected %", "Observed % (95% CI)"),
    times: float = 1.0,
    decimals: int = 1,
    said: tuple[str, ...] = (),
    title: str = "",
) -> StudyFigure:
    """Calibration plot: observed against expected by groups of predicted risk, with the line on which both are equal.

    Parameters
    ----------
    found : Calibration or DataFrame
        A row per group, lowest first: `expected`, `observed`, `ci_low`, `ci_high`.
    labels : (str, str)
        Of both axes, with units.
    times : float
        What values are multiplied by before they are drawn: 100 for percentages.
    decimals : int
        Of the drawn values.
    said : tuple of str
        Lines in the corner: slope, c-statistic.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns group, expected, observed, ci_low, ci_high, rounded; no count of patients.

    Raises
    ------
    DataError
        A column is missing, or fewer than two groups.

    References
    ----------
    Steyerberg et al. (2010), Epidemiology 21, 128-138. doi:10.1097/EDE.0b013e3181c30fb2

    Examples
    --------
    >>> frame = pd.DataFrame({"expected": [0.05, 0.2], "observed": [0.06, 0.19], "ci_low": [0.03, 0.15],
    ...                       "ci_high": [0.1, 0.24]})
    >>> calibration_plot(frame, times=100).alt
    'Calibration plot of 2 groups: expected % 5.0 to 20.0, observed % 6.0 to 19.0; the line of equality lies inside 2 \
of 2 intervals.'
    """
    columns = ["expected", "observed", "ci_low", "ci_high"]
    frame = times * frame_of(found, columns, "calibration_plot")[columns].astype(float).reset_index(drop=True)
    if len(frame) < 2:
        raise DataError("calibration_plot: fewer than two groups have patients enough to be shown.")
    inside = int(frame["expected"].between(frame["ci_low"], frame["ci_high"]).sum())
    frame = frame.round(decimals)
    data = pd.DataFrame({"group": np.arange(1, len(frame) + 1), **{c: frame[c] for c in columns}})
    ends = [
        f"{label.split(' (')[0]} {apa(frame[c].iloc[0], decimals)} to {apa(frame[c].iloc[-1], decimals)}"
        for label, c in zip(labels, columns, strict=False)
    ]
    figure = StudyFigure(
        "single", 84, data=data, title=title or "Calibration",
        alt=f"Calibration plot of {len(frame)} groups: {ends[0][:1].lower()}{ends[0][1:]}, "
        f"{ends[1][:1].lower()}{ends[1][1:]}; the line of equality lies inside {inside} of {len(frame)} intervals."
        + "".join(f" {line}." for line in said),
        note="Groups of about equal size by predicted value, those with few patients or events merged; bars: "
        "95% confidence intervals, units as clusters. Dashed: observed equals expected.",
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        low, high = frame.min().min(), frame.max().max()
        room = 0.05 * max(high - low, 1e-9)
        ends_of_axis = (max(low - room, 0.0) if low >= 0 else low - room, high + room)
        axes.plot(ends_of_axis, ends_of_axis, "--", color=QUIET, lw=0.8)
        middle = frame["observed"]
        bars = [(middle - frame["ci_low"]).clip(lower=0), (frame["ci_high"] - middle).clip(lower=0)]
        axes.errorbar(
            frame["expected"], middle, yerr=bars, fmt="o", ms=3.6, color=ACCENT, ecolor=ACCENT, elinewidth=0.9, zorder=3
        )
        axes.set(xlim=ends_of_axis, ylim=ends_of_axis, box_aspect=1)
        ticks = axes.get_yticks()
        axes.set_xticks(ticks[(ticks >= ends_of_axis[0]) & (ticks <= ends_of_axis[1])])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: apa(value, 0 if float(ticks[1] - ticks[0]).is_integer() else 2))
        axes.set(xlabel=wrap(labels[0], 44), ylabel=wrap(labels[1], 40))
        axes.text(0.03, 0.97, "\n".join(said), transform=axes.transAxes, ha="left", va="top", fontsize=6.5)
        return settle(figure)
