"""What if units come with a value of their own, and no raters? The same shape, without reliability."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.units.covariates import code_covariates
from microresearch.units.score_table import UnitScores


def given_scores(
    values: pd.DataFrame,
    units: pd.DataFrame,
    hospital: str | pd.Series | None = None,
    covariates: Sequence[str] | Mapping[str, str | None] = (),
    estimand: str = "given value",
) -> UnitScores:
    """Unit values that came without raters (a share, a count), in the shape that linking takes.

    Parameters
    ----------
    values : DataFrame, units x characteristics
        Index: unit.
    units, hospital, covariates
        As in `unit_scores`.
    estimand : str
        What the values are.

    Returns
    -------
    UnitScores
        Without `eb` and reliability: a correction for unreliability cannot be had, and `components` say why. `tau` is
        the SD of the values within hospitals.

    Examples
    --------
    >>> values = pd.DataFrame({"share": [0.1, 0.3, 0.2]}, index=["A", "B", "C"])
    >>> result = given_scores(values, pd.DataFrame({"unit": ["A", "B", "C"]}))
    >>> result.components[["tau", "correctable"]].values.tolist()
    [[0.1, False]]
    """
    design = code_covariates(units, covariates, hospital)
    values = values.set_axis(values.index.astype(str), axis=0)
    if not values.index.isin(design.units).all():
        n = int((~values.index.isin(design.units)).sum())
        raise DataError(Problem(f"{n} units of the values are not in the table of units", column="unit"))
    values = values.reindex(design.units)
    tables: list[pd.DataFrame] = []
    rows: list[dict[str, object]] = []
    for name in values.columns:
        value = values[name].to_numpy(np.float64)
        known = ~np.isnan(value)
        dummies = design.matrix(design.units[known], covariates=False)
        rest = value[known] - dummies @ np.linalg.lstsq(dummies, value[known], rcond=None)[0]
        df = int(known.sum()) - dummies.shape[1]
        if df < 1 or not (rest**2).sum() > 0:
            raise DataError(Problem("the values do not vary between units within hospitals", column=str(name)))
        tables.append(pd.DataFrame({"unit": design.units, "characteristic": str(name), "mean": value,
                                    "hospital": design.hospital.to_numpy()}))  # fmt: skip
        rows.append({"characteristic": str(name), "tau": float(np.sqrt((rest**2).sum() / df)),
                     "n_units": int(known.sum()), "n_hospitals": dummies.shape[1], "correctable": False,
                     "note": "unit values were given without raters: their reliability is unknown, "
                             "so the estimate cannot be corrected for it"})  # fmt: skip
    return UnitScores(
        pd.concat(tables, ignore_index=True), pd.DataFrame(rows), design, estimand, "process", 0.95, "as given",
        design.notes,
    )  # fmt: skip
