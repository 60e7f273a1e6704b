"""Does the effect depend on the choices of the analysis?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import ACCENT, FAINT, INK, QUIET, StudyFigure, context, settle


def specification_curve(
    specifications: object,
    choices: Sequence[str],
    *,
    primary: str = "primary",
    null: float = 0.0,
    label: str = "Effect per SD (95% CI)",
    title: str = "",
) -> StudyFigure:
    """Estimates of every declared specification in rank order, with the choices behind each below.

    Parameters
    ----------
    specifications : result or DataFrame
        A row per specification: `estimate`, `ci_low`, `ci_high` (missing where there is none), and a column per
        choice that says what was chosen; a column named by `primary` marks the planned one.
    choices : sequence of str
        The columns of choices, in the order in which they are shown.
    primary : str
        Boolean column, may be absent.
    null : float
        The value of no effect.
    label, title : str

    Returns
    -------
    StudyFigure
        `data` has a row per specification in rank order.

    Raises
    ------
    DataError
        A column is missing, or there is no specification with an estimate.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214. doi:10.1038/s41562-020-0912-z

    Examples
    --------
    >>> frame = pd.DataFrame({"estimate": [2.0, 1.0], "ci_low": [1.0, -1.0], "ci_high": [3.0, 3.0],
    ...                       "score": ["EB", "mean"]})
    >>> specification_curve(frame, ["score"]).data["rank"].tolist()
    [1, 2]
    """
    frame = frame_of(specifications, ("estimate", "ci_low", "ci_high", *choices), "specification_curve")
    frame = frame.dropna(subset=["estimate"]).sort_values("estimate", kind="stable", ignore_index=True)
    if frame.empty:
        raise DataError("specification_curve: no specification has an estimate.")
    keep = ["estimate", "ci_low", "ci_high", *choices, *([primary] if primary in frame else [])]
    data = frame[keep].copy()
    data.insert(0, "rank", np.arange(1, len(frame) + 1))
    apart = int(((frame["ci_low"] > null) | (frame["ci_high"] < null)).sum())
    options = [
        (choice, str(option)) for choice in choices for option in dict.fromkeys(sorted(frame[choice].astype(str)))
    ]
    figure = StudyFigure(
        "double", 62 + 3.6 * len(options) + 2.0 * len(choices), data=data, title=title or "Specification curve",
        alt=f"Specification curve of {len(frame)} analyses; estimates from {apa(frame['estimate'].min())} to "
        f"{apa(frame['estimate'].max())}; the interval of {apart} excludes {null:g}.",
        note="Dark: the interval excludes the value of no effect. Diamond: the planned analysis.",
    )  # fmt: skip
    with context():
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[46, 3.6 * len(options) + 2.0 * len(choices)])
        _curve(upper, frame, null, primary, label)
        _choices(lower, frame, options)
        return settle(figure)


def _curve(axes: Axes, frame: pd.DataFrame, null: float, primary: str, label: str) -> None:
    x = np.arange(len(frame))
    apart = ((frame["ci_low"] > null) | (frame["ci_high"] < null)).to_numpy()
    for some, colour in ((~apart, "#9b9b9b"), (apart, ACCENT)):
        axes.vlines(x[some], frame["ci_low"][some], frame["ci_high"][some], color=colour, lw=0.8, alpha=0.7)
        axes.scatter(x[some], frame["estimate"][some], s=7, color=colour, lw=0, zorder=3)
    axes.axhline(null, color=QUIET, lw=0.7)
    if primary in frame:
        planned = frame[primary].to_numpy(bool)
        axes.scatter(x[planned], frame["estimate"][planned], s=34, marker="D", color=INK, lw=0, zorder=5)
    axes.set_ylabel(wrap(label, 30))
    axes.tick_params(axis="x", length=0, labelbottom=False)


def _choices(axes: Axes, frame: pd.DataFrame, options: list[tuple[str, str]]) -> None:
    y = 0.0
    places: list[float] = []
    heads: dict[str, float] = {}
    for i, (choice, _) in enumerate(options):
        y += 1.6 if i and choice != options[i - 1][0] else 1.0
        places.append(y)
        heads.setdefault(choice, y)
    for (choice, option), at in zip(options, places, strict=True):
        chosen = np.flatnonzero(frame[choice].astype(str) == option)
        axes.axhline(at, color=FAINT, lw=0.4, zorder=1)
        axes.scatter(chosen, np.full(len(chosen), at), s=6, marker="s", color=INK, lw=0, zorder=2)
    said = [f"{wrap(choice, 40)}: {option}" if heads[choice] == at else option
            for (choice, option), at in zip(options, places, strict=True)]  # fmt: skip
    axes.set_yticks(places, said)
    axes.set_ylim(y + 0.8, 0.2)
    axes.set_xlabel(f"{len(frame)} specifications, in the order of their estimates")
    axes.tick_params(axis="both", length=0)
    axes.set_xticks([])
    axes.spines["left"].set_visible(False)
