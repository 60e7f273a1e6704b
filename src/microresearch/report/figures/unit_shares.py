"""How much does a share, such as that of can't rate, differ from unit to unit?"""

import numpy as np
import pandas as pd

from microresearch.report.figures.inputs import frame_of
from microresearch.report.style import ACCENT, FAINT, SECOND, StudyFigure, context, settle
from microresearch.results import NotAvailable


def unit_shares(
    rates: object,
    *,
    n_raters: pd.Series,
    minimum: int = 11,
    label: str = "Can't rate (% of answers)",
    title: str = "",
) -> StudyFigure | NotAvailable:
    """Each unit's share over all items with its interval, lowest first, and the mean of the units.

    Parameters
    ----------
    rates : DataFrame
        What `survey.cant_rate_rates` returns by unit: `item` ("all items" is drawn), `unit`, `estimate`, `ci_low`,
        `ci_high` (shares of 0 to 1).
    n_raters : Series
        Respondents by unit.
    minimum : int
        Units with fewer respondents are not drawn.
    label, title : str

    Returns
    -------
    StudyFigure, or NotAvailable where so few people stand behind everything that nothing may be shown
        `data` has columns place (1 is the lowest), percent, low, high, with one decimal; units have no names in it.

    Raises
    ------
    DataError
        A column is missing.

    Examples
    --------
    >>> rates = pd.DataFrame({"item": "all items", "unit": ["a", "b"], "estimate": [0.1, 0.02], "ci_low": [0.05, 0.0],
    ...                       "ci_high": [0.15, 0.04]})
    >>> unit_shares(rates, n_raters=pd.Series({"a": 20, "b": 30})).data["percent"].tolist()
    [2.0, 10.0]
    """
    frame = frame_of(rates, ("item", "unit", "estimate", "ci_low", "ci_high"), "unit_shares")
    frame = frame[(frame["item"] == "all items") & frame["ci_low"].notna()]
    enough = frame[frame["unit"].map(n_raters).fillna(0) >= minimum].sort_values("estimate", kind="stable")
    if enough.empty:
        return NotAvailable(f"no unit has {minimum} respondents or more")
    left = len(frame) - len(enough)
    data = pd.DataFrame({"place": np.arange(1, len(enough) + 1)}).assign(
        **{name: (100 * enough[c].to_numpy()).round(1) for name, c in
           (("percent", "estimate"), ("low", "ci_low"), ("high", "ci_high"))}
    )  # fmt: skip
    mean = float(100 * enough["estimate"].mean())
    figure = StudyFigure(
        "double", 62, data=data, title=title or "Can't rate by unit",
        alt=f"{len(enough)} units in the order of their share, from {data['percent'].min():.1f} to "
        f"{data['percent'].max():.1f} per cent, each with its 95 % interval; the mean of the units is {mean:.1f}.",
        note="Intervals from the shares of the unit's respondents (t). Line: mean of the units."
        + (f" {left} units with fewer than {minimum} respondents are not drawn." if left else ""),
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        axes.axhline(mean, color=SECOND, lw=0.8)
        axes.vlines(data["place"], data["low"], data["high"], color=FAINT, lw=1.6)
        axes.plot(data["place"], data["percent"], "o", color=ACCENT)
        axes.set_xlabel("Units, lowest share first")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        axes.margins(x=0.01)
        return settle(figure)
