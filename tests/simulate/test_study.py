"""Is a simulated study what its files, its truth and its dictionary say? And the committed one, byte for byte?"""

import csv
import io as streams
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microresearch import io
from microresearch.errors import DataError
from microresearch.instrument import load_instrument
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.unit_months import read_unit_months
from microresearch.simulate import Plant, simulate_study
from microresearch.simulate.dictionary import FIRST_LINE
from microresearch.simulate.submissions import EXCLUSIONS
from microresearch.survey import (
    apply_applicability,
    assign_units,
    clean,
    crosswalk,
    read_responses,
    read_roster,
    read_units,
)
from microresearch.units.given import given_scores

BUNDLED = Path(__file__).parents[2] / "data"
FILES = ("README.md", "admissions.parquet", "ccr.csv", "finance.parquet", "roster.csv", "survey.csv",
         "unit_months.csv", "units.csv")  # fmt: skip
SMALL = {"hospitals": 4, "units_per_hospital": 6, "stays_per_unit": 120}
COLUMNS = {"person": "ExternalReference", "unit": "unit", "role": "role", "wave": "wave", "consent": "consent"}
RULES = [
    {"rule": "preview"}, {"rule": "consent"}, {"rule": "duplicate", "keep": "fullest"},
    {"rule": "eligibility", "roster": True}, {"rule": "progress", "minimum": 50}, {"rule": "time", "minimum": 120},
    {"rule": "answered", "share": 0.5},
]  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return simulate_study(folder, seed=7, **SMALL), folder


def cleaned(folder):
    units = read_units(folder / "raw" / "units.csv")
    roster = read_roster(folder / "raw" / "roster.csv", units=list(units["unit"]))
    forms = [load_instrument("long-form"), load_instrument("assessment-form")]
    read = read_responses(folder / "raw" / "survey.csv", forms, columns=COLUMNS)
    read = apply_applicability(assign_units(read, crosswalk(units)), units)
    return read["long-form"], clean(read, RULES, roster=roster)["long-form"]


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_an_ordered_cleaning_excludes_exactly_what_was_planted(seed, tmp_path):
    truth = simulate_study(tmp_path, seed=seed, **SMALL).truth
    _, kept = cleaned(tmp_path)
    assert {step.rule: step.n for step in kept.ledger.steps} == truth["exclusions"]
    assert list(truth["exclusions"]) == list(EXCLUSIONS)
    assert all(n > 0 for n in truth["exclusions"].values())
    assert len(kept.wave(1)) == truth["sizes"]["analysed_wave_1"]
    assert len(kept.wave(2)) == truth["sizes"]["analysed_wave_2"]


def test_what_is_kept_and_flaggable_is_counted_too(small):
    study, folder = small
    raw, kept = cleaned(folder)
    flat = (kept.values.nunique(axis=1) == 1) & (kept.values.notna().sum(axis=1) > 40)
    assert flat.sum() == study.truth["mess"]["straight_lining"] > 0
    assert (kept.people["progress"] < 100).sum() == study.truth["mess"]["kept_partial"] > 0
    official = study.units["name"].tolist()
    named = study.survey["unit"][study.survey["unit"] != ""]
    assert (~named.isin(official)).sum() == study.truth["mess"]["misspelt_units"] > 0
    assert raw.people["person"].isin(study.roster["staff_id"]).sum() < len(raw)
    second = kept.people[kept.people["wave"] == 2]
    assert second["person"].isin(kept.wave(1).people["person"]).all()


def test_of_two_submissions_the_whole_one_is_the_fuller(small):
    study, folder = small
    raw, kept = cleaned(folder)
    gone = raw.people.loc[list(next(step.ids for step in kept.ledger.steps if step.rule == "duplicate"))]
    full = raw.people[(raw.people["wave"] == 1) & ~raw.people.index.isin(gone.index)].set_index("person")
    stays = raw.values.notna().sum(axis=1)
    stays.index = pd.MultiIndex.from_arrays([raw.people["person"], raw.people.index])
    broken = gone[gone["progress"] < 100]
    assert len(broken) == study.truth["mess"]["broken_off_before_a_full_one"] > 0
    assert (broken["progress"] < 50).all()
    for response, row in gone.iterrows():
        other = stays[row["person"]].drop(response)
        assert stays[row["person"], response] < other.max()
        started = full.loc[row["person"], "started"]
        assert row["started"] < started if row["progress"] < 100 else row["started"] > started


def test_no_mess_is_a_clean_export():
    study = simulate_study(seed=7, mess=0, **SMALL)
    assert set(study.truth["exclusions"].values()) == {0}
    assert study.truth["mess"] == dict.fromkeys(study.truth["mess"], 0)
    assert len(study.survey) == study.truth["sizes"]["analysed_wave_1"] + study.truth["sizes"]["analysed_wave_2"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small, tmp_path):
    _, folder = small
    simulate_study(tmp_path / "a", seed=7, **SMALL)
    simulate_study(tmp_path / "b", seed=8, **SMALL)
    assert io.sha256_tree(tmp_path / "a") == io.sha256_tree(folder)
    same = [name for name in FILES if (tmp_path / "b/raw" / name).read_bytes() == (folder / "raw" / name).read_bytes()]
    assert same == []
    assert simulate_study(seed=7, **SMALL).survey.equals(simulate_study(seed=7, **SMALL).survey)


def test_hashes_are_listed(small):
    _, folder = small
    lines = (folder / "raw" / "SHA256SUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == sorted(FILES)
    assert all(io.sha256_file(folder / "raw" / line.split("  ")[1]) == line.split("  ")[0] for line in lines)


def test_the_export_is_a_qualtrics_export(small):
    study, folder = small
    raw = (folder / "raw" / "survey.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    records = list(csv.reader(streams.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert records[0] == list(study.survey.columns)
    assert records[0][:6] == ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)"]
    assert records[0][17:23] == ["consent", "unit", "role", "wave", "leadership_1", "leadership_2"]
    assert records[0][-1] == "comments"
    assert all(re.fullmatch(r'\{"ImportId":"\w+"\}', cell) for cell in records[2])
    assert len(records) == 3 + study.truth["sizes"]["submissions"]
    assert study.survey["ResponseId"].is_unique
    ends = pd.to_datetime(study.survey["EndDate"])
    assert (
        (ends - pd.to_datetime(study.survey["StartDate"]))
        .dt.total_seconds()
        .astype(int)
        .astype(str)
        .equals(study.survey["Duration (in seconds)"].rename(None))
    )
    assert ends.max() < study.admissions["admitted"].min()


def test_names_mails_and_addresses_are_there_to_leak(small):
    study, _ = small
    sent = study.survey[study.survey["Status"] == "IP Address"]
    for column in ("RecipientLastName", "RecipientFirstName", "RecipientEmail", "IPAddress"):
        assert (sent[column] != "").all()
    assert sent["RecipientEmail"].str.endswith("@staff.example.org").all()
    known = sent[sent["ExternalReference"] != ""]
    assert (known.groupby("ExternalReference")["RecipientEmail"].nunique() == 1).all()
    assert sent["comments"].str.contains("<script>", regex=False).any() or (sent["comments"] != "").any()


def test_stays_hang_together(small):
    _, folder = small
    stays = io.read_parquet(folder / "raw" / "admissions.parquet")
    assert stays["stay_id"].is_unique
    days = (stays["discharged"] - stays["admitted"]).dt.days
    assert (days == stays["los_days"]).all()
    assert stays["admitted"].between("2024-03-01", "2026-02-28").all()
    assert stays["readmitted_30d"].isna().equals(stays["died"] == 1)
    rated = stays["experience"].dropna()
    assert rated.between(0, 100).all()
    assert np.array_equal(rated, rated.round(1))
    assert not stays["experience"][stays["died"] == 1].notna().any()
    order = stays.sort_values(["patient_id", "admitted"])
    again = order["patient_id"].eq(order["patient_id"].shift())
    before = order.shift()
    gap = (order["admitted"] - before["discharged"]).dt.days
    assert again.sum() > 50
    assert (gap[again] > 0).all()
    assert (before["died"][again] == 0).all()
    assert (before["readmitted_30d"][again & (gap <= 30)] == 1).all()
    for same in ("unit", "sex", "age", "comorbidity"):
        assert (order[same] == before[same])[again].all()


def test_finance_lines_net_out_and_the_join_is_counted(small):
    study, folder = small
    finance, linkage = io.read_parquet(folder / "raw" / "finance.parquet"), study.truth["linkage"]
    cents = (finance["amount"] * 100).round().astype(int)
    assert (cents[finance["line"] == "reversal"] < 0).all()
    assert (cents[finance["line"] == "charge"] > 0).all()
    assert (cents.groupby(finance["stay_id"]).sum() > 0).all()
    assert set(finance["line"]) == {"charge", "reversal"}
    known = study.admissions["stay_id"].isin(finance["stay_id"])
    assert known.sum() == linkage["stays_in_both"]
    assert (~known).sum() == linkage["stays_without_finance_lines"] > 0
    strange = finance.loc[~finance["stay_id"].isin(study.admissions["stay_id"]), "stay_id"].nunique()
    assert strange == linkage["finance_stays_without_admission"]
    reversed_stays = finance.loc[(finance["line"] == "reversal"), "stay_id"].nunique()
    assert reversed_stays == linkage["stays_with_a_reversal"]
    priced = finance.merge(study.ccr, on=["hospital", "year"], how="left")
    assert priced["ccr"].notna().all()
    cost = (priced["amount"] * priced["ccr"]).groupby(priced["stay_id"]).sum()
    assert cost.mean() == pytest.approx(study.truth["mean_cost"]["these_stays"], rel=0.06)


def test_units_and_roster(small):
    study, folder = small
    units = read_units(folder / "raw" / "units.csv")
    assert len(crosswalk(units).to_unit) == len(units) * 6
    assert set(study.roster["unit"]) == set(units["unit"])
    assert study.roster["staff_id"].is_unique
    assert list(study.true_scores.index) == list(units["unit"])
    assert study.true_scores.to_numpy().min() > 1
    assert study.true_scores.to_numpy().max() < 5


def test_the_dictionary_names_every_column(small):
    study, folder = small
    text = (folder / "raw" / "README.md").read_text()
    assert "synthetic" in text.splitlines()[0]
    items = {item.code for form in ("long-form", "assessment-form") for item in load_instrument(form).items}
    for frame in (study.survey, study.roster, study.units, study.admissions, study.finance, study.ccr):
        for column in set(frame.columns) - items:
            assert re.search(rf"^\| [^|]*\b{re.escape(column)}", text, flags=re.MULTILINE), column


def test_effects_can_be_asked_for():
    study = simulate_study(seed=1, slopes={"experience": {"patient_focus": 3.0}}, effects=0.5, **SMALL)
    slopes = {code: entry["per_sd"] for code, entry in study.truth["outcomes"]["experience"].items()}
    assert slopes.pop("patient_focus") == pytest.approx(1.5)
    assert set(slopes.values()) == {0.0}
    assert study.truth["outcomes"]["cost"]["process_improvement"]["per_sd"] == pytest.approx(-0.025)
    none = simulate_study(seed=1, effects=0, **SMALL).truth["outcomes"]
    assert {entry["per_sd"] for outcome in none.values() for entry in outcome.values()} == {0.0}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"hospitals": 0}, "at least one hospital"),
        ({"mess": -1}, "factor from 0 to 3"),
        ({"slopes": {"infections": {}}}, "no such outcome; known: experience"),
        ({"slopes": {"cost": {"leadreship": 1.0}}}, "leadreship is no characteristic"),
        ({"effects": 30.0}, "mean experience outside 1 to 99"),
        ({"plant": replace(Plant(), unit_response=(0.05,))}, "too few"),
    ],
)
def test_what_cannot_be_simulated_is_refused(asked, said):
    with pytest.raises(DataError, match=said):
        simulate_study(seed=1, **{**SMALL, **asked})


def test_a_real_study_is_never_written_over(tmp_path):
    survey = tmp_path / "raw" / "survey.csv"
    io.write_text(survey, "someone's own export")
    with pytest.raises(DataError, match="which no simulation wrote"):
        simulate_study(tmp_path, seed=1, **SMALL)
    assert survey.read_text() == "someone's own export"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["raw", "survey.csv"]


def test_the_bundled_study_is_the_one_that_the_seed_gives(tmp_path):
    study = simulate_study(tmp_path)
    truth = io.read_json(BUNDLED / "truth.json")
    assert truth["seed"] == study.seed
    for name in ("survey.csv", "roster.csv", "units.csv", "ccr.csv", "README.md"):
        same = (tmp_path / "raw" / name).read_bytes() == (BUNDLED / "raw" / name).read_bytes()
        assert same, f"data/raw/{name} is stale: simulate_study('data') writes it anew"
    for name in ("admissions.parquet", "finance.parquet"):
        mine, theirs = io.read_parquet(tmp_path / "raw" / name), io.read_parquet(BUNDLED / "raw" / name)
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    assert_close(io.read_json(tmp_path / "truth.json"), truth)


def assert_close(mine, theirs):
    assert type(mine) is type(theirs)
    if isinstance(mine, dict):
        assert mine.keys() == theirs.keys()
        for key in mine:
            assert_close(mine[key], theirs[key])
    elif isinstance(mine, list):
        for one, other in zip(mine, theirs, strict=True):
            assert_close(one, other)
    else:
        assert mine == theirs or mine == pytest.approx(theirs, rel=1e-8, abs=1e-10)


def test_the_bundled_files_are_as_promised():
    raw = BUNDLED / "raw"
    for line in (raw / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert io.sha256_file(raw / name) == digest
    assert (raw / "README.md").read_text().startswith(FIRST_LINE)
    assert sum(path.stat().st_size for path in BUNDLED.glob("raw/*")) < 5_000_000
    sizes = io.read_json(BUNDLED / "truth.json")["sizes"]
    assert (sizes["hospitals"], sizes["units"], sizes["analysed_wave_2"]) == (12, 96, 150)
    assert 1_850 <= sizes["analysed_wave_1"] <= 1_950
    assert 2_800 <= sizes["roster"] <= 3_000
    assert 58_000 <= sizes["stays"] <= 62_000


def test_planted_rate_ratios_of_falls_are_found() -> None:
    slopes = {"falls": {"leadership": 0.25}}
    study = simulate_study(
        seed=3, hospitals=20, units_per_hospital=10, staff_per_unit=5, stays_per_unit=1, slopes=slopes
    )
    truth = study.truth["outcomes"]["falls"]["leadership"]
    assert truth["per_sd"] == 0.25
    scores = given_scores(
        study.true_scores[["leadership"]], study.units, hospital="hospital", covariates=["type", "beds", "academic"]
    )
    cells = read_unit_months(study.unit_months, {"falls": "patient_days"}, month="month")
    row = link_outcome(scores, cells, "falls").to_frame().iloc[0]
    per_point, se = row["estimate"] / row["tau"], row["se"] / row["tau"]
    assert se < 0.15 and abs(per_point - truth["per_point"]) < 3 * se
    assert study.truth["sizes"]["falls"] == study.unit_months["falls"].sum() == row["n_events"]
