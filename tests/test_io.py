"""Is a file whole or absent, whatever happens, and does a broken one say where?"""

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.io import directories

FRAME = pd.DataFrame(
    {
        "unit": ["U001", None, "Ünit 3"],
        "score": [0.1, np.nan, 1e-300],
        "n": [1, 2, 2**53 + 1],
        "day": [datetime.date(2024, 2, 29)] * 3,
        "at": pd.to_datetime(["2024-01-01T10:00:00.000001", None, "2024-06-01"], format="ISO8601"),
        "few": pd.array([1, None, 3], dtype="Int8"),
        "yes": [True, False, True],
    }
)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# ---------------------------------------------------------------- one file


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = io.write_text(tmp_path / "deep" / "a.txt", "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        io.write_text(target, "new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["deep", "deep/a.txt"]


def test_a_killed_writer_leaves_a_whole_file_and_its_part_can_be_cleared(tmp_path: Path) -> None:
    code = (
        "import sys, itertools; from microresearch import io\n"
        "for letter in itertools.cycle(b'ab'): io.write_bytes(sys.argv[1], bytes([letter]) * 3_000_000)"
    )
    target = tmp_path / "big.bin"
    writer = subprocess.Popen([sys.executable, "-c", code, str(target)])
    deadline = time.monotonic() + 240
    while not target.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    data = target.read_bytes()
    assert len(data) == 3_000_000
    assert len(set(data)) == 1
    (tmp_path / ".left.txt.123-4.part").write_text("half")
    assert io.clear_leftovers(tmp_path) >= 1
    assert names(tmp_path) == ["big.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    io.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_cannot_be_read_is_told_without_the_machines_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (DataError, SpecError):
        with pytest.raises(error, match=r"^none\.csv: there is no such file"):
            io.read_bytes(tmp_path / "none.csv", error)
    with pytest.raises(DataError, match="this is a folder"):
        io.read_bytes(tmp_path)
    with pytest.raises(DataError) as told:
        io.sha256_file(tmp_path / "none.csv")
    assert str(tmp_path) not in str(told.value)


def test_a_file_is_shown_from_the_studys_folder_or_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert io.shown(tmp_path / "data" / "x.csv") == "data/x.csv"
    assert io.shown("data/x.csv") == "data/x.csv"
    study = tmp_path / "study"
    io.write_text(study / "study.toml", "")
    assert io.shown(study / "data" / "raw" / "x.csv") == "data/raw/x.csv"
    assert io.find_upwards("study.toml", study) == study / "study.toml"
    assert io.find_upwards("no such file at all", study) is None


def test_the_hash_of_a_tree_is_of_names_and_bytes(tmp_path: Path) -> None:
    io.write_text(tmp_path / "a" / "b.txt", "x")
    io.write_text(tmp_path / "a.txt", "y")
    first = io.sha256_tree(tmp_path)
    assert io.sha256_tree(tmp_path) == first
    assert io.sha256_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    io.write_text(tmp_path / "run.log", "z")
    assert io.sha256_tree(tmp_path, ignore=["*.log"]) == first
    assert io.sha256_tree(tmp_path) != first
    (tmp_path / "run.log").unlink()
    (tmp_path / "a.txt").rename(tmp_path / "c.txt")
    assert io.sha256_tree(tmp_path) != first


# ---------------------------------------------------------------- JSON


def test_json_is_sorted_full_and_takes_numpy(tmp_path: Path) -> None:
    value = {"b": np.float64(1 / 3), "a": np.arange(2), "c": {"é": np.bool_(True), "z": None}, "d": (np.int64(7),)}
    path = io.write_json(tmp_path / "x.json", value)
    assert list(json.loads(path.read_text(encoding="utf-8"))) == ["a", "b", "c", "d"]
    assert io.read_json(path) == {"b": 1 / 3, "a": [0, 1], "c": {"é": True, "z": None}, "d": [7]}
    assert path.read_bytes().endswith(b"}\n")
    assert "é" in path.read_text(encoding="utf-8")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_json_keeps_every_digit(value: float) -> None:
    assert json.loads(io.to_json(value)) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": {"b": [1.0, float("nan")]}}, r"column a\.b\[1\]: a number must be finite"),
        ({"a": np.array([np.inf])}, r"column a\[0\]: a number must be finite"),
        ({1: "a"}, "keys must be text"),
        ({"a": object()}, "column a: object cannot be written"),
        ({"a": {1, 2}}, "column a: set cannot be written"),
    ],
)
def test_json_refuses_what_json_has_no_word_for(tmp_path: Path, value: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        io.write_json(tmp_path / "x.json", value)
    assert names(tmp_path) == []


def test_broken_json_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1,\n"b": }')
    with pytest.raises(DataError, match=r"^x\.json, row 2: this is not JSON"):
        io.read_json(path)
    path.write_text('{"a": NaN}')
    with pytest.raises(DataError, match=r"x\.json: NaN is not a JSON number"):
        io.read_json(path)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(DataError, match=r"x\.json: this is not JSON in UTF-8"):
        io.read_json(path)


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom", "utf-32"])
def test_a_marked_or_utf8_file_needs_no_declaration(tmp_path: Path, encoding: str) -> None:
    text = 'unit,said\r\nÜnit 1,"a\nb"\r\n'
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-bom" else text.encode(encoding)
    (tmp_path / "x.csv").write_bytes(data)
    assert io.read_csv_text(tmp_path / "x.csv") == text
    assert io.read_csv_text(tmp_path / "x.csv", "latin-1" if encoding != "utf-8" else None) == text
    assert io.read_csv(tmp_path / "x.csv")["said"].tolist() == ["a\nb"]


def test_another_encoding_must_be_declared_and_the_place_is_told(tmp_path: Path) -> None:
    text = 'unit,said\n1,"two\nlines"\nÜnit,x\n'
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"^x\.csv, row 3: the file is not in UTF-8 \(byte 25\).*encoding = "):
        io.read_csv_text(path)
    assert io.read_csv_text(path, "latin-1") == text
    with pytest.raises(DataError, match="no encoding called 'latin-99'"):
        io.read_csv_text(path, "latin-99")
    path.write_bytes(text.encode("utf-16-le"))
    with pytest.raises(DataError, match=r"x\.csv, row 1: the file holds NUL characters.*utf-16-le"):
        io.read_csv_text(path)
    assert io.read_csv_text(path, "utf-16-le") == text
    with pytest.raises(DataError, match="NUL characters"):
        io.read_csv_text(path, "latin-1")


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n \n", "\ufeff".encode("utf-16-le")])
def test_an_empty_file_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(DataError, match=r"x\.csv: the file is empty"):
        io.read_csv(tmp_path / "x.csv")


def test_a_csv_is_text_and_its_index_the_row_of_the_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('id, beds ,note\n007,12,NA\n\n008,,"two\nlines"\n009,1e2,\n')
    frame = io.read_csv(tmp_path / "x.csv", numbers=["beds"])
    assert frame.index.tolist() == [2, 4, 5]
    assert frame.index.name == "row"
    assert frame["id"].tolist() == ["007", "008", "009"]
    assert frame["note"].tolist() == ["NA", "two\nlines", ""]
    assert frame["beds"].tolist()[::2] == [12.0, 100.0]
    assert np.isnan(frame["beds"].loc[4])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n1\n1,2,3\n", ["row 3: the row has 1 cells, the header 2", "row 4: the row has 3 cells"]),
        ("a,a,\n1,2,3\n", ["row 1: a column has no name", "row 1, column a: two columns have this name"]),
        ("a,c\n1,2\n", ["column b: this column is missing. Allowed: a, c"]),
        ('a,b\n1,"x\n', ["row 2: this is not CSV"]),
        ("a,b\n1,2\n2,many\n3,inf\n", ["row 3, column b: this is not a number", "row 4, column b"]),
    ],
)
def test_a_broken_csv_tells_every_place_and_no_cell(tmp_path: Path, text: str, said: list[str]) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError) as told:
        io.read_csv(tmp_path / "x.csv", numbers=["b"])
    assert len(told.value.problems) >= len(said)
    assert all(f"x.csv, {words}" in str(told.value) for words in said)
    assert "many" not in str(told.value)


def test_a_written_csv_reads_back_to_the_last_digit(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1 / 3, -0.0, 1e-300, np.nan], "s": ["a,b", 'q"', "l\nm", "Ü"]}, index=list("abcd"))
    path = io.write_csv(tmp_path / "x.csv", frame)
    assert b"\r" not in path.read_bytes()
    back = io.read_csv(path, numbers=["x"])
    assert back.columns.tolist() == ["x", "s"]
    np.testing.assert_array_equal(back["x"].to_numpy(), frame["x"].to_numpy())
    assert back["s"].tolist() == frame["s"].tolist()
    io.write_csv(path, frame.rename_axis("key"))
    assert io.read_csv(path).columns.tolist() == ["key", "x", "s"]


# ---------------------------------------------------------------- Parquet


def test_parquet_keeps_values_order_and_bytes(tmp_path: Path) -> None:
    first = io.write_parquet(tmp_path / "a.parquet", FRAME).read_bytes()
    assert io.write_parquet(tmp_path / "b.parquet", FRAME.copy()).read_bytes() == first
    back = io.read_parquet(tmp_path / "a.parquet")
    assert back.columns.tolist() == FRAME.columns.tolist()
    for name in ("unit", "score", "n", "at", "few", "yes"):
        pd.testing.assert_series_equal(back[name], FRAME[name], check_exact=True)
    assert back["day"].dt.date.tolist() == FRAME["day"].tolist()
    assert io.read_parquet(tmp_path / "a.parquet", ["n", "unit"]).columns.tolist() == ["n", "unit"]
    assert names(tmp_path) == ["a.parquet", "b.parquet"]
    assert "pyarrow" not in sys.modules


def test_parquet_keeps_the_rows_of_a_long_table_in_order(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(5).permutation(300_000)})
    io.write_parquet(tmp_path / "a.parquet", frame)
    pd.testing.assert_frame_equal(io.read_parquet(tmp_path / "a.parquet"), frame)


def test_a_named_index_is_kept_as_columns_and_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.5]}, index=pd.MultiIndex.from_tuples([("U1", 2)], names=["unit", "wave"]))
    io.write_parquet(tmp_path / "a.parquet", frame)
    assert io.read_parquet(tmp_path / "a.parquet").to_dict("list") == {"unit": ["U1"], "wave": [2], "x": [1.5]}
    io.write_parquet(tmp_path / "b.parquet", frame.iloc[:0])
    empty = io.read_parquet(tmp_path / "b.parquet")
    assert empty.columns.tolist() == ["unit", "wave", "x"]
    assert empty.empty


def test_parquet_is_read_anew_though_it_was_written_within_the_same_moment(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    for value in range(20):
        io.write_parquet(file, pd.DataFrame({"x": [value]}))
        os.utime(file, (1, 1))  # nothing but the values differs: name, size and time are the same
        assert io.read_parquet(file)["x"].tolist() == [value]
        assert io.read_parquet(file, ["x"])["x"].tolist() == [value]


def test_parquet_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^gone\.parquet: there is no such file"):
        io.read_parquet(tmp_path / "gone.parquet")
    (tmp_path / "x.parquet").write_text("a,b\n")
    with pytest.raises(DataError, match=r"^x\.parquet: this is not a Parquet file"):
        io.read_parquet(tmp_path / "x.parquet")
    io.write_parquet(tmp_path / "x.parquet", FRAME)
    with pytest.raises(DataError, match=r"column hospital: this column is missing. Allowed: unit, score"):
        io.read_parquet(tmp_path / "x.parquet", ["unit", "hospital"])
    with pytest.raises(DataError, match="column day: Parquet needs names that differ by more than case"):
        io.write_parquet(tmp_path / "y.parquet", FRAME.assign(Day=1))
    assert names(tmp_path) == ["x.parquet"]


# ---------------------------------------------------------------- settings files


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    code: str
    low: int = 0


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    seed: int
    entries: list[Entry] = []
    nested: dict[str, int] = {}


def test_a_settings_file_is_checked_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('seeed = 1\n[nested]\na = "x"\n[[entries]]\ncode = "b"\nlow = "0"\n[[entries]]\nhihg = 3\n')
    with pytest.raises(SpecError) as told:
        io.read_spec(
            path, Spec, check=lambda tables, file: [Problem("and another", file=file, column=str(len(tables)))]
        )
    said = {problem.column: str(problem) for problem in told.value.problems}
    assert set(said) == {"seed", "seeed", "nested.a", "entries.b.low", "entries.2.code", "entries.2.hihg", "3"}
    assert "Allowed: seed, entries, nested" in said["seeed"]
    assert "Allowed: code, low" in said["entries.2.hihg"]
    assert "got 'x'" in said["nested.a"]
    assert all(line.startswith("s.toml, column ") for line in str(told.value).splitlines())


def test_a_good_settings_file_is_its_values_and_a_check_alone_can_refuse_it(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes('\ufeffseed = 7\n[[entries]]\ncode = "b"\n'.encode())
    assert io.read_spec(path, Spec) == Spec(seed=7, entries=[Entry(code="b")])
    with pytest.raises(SpecError, match="seed is not lucky"):
        io.read_spec(path, Spec, check=lambda tables, file: [Problem("seed is not lucky")])
    path.write_bytes(b'seed = 7\nname = "\xff"\n')
    with pytest.raises(SpecError, match=r"^s\.toml, row 2: this line is not UTF-8"):
        io.read_toml(path)


# ---------------------------------------------------------------- folders


def old_and_new(folder: Path) -> tuple[Path, Path]:
    target = folder / "results"
    io.write_text(target / "numbers.json", "old")
    io.write_text(target / "figures" / "gone.svg", "old")
    staged = io.stage(target)
    io.write_text(staged / "numbers.json", "new")
    io.write_text(staged / "tables" / "one.csv", "new")
    return target, staged


OLD = {"numbers.json": "old", "figures/gone.svg": "old"}
NEW = {"numbers.json": "new", "tables/one.csv": "new"}


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def kill_before(step: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the process die before its `step`th action on the disk; the actions so far."""
    done: list[str] = []

    def wrap(owner: object, name: str) -> None:
        original = getattr(owner, name)

        def action(*args: object, **kwargs: object) -> object:
            if len(done) == step:
                raise Killed
            done.append(name)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, action)

    monkeypatch.setattr(os, "fsync", lambda handle: None)  # slow, and a test cannot see what it does
    wrap(Path, "rename")
    wrap(os, "unlink")
    wrap(os, "rmdir")
    wrap(directories, "remove")
    wrap(directories, "flush")
    return done


def test_a_folder_is_swapped_in_whole(tmp_path: Path) -> None:
    target, staged = old_and_new(tmp_path)
    assert content(target) == OLD
    io.swap_in(staged, target)
    assert content(target) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert not io.recover(target)
    target.rename(tmp_path / ".results.old")
    assert io.recover(target)
    assert content(target) == NEW


def test_the_first_folder_needs_no_older_one(tmp_path: Path) -> None:
    staged = io.stage(tmp_path / "results")
    io.write_text(staged / "numbers.json", "new")
    io.swap_in(staged, tmp_path / "results")
    assert content(tmp_path) == {"results/numbers.json": "new"}
    with pytest.raises(DataError, match="no finished folder"):
        io.swap_in(tmp_path / "nothing", tmp_path / "results")
    assert content(tmp_path) == {"results/numbers.json": "new"}


def test_a_kill_at_any_point_of_a_swap_leaves_the_old_folder_or_the_new(tmp_path: Path) -> None:
    seen = []
    for step in range(100):
        folder = tmp_path / str(step)
        target, staged = old_and_new(folder)
        with pytest.MonkeyPatch.context() as monkeypatch:
            done = kill_before(step, monkeypatch)
            try:
                io.swap_in(staged, target)
            except Killed:
                killed = True
            else:
                killed = False
        io.recover(target)
        left = content(target)
        assert left == (NEW if "rename" in done else OLD), f"killed after {done}"
        seen.append(left == NEW)
        staged = io.stage(target)
        assert names(staged) == []
        io.write_text(staged / "numbers.json", "newer")
        io.swap_in(staged, target)
        assert content(folder) == {"results/numbers.json": "newer"}
        if not killed:
            break
    assert not killed
    assert seen == sorted(seen)
    assert {False, True} == set(seen)


def test_a_kill_of_the_recovery_is_recovered_too(tmp_path: Path) -> None:
    for first in range(5, 11):
        for second in range(8):
            target, staged = old_and_new(tmp_path / f"{first}-{second}")
            with pytest.MonkeyPatch.context() as monkeypatch, suppress(Killed):
                done = kill_before(first, monkeypatch)
                io.swap_in(staged, target)
            with pytest.MonkeyPatch.context() as monkeypatch, suppress(Killed):
                kill_before(second, monkeypatch)
                io.recover(target)
            io.recover(target)
            assert content(target) == (NEW if "rename" in done else OLD), f"killed after {done}"


def test_folders_and_files_are_made_moved_and_removed(tmp_path: Path) -> None:
    folder = io.fresh_folder(tmp_path / "a" / "b")
    io.write_text(folder / "x.txt", "x")
    assert names(io.fresh_folder(folder)) == []
    io.write_text(folder / "x.txt", "x")
    assert io.move(folder / "x.txt", tmp_path / "c" / "y.txt").read_text() == "x"
    io.write_text(folder / "x.txt", "again")
    with pytest.raises(DataError, match="something is already there"):
        io.move(folder / "x.txt", tmp_path / "c" / "y.txt")
    io.remove(tmp_path / "a")
    io.remove(tmp_path / "never")
    io.remove(tmp_path / "c" / "y.txt")
    assert names(tmp_path) == ["c"]
    with io.scratch() as scratch:
        io.write_text(scratch / "z.txt", "z")
    assert not scratch.exists()
