import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microresearch.errors import DataError, DisclosureError
from microresearch.report.disclosure import guard, guard_numbers, public_flow
from microresearch.report.dominance import dominated, guard_totals
from microresearch.report.figures import flow_diagram, influence_plot
from microresearch.report.numbers import Number
from microresearch.report.pseudonyms import pseudonyms
from microresearch.report.style import StudyFigure
from microresearch.report.tables import HIDDEN, Table
from microresearch.responses import Ledger


def table(frame: dict[str, list[object]], **more: object) -> Table:
    return Table(pd.DataFrame(frame), "Staff by role", **more)  # type: ignore[arg-type]


def test_small_counts_are_hidden_and_zero_and_large_ones_are_not() -> None:
    shown = guard(table({"role": ["a", "b", "c", "d"], "n": [0, 1, 10, 13]}))
    assert shown.frame["n"].tolist() == [0, HIDDEN, HIDDEN, 13]
    assert any("10 or fewer" in note for note in shown.notes)
    assert HIDDEN in shown.to_csv() and HIDDEN in shown.to_html()


def test_a_total_takes_the_smallest_other_cell_with_it() -> None:
    shown = guard(table({"role": ["nurse", "physician", "support", "All"], "n": [120, 60, 4, 184]}))
    assert shown.frame["n"].tolist() == [120, HIDDEN, HIDDEN, 184]


def test_two_hidden_cells_that_are_small_together_take_a_third() -> None:
    shown = guard(table({"role": ["a", "b", "c", "d", "All"], "n": [100, 50, 4, 3, 157]}))
    assert shown.frame["n"].tolist() == [100, HIDDEN, HIDDEN, HIDDEN, 157]


def test_totals_across_columns_and_rows_are_both_respected() -> None:
    frame = {"unit type": ["medical", "surgical", "All"], "nurse": [50, 5, 55], "physician": [20, 30, 50],
             "n": [70, 35, 105]}  # fmt: skip
    shown = guard(table(frame, counts=("nurse", "physician", "n"))).frame.iloc[:, 1:].to_numpy(object)
    hidden = shown == HIDDEN
    assert hidden[1, 0]
    for line in [*hidden, *hidden.T]:
        assert line.sum() != 1  # a line with one hidden cell would give it away


def test_blocks_of_a_table_one_are_treated_each_for_itself() -> None:
    frame = {"variable": ["role"] * 3 + ["sex"] * 2, "level": ["a", "b", "c", "F", "M"], "n": [100, 80, 5, 95, 90]}
    assert guard(table(frame), known=[185]).frame["n"].tolist() == [100, HIDDEN, HIDDEN, 95, 90]


def test_percentages_give_nothing_away() -> None:
    frame = {"role": ["a", "b"], "events": [4, 40], "n": [100, 100], "events_pct": [4.0, 40.0]}
    shown = guard(table(frame, shares={"events_pct": ("events", "n")}))
    assert shown.frame["events"].tolist() == [HIDDEN, 40]
    assert shown.frame["events_pct"].tolist() == [HIDDEN, 40.0]
    alone = guard(table({"role": ["a", "b", "c"], "n": [200] * 3, "agree": [2.0, 98.5, 50.0]},
                        shares={"agree": ("", "n")}))  # fmt: skip
    assert alone.frame["agree"].tolist() == [HIDDEN, HIDDEN, 50.0]
    undeclared = guard(table({"role": ["a", "b", "c"], "n": [4, 20, 30], "response_rate": [0.5, 0.6, 0.7]}))
    assert undeclared.frame["response_rate"].tolist() == [HIDDEN, 0.6, 0.7]


def test_raters_so_near_the_roster_that_the_difference_counts_people() -> None:
    shown = guard(table({"unit": ["a", "b"], "n_raters": [35, 20], "n_roster": [38, 40]}))
    assert shown.frame["n_raters"].tolist() == [HIDDEN, 20]


def test_undeclared_counts_are_found_by_their_name_but_units_are_not_people() -> None:
    frame = {"role": ["a", "b", "c"], "n_patients": [3, 50, 60], "n_units": [3, 4, 5], "level": [1, 2, 3]}
    shown = guard(table(frame)).frame
    assert shown["n_patients"].tolist() == [HIDDEN, 50, 60]
    assert shown["n_units"].tolist() == [3, 4, 5] and shown["level"].tolist() == [1, 2, 3]


def test_rows_of_units_with_too_few_raters_are_emptied() -> None:
    frame = {"unit": ["a", "b", "c"], "n_raters": [4, 20, 30], "mean": [3.0, 3.5, 4.0]}
    shown = guard(table(frame, staff="n_raters"), minimum=5).frame
    assert shown["mean"].tolist() == [HIDDEN, 3.5, 4.0]


def test_what_cannot_be_mended_is_named() -> None:
    with pytest.raises(DisclosureError, match="Staff by role"):
        guard(table({"role": ["a", "b"], "n": [3, 4]}))
    figure = StudyFigure(data=pd.DataFrame({"role": ["a"], "n": [3]}), title="Staff", alt="Staff by role.")
    with pytest.raises(DisclosureError, match=r"figure .Staff.* .n.\."):
        guard(figure)
    with pytest.raises(DisclosureError, match="DataFrame"):
        guard(pd.DataFrame({"n": [3]}))  # type: ignore[call-overload]


def test_numbers_that_count_people() -> None:
    assert guard(Number(10, "patients", count=True)).to_json() == {"unit": "patients", "text": "10 or fewer patients"}
    assert guard(Number(11, "patients", count=True)).value == 11
    assert guard(Number(0, "patients", count=True)).value == 0
    assert guard(Number(7, "units")).value == 7
    assert guard(Number(0.5, n=4)).n is None


def ledger(counts: list[int], start: int) -> Ledger:
    book = Ledger(start)
    for rule, n in enumerate(counts):
        book = book.add(f"r{rule}", f"Reason {rule}", [f"{rule}-{i}" for i in range(n)])
    return book


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8), st.integers(11, 500))
def test_the_public_flow_hides_every_small_step_and_adds_up(counts: list[int], remaining: int) -> None:
    flow = public_flow(ledger(counts, remaining + sum(counts)))
    shown = flow["excluded"].dropna().astype(int)
    assert not ((shown > 0) & (shown <= 10)).any()
    left = flow["remaining"].dropna().astype(int).to_numpy()
    steps = -np.diff(left)
    assert not ((steps > 0) & (steps <= 10)).any()
    assert left[-1] == remaining
    if flow["excluded"].notna().all():
        assert shown.sum() == sum(counts) and left[0] - shown.sum() == left[-1]
    else:
        assert 0 < sum(counts) <= 10 and flow["remaining"].isna().sum() == len(flow) - 1
    flow_diagram_counts = guard_flow(flow)
    assert flow_diagram_counts is not None


def guard_flow(flow: pd.DataFrame) -> StudyFigure:
    figure = StudyFigure(data=flow, title="Flow", alt="Flow.", counts=("excluded", "remaining"))
    return guard(figure)


def test_merged_steps_cannot_be_bounded_within_the_small_range() -> None:
    flow = public_flow(ledger([25, 9, 2, 31], 500))  # 9 + 2 = 11, each at least 1: a reader would know 1 to 10
    assert flow["reason"].tolist() == ["start", "Reason 3", "Other exclusions (reason 0; reason 1; reason 2)"]
    assert flow["excluded"].tolist() == [0, 31, 36]


def test_a_single_small_step_is_never_alone_and_the_figure_passes() -> None:
    flow = public_flow(ledger([25, 4], 500))
    assert flow["excluded"].tolist() == [0, 29]
    assert guard(flow_diagram(flow)).data["excluded"].tolist() == [0, 29]
    with pytest.raises(DisclosureError, match="10 or fewer remain"):
        public_flow(ledger([90], 97))


def test_dominance_by_the_p_percent_rule() -> None:
    amounts = pd.Series([100.0, 50, 9.9, 100, 50, 10.1, 5, 5, 0])
    groups = pd.Series(["a"] * 3 + ["b"] * 3 + ["c"] * 2 + ["d"])
    assert dominated(amounts, groups, p=10).to_dict() == {"a": True, "b": False, "c": True, "d": False}
    with pytest.raises(DataError, match="negative"):
        dominated(-amounts, groups)


def test_dominated_totals_do_not_follow_from_the_sum() -> None:
    frame = pd.DataFrame({"hospital": ["a", "b", "c", "All"], "cost": [500.0, 70.0, 90.0, 660.0]})
    sensitive = pd.Series({"a": True, "b": False, "c": False})
    assert guard_totals(Table(frame, "T"), "cost", sensitive, "hospital").frame["cost"].tolist() == [
        HIDDEN, HIDDEN, 90.0, 660.0,
    ]  # fmt: skip
    without = guard_totals(Table(frame.iloc[:3], "T"), "cost", sensitive, "hospital").frame["cost"].tolist()
    assert without == [HIDDEN, 70.0, 90.0]


def test_pseudonyms_are_random_and_one_to_one() -> None:
    units = [f"U{i:03d}" for i in range(96)]
    key = pseudonyms(units, np.random.default_rng(4))
    assert len(set(key.values())) == 96 and set(key) == set(units)
    assert all(len(name) == len("Unit 01") for name in key.values())
    ranks = [int(key[unit].split()[1]) for unit in units]
    assert abs(np.corrcoef(ranks, np.arange(96))[0, 1]) < 0.4
    assert key == pseudonyms(units[::-1], np.random.default_rng(4)) != pseudonyms(units, np.random.default_rng(5))
    with pytest.raises(DataError):
        pseudonyms(["a", "a"], np.random.default_rng(4))


def test_a_flow_published_as_a_table_keeps_its_small_step() -> None:
    frame = {"term": ["in the extract", "without a unit", "joined"], "n": [500, 4, 496]}
    hidden = [value == HIDDEN for value in guard(table(frame)).frame["n"]]
    assert hidden[1] and sum(hidden) == 2


def test_a_flow_of_several_steps_keeps_them_too() -> None:
    frame = {"term": ["received", "no consent", "consented", "without a unit", "joined"], "n": [500, 20, 480, 4, 476]}
    shown = guard(table(frame)).frame["n"].tolist()
    assert shown[3] == HIDDEN and HIDDEN in (shown[2], shown[4])


def test_rows_that_all_add_up_to_the_same_number_are_sums() -> None:
    frame = {"item": ["a", "b", "c"], "answered": [93, 60, 95], "n_blank": [5, 20, 2], "n_other": [2, 20, 3]}
    shown = guard(table(frame, counts=("answered", "n_blank", "n_other"))).frame.iloc[:, 1:].to_numpy(object)
    assert (shown[0] == HIDDEN).all() and (shown[2] == HIDDEN).all()
    assert shown[1].tolist() == [60, 20, 20]


def test_a_count_just_below_a_known_total_gives_the_rest_away() -> None:
    shown = guard(table({"scale": ["a", "b"], "n": [1850, 1700]}), known=[1853])
    assert shown.frame["n"].tolist() == [HIDDEN, 1700]


def test_the_gap_between_two_percentages_is_a_count_too() -> None:
    frame = {"role": ["a", "b"], "n_roster": [400, 400], "rr1": [60.0, 60.0], "rr2": [61.0, 75.0]}
    shown = guard(table(frame, shares={"rr1": ("", "n_roster"), "rr2": ("", "n_roster")})).frame
    assert shown["rr1"].tolist() == [60.0, 60.0]
    assert shown["rr2"].tolist() == [HIDDEN, 75.0]


def test_numbers_published_together_have_no_small_difference() -> None:
    counts = {name: Number(value, count=True) for name, value in (("a", 500), ("b", 480), ("c", 478))}
    given = counts | {"d": Number(495, "units")}
    assert [n.value for n in guard_numbers(given).values()] == [500, 480, None, 495]


def test_a_number_gives_way_to_what_was_published_of_the_same_people():
    given = {
        "received": Number(500, "responses", count=True, of="responses"),
        "analysed": Number(496, "responses", count=True, of="responses"),
        "others": Number(498, "staff", count=True, of="staff"),
    }
    shown = guard_numbers({key: given[key] for key in ("received", "analysed")}, 10, [("responses", 496.0)])
    assert [number.value for number in shown.values()] == [None, 496]
    assert guard_numbers({"others": given["others"]}, 10, [("responses", 496.0)])["others"].value == 498


def test_few_hospitals_left_out_in_turn_are_no_people() -> None:
    left = pd.DataFrame({"characteristic": "trust", "estimate": [0.8, 1.0, 1.3, 1.1]})
    figure = influence_plot(left, left.tail(1), {"trust": "Trust"}, by="hospital")
    assert guard(figure, 10).data["n_hospitals"].tolist() == [4]
