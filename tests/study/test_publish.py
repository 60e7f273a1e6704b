from pathlib import Path

import pandas as pd
import pytest
from tiny import stage, tiny_study

from microresearch import io
from microresearch.errors import DataError, DisclosureError
from microresearch.report.numbers import Number
from microresearch.report.style import StudyFigure
from microresearch.report.tables import HIDDEN, Table
from microresearch.results import NotAvailable
from microresearch.study.place import Place
from microresearch.study.spec_file import read_spec
from microresearch.study.study import Study


def figure(n: int) -> StudyFigure:
    data = pd.DataFrame({"role": ["nurse", "other"], "n": [100, n]})
    return StudyFigure(data=data, title="Roles", alt="Two bars.")


def test_small_counts_do_not_pass(study: Study) -> None:
    table = study.publish("roles", pd.DataFrame({"role": ["a", "b", "c"], "n": [50, 40, 3]}), title="Roles")
    assert HIDDEN in table.frame["n"].tolist()
    for kind in ("csv", "html", "json"):
        assert ">3<" not in (stage(study) / f"results/tables/roles.{kind}").read_text()
        assert "hidden" in (stage(study) / f"results/tables/roles.{kind}").read_text()
    study.publish("sizes", {"few": 3, "units": Number(3, "units"), "mean": 3.2})
    numbers = {e["name"]: e["number"] for e in io.read_json(stage(study) / "entries.json") if e["kind"] == "number"}
    assert "value" not in numbers["sizes.few"] and numbers["sizes.few"]["text"].startswith("10 or fewer")
    assert numbers["sizes.units"]["value"] == 3 and numbers["sizes.mean"]["value"] == 3.2
    with pytest.raises(DisclosureError):
        study.publish("drawn", figure(3))
    assert not (stage(study) / "results/figures").exists()


def test_a_figure_comes_with_its_data_and_in_three_formats(study: Study) -> None:
    study.publish("drawn", figure(60))
    names = {path.name for path in (stage(study) / "results/figures").iterdir()}
    assert names == {"drawn.svg", "drawn.pdf", "drawn.csv", "drawn.600dpi.png"}
    entry = io.read_json(stage(study) / "entries.json")[0]
    assert entry["notebook"] == "05-try" and entry["plan_hash"] == study.plan_hash and entry["alt"] == "Two bars."


def test_a_name_is_published_once(study: Study) -> None:
    study.publish("mean", 0.5)
    with pytest.raises(DataError, match="published before"):
        study.publish("mean", 0.6)


def test_what_cannot_be_had_is_published_with_its_reason(study: Study) -> None:
    shown = study.publish("rate", NotAvailable("there is no roster"))
    assert shown.value is None and "there is no roster" in shown.phrase


@pytest.mark.parametrize("name", ["../evil", "Name", "a b", "", "a/b", "x" + "\n"])
def test_a_name_cannot_leave_the_folder(study: Study, name: str) -> None:
    with pytest.raises(DataError, match="cannot be a name"):
        study.publish(name, 1.0)
    with pytest.raises(DataError, match="cannot be a name"):
        study.keep(name, 1.0)
    with pytest.raises(DataError, match="cannot have this name"):
        study.publish("numbers", {f"{name}/": 1.0})


def test_what_is_not_a_figure_table_or_number_is_refused(study: Study) -> None:
    with pytest.raises(DisclosureError, match="can be published"):
        study.publish("thing", object())
    with pytest.raises(DataError, match="title"):
        study.publish("frame", pd.DataFrame({"a": [1.0]}))


def test_by_hand_a_thing_is_shown_and_nothing_is_written(tmp_path: Path) -> None:
    root = tiny_study(tmp_path / "study")
    study = Study(Place(root / "study.toml"), read_spec(root / "study.toml"))
    shown = study.publish("roles", Table(pd.DataFrame({"role": ["a", "b", "c"], "n": [50, 40, 3]}), "Roles"))
    assert HIDDEN in shown.frame["n"].tolist()
    study.publish("roles", shown)
    assert not (root / "results").exists() and not (root / "data/processed").exists()
