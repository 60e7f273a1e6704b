"""The door as a whole: what several notebooks publish is guarded as one, and names stay behind it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny import notebook, stage, tiny_study

from microresearch import io
from microresearch.cli import main
from microresearch.errors import DisclosureError
from microresearch.report.dominance import Amounts
from microresearch.report.style import StudyFigure, context
from microresearch.report.tables import ALL, HIDDEN, Table
from microresearch.study.leaks import refuse_names
from microresearch.study.place import Place
from microresearch.study.spec_file import read_spec
from microresearch.study.study import Study
from microresearch.study.together import attack_all, remember
from microresearch.study.unit_key import SEED, unit_key

ROLE = pd.DataFrame({"role": ["nurse", "physician"], "n": [40, 30]})
BOTH = pd.DataFrame({"role": ["nurse"] * 2 + ["physician"] * 2, "sex": ["F", "M"] * 2, "n": [36, 4, 15, 15]})


def table(frame: pd.DataFrame, *by: str) -> Table:
    return Table(frame, "T", of="staff", by=by)


def test_a_later_table_hides_what_would_give_an_earlier_one_away(study: Study) -> None:
    alone = study.publish("both", table(BOTH, "role", "sex"))
    assert alone.frame["n"].tolist().count(HIDDEN) >= 1
    shown = study.publish("role", table(ROLE, "role")).frame["n"].tolist()
    later = study.publish("sex", table(pd.DataFrame({"sex": ["F", "M"], "n": [51, 19]}), "sex")).frame["n"].tolist()
    assert HIDDEN in shown + later
    entries = io.read_json(stage(study) / "entries.json")
    attack_all(stage(study) / "processed", entries, 10)


def test_a_leak_between_notebooks_stops_the_run_and_names_the_table(tmp_path: Path) -> None:
    out = BOTH.assign(n=[36, HIDDEN, 15, 15])
    remember(tmp_path, "both", table(BOTH, "role", "sex"), table(out, "role", "sex"))
    remember(tmp_path, "role", table(ROLE, "role"), table(ROLE, "role"))
    entries: list[dict[str, Any]] = [{"kind": "table", "name": "both"}, {"kind": "table", "name": "role"}]
    attack_all(tmp_path, entries[:1], 10)
    with pytest.raises(DisclosureError, match="'both'"):
        attack_all(tmp_path, entries, 10)


def test_totals_of_the_same_people_may_not_differ_by_few(tmp_path: Path) -> None:
    margin = pd.DataFrame({"role": ["nurse", "physician", ALL], "n": [40, 30, 70]})
    remember(tmp_path, "role", table(margin, "role"), table(margin, "role"))
    entries: list[dict[str, Any]] = [{"kind": "table", "name": "role"}]
    attack_all(tmp_path, [*entries, {"kind": "number", "name": "a", "totals": [["staff", 85.0]]}], 10)
    with pytest.raises(DisclosureError, match="table 'role' and number 'a'"):
        attack_all(tmp_path, [*entries, {"kind": "number", "name": "a", "totals": [["staff", 76.0]]}], 10)


def test_units_appear_under_their_pseudonyms_in_tables_figures_and_labels(study: Study) -> None:
    key = unit_key(study)
    assert sorted(key.values()) == [f"Unit {i:02d}" for i in range(1, 13)] and len(key) == 12
    frame = pd.DataFrame({"unit": ["U03", "U01", "U02"], "score": [1.0, 2.0, 3.0]})
    shown = study.publish("scores", Table(frame, "Scores of U03"))
    assert shown.title == f"Scores of {key['U03']}"
    assert shown.frame["unit"].tolist() == sorted(key[unit] for unit in frame["unit"])
    with context():
        figure = StudyFigure(data=frame, title="U01 among its peers", alt="U01 is high.")
        figure.add_subplot().set_xticks([0, 1], ["U01", "U02"])
    drawn = study.publish("drawn", figure)
    labels = [text.get_text() for text in drawn.axes[0].get_xticklabels()]
    assert labels == [key["U01"], key["U02"]] and drawn.alt == f"{key['U01']} is high."
    written = "".join(p.read_bytes().decode("utf-8", "replace") for p in io.list_files(stage(study) / "results"))
    assert not any(unit in written for unit in ("U01", "U02", "U03"))


def test_the_key_of_real_units_is_drawn_once_and_cannot_be_repeated(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        root = tiny_study(tmp_path / name)
        file = root / "study.toml"
        file.write_text(file.read_text(encoding="utf-8").replace("synthetic = true", "synthetic = false"))
        place = Place(file, tmp_path / f"stage-{name}", "01-read", {})
        keys.append([unit_key(Study(place, read_spec(file))) for _ in range(2)])
        assert (place.work / SEED).is_file()
    assert keys[0][0] == keys[0][1] and keys[1][0] == keys[1][1]
    assert keys[0][0] != keys[1][0]


def test_a_unit_of_fewer_raters_than_the_study_says_is_not_shown(study: Study) -> None:
    disclosure = study.spec.disclosure.model_copy(update={"minimum_staff": 20})
    strict = Study(study.place, study.spec.model_copy(update={"disclosure": disclosure}))
    assert (study.spec.minimum_staff, strict.spec.minimum_staff) == (study.spec.scores.minimum_raters, 20)
    frame = pd.DataFrame({"unit": ["U01", "U02"], "score": [3.4, 3.9], "n_raters": [19, 30]})
    tables = {"kept": study, "strict": strict}
    shown = {
        name: one.publish(name, Table(frame, "Units", counts=("n_raters",), staff="n_raters")).frame["score"]
        for name, one in tables.items()
    }
    assert shown["kept"].tolist() == [3.4, 3.9] and shown["strict"].tolist() == [HIDDEN, 3.9]


def test_a_total_that_one_unit_makes_up_is_hidden(study: Study) -> None:
    frame = pd.DataFrame({"hospital": ["a", "b", "c", "All"], "cost": [500.0, 70.0, 90.0, 660.0]})
    amounts = Amounts("cost", "hospital", pd.Series([490.0, 10, 30, 20, 20, 30, 30, 30]), pd.Series(list("aabbbccc")))
    shown = study.publish("costs", Table(frame, "Costs"), amounts=amounts).frame["cost"].tolist()
    assert shown[0] == HIDDEN and shown.count(HIDDEN) == 2


def test_a_name_in_results_stops_the_run_and_is_not_repeated(tmp_path: Path) -> None:
    io.write_parquet(tmp_path / "processed" / "people.parquet", pd.DataFrame({"person": ["E00731", "E00732"]}))
    io.write_text(tmp_path / "results" / "a.csv", "role,n\nnurse,40\n")
    refuse_names(tmp_path / "processed", tmp_path / "results", ["U001", "Ashford Surgical Ward 1"])
    for text, kind in (("x,E00731", "person"), ("x,U001", "unit"), ("of Ashford Surgical Ward 1.", "unit")):
        io.write_text(tmp_path / "results" / "b.csv", text)
        with pytest.raises(DisclosureError, match=rf"results/b.csv .*{kind}") as told:
            refuse_names(tmp_path / "processed", tmp_path / "results", ["U001", "Ashford Surgical Ward 1"])
        assert not any(name in str(told.value) for name in ("E00731", "U001", "Ashford"))


MARKED = """
from microresearch.study.study import open_study
import pandas as pd
study = open_study()
frame = pd.read_csv(study.root / "data/raw/staff.csv")
study.keep("staff", frame)
study.publish("by-role", frame.groupby("role", as_index=False).size().rename(columns={"size": "n"}), title="Staff")
study.publish("scores", frame.groupby("unit", as_index=False)["score"].mean(), title="Scores")
print(len(frame))
"""
MARKERS = ("Zyxwanda Q. Marker", "P-73391-ZQ", "the night shift hates me zyx")


def marked(root: Path, code: str = MARKED) -> Path:
    """A study whose raw rows hold a name, an identifier and free text that occur nowhere else."""
    tiny_study(root)
    for path in (root / "notebooks").glob("*"):
        path.unlink()
    name, person, comment = MARKERS
    roles = ["physician", "nurse", "nurse"]
    rows = [f"{name} {i},{person}{i},U{i % 12:02d},{comment} {i},{roles[i % 3]},{i % 5}" for i in range(90)]
    (root / "data/raw/staff.csv").write_text("name,person,unit,comment,role,score\n" + "\n".join(rows) + "\n")
    notebook(root / "notebooks", "01-staff", code)
    return root


def found(folders: list[Path], text: str = "") -> list[str]:
    """Where a marker stands: in which file, or in what was printed."""
    texts = {str(p): p.read_bytes().decode("utf-8", "replace") for f in folders for p in f.rglob("*") if p.is_file()}
    return [f"{name}: {mark}" for name, said in {**texts, "printed": text}.items() for mark in MARKERS if mark in said]


def test_markers_of_raw_rows_are_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = marked(tmp_path / "study")
    assert main(["run", "--study", str(root)]) == 0
    said = capfd.readouterr()
    assert (root / "results/tables/by-role.csv").is_file()
    assert not found(
        [root / "results", root / "data/processed/notebooks", root / "data/processed/records"], said.out + said.err
    )
    published = (root / "results/tables/scores.csv").read_text() + (root / "results/report.html").read_text()
    assert "Unit 03" in published and "U03" not in published
    assert "U03" in (root / "data/processed/unit-key.csv").read_text()
    # a notebook that publishes people stops the run, before anything is written and without naming them
    before = json.dumps(sorted(str(p) for p in (root / "results").rglob("*")))
    leak = MARKED + '\nstudy.publish("people", frame[["person", "score"]].head(40), title="People")\n'
    notebook(root / "notebooks", "01-staff", leak)
    assert main(["run", "--study", str(root)]) != 0
    printed = capfd.readouterr()
    assert "people.csv" in printed.err and not found([], printed.out + printed.err)
    assert json.dumps(sorted(str(p) for p in (root / "results").rglob("*"))) == before
