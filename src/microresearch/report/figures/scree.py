"""How many factors stand out from chance?"""

import numpy as np

from microresearch.errors import DataError
from microresearch.psychometrics.retention import NFactors
from microresearch.report.figures.inputs import frame_of, wrap
from microresearch.report.style import ACCENT, QUIET, SECOND, StudyFigure, context, settle


def scree(parallel: object, *, title: str = "", label: str = "Eigenvalue") -> StudyFigure:
    """Scree plot with parallel analysis: observed eigenvalues beside those of random data.

    Parameters
    ----------
    parallel : NFactors or DataFrame
        Of `NFactors` the factor eigenvalues and the first sort of random data; its `scree()` gives the others.
        A row per eigenvalue, largest first: columns `observed`, `random_mean` and `random_percentile`.
    title, label : str

    Returns
    -------
    StudyFigure
        `data` has columns number, observed, random_mean, random_percentile.

    Raises
    ------
    DataError
        A column is missing, or the observed eigenvalues are not in falling order.

    References
    ----------
    Horn (1965), Psychometrika 30, 179-185. doi:10.1007/BF02289447
    Glorfeld (1995), Educational and Psychological Measurement 55, 377-393. doi:10.1177/0013164495055003002

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"observed": [3.0, 0.9], "random_mean": [1.2, 1.0], "random_percentile": [1.3, 1.1]})
    >>> scree(frame).alt
    'Scree plot of 2 eigenvalues. 1 stands above the percentile of random data.'
    """
    parallel = parallel.scree() if isinstance(parallel, NFactors) else parallel
    frame = frame_of(parallel, ("observed", "random_mean", "random_percentile"), "scree").reset_index(drop=True)
    observed = frame["observed"].to_numpy(float)
    if (np.diff(observed) > 1e-9).any():
        raise DataError("scree: the observed eigenvalues must fall from the first to the last.")
    above = observed > frame["random_percentile"].to_numpy(float)
    count = int(above.argmin()) if not above.all() else len(above)
    data = frame[["observed", "random_mean", "random_percentile"]].copy()
    data.insert(0, "number", np.arange(1, len(frame) + 1))
    figure = StudyFigure(
        "single", 66, data=data, title=title or "Scree plot with parallel analysis",
        alt=f"Scree plot of {len(frame)} eigenvalues. {count} {'stands' if count == 1 else 'stand'} above the "
        "percentile of random data.",
        note="Filled: above the percentile of random data of the same size.",
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        x = data["number"]
        axes.plot(x, observed, color=ACCENT, lw=1.0)
        axes.plot(x[:count], observed[:count], "o", color=ACCENT, label="observed, above chance")
        axes.plot(x[count:], observed[count:], "o", mfc="white", mec=ACCENT, mew=0.8, label="observed")
        axes.plot(x, data["random_percentile"], color=SECOND, ls="--", label="random, percentile")
        axes.plot(x, data["random_mean"], color=QUIET, ls=":", label="random, mean")
        axes.set(xlabel="Number of the eigenvalue", ylabel=wrap(label, 34))
        step = max(1, len(frame) // 10)
        axes.set_xticks([1, *range(step if step > 1 else 2, len(frame) + 1, step)])
        axes.legend()
        return settle(figure)
