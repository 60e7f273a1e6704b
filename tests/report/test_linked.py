"""The words, tables and numbers of linked effects."""

import math

import pytest

from microresearch.linking.estimates import Effect, LinkedEstimate, LinkedEstimates, adjust_family
from microresearch.report.linked import effect_numbers, effects_figure, effects_table, headline
from microresearch.results import Interval, NotAvailable

NAMES = {"leadership": "Leadership", "staff_focus": "Staff focus"}


def effect(estimate: float, half: float, p: float, money: float | None = None) -> Effect:
    interval = Interval(estimate - half, estimate + half, 0.95, "t")
    absolute = None if money is None else Interval(money - 200, money + 200, 0.95, "t")
    return Effect(estimate, half / 2, 50.0, interval, p, money, absolute)


def linked(first: Effect, second: Effect, model: str, corrected: bool = True) -> LinkedEstimates:
    scale = "points per SD" if model == "mixed" else "log ratio per SD"
    refused = NotAvailable("no raters")
    rows = tuple(
        LinkedEstimate(code, one, one if corrected else refused, 96, 12, 1900, 60000, None, 0.3, 0.7)
        for code, one in zip(NAMES, (first, second), strict=True)
    )
    made = LinkedEstimates("y", model, scale, rows, (), 0.95, True, "USD", 2024, "4e27470e85dc00", "confirmatory")
    return adjust_family([made])[0]


def test_headline_names_what_stands_after_holm() -> None:
    found = linked(effect(3.03, 1.1, 0.0001), effect(0.1, 1.0, 0.8), "mixed")
    assert headline(found, NAMES, "Experience") == (
        "Experience: 1 of 2 characteristics was associated with it after Holm's correction (96 units). Units scoring "
        "one SD higher on Leadership had 3.03 points more (difference 3.03, 95% CI 1.93 to 4.13; Holm p <.001)."
    )


def test_headline_says_a_null_plainly() -> None:
    found = linked(effect(0.3, 1.1, 0.5), effect(-0.2, 1.0, 0.3), "mixed")
    said = headline(found, NAMES, "Experience")
    assert said.startswith("Experience: none of 2 characteristics was associated")
    assert "Staff focus had 0.20 points less (difference −0.20" in said


def test_costs_are_ratios_and_money() -> None:
    found = linked(effect(math.log(0.94), 0.03, 0.001, -782.0), effect(0.0, 0.03, 0.9, 1.0), "gamma")
    assert "0.940 times the level" in (said := headline(found, NAMES, "Cost"))
    assert "782 USD less per stay" in said
    table = effects_table(found, NAMES, "Cost")
    assert table.frame["ratio"].iloc[0] == pytest.approx(0.94)
    assert {"Naive ratio", "Corrected ratio", "USD 2024"} <= set(table.headers)
    assert effect_numbers(found, NAMES)["leadership"].value == pytest.approx(0.94)
    assert "ratio" in effects_figure(found, NAMES, "Cost").data


def test_crude_effects_stand_beside_the_others_with_their_intervals() -> None:
    found = linked(effect(math.log(0.94), 0.03, 0.001, -782.0), effect(0.0, 0.03, 0.9, 1.0), "gamma")
    crude = linked(effect(math.log(0.90), 0.05, 0.001, -900.0), effect(0.1, 0.03, 0.9, 1.0), "gamma", corrected=False)
    table, figure = effects_table(found, NAMES, "Cost", "", crude), effects_figure(found, NAMES, "Cost", crude)
    assert table.headers[1:4] == ["Crude ratio", "Naive ratio", "Corrected ratio"]
    assert any("nothing held constant" in note or "no case mix" in note for note in table.notes)
    row = figure.data.set_index("characteristic").loc["leadership"]
    assert row["ratio_crude"] == pytest.approx(0.90) and row["ratio_naive"] == pytest.approx(0.94)
    assert row["ratio_crude_low"] == pytest.approx(0.90 * math.exp(-0.05))
    assert row["ratio_naive_high"] == pytest.approx(0.94 * math.exp(0.03))
    assert "diamond: crude" in figure.note
    points = linked(effect(1.0, 0.5, 0.01), effect(0.1, 0.5, 0.7), "mixed")
    assert effects_table(points, NAMES, "Experience", "", points).headers[1:4] == ["Crude", "Naive", "Corrected"]
    assert "estimate_crude" in effects_figure(points, NAMES, "Experience", points).data


def test_a_refused_correction_is_headed_naive_and_says_why() -> None:
    found = linked(effect(1.0, 0.5, 0.01), effect(0.1, 0.5, 0.7), "mixed", corrected=False)
    table = effects_table(found, NAMES, "Experience")
    assert "Naive" in table.headers
    assert "Corrected" not in table.headers
    assert "no raters" in table.frame["note"].iloc[0]


def test_a_warning_stays_with_the_estimate() -> None:
    found = linked(effect(1.0, 0.5, 0.01), effect(0.1, 0.5, 0.7), "mixed")
    assert (
        effects_table(found, NAMES, "Experience", "survey not before outcomes").notes[0] == "survey not before outcomes"
    )
    assert "survey not before outcomes" in headline(found, NAMES, "Experience", "survey not before outcomes")
