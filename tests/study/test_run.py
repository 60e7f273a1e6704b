import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import notebook, tiny_study

from microresearch import io
from microresearch.cli import main
from microresearch.errors import SpecError
from microresearch.study.notebooks import all_needs, find_notebooks
from microresearch.study.place import find_place
from microresearch.study.stage import COMMIT, finish_commit
from microresearch.study.stamp import VARYING, tree_hashes, unchanged


def files(root: Path) -> dict[str, str]:
    """Everything that a run makes and that may not vary."""
    made = {f"results/{name}": sha for name, sha in tree_hashes(root / "results").items()}
    kept = {name: sha for name, sha in tree_hashes(root / "data/processed").items() if name not in VARYING}
    return made | kept


def test_a_run_leaves_results_kept_tables_and_a_report(finished: Path) -> None:
    numbers = io.read_json(finished / "results/numbers.json")
    assert numbers["size.units"]["value"] == 12
    assert numbers["size.mean"]["notebook"] == "02-show"
    assert numbers["size.mean"]["plan_hash"] == numbers["size.units"]["plan_hash"]
    report = (finished / "results/report.html").read_text()
    assert "Shares by unit" in report and "Synthetic data" in report
    executed = io.read_json(finished / "data/processed/notebooks/03-paper.ipynb")
    shown = json.dumps(executed["cells"][-1]["outputs"])
    assert "Unit 03" in shown and "U03" not in shown  # units appear under their pseudonyms
    assert not (finished / "data/.run/stage").exists()


def test_a_second_run_changes_nothing_and_says_so(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(ran)
    assert main(["run", "--study", str(ran)]) == 0
    assert "Nothing changed" in capsys.readouterr().out
    assert files(ran) == before


def test_a_damaged_stamp_means_that_a_run_is_due(ran: Path) -> None:
    place = find_place(ran)
    assert unchanged(place)
    for damage in ("", "{}", "[1]", '{"python": "3.11"}'):
        (place.processed / "stamp.json").write_text(damage)
        assert not unchanged(place)


def test_a_file_that_only_a_notebook_opens_counts(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ran / "data/raw/more.csv").write_text("x\n1\n")
    code = (
        "from microresearch.study.study import open_study\nimport pandas as pd\nstudy = open_study()\n"
        "frame = pd.read_csv(study.root / 'data/raw/more.csv')\nstudy.publish('more', {'sum': float(frame['x'].sum())})"
    )
    notebook(ran / "notebooks", "02-show", code)
    (ran / "notebooks/03-paper.ipynb").unlink()
    assert main(["run", "--study", str(ran)]) == 0
    assert "data/raw/more.csv" in io.read_json(ran / "results/provenance.json")["inputs"]
    assert unchanged(find_place(ran))
    (ran / "data/raw/more.csv").write_text("x\n2\n")
    assert not unchanged(find_place(ran))
    assert main(["run", "--study", str(ran)]) == 0
    assert "02-show: 1 cells (data/raw/more.csv changed)" in capsys.readouterr().out
    assert io.read_json(ran / "results/numbers.json")["more.sum"]["value"] == 2


def test_what_python_makes_of_code_is_no_input(tmp_path: Path) -> None:
    """A fresh clone has no compiled files: the first run writes them, under names that are gone a moment later."""
    code = (
        "import os, sys; from pathlib import Path; from microresearch.study.place import Place;"
        "from microresearch.study.trace import Trace, watch; root = Path(sys.argv[1]); trace = Trace();"
        "watch(Place(root / 'study.toml'), trace); sys.path.insert(0, str(root)); sys.dont_write_bytecode = False;"
        "import a_module; handle = os.open(root / 'written', os.O_WRONLY | os.O_CREAT); os.close(handle);"
        "handle = os.open(root / 'read', os.O_RDONLY); os.close(handle); open(root / 'also').close();"
        "print(sorted(path.name for path in trace.files))"
    )
    for name in ("a_module.py", "read", "also"):
        (tmp_path / name).write_text("")
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['also', 'read']"
    assert list((tmp_path / "__pycache__").iterdir())


def test_a_new_lock_means_that_a_run_is_due(ran: Path) -> None:
    (ran / "requirements.lock").write_text("numpy==2.4.0\n")
    assert not unchanged(find_place(ran))


def test_one_worker_or_two_and_a_fresh_run_give_the_same_bytes(ran: Path, finished: Path) -> None:
    assert main(["run", "--study", str(ran), "--force", "--workers", "1"]) == 0
    assert files(ran) == files(finished)


def test_only_what_changed_runs_again_with_the_reason(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ran / "notebooks/02-show.ipynb"
    path.write_text(path.read_text().replace("Shares by unit", "Shares"))
    assert main(["run", "--study", str(ran)]) == 0
    said = capsys.readouterr().out
    assert "01-read: unchanged" in said
    assert "its cells changed" in said
    assert "published shares from an earlier notebook changed" in said
    assert "Shares by unit" not in (ran / "results/tables/shares.html").read_text()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "data/raw/units.csv").write_text("unit,share\nA,1\nA,2\n"), "twice"),
        (lambda root: (root / "data/raw/units.csv").write_text(""), "empty"),
        (lambda root: (root / "data/raw/units.csv").write_bytes("unit,share\nGemüse,1\n".encode("latin-1")), "UTF-8"),
        (lambda root: (root / "data/raw/units.csv").write_text("unit,shar\nA,1\n"), "this column is missing"),
        (lambda root: (root / "data/raw/units.csv").write_text("unit,share\nA,x\n"), "row 2, column share"),
        (lambda root: (root / "data/raw/units.csv").unlink(), "there is no such file"),
        (
            lambda root: (root / "study.toml").write_text("[study]\ntitel = 'x'\nseed = 1\n"),
            "'title' instead of 'titel'",
        ),
        (lambda root: (root / "study.toml").write_text("[study\n"), "this is not TOML"),
        (lambda root: (root / "notebooks/02-show.ipynb").write_text("{}"), "not a Jupyter notebook"),
    ],
)
def test_bad_input_is_named_and_nothing_is_changed(
    ran: Path, spoil: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(ran)
    spoil(ran)  # type: ignore[operator]
    for command in ("run", "check"):
        assert main([command, "--study", str(ran)]) == 2
        assert said in capsys.readouterr().err
    assert files(ran) == before


def test_a_failing_notebook_is_named_with_its_cell_and_nothing_is_changed(
    ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(ran)
    notebook(ran / "notebooks", "02-show", "x = 1\n\n1 / 0", ("01-read",))
    assert main(["run", "--study", str(ran)]) == 1
    assert "02-show, cell 2: ZeroDivisionError: division by zero" in capsys.readouterr().err
    assert files(ran) == before
    code = "from microresearch.study.study import open_study\nopen_study().recall('nothing')"
    notebook(ran / "notebooks", "02-show", code, ("01-read",))
    assert main(["run", "--study", str(ran)]) == 2
    assert "02-show, cell 1: nothing is kept under the name 'nothing'" in capsys.readouterr().err
    assert files(ran) == before


def test_a_name_published_by_two_notebooks_is_refused(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(ran)
    code = "from microresearch.study.study import open_study\nopen_study().publish('size', {'mean': 0.5})"
    notebook(ran / "notebooks", "04-again", code)
    assert main(["run", "--study", str(ran)]) == 2
    assert "'size.mean' is published by 02-show and 04-again" in capsys.readouterr().err
    assert files(ran) == before


def test_killed_at_any_moment_the_next_run_gives_the_same(ran: Path, finished: Path) -> None:
    for folder in ("results", "data/processed"):
        shutil.rmtree(ran / folder)
    command = [sys.executable, "-m", "microresearch.cli", "run", "--study", str(ran)]
    for stage in (".01-read.*", "01-read"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not list((ran / "data/.run/stage").glob(stage)) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (ran / "results").exists()
    assert main(["run", "--study", str(ran)]) == 0
    assert files(ran) == files(finished)


@pytest.mark.parametrize("renames", range(5))
def test_a_swap_cut_short_is_finished_by_the_next_command(ran: Path, tmp_path: Path, renames: int) -> None:
    new = tmp_path / "new"
    shutil.copytree(ran, new)
    (new / "results/numbers.json").write_text("{}\n")
    place = find_place(ran)
    shutil.copytree(new / "results", place.work / "results")
    shutil.copytree(new / "data/processed", place.work / "processed")
    io.write_json(place.work / COMMIT, [["processed", "data/processed"], ["results", "results"]])
    steps = [
        (place.work / "processed", place.processed.with_name(".processed.next")),
        (place.processed, place.processed.with_name(".processed.old")),
        (place.processed.with_name(".processed.next"), place.processed),
        (place.work / "results", place.results.with_name(".results.next")),
        (place.results, place.results.with_name(".results.old")),
    ]
    for old, target in steps[:renames]:
        old.rename(target)
    assert not unchanged(place)
    assert finish_commit(place)
    assert tree_hashes(place.results) == tree_hashes(new / "results")
    assert tree_hashes(place.processed) == tree_hashes(new / "data/processed")
    assert not list(ran.glob("**/.*.old")) and not finish_commit(place)


def test_needs_are_resolved_and_circles_refused(tmp_path: Path) -> None:
    tiny_study(tmp_path)
    books = {book.stem: book for book in find_notebooks(tmp_path / "notebooks")}
    assert all_needs(books["03-paper"], books) == ("01-read", "02-show")
    notebook(tmp_path / "notebooks", "01-read", "1", ("03-paper",))
    with pytest.raises(SpecError, match="circle"):
        find_notebooks(tmp_path / "notebooks")
    with pytest.raises(SpecError, match="this study does not run"):
        find_notebooks(tmp_path / "notebooks", ("02-show",))
    with pytest.raises(SpecError, match="no such notebook"):
        find_notebooks(tmp_path / "notebooks", ("01-reed",))
