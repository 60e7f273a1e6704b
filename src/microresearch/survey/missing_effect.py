"""Would the units look different had everybody answered everything? Unit means under each way with missing answers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from microresearch.errors import ConvergenceError
from microresearch.psychometrics.scores import characteristic_scores
from microresearch.survey.imputation import Imputations


def compare_unit_means(imputations: Imputations, missing: str | float = "half", minimum: int = 3) -> pd.DataFrame:
    """How much the units' mean scores change between complete cases, the missing rule and imputation.

    Parameters
    ----------
    imputations : Imputations
    missing : str or float
        The rule that the study uses, see `characteristic_scores`: the others are compared with it.
    minimum : int
        Scores that a unit needs under every way to be compared.

    Returns
    -------
    DataFrame
        A row a characteristic and method ("complete cases", "rule: half", "imputed"): `term`, `method`, `n_units`
        (compared), `sd` between their means, and, but for the rule's own row, `r` with the rule's unit means and
        `largest` (the largest difference from them, scale points). An imputed unit mean is the mean over imputations.
        `sd` and `r` are missing with fewer than three units.

    Raises
    ------
    ConvergenceError
        The chains did not settle.
    """
    responses = imputations.responses
    unit = responses.people["unit"]
    rule = f"rule: {missing}"
    ways = {"complete cases": characteristic_scores(responses, "all"), rule: characteristic_scores(responses, missing)}
    made = [characteristic_scores(imputations.completed(i), "all") for i in range(imputations.m)]
    means = {way: scores.groupby(unit).mean() for way, scores in ways.items()}
    means["imputed"] = sum(scores.groupby(unit).mean() for scores in made) / len(made)
    sizes = {way: scores.groupby(unit).count() for way, scores in ways.items()}
    if not imputations.converged:
        raise ConvergenceError(f"unit means over imputations cannot be had: {imputations.why_not_settled}.")
    rows: list[dict[str, object]] = []
    for characteristic in responses.instrument.characteristics:
        code = characteristic.code
        enough = np.logical_and.reduce([size[code] >= max(minimum, 1) for size in sizes.values()])
        by_way = {way: table.loc[enough, code].dropna() for way, table in means.items()}
        for way in by_way:
            rows.append({"term": code, "method": way, **_beside(by_way, way, rule)})
    return pd.DataFrame(rows, columns=["term", "method", "n_units", "sd", "r", "largest"])


def _beside(means: Mapping[str, pd.Series], way: str, rule: str) -> dict[str, float | int]:
    """One way's unit means beside the rule's."""
    these, those = means[way].align(means[rule], join="inner")
    found: dict[str, float | int] = {"n_units": len(these)}
    if len(these) > 2:
        found["sd"] = float(these.std(ddof=1))
    if way != rule and len(these):
        found["largest"] = float((these - those).abs().max())
        if len(these) > 2 and these.nunique() > 1 and those.nunique() > 1:
            found["r"] = float(np.corrcoef(these, those)[0, 1])
    return found
