import shutil
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import notebook, tiny_study

from microresearch.cli import main
from microresearch.simulate import simulate_study
from microresearch.study.archive import zip_bytes
from microresearch.study.place import find_place
from microresearch.study.schema import schema_of
from microresearch.study.spec_file import parse_spec, read_spec
from microresearch.study.study import open_study
from microresearch.study.toml import to_toml
from microresearch.study.twin import write_twin

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundled") / "study"
    simulate_study(root / "data", seed=11, hospitals=2, units_per_hospital=5, stays_per_unit=40)
    shutil.copy(REPOSITORY / "study.toml", root)
    notebook(root / "notebooks", "01-nothing", "1")
    return root


def write_one(root: Path, seed: int, folder: Path) -> Path:
    place = find_place(root)
    spec = read_spec(place.file)
    assert seed == spec.study.seed
    return write_twin(spec, schema_of(place, spec), folder, "../notebooks")


def test_a_twin_passes_every_check_and_runs_through_scores(bundled: Path, tmp_path: Path) -> None:
    notebook(tmp_path / "notebooks", "01-nothing", "1")
    twin = write_one(bundled, 20240108, tmp_path / "twin")
    assert main(["check", "--study", str(twin)]) == 0
    study = open_study(twin)
    assert study.spec.study.synthetic
    cleaned = study.cleaned()["long-form"]
    assert len(cleaned) > 250 and cleaned.people["unit"].nunique() == 24
    assert study.encounters().linkage.stays_used == 24 * 60


def test_a_twin_knows_no_value_of_the_data(bundled: Path, tmp_path: Path) -> None:
    """Two studies of one schema and different data have the same twin, to the byte."""
    other = tmp_path / "other"
    simulate_study(other / "data", seed=12, hospitals=3, units_per_hospital=4, stays_per_unit=50)
    shutil.copy(REPOSITORY / "study.toml", other)
    for root, name in ((bundled, "one"), (other, "two")):
        write_one(root, 20240108, tmp_path / name)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_study_that_was_not_run_is_not_archived(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tiny_study(tmp_path / "study")
    assert main(["archive", str(tmp_path / "early.zip"), "--study", str(root)]) == 2
    assert "changed since its last run" in capsys.readouterr().err
    assert not (tmp_path / "early.zip").exists()


def test_an_archive_is_deterministic_and_leaves_the_data_out(
    ran: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one.zip", "two.zip"):
        assert main(["archive", str(tmp_path / name), "--study", str(ran)]) == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as file:
        names = file.namelist()
    assert (
        "results/numbers.json" in names and "twin/data/raw/exposure.csv" in names and "notebooks/01-read.ipynb" in names
    )
    assert not [name for name in names if name.startswith("data/")] and "SHA256SUMS" in names
    assert main(["archive", str(tmp_path / "data.zip"), "--study", str(ran), "--with-data"]) == 0
    page = str(tmp_path / "page.html")
    assert main(["reproduce", "--archive", str(tmp_path / "data.zip"), "--page", page]) == 0
    assert "3 of 3" in capsys.readouterr().out


def test_a_reviewer_with_the_data_finds_real_units_under_their_published_names(tmp_path: Path) -> None:
    root = tiny_study(tmp_path / "real")
    file = root / "study.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("synthetic = true", "synthetic = false"))
    with_data, without = tmp_path / "data.zip", tmp_path / "twin.zip"
    assert main(["run", "--study", str(root)]) == 0
    assert main(["archive", str(with_data), "--study", str(root), "--with-data"]) == 0
    assert main(["archive", str(without), "--study", str(root), "--without-data"]) == 0
    assert not any("seed" in name or "key" in name for name in zipfile.ZipFile(without).namelist())
    shutil.rmtree(root)
    assert main(["reproduce", "--archive", str(with_data), "--page", str(tmp_path / "page.html")]) == 0


def test_a_zip_depends_on_names_and_contents_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    one = zip_bytes({"b.txt": b"2", "a.txt": b"1"})
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert zip_bytes({"a.txt": b"1", "b.txt": b"2"}) == one
    assert zip_bytes({"a.txt": b"1", "b.txt": b"3"}) != one
    with zipfile.ZipFile(BytesIO(one)) as file:
        assert file.namelist() == ["a.txt", "b.txt"] and file.read("b.txt") == b"2"
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:evil"])
def test_an_archive_cannot_write_elsewhere(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.zip").write_bytes(zip_bytes({name: b"x", "study.toml": b"x"}))
    assert main(["reproduce", "--archive", str(tmp_path / "bad.zip")]) == 2
    assert "points outside" in capsys.readouterr().err
    (tmp_path / "none.zip").write_bytes(b"no zip")
    assert main(["reproduce", "--archive", str(tmp_path / "none.zip")]) == 2
    assert "not a study archive" in capsys.readouterr().err


values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab c.é"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc-_ .é", min_size=1), values, max_size=4))
def test_toml_reads_back_as_it_was_written(content: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(content)) == content


def test_the_bundled_study_file_survives_writing() -> None:
    content = tomllib.loads((REPOSITORY / "study.toml").read_text())
    assert parse_spec(tomllib.loads(to_toml(content))) == parse_spec(content)
