"""Cleaning is an ordered list of declared rules: every row stays or stands under one exclusion."""

import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.survey import clean, read_responses

from .exports import COLUMNS, answer, qualtrics

RULES = [
    {"rule": "preview"},
    {"rule": "consent"},
    {"rule": "duplicate", "keep": "first"},
    {"rule": "eligibility", "roles": ["nurse", "physician"], "roster": True},
    {"rule": "progress", "minimum": 50},
    {"rule": "time", "minimum": 120},
    {"rule": "answered", "share": 0.5, "reason": "too few answers"},
]
ROWS = [
    answer(1, *"1234"),
    answer(2, *"1234", status="Survey Preview", wave=""),
    answer(3, *"1234", consent="No"),
    answer(4, *"1234", consent=""),
    answer(5, "5", "", "", "", person="S1"),
    answer(6, *"1234", person="S1", wave="2"),
    answer(7, *"1234", role="visitor"),
    answer(8, *"1234", person="stranger"),
    answer(9, *"1234", Progress="49"),
    answer(10, *"1234", **{"Duration (in seconds)": "119"}),
    answer(11, "1", "Can't rate", "", ""),
    answer(12, *"1234", **{"Duration (in seconds)": "120", "Progress": "50"}, role="Physician"),
    answer(13, "", *"234", wave=""),
]
ROSTER = pd.DataFrame({"staff_id": [f"S{i}" for i in range(1, 14)], "unit": "U1", "role": "nurse"})


@pytest.fixture
def read(put, form):
    return read_responses(put(qualtrics(ROWS)), form, COLUMNS)


def test_every_row_is_analysed_or_named(read):
    done = clean(read, RULES, ROSTER)
    steps = {step.rule: step.ids for step in done.ledger.steps}
    assert steps == {
        "preview": ("R_2",), "consent": ("R_3", "R_4"), "duplicate": ("R_5",), "eligibility": ("R_7", "R_8", "R_13"),
        "progress": ("R_9",), "time": ("R_10",), "answered": ("R_11",),
    }  # fmt: skip
    assert done.values.index.tolist() == ["R_1", "R_6", "R_12"]
    assert done.ledger.start - sum(step.n for step in done.ledger.steps) == done.ledger.remaining == len(done) == 3
    assert done.ledger.steps[-1].reason == "too few answers"
    assert len(read) == 13 and read.ledger.steps == ()


def test_cleaning_twice_changes_nothing(read):
    once = clean(read, RULES, ROSTER)
    twice = clean(once, RULES, ROSTER)
    assert twice.equals(once) and twice.ledger == once.ledger


def test_a_rule_that_removes_nobody_still_stands(read):
    done = clean(clean(read, RULES[:4], ROSTER), [{"rule": "progress", "minimum": 1}])
    assert done.ledger.to_frame()["excluded"].tolist() == [1, 2, 1, 3, 0]


def test_several_instruments_lose_the_same_rows(put, form):
    from dataclasses import replace

    other = replace(form, code="other", items=(replace(form.items[0], code="comments"),))
    both = read_responses(put(qualtrics([answer(i, *"1234", comments="5") for i in (1, 2)])), [form, other], COLUMNS)
    roster = ROSTER.iloc[1:]
    done = clean(both, [{"rule": "eligibility", "roster": True}], roster)
    assert [one.values.index.tolist() for one in done.values()] == [["R_2"], ["R_2"]]
    assert done["small"].ledger == done["other"].ledger
    with pytest.raises(DataError, match="not of the same export and cleaning"):
        clean({"small": done["small"], "other": both["other"]}, [])


@pytest.mark.parametrize(("keep", "kept"), [("first", "R_1"), ("last", "R_3"), ("fullest", "R_2")])
def test_which_duplicate_is_kept_is_declared(put, form, keep, kept):
    rows = [
        answer(3, "1", "", "", "", person="A"),
        answer(2, *"1234", person="A"),
        answer(1, "1", "2", "", "", person="A"),
    ]
    read = read_responses(put(qualtrics(rows)), form, COLUMNS)
    assert clean(read, [{"rule": "duplicate", "keep": keep}]).values.index.tolist() == [kept]


def test_time_per_item(put, form):
    rows = [
        answer(1, *"1234", **{"Duration (in seconds)": "7"}),
        answer(2, "1", "", "", "Can't rate", **{"Duration (in seconds)": "7"}),
    ]
    read = read_responses(put(qualtrics(rows)), form, COLUMNS)
    assert clean(read, [{"rule": "time", "seconds_per_item": 2}]).values.index.tolist() == ["R_2"]


def test_the_share_itself_is_enough(put, form):
    rows = [answer(1, "1", "2", "", ""), answer(2, "1", "", "Can't rate", "")]
    read = read_responses(put(qualtrics(rows)), form, COLUMNS)
    assert clean(read, [{"rule": "answered", "share": 0.5}]).values.index.tolist() == ["R_1"]
    both = clean(read, [{"rule": "answered", "share": 0.5, "cant_rate": True}])
    assert both.values.index.tolist() == ["R_1", "R_2"]


def test_rules_that_cannot_be_meant(read, put, form):
    for rules, match in [
        ([{"rule": "consnt"}], "no such cleaning rule.*did you mean 'consent'"),
        ([{"rule": "time", "minimun": 3}], "no setting 'minimun'.*minimum"),
        ([{"rule": "time", "minimum": "soon"}], "setting 'minimum'.*a number, 0 or more"),
        ([{"rule": "duplicate", "keep": "best"}], "first, last, fullest"),
        ([{"rule": "eligibility", "roster": True}], "asks for the roster"),
        ([{"rule": "answered", "instrument": "big"}], "names no instrument"),
        ([{"rule": "consent"}, {"rule": "consent"}], "declared twice"),
    ]:
        with pytest.raises(SpecError, match=match):
            clean(read, rules)
    bare = read_responses(put("trust_1,trust_2,trust_3,teach_1\n1,2,3,4\n"), form)
    with pytest.raises(SpecError, match=r"needs the column 'consent'"):
        clean(bare, [{"rule": "consent"}])


def test_nobody_left_and_no_wave_are_said(read):
    with pytest.raises(DataError, match="no response remains"):
        clean(read, [{"rule": "eligibility", "roles": ["cook"]}])
    with pytest.raises(DataError, match=r'2 responses have no wave.*add the rule "eligibility"'):
        clean(read, [])
    with pytest.raises(DataError, match="the ledger says that 13"):
        clean(read.wave(1), [])
