"""The survey's pictures and tables show what was found, and never a few people."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from microresearch.instrument import load_instrument
from microresearch.report import figures, survey_tables
from microresearch.report.disclosure import guard
from microresearch.report.style import StudyFigure
from microresearch.results import NotAvailable
from microresearch.survey import little_mcar

FORM = load_instrument("assessment-form")


def careless(values: dict[str, np.ndarray], cuts: dict[str, float]) -> SimpleNamespace:
    indices = pd.DataFrame(values)
    low = {name: indices[name] < cut for name, cut in cuts.items() if name != "longest_run"}
    flags = pd.DataFrame(low | {name: indices[name] >= cut for name, cut in cuts.items() if name == "longest_run"})
    return SimpleNamespace(indices=indices, cuts=cuts, flags=flags)


def test_bars_of_careless_indices_hold_many_people_on_one_side_of_the_cut() -> None:
    rng = np.random.default_rng(1)
    n = 600
    runs = np.concatenate([rng.integers(2, 9, n - 15), np.full(15, 40)]).astype(float)
    p = rng.uniform(0.002, 1, n)
    p[:4] = 1e-5
    found = careless(
        {"longest_run": runs, "mahalanobis_p": p, "even_odd": rng.uniform(-1, 1, n), "irv": rng.normal(1, 0.2, n)},
        {"longest_run": 26, "mahalanobis_p": 0.001, "even_odd": 0.3},
    )
    figure = figures.careless_indices(found)
    assert isinstance(figure, StudyFigure)
    assert set(figure.data["index"]) == {"longest_run", "mahalanobis_p", "even_odd", "irv"}
    for name, bars in figure.data.groupby("index"):
        assert bars["percent"].sum() == pytest.approx(100, abs=1.5), name
        assert (bars["percent"] * n / 100 > 10.2).all(), name
        sides = bars.sort_values("low")
        assert (sides["high"].iloc[:-1].to_numpy() <= sides["low"].iloc[1:].to_numpy() + 1e-9).all()
    flagged = figure.data[figure.data["flagged"]].set_index("index")
    assert flagged.loc["longest_run", "percent"] == 2.5 and flagged.loc["longest_run", "low"] > 25
    assert "mahalanobis_p" not in flagged.index  # four people: not drawn, and not to be had from the rest
    even = figure.data.query("index == 'even_odd' and flagged")["percent"].sum()
    assert even == pytest.approx(100 * (found.indices["even_odd"] < 0.3).mean(), abs=1)
    few = careless({"irv": np.arange(8.0)}, {})
    assert isinstance(figures.careless_indices(few), NotAvailable)


def test_rare_patterns_are_counted_and_not_drawn() -> None:
    table = pd.DataFrame(
        {"pattern": [1, 2, 3], "n": [80, 15, 5], "share": [0.8, 0.15, 0.05], "n_missing": [0, 1, 2],
         "a": [False, True, True], "b": [False, False, True]}
    )  # fmt: skip
    figure = figures.missing_patterns_plot(table)
    assert isinstance(figure, StudyFigure)
    assert set(figure.data["pattern"]) == {1, 2} and set(figure.data["item"]) == {"a"}
    assert "1 rarer patterns, 5 % of people" in figure.note and "80 per cent miss nothing" in figure.alt
    assert isinstance(figures.missing_patterns_plot(table.iloc[2:]), NotAvailable)


def test_units_with_few_raters_are_not_drawn_and_none_is_named() -> None:
    rates = pd.DataFrame(
        {"item": ["all items", "x", "all items", "all items"], "unit": ["a", "a", "b", "c"],
         "estimate": [0.1, 0.5, 0.02, 0.3], "ci_low": [0.05, 0, 0.0, 0.1], "ci_high": [0.15, 1, 0.04, 0.5]}
    )  # fmt: skip
    figure = figures.unit_shares(rates, n_raters=pd.Series({"a": 20, "b": 30, "c": 4}))
    assert isinstance(figure, StudyFigure)
    assert figure.data.to_dict("list")["percent"] == [2.0, 10.0] and "unit" not in figure.data
    assert "1 units with fewer than 11" in figure.note
    assert isinstance(figures.unit_shares(rates, n_raters=pd.Series({"a": 2})), NotAvailable)


def test_a_handful_of_flagged_does_not_follow_from_two_columns() -> None:
    beside = pd.DataFrame(
        {"term": ["leadership", "staff_focus"], "n": [200, 200], "n_without": [195, 160], "mean": [3.0, 3.1],
         "mean_without": [3.0, 3.2], "sd": 1.0, "sd_without": 1.0, "alpha": np.nan, "alpha_without": np.nan}
    )  # fmt: skip
    shown = guard(survey_tables.effect_table(beside, FORM.names, FORM.name)).frame
    assert shown["n_without"].tolist() == ["hidden", 160] and "alpha" not in shown


def test_columns_are_listed_with_the_reason_and_escaped() -> None:
    uses = pd.DataFrame(
        {"column": ["x", "<b>mail</b>", "Progress"], "use": ["answers", "dropped", "progress"],
         "why": ["", "direct identifier", ""]}
    )  # fmt: skip
    table = survey_tables.column_table(uses)
    assert table.frame["column"].tolist() == ["Progress", "<b>mail</b>"]
    assert "Direct identifiers dropped on reading: 1." in table.notes[0] and "<b>mail" not in table.to_html()


def test_the_dictionary_is_whole_in_its_csv() -> None:
    dictionary = pd.DataFrame(
        {"variable": ["unit", "level_leadership"], "kind": ["people", "item"], "characteristic": [None, "leadership"],
         "wording": ["unit id", "Leadership"], "options": [None, "1 = Level 1; Can't rate"], "low": [np.nan, 1.0],
         "high": [np.nan, 3.0], "reversed": [None, "no"], "applies": [None, "all"], "n": [90, 90],
         "answered": [90, 60], "cant_rate": [pd.NA, 30], "blank": [pd.NA, 0], "not_applicable": [pd.NA, 0],
         "lowest": [np.nan, 1.0], "highest": [np.nan, 3.0]}
    ).astype(dict.fromkeys(("n", "answered", "cant_rate", "blank", "not_applicable"), "Int64"))  # fmt: skip
    table = guard(survey_tables.dictionary_table(dictionary, FORM))
    lines = table.to_csv().splitlines()
    assert lines[2].startswith("level_leadership,Leadership,1.0,3.0,no,all,Leadership,90,60,30,0,0,1.0,3.0")
    assert "Options: 1 = Level 1; Can't rate." in table.notes[0] and "Content validity: not established." in table.notes


def test_the_table_of_littles_test_gives_the_reason_where_there_is_none() -> None:
    data = pd.DataFrame(np.random.default_rng(3).normal(size=(60, 3)), columns=["a", "b", "c"])
    holes = data.mask(np.eye(60, 3, dtype=bool) | np.eye(60, 3, -9, dtype=bool))
    found, reason = little_mcar(holes), "nothing is missing among the items tested"
    both = survey_tables.mcar_table({"all": found, "whole": little_mcar(data)}, "Form")
    assert both.reasons() == [reason] and both.frame["statistic"][0] == found.statistic
    assert both.frame["n"].tolist() == [60, pd.NA]
    assert survey_tables.mcar_table({"whole": little_mcar(data)}, "Form").reasons() == [reason]
