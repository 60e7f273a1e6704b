"""The notebooks stay thin: no functions or classes, few lines, no saved outputs, needs that exist."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def code_cells(path: Path) -> list[str]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]


def faults(path: Path) -> list[str]:
    """What breaks the rules of a thin notebook."""
    content = json.loads(path.read_text(encoding="utf-8"))
    cells = code_cells(path)
    found = [f"cell {i}: more than 25 lines" for i, cell in enumerate(cells, 1) if len(cell.splitlines()) > 25]
    if sum(len(cell.splitlines()) for cell in cells) > 150:
        found.append("more than 150 lines of code")
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell))]
    if any(isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef, ast.Lambda)) for node in nodes):
        found.append("a def, a class or a lambda")
    if any(cell.get("outputs") or cell.get("execution_count") for cell in content["cells"]):
        found.append("saved outputs")
    if "open_study(" not in "".join(cells):
        found.append("does not open the study")
    if not re.match(r"# .+\?|# .+", "".join(content["cells"][0]["source"])):
        found.append("no title")
    return found


def test_all_eight_are_here() -> None:
    assert [book.stem[:2] for book in BOOKS] == [f"{i:02d}" for i in range(1, 9)]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_notebook_is_thin(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_needs_come_before(path: Path) -> None:
    needs = json.loads(path.read_text(encoding="utf-8"))["metadata"]["microresearch"]["needs"]
    stems = [book.stem for book in BOOKS]
    assert all(need == "all" or (need in stems and need < path.stem) for need in needs)


def test_a_fat_notebook_is_caught(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["def f():\n", "    return 1"], "outputs": [{}], "execution_count": 1}
    path = tmp_path / "09-fat.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["no title"]}, cell]}), encoding="utf-8")
    assert faults(path) == ["a def, a class or a lambda", "saved outputs", "does not open the study", "no title"]
