import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from microresearch import io
from microresearch.cli import main
from microresearch.errors import DataError
from microresearch.study.causes import changes, trace_back
from microresearch.study.compare import Tolerance, compare
from microresearch.study.place import find_place
from microresearch.study.reproduce import results_of_head

NUMBERS = {
    "n": {"value": 12, "text": "12", "notebook": "02-b"},
    "mean": {"value": 0.5, "low": 0.25, "high": 0.75, "text": ".50", "notebook": "02-b"},
    "name": {"value": "Leadership", "text": "Leadership", "notebook": "03-c"},
}
TABLE = "unit,mean,n\nU1,0.123456789,40\nU2,2.5,50\n"
SHOWN = {
    "title": "Units",
    "headers": ["Unit", "Mean", "n"],
    "cells": [["U1", "0.12", "40"], ["U2", "2.50", "50"]],
    "notes": [],
}


def provenance(**edits: Any) -> dict[str, Any]:
    notebook = {"settings": ["scores"], "library": ["errors.py"], "packages": ["numpy"], "needs": [], "code": "c"}
    whole = {
        "inputs": {"survey.csv": "a", "stays.csv": "b", "study.toml": "t"},
        "settings": {"scores.missing": "s", "plan.adjust": "p", "run.workers": "r"},
        "library": {"errors.py": "e", "linking.py": "l"},
        "environment": {
            "python": "3.11.1",
            "microresearch": "1",
            "packages": {"numpy": "2.4", "duckdb": "1.5"},
            "lock": {"r.lock": "h"},
        },
        "notebooks": {
            "01-a": {**notebook, "inputs": ["survey.csv"], "published": []},
            "02-b": {**notebook, "inputs": [], "needs": ["01-a"], "published": ["n", "mean", "units"]},
            "03-c": {**notebook, "inputs": ["stays.csv"], "library": ["linking.py"], "published": ["name", "drawn"]},
        },
        "outputs": {},
    }
    for path, value in edits.items():
        section, _, key = path.partition("__")
        whole[section] = {**whole[section], key: value}
    return whole


def results(**files: bytes) -> dict[str, bytes]:
    made = {
        "numbers.json": json.dumps(NUMBERS).encode(),
        "tables/units.csv": TABLE.encode(),
        "tables/units.json": json.dumps(SHOWN).encode(),
        "figures/drawn.csv": b"x,y\n1,0.5\n",
        "figures/drawn.svg": b"<svg/>",
        "provenance.json": json.dumps(provenance()).encode(),
    }
    return made | {name.replace("__", "/"): data for name, data in files.items()}


def moved(old: dict[str, bytes], new: dict[str, bytes], **tolerance: Any) -> dict[str, str]:
    return {f.name: f.verdict for f in compare(old, new, Tolerance(**tolerance)) if f.verdict != "reproduced"}


def test_the_same_results_are_reproduced() -> None:
    findings = compare(results(), results())
    assert [f.name for f in findings] == ["mean", "n", "name", "units", "drawn"]
    assert all(f.verdict == "reproduced" and f.same_bytes for f in findings)


@pytest.mark.parametrize(
    ("name", "part", "value", "found"),
    [
        ("mean", "value", 0.5 + 1e-7, True),
        ("mean", "value", 0.5 + 1e-9, False),
        ("mean", "low", 0.2500001, True),
        ("mean", "high", None, True),
        ("n", "value", 13, True),
        ("n", "value", 12.0, False),
        ("name", "value", "Staff", True),
        ("name", "text", "leadership", True),
    ],
)
def test_a_number_that_moved_is_found_and_no_other(name: str, part: str, value: object, found: bool) -> None:
    edited = {**NUMBERS, name: {**NUMBERS[name], part: value}}
    new = results(**{"numbers.json": json.dumps(edited).encode()})
    assert moved(results(), new) == ({name: "differs"} if found else {})


def test_a_wider_tolerance_is_named() -> None:
    edited = {**NUMBERS, "mean": {**NUMBERS["mean"], "value": 0.5 + 1e-6}}
    new = results(**{"numbers.json": json.dumps(edited).encode()})
    assert moved(results(), new, wider=(("me*", 1e-5),)) == {}
    assert moved(results(), new, wider=(("x*", 1e-5),)) == {"mean": "differs"}


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.123456789", "0.12345680"), (",40", ",41"), ("U2", "U3"), ("mean", "Mean"), ("U2,2.5,50\n", ""), (",40", ",")],
)
def test_a_table_cell_that_moved_is_found(old: str, new: str) -> None:
    spoiled = results(**{"tables/units.csv": TABLE.replace(old, new).encode()})
    assert moved(results(), spoiled) == {"units": "differs"} == moved(spoiled, results())


def test_words_of_a_table_count_and_bytes_of_a_figure_do_not() -> None:
    shown = results(**{"tables/units.json": json.dumps({**SHOWN, "title": "units"}).encode()})
    assert moved(results(), shown) == {"units": "differs"}
    drawn = [f for f in compare(results(), results(**{"figures/drawn.svg": b"<svg >"})) if f.name == "drawn"]
    assert drawn[0].verdict == "reproduced" and not drawn[0].same_bytes


def test_what_is_missing_or_new_is_said() -> None:
    less = {name: data for name, data in results().items() if "drawn" not in name}
    less["numbers.json"] = json.dumps({k: v for k, v in NUMBERS.items() if k != "n"}).encode()
    assert moved(results(), less) == {"n": "missing", "drawn": "missing"}
    assert moved(less, results()) == {"n": "new", "drawn": "new"}


@pytest.mark.parametrize(
    ("edit", "cause"),
    [
        ({"inputs__survey.csv": "x"}, "survey.csv changed"),
        ({"settings__scores.missing": "x"}, "scores.missing in study.toml changed"),
        ({"settings__scores.cut": "x"}, "scores.cut in study.toml was added"),
        ({"library__errors.py": "x"}, "the library's errors.py changed"),
        ({"environment__packages": {"numpy": "2.5", "duckdb": "1.5"}}, "numpy 2.4 became 2.5"),
        ({"environment__packages": {"numpy": "2.4", "duckdb": "1.6"}}, "nothing that it rests on changed"),
        ({"environment__lock": {"r.lock": "i"}}, "nothing that it rests on changed"),
        ({"environment__python": "3.12.0"}, "Python 3.11.1 became 3.12.0"),
        ({"inputs__stays.csv": "x"}, "nothing that it rests on changed: another machine, or the published"),
        (
            {"inputs__survey.csv": "x", "settings__scores.missing": "y"},
            "one or more of: scores.missing in study.toml changed; survey",
        ),
    ],
)
def test_the_nearest_cause_is_named(edit: dict[str, Any], cause: str) -> None:
    edited = {**NUMBERS, "mean": {**NUMBERS["mean"], "value": 0.6}}
    new = results(**{"numbers.json": json.dumps(edited).encode()})
    new["provenance.json"] = json.dumps(provenance(**edit)).encode()
    traced = {f.name: f.cause for f in trace_back(compare(results(), new), results(), new)}
    assert traced["mean"].startswith(cause)
    assert not traced["n"]


def test_a_changed_lock_is_listed_and_what_was_made_is_told() -> None:
    edited = provenance(**{"environment__lock": {"r.lock": "i"}})
    assert [str(change) for change in changes(provenance(), edited)] == ["r.lock changed"]
    new = results(**{"numbers.json": json.dumps({**NUMBERS, "n": {**NUMBERS["n"], "value": 13}}).encode()})
    found = {f.name: f.inputs for f in trace_back(compare(results(), new), results(), new)}
    assert found == {"n": ("survey.csv",), "mean": (), "name": (), "units": (), "drawn": ()}


def test_idle_settings_and_comments_are_no_changes() -> None:
    edited = provenance(**{"settings__run.workers": "x", "inputs__study.toml": "y"})
    assert changes(provenance(), edited) == []


def test_a_published_file_that_was_altered_is_told() -> None:
    old = results()
    before = provenance(**{"outputs__tables/units.csv": io.sha256_bytes(TABLE.encode())})
    old["provenance.json"] = json.dumps(before).encode()
    old["tables/units.csv"] = TABLE.replace("2.5", "2.6").encode()
    traced = {f.name: f.cause for f in trace_back(compare(old, results()), old, results())}
    assert traced["units"] == "the published tables/units.csv is not the file that the run wrote"


def test_random_single_changes_are_all_found() -> None:
    rng = random.Random(7)
    for _ in range(200):
        lines = [line.split(",") for line in TABLE.splitlines()]
        i, j = rng.randrange(3), rng.randrange(3)
        lines[i][j] = (
            lines[i][j] + rng.choice("123") if i == 0 or j == 0 else str(float(lines[i][j]) + rng.choice([1, -3]))
        )
        spoiled = results(**{"tables/units.csv": ("\n".join(",".join(line) for line in lines) + "\n").encode()})
        assert moved(results(), spoiled) == {"units": "differs"}


def git(root: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_rerun_is_held_against_the_last_commit(ran: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ran
    with pytest.raises(DataError, match="last commit holds no results"):
        results_of_head(find_place(root))
    (root / ".gitignore").write_text("data/processed/\ndata/.run/\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "results"]):
        git(root, *words)
    table = (root / "results/tables/shares.csv").read_text().splitlines()  # in the order of the units' pseudonyms
    (row,) = (number for number, line in enumerate(table) if line.endswith(",0.25"))
    (root / "results/numbers.json").write_text("{}")
    raw = root / "data/raw/units.csv"
    raw.write_text(raw.read_text().replace("U03,0.25", "U03,0.26"))
    page = tmp_path / "page.html"
    assert main(["reproduce", "--study", str(root), "--page", str(page)]) == 1
    said = capsys.readouterr().out
    assert "0.375 -> 0.375833333" in said and "data/raw/units.csv changed" in said and "size.units" not in said
    assert f"row {row}, share" in page.read_text()
    assert (root / "results/numbers.json").read_text() == "{}"
    assert not (root / "data/.run/reproduce").exists()
