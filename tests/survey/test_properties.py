"""Whatever mess stands in an export: rows and answers are conserved, cleaning twice is once, order is nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microresearch.errors import DataError
from microresearch.responses import State
from microresearch.survey import clean, read_export, read_responses, reconcile, rule_order, state_table

from .exports import COLUMNS, IDS, NAMES, WORDING, answer, qualtrics

LABELS = ("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree")
SAID = {label: (i, State.ANSWERED) for i, label in enumerate(LABELS, 1)}
SAID |= {str(i): (i, State.ANSWERED) for i in range(1, 6)} | {"3.0": (3, State.ANSWERED)}
SAID |= {"<b>Agree</b>": (4, State.ANSWERED), " agree ": (4, State.ANSWERED), "Neither&nbsp;": (3, State.ANSWERED)}
SAID |= dict.fromkeys(("Can't rate", "can’t  rate"), (np.nan, State.CANT_RATE))
SAID |= dict.fromkeys(("", " ", "NA"), (np.nan, State.BLANK))
CELL = st.sampled_from(list(SAID))
PERSON = st.fixed_dictionaries(
    {
        "answers": st.tuples(CELL, CELL, CELL, CELL),
        "person": st.sampled_from([f"S{i}" for i in range(6)]),
        "status": st.sampled_from(["IP Address"] * 4 + ["Survey Preview", "1", "Spam"]),
        "consent": st.sampled_from(["Yes", "yes ", "No", ""]),
        "role": st.sampled_from(["nurse", "Nurse", "physician", "visitor", ""]),
        "wave": st.sampled_from(["1", "2"]),
        "Progress": st.sampled_from(["100", "49", "50", ""]),
        "Duration (in seconds)": st.sampled_from(["5", "300", ""]),
        "comments": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    }
)
PEOPLE = st.lists(PERSON, min_size=1, max_size=25)
RULES = [
    {"rule": "preview"}, {"rule": "consent"}, {"rule": "eligibility", "roles": ["nurse", "physician"]},
    {"rule": "progress", "minimum": 50}, {"rule": "time", "minimum": 60}, {"rule": "answered", "share": 0.5},
    {"rule": "duplicate", "keep": "first"},
]  # fmt: skip
checked = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def rows_of(people: list[dict]) -> list[list[str]]:
    return [
        answer(i, *one["answers"], **{key: value for key, value in one.items() if key != "answers"})
        for i, one in enumerate(people)
    ]


def read(form, rows: list[list[str]], order: list[int] | None = None):
    head = [NAMES, WORDING, IDS]
    if order is not None:
        head, rows = ([[row[i] for i in order] for row in part] for part in (head, rows))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.csv"
        path.write_bytes(qualtrics(rows, head))
        export = read_export(path)
    return export, read_responses(export, form, COLUMNS)


def stays(one: dict) -> bool:
    """Whether a response stays under all rules that judge it alone, said anew."""
    states = [SAID[cell][1] for cell in one["answers"]]
    return (
        one["status"] in ("IP Address", "Spam")
        and one["consent"].strip().lower() == "yes"
        and one["role"].lower() in ("nurse", "physician")
        and one["Progress"] != "49"
        and one["Duration (in seconds)"] != "5"
        and states.count(State.ANSWERED) >= 2
    )


def cleaned(data, rules=RULES):
    try:
        return clean(data, rules)
    except DataError as error:
        assert "no response remains" in str(error)
        return None


@checked
@given(PEOPLE)
def test_every_row_and_every_answer_is_conserved(form, people):
    export, data = read(form, rows_of(people))
    assert len(data) == data.ledger.start == len(people)
    want = np.array([[SAID[cell][0] for cell in one["answers"]] for one in people], dtype=float)
    states = np.array([[SAID[cell][1] for cell in one["answers"]] for one in people])
    assert np.array_equal(data.values, want, equal_nan=True) and np.array_equal(data.state, states)
    assert (state_table(data, None)[["answered", "cant_rate", "blank"]].sum(axis=1) == len(people)).all()
    assert (reconcile(export, data)["unexplained"] == 0).all()


@checked
@given(PEOPLE)
def test_every_row_stays_or_leaves_once_and_twice_is_once(form, people):
    _, data = read(form, rows_of(people))
    done = cleaned(data)
    kept: dict[tuple[str, str], int] = {}
    for i, one in enumerate(people):
        if stays(one):
            kept.setdefault((one["person"], one["wave"]), i)
    if done is None:
        assert not kept
        return
    assert done.values.index.tolist() == [f"R_{i}" for i in sorted(kept.values())]
    gone = [i for step in done.ledger.steps for i in step.ids]
    assert sorted([*gone, *done.values.index]) == sorted(data.values.index)
    assert done.ledger.start - sum(step.n for step in done.ledger.steps) == len(done)
    again = clean(done, RULES)
    assert again.equals(done) and again.ledger == done.ledger


@checked
@given(PEOPLE, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_is_nothing(form, people, random):
    rows = rows_of(people)
    _, data = read(form, rows)
    shuffled, order = random.sample(rows, len(rows)), random.sample(range(len(NAMES)), len(NAMES))
    _, other = read(form, shuffled, order)
    assert other.equals(data)
    one, two = cleaned(data), cleaned(other)
    assert (one is None) == (two is None) and (one is None or one.equals(two))


@checked
@given(PEOPLE, st.permutations(RULES[:6]))
def test_rules_that_judge_alone_commute(form, people, order):
    _, data = read(form, rows_of(people))
    one, two = cleaned(data, RULES[:6]), cleaned(data, list(order))
    assert (one is None) == (two is None) and (one is None or one.equals(two))
    assert rule_order(data, RULES[:6])["commute"].all()


@checked
@given(PEOPLE, st.data())
def test_what_is_no_option_is_listed_with_its_rows(form, people, draw):
    rows = rows_of(people)
    wrong = draw.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    for i in wrong:
        rows[i][NAMES.index("trust_2")] = "Perhaps"
    with pytest.raises(DataError) as caught:
        read(form, rows)
    (problem,) = caught.value.problems
    assert problem.column == "trust_2" and problem.value == "Perhaps" and problem.row == min(wrong) + 4
    listed = [str(i + 4) for i in sorted(wrong)][:10]
    assert f"row{'s' if len(wrong) > 1 else ''} {', '.join(listed)}" in problem.what


def test_the_people_table_holds_only_what_was_declared(form):
    _, data = read(form, rows_of([{"answers": ("1",) * 4, "comments": "=cmd|'/c calc'!A0"}]))
    assert set(data.people) == {"person", "unit", "role", "wave", "row", "started", "duration", "progress", "status",
                                "consent"}  # fmt: skip
    assert not data.people.astype(str).apply(lambda column: column.str.contains("=cmd", regex=False)).any(axis=None)
    assert isinstance(data.people, pd.DataFrame)
