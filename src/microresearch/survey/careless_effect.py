"""Would the results change without the flagged? Scores and reliability with them and without, side by side."""

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.psychometrics.alpha import alpha
from microresearch.psychometrics.scores import characteristic_scores
from microresearch.responses import Responses


def with_and_without(
    responses: Responses, flagged: pd.Series, missing: str | float = "half", confidence: float = 0.95
) -> pd.DataFrame:
    """Each characteristic's mean, SD and alpha over all responses and over those not flagged.

    Parameters
    ----------
    responses : Responses
    flagged : Series of bool
        By response id, say `careless(responses).n_flags >= 2`; nobody is left out of anything but this table.
    missing : str or float
        Rule for scores, see `characteristic_scores`.
    confidence : float
        Of alpha's interval.

    Returns
    -------
    DataFrame
        A row a characteristic: `term`, `n`, `n_without`, and each of `mean`, `sd`, `alpha`, `alpha_ci_low`,
        `alpha_ci_high` once as it is and once with the suffix `_without`; alpha is missing for single items. Exact
        counts, so private.

    Raises
    ------
    DataError
        The flags are not those of these responses, or flag everybody.
    """
    if not flagged.index.equals(responses.values.index):
        raise DataError("flags and responses must have the same response ids in the same order.")
    if flagged.astype(bool).all():
        raise DataError("everybody is flagged, so there is nobody to compare with.")
    rest = responses.keep(responses.values.index[~flagged.to_numpy(dtype=bool)])
    rows: list[dict[str, object]] = []
    for characteristic in responses.instrument.characteristics:
        row: dict[str, object] = {"term": characteristic.code}
        for suffix, part in (("", responses), ("_without", rest)):
            row |= {name + suffix: value for name, value in _summary(part, characteristic.code, missing, confidence)}
        rows.append(row)
    names = ["n", "mean", "sd", "alpha", "alpha_ci_low", "alpha_ci_high"]
    return pd.DataFrame(rows).reindex(
        columns=["term", *(name + suffix for name in names for suffix in ("", "_without"))]
    )


def _summary(
    responses: Responses, characteristic: str, missing: str | float, confidence: float
) -> list[tuple[str, object]]:
    scores = characteristic_scores(responses, missing)[characteristic].dropna()
    summary: list[tuple[str, object]] = [("n", len(scores))]
    if len(scores) > 1:
        summary += [("mean", float(scores.mean())), ("sd", float(scores.std(ddof=1)))]
    if len(responses.instrument.items_of(characteristic)) > 1:
        try:
            found = alpha(responses, characteristic, confidence=confidence)
        except DataError:
            return [*summary, ("alpha", np.nan)]
        summary += [("alpha", found.estimate), ("alpha_ci_low", found.ci_low), ("alpha_ci_high", found.ci_high)]
    return summary
