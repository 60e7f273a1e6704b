"""Complete cases beside imputed case mix: every number is that of the functions behind it, and stays are counted."""

from pathlib import Path

import numpy as np
import pytest
from studies import WARDS
from test_imputed import MIX, made, with_gaps

from microresearch import io
from microresearch.errors import DataError
from microresearch.linking.encounters import read_encounters
from microresearch.linking.imputed_beside import ImputedBeside, imputed_beside
from microresearch.linking.imputed_cells import impute_cells
from microresearch.linking.imputed_effects import link_imputed
from microresearch.linking.outcomes import link_outcome
from microresearch.report.disclosure import guard
from microresearch.report.imputed import imputed_table, lost_table
from microresearch.results import NotAvailable
from microresearch.study.study import open_study

KINDS = {"experience": "continuous", "days": "count"}
STUDY = (
    WARDS.format(column="score")
    + """
case_mix = [{ name = "sick", column = "sick" }, { name = "sex", column = "sex" }]
[encounters.imputation]
iterations = 8
[[outcomes]]
name = "days"
label = "Days"
column = "days"
kind = "count"
"""
)


@pytest.fixture(scope="module")
def gaps():
    scores, stays, score = made(5, 24, 30)
    stays["experience"] = stays["experience"].where(np.random.default_rng(8).random(len(stays)) < 0.7)
    return scores, with_gaps(stays, score, "days")


@pytest.fixture(scope="module")
def beside(gaps):
    scores, stays = gaps
    cells = read_encounters(stays, case_mix=MIX, outcomes=KINDS, keep_incomplete=True)
    complete = link_outcome(scores, cells, "days", plan_hash="0123456789abcdef")
    return scores, stays, cells, complete, imputed_beside(scores, cells, complete, 20, 12, seed=3, workers=1)


def test_numbers_are_those_of_the_functions_behind_them(beside):
    scores, stays, cells, complete, found = beside
    assert isinstance(found, ImputedBeside)
    pooled = link_imputed([scores], impute_cells(cells, "days", 20, seed=3, iterations=12), "days").rows[0]
    row, effect = found.to_frame().iloc[0], complete.rows[0].naive
    columns = ["estimate", "se", "df", "fmi", "p", "ci_low"]
    expected = [pooled.pooled.estimate, pooled.pooled.se, pooled.pooled.df, pooled.pooled.fmi, pooled.p,
                pooled.interval.low]  # fmt: skip
    assert row[columns].tolist() == expected
    columns = ["estimate_complete", "se_complete", "df_complete", "p_complete", "ci_high_complete"]
    assert row[columns].tolist() == [effect.estimate, effect.se, effect.df, effect.p, effect.interval.high]
    assert row["estimand"] == "naive" and row["estimate"] != row["estimate_complete"]
    lacking = int(stays["sick"].isna().sum())
    assert (found.n_complete, found.n_lost, found.n_imputed) == (len(stays) - lacking, lacking, lacking)


def test_stays_without_the_outcome_are_not_lost_to_it(gaps):
    scores, stays = gaps
    cells = read_encounters(stays, case_mix=MIX, outcomes=KINDS, keep_incomplete=True)
    found = imputed_beside(scores, cells, link_outcome(scores, cells, "experience"), 20, 12, seed=3, workers=1)
    lacking = int((stays["sick"].isna() & stays["experience"].notna()).sum())
    assert isinstance(found, ImputedBeside) and 0 < lacking < stays["sick"].isna().sum()
    assert found.n_lost == found.n_imputed == lacking
    assert found.n_complete == int(stays["experience"].notna().sum()) - lacking


def test_why_there_is_nothing_to_show(gaps, beside):
    scores, stays, cells, complete, _ = beside
    full = read_encounters(stays.fillna({"sick": "no"}), case_mix=MIX, outcomes=KINDS, keep_incomplete=True)
    said = imputed_beside(scores, full, link_outcome(scores, full, "days"), seed=1)
    assert isinstance(said, NotAvailable) and "complete cases are all cases" in said.reason
    few = imputed_beside(scores, cells, complete, 20, 2, seed=1, workers=1)
    assert isinstance(few, ImputedBeside) or "did not settle" in few.reason
    with pytest.raises(DataError, match="without their incomplete stays"):
        imputed_beside(scores, read_encounters(stays, case_mix=MIX, outcomes=KINDS), complete, seed=1)


def test_tables_say_what_was_found_and_hide_small_numbers(beside):
    found = beside[-1]
    row = found.to_frame().iloc[0]
    table = imputed_table(found, {"score": "The score"}, "Days", "survey not before outcomes")
    shown = dict(zip(table.headers, table.cells()[0], strict=True))
    assert table.footnotes()[0] == "survey not before outcomes" and "20 data sets" in table.footnotes()[1]
    assert shown["Characteristic"] == "The score" and "Naive effects" in table.footnotes()[2]
    assert "plan 0123456789ab." in table.footnotes()[3]
    ratios = [f"{np.exp(row[c]):.3f}" for c in ("estimate_complete", "estimate", "ci_low", "ci_high")]
    assert [shown[h] for h in ("Complete cases ratio", "Imputed ratio", "95% CI low", "high")] == ratios
    assert [shown["SE (log)"], shown["SE (log) "]] == [f"{row['se_complete']:.3f}", f"{row['se']:.3f}"]
    counts = lost_table({"days": found, "died": NotAvailable("the chains")}, {"days": "Days", "died": "Died"})
    assert counts.cells()[0] == ["Days", "20", f"{found.n_complete:,}", f"{found.n_lost:,}", f"{found.n_imputed:,}"]
    assert "the chains" in counts.footnotes()[1]
    few = ImputedBeside(found.complete, found.imputed, 900, 4, 4, found.method)
    assert "4" not in guard(lost_table({"days": few}, {"days": "Days"}), 10, name="lost").cells()[0][2:]


def test_a_study_declares_it(gaps, tmp_path: Path):
    scores, stays = gaps
    stays.to_csv(tmp_path / "stays.csv", index=False)
    units = scores.table[["unit"]].drop_duplicates().assign(score=0.5)
    io.write_csv(tmp_path / "units.csv", units)
    io.write_text(tmp_path / "study.toml", STUDY)
    study = open_study(tmp_path)
    cells = study.encounters()
    assert cells.incomplete["n"].sum() == stays["sick"].isna().sum() > 0
    assert (study.spec.encounters.imputation.m, study.spec.encounters.imputation.iterations) == (20, 8)
    io.write_text(tmp_path / "study.toml", STUDY.replace("[encounters.imputation]\niterations = 8\n", ""))
    plain = open_study(tmp_path)
    assert plain.encounters().incomplete is None and plain.plan_hash != study.plan_hash
