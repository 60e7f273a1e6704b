"""Do units that score higher have better outcomes at lower cost, taken together?"""

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.style import ACCENT, INK, QUIET, StudyFigure, context, settle


def outcome_cost_plane(
    draws: object,
    *,
    estimate: tuple[float, float] | None = None,
    labels: tuple[str, str] = ("Outcome difference per SD", "Cost difference per SD"),
    title: str = "",
) -> StudyFigure:
    """The plane of outcome and cost differences: bootstrap draws and the share in each quadrant.

    Parameters
    ----------
    draws : result or DataFrame
        A row per bootstrap draw over units: columns `outcome` and `cost` (differences per SD).
    estimate : (float, float), optional
        The estimates of both, as a cross.
    labels : (str, str)
        Of both axes, with units.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns outcome, cost: the draws. Shares count draws on an axis half to each side.

    Raises
    ------
    DataError
        Fewer than 100 complete draws.

    References
    ----------
    Black (1990), Medical Decision Making 10, 212-214. doi:10.1177/0272989X9001000308

    Examples
    --------
    >>> import pandas as pd
    >>> draws = pd.DataFrame({"outcome": np.ones(200), "cost": np.repeat([-1.0, 1.0], 100)})
    >>> outcome_cost_plane(draws).alt
    'Outcome and cost plane of 200 draws: better and cheaper 50%, better and dearer 50%, worse and cheaper 0%, worse \
and dearer 0%.'
    """
    frame = frame_of(draws, ("outcome", "cost"), "outcome_cost_plane")[["outcome", "cost"]].astype(float)
    frame = frame.dropna(ignore_index=True)
    if len(frame) < 100:
        raise DataError(f"outcome_cost_plane: {len(frame)} draws are too few for shares; 100 or more are needed.")
    right = np.heaviside(frame["outcome"], 0.5)
    up = np.heaviside(frame["cost"], 0.5)
    shares = {
        ("better", "cheaper"): np.mean(right * (1 - up)), ("better", "dearer"): np.mean(right * up),
        ("worse", "cheaper"): np.mean((1 - right) * (1 - up)), ("worse", "dearer"): np.mean((1 - right) * up),
    }  # fmt: skip
    reach = frame.abs().quantile(0.99).clip(lower=frame.abs().median()) * 1.3
    if estimate is not None:
        reach = reach.clip(lower=pd.Series(1.3 * np.abs(estimate), frame.columns))
    reach = reach.where(reach > 0, 1.0)
    beyond = int((frame.abs() > reach).any(axis=1).sum())
    said = ", ".join(f"{a} and {b} {100 * share:.0f}%" for (a, b), share in shares.items())
    figure = StudyFigure(
        "single", 80, data=frame, title=title or "Outcome and cost together",
        alt=f"Outcome and cost plane of {len(frame)} draws: {said}.",
        note="Dots: bootstrap draws over units; percentages: share of the draws in each quadrant. An association: unit "
        "climate is no intervention, so no ratio of cost to effect is given."
        + (f" Draws beyond the axes, counted in the percentages: {beyond}." if beyond else ""),
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        axes.scatter(frame["outcome"], frame["cost"], s=3, color=ACCENT, alpha=0.25, lw=0, rasterized=True)
        axes.axhline(0, color=QUIET, lw=0.7)
        axes.axvline(0, color=QUIET, lw=0.7)
        if estimate is not None:
            axes.plot(*estimate, "P", ms=7, color=INK, mec="white", mew=0.8)
        x, y = reach["outcome"], reach["cost"]
        axes.set(xlim=(-x, x), ylim=(-y, y), xlabel=wrap(labels[0], 46), ylabel=wrap(labels[1], 44))
        for (a, b), share in shares.items():
            x, y = 0.97 if a == "better" else 0.03, 0.03 if b == "cheaper" else 0.97
            axes.text(x, y, f"{a}, {b}\n{100 * share:.0f}%", transform=axes.transAxes, fontsize=6.5, color=INK,
                      ha="right" if a == "better" else "left", va="bottom" if b == "cheaper" else "top",
                      bbox={"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75})  # fmt: skip
        return settle(figure)
