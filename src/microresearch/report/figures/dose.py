"""How much does an outcome, in its own unit or in money, go up or down along the score?"""

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import ACCENT, QUIET, StudyFigure, context, settle


def dose_response(
    curve: object, *, labels: tuple[str, str] = ("Unit score (SD from the mean)", "Adjusted mean cost"), title: str = ""
) -> StudyFigure:
    """Adjusted mean of an outcome along the unit score, with its confidence band.

    Parameters
    ----------
    curve : result or DataFrame
        A row per score: `score` (SD from the mean, or points), `estimate`, `ci_low`, `ci_high` (of the outcome, say
        EUR a stay); the bounds may be missing, then only the line is drawn.
    labels : (str, str)
        Of both axes, with units.
    title : str

    Returns
    -------
    StudyFigure
        `data` has the columns of the curve.

    Raises
    ------
    DataError
        A column is missing, or fewer than two points.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"score": [-1, 1], "estimate": [9000, 8500], "ci_low": [8800, 8200],
    ...                       "ci_high": [9200, 8800]})
    >>> dose_response(curve).alt
    'Adjusted mean cost along unit score (SD from the mean): 9,000.00 at −1.00, 8,500.00 at 1.00.'
    """
    columns = ["score", "estimate", "ci_low", "ci_high"]
    frame = frame_of(curve, columns, "dose_response")[columns].astype(float).sort_values("score", ignore_index=True)
    if len(frame) < 2 or frame["estimate"].isna().any():
        raise DataError("dose_response: a curve needs two or more points, each with an estimate.")
    first, last = frame.iloc[0], frame.iloc[-1]
    axis = labels[0][:1].lower() + labels[0][1:]
    figure = StudyFigure(
        "single", 64, data=frame, title=title or "Outcome along the unit score",
        alt=f"{labels[1]} along {axis}: {apa(first['estimate'])} at {apa(first['score'])}, {apa(last['estimate'])} at "
        f"{apa(last['score'])}.",
        note="Band: 95% confidence interval. An association between units, not the effect of a change.",
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        axes.fill_between(frame["score"], frame["ci_low"], frame["ci_high"], color=ACCENT, alpha=0.18, lw=0)
        axes.plot(frame["score"], frame["estimate"], color=ACCENT, lw=1.4)
        if frame["score"].min() < 0 < frame["score"].max():
            axes.axvline(0, color=QUIET, lw=0.6, ls=":")
        axes.yaxis.set_major_formatter(lambda value, _: apa(value, 0 if abs(value) >= 20 else 2))
        axes.set(xlabel=wrap(labels[0], 46), ylabel=wrap(labels[1], 34))
        axes.margins(x=0.02)
        return settle(figure)
