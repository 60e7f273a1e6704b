"""Do the pages of docs/ say what is true? Every code block is run, every call in a table, every link followed."""

import contextlib
import doctest
import io
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from microresearch.cli import build_parser, main
from microresearch.instrument import load_instrument
from microresearch.study.spec_file import parse_spec

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "text", "sh", "toml", "bibtex"}
SAME = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
SLOW = ("run", "reproduce", "lab")
"""Commands that run a whole study or wait for a person: their words are parsed here, other tests run them."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of every code block of a page, in order."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `microresearch simulate practice --seed 7 --hospitals 3` writes, made once."""
    folder = tmp_path_factory.mktemp("docs") / "practice"
    assert main(["simulate", str(folder), "--seed", "7", "--hospitals", "3"]) == 0
    return folder


@pytest.fixture
def here(tmp_path: Path, practice: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICRORESEARCH_STUDY", raising=False)
    shutil.copytree(practice, tmp_path / "practice")
    return tmp_path


@pytest.mark.parametrize("page", ["../README.md", *(p for p in PAGES if blocks(p) and not p.startswith("from-"))])
def test_every_block_of_a_page_runs(page: str, here: Path) -> None:
    space: dict[str, Any] = {"__name__": "__main__", "display": print}
    said = ""
    for language, text in blocks(page):
        assert language in LANGUAGES, f"{page}: a block in {language or 'no language'!r} cannot be run"
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as told:
                exec(compile(text, page, "exec"), space)
            said = told.getvalue()
        elif language == "sh":
            said = "".join(shell(line, page) for line in joined(text))
        elif language == "toml":
            read_toml(text, here)
        elif language == "text":
            assert doctest.OutputChecker().check_output(text, said, SAME), f"{page} says\n{text}\nbut it is\n{said}"


def joined(text: str) -> Iterator[str]:
    """Lines of a shell block, without comments, those that end in a backslash joined to the next."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.partition("  # ")[0]


def shell(line: str, page: str) -> str:
    """Do a line of a shell block, or, where it would take minutes, hold its words against the command's."""
    words = shlex.split(line)
    if words[0] == "make":
        subprocess.run(["make", "-n", "-C", str(ROOT), *words[1:]], check=True, capture_output=True)
    elif words[0] == "microresearch" and words[1] in SLOW:
        assert build_parser().parse_args(words[1:]).command
    elif words[0] == "microresearch":
        if words[1] == "simulate":
            shutil.rmtree(words[2], ignore_errors=True)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            assert main(words[1:]) == 0, f"{page}: {line}"
        return told.getvalue()
    else:
        assert words[:2] in (["conda", "env"], ["conda", "activate"], ["git", "add"], ["git", "commit"]), line
    return ""


def read_toml(text: str, here: Path) -> None:
    """An instrument is loaded; sections of a study file must hold in place of those of the bundled one."""
    content = tomllib.loads(text)
    if "instrument" in content:
        (here / "form.toml").write_text(text, encoding="utf-8")
        assert load_instrument(here / "form.toml").items
        return
    whole = tomllib.loads((ROOT / "study.toml").read_text(encoding="utf-8"))
    for name, part in content.items():
        whole[name] = whole.get(name, {}) | part if isinstance(part, dict) else part
    if "exposure" in content:
        del whole["survey"], whole["scores"]
    parse_spec(whole)


def test_every_call_of_the_tables_runs() -> None:
    """The last column of these pages is ours: each piece of code in it is evaluated after the page's one block."""
    pages = [page for page in PAGES if page.startswith("from-")]
    (setup,) = {text for page in pages for _, text in blocks(page)}
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(setup, "docs/from-r.md", "exec"), space)
    calls: set[str] = set()
    for page in pages:
        rows = re.findall(r"^\|.*\| *([^|]*) \|$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
        found = [code for row in rows for code in re.findall(r"`([^`]+)`", row)]
        assert len(found) > 15, page
        calls.update(found)
    for code in sorted(calls):
        if code.startswith("microresearch "):
            assert build_parser().parse_args(shlex.split(code)[1:]).command
        else:
            assert eval(code, space) is not None, code


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = BLOCK.sub("", (DOCS / page).read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            path = DOCS / Path(page).parent / target.partition("#")[0]
            assert path.exists(), f"{page}: {target}"


def test_every_page_can_be_found_from_the_first() -> None:
    seen, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in re.findall(r"\]\(([^)\s]+\.md)[^)]*\)", (DOCS / page).read_text(encoding="utf-8")):
            found = (DOCS / Path(page).parent / target).resolve()
            if found.is_relative_to(DOCS):
                todo.append(found.relative_to(DOCS).as_posix())
    assert seen == set(PAGES)


def test_the_reference_is_that_of_the_docstrings() -> None:
    """`make docs` writes it; every public name and every command is in it."""
    command = [sys.executable, str(DOCS / "make_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nmake docs writes it anew"
