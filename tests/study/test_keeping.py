import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microresearch.errors import DataError
from microresearch.instrument import load_instrument
from microresearch.responses import Ledger, Responses, State
from microresearch.results import Interval, NotAvailable
from microresearch.study.codec import Packed, pack, unpack
from microresearch.study.keeping import read_kept, write_kept

FRAME = pd.DataFrame(
    {
        "count": [1, 2, 3],
        "text": ["a", None, 'quote " and, comma\n'],
        "kind": pd.Categorical(["v", "u", None], categories=["u", "v", "w"], ordered=True),
        "when": pd.to_datetime(["2024-01-01 10:00", None, "2024-02-03 00:00"]),
        "few": pd.array([1, None, 3], dtype="Int64"),
        "mixed": [dt.date(2024, 1, 1), NotAvailable("too few raters"), None],
        "half": [0.1, np.nan, 1 / 3],
        "state": np.array([0, 1, 2], dtype="int8"),
    },
    index=pd.Index(["r1", "r2", "r3"], name="response"),
)


@pytest.mark.parametrize(
    "thing",
    [
        FRAME,
        FRAME.reset_index(drop=True),
        FRAME.iloc[:0],
        FRAME[["half"]].set_axis(pd.MultiIndex.from_tuples([("a", 1)], names=["x", "y"]), axis=1),
        FRAME.set_index(["count", "text"]),
        pd.DataFrame({"A": [1], "a": [2]}),
        pd.DataFrame(index=pd.Index([3, 4]), columns=pd.Index([], dtype="str")),
    ],
)
def test_frames_come_back_equal(thing: pd.DataFrame, tmp_path: Path) -> None:
    write_kept(tmp_path, "thing", thing)
    pd.testing.assert_frame_equal(read_kept(tmp_path, "thing"), thing)


def test_results_and_responses_come_back_equal(tmp_path: Path) -> None:
    form = load_instrument("assessment-form")
    items = [item.code for item in form.items]
    ids = pd.Index(["R_1", "R_2"], name="response")
    values = pd.DataFrame(1.0, index=ids, columns=items)
    state = pd.DataFrame(State.ANSWERED, index=ids, columns=items).astype("int8")
    people = pd.DataFrame({"person": ["p", "q"], "unit": ["U1", "U2"], "role": "nurse", "wave": 1}, index=ids)
    kept = Responses(form, values, state, people, Ledger(3).add("consent", "no consent", ["R_3"]))
    write_kept(tmp_path, "forms", {"assessment-form": kept})
    again = read_kept(tmp_path, "forms")["assessment-form"]
    assert again.equals(kept) and again.instrument == form and again.ledger == kept.ledger
    pd.testing.assert_frame_equal(again.people, people)
    interval = Interval(0.1, 0.3, 0.95, "Feldt")
    write_kept(tmp_path, "parts", (interval, {"why": NotAvailable("no raters"), "x": np.eye(2)}, float("nan")))
    first, second, third = read_kept(tmp_path, "parts")
    assert first == interval and second["why"] == NotAvailable("no raters") and np.isnan(third)
    np.testing.assert_array_equal(second["x"], np.eye(2))


def test_the_same_value_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_kept(tmp_path / folder, "thing", {"frame": FRAME, "set": {"b", "a", "c"}})
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files in (["thing.frame.parquet", "thing.json"], ["thing.json", "thing.parquet"])
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(plain)
@settings(max_examples=60, deadline=None)
def test_plain_values_come_back_equal(value: object) -> None:
    assert unpack(pack(value)) == value


@dataclass(frozen=True)
class Foreign:
    x: int


@pytest.mark.parametrize("thing", [Foreign(1), lambda: 1, object(), np.array(["a", 1], dtype=object)])
def test_what_cannot_be_kept_is_refused(thing: object) -> None:
    with pytest.raises(DataError, match="cannot be kept"):
        pack(thing)


@pytest.mark.parametrize("name", ["os:system", "microresearch.io.files:write_text", "microresearch.study.codec:_pack"])
def test_a_kept_file_cannot_name_code(name: str) -> None:
    with pytest.raises(DataError, match="kept value names"):
        unpack(Packed({"kind": "dataclass", "class": name, "fields": {}}))
