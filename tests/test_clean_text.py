"""Is every tracked file fit to be read by anyone? No machine's paths, no registry's address, no unfinished marks."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BINARY = {".parquet", ".png", ".pdf", ".ttf", ".xlsx", ".sav", ".dta", ".docx", ".zip", ".gz"}

# Written in pieces, so that this file holds none of them itself.
FOLDERS = ("ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers", "tm" + "p", "op" + "t", "private/v" + "ar")
MARKS = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
HOSTS = ("py" + "pi", "anaconda" + r"\.", "files.python" + "hosted", "cran" + r"\.", "artifact" + "ory", "nex" + "us")
RULES = {
    "a machine's path": re.compile(rf"(?<![\w.~:/*-])/(?:{'|'.join(FOLDERS)})/|[A-Za-z]:\\{FOLDERS[3]}\\"),
    "an unfinished mark": re.compile(rf"\b(?:{'|'.join(MARKS)})\b"),
    "a registry or mirror": re.compile(rf"https?://[^\s)>\"']*(?:{'|'.join(HOSTS)})", re.IGNORECASE),
    "an index setting": re.compile(r"(?:--|\b)(?:extra-)?index[-_]url\b", re.IGNORECASE),
}
# Where a rule may be broken, and why that is right.
LET_OFF = {
    ("tests/test_environment.py", "an index setting"): "it looks for one",
    ("tests/test_clean_text.py", "an index setting"): "it looks for one",
}


def tracked() -> list[Path]:
    """The files in git, and those about to be: or, without git, what lies here outside hidden and built folders."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout: what belongs to the project cannot be told from what lies beside it")
    return [path for name in said.splitlines() if (path := ROOT / name).is_file()]


def faults(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        for rule, pattern in RULES.items():
            if (name, rule) not in LET_OFF and (found := pattern.search(line)):
                yield f"{name}:{number} holds {rule}: {found[0]}"


def test_text_is_clean() -> None:
    told = [
        fault
        for path in tracked()
        if path.suffix not in BINARY and path.name != "LICENSE"
        for fault in faults(path.relative_to(ROOT).as_posix(), path.read_bytes().decode("utf-8", "replace"))
    ]
    assert not told, "\n".join(told[:50])


def test_notebooks_hold_no_outputs() -> None:
    for path in (path for path in tracked() if path.suffix == ".ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]], path.name


def test_only_bundled_files_lie_in_the_raw_folder() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / "data/raw/.gitignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    found = {path.name for path in tracked() if path.parent == ROOT / "data" / "raw"}
    assert ".gitignore" in found
    assert found <= allowed


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (f"data = '/{FOLDERS[0]}/anna/study'", "a machine's path"),
        (f"path: /{FOLDERS[2]}/main/x", "a machine's path"),
        (f"C:\\{FOLDERS[3]}\\anna", "a machine's path"),
        (f"# {MARKS[0]}: later", "an unfinished mark"),
        (f"see https://{HOSTS[0]}.org/simple", "a registry or mirror"),
        ("pip install --index-" + "url x", "an index setting"),
    ],
)
def test_a_planted_fault_is_caught(line: str, rule: str) -> None:
    assert [fault.split(" holds ")[1].split(": ")[0] for fault in faults("some/file.md", line)] == [rule]


@pytest.mark.parametrize(
    "line", ["data/raw/survey.csv", "team/home/ward", "https://doi.org/10.1007/BF02310555", "rework"]
)
def test_what_is_allowed_passes(line: str) -> None:
    assert list(faults("some/file.md", line)) == []
