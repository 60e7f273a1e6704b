"""Which notebooks does a study have, and which must run before which?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import Problem, SpecError


@dataclass(frozen=True, slots=True)
class Notebook:
    """One notebook: its file, its stem, the stems it needs (directly), and its content."""

    path: Path
    needs: tuple[str, ...]
    content: dict[str, Any]

    @property
    def stem(self) -> str:
        """The file's name without its ending: how other notebooks call it."""
        return self.path.stem

    @property
    def code(self) -> str:
        """SHA-256 over what a run depends on: kind and text of the cells, and the needs; not outputs."""
        cells = [[cell["cell_type"], "".join(cell["source"])] for cell in self.content["cells"]]
        return io.sha256_bytes(io.to_json([cells, list(self.needs)]).encode())


def find_notebooks(folder: Path, chosen: tuple[str, ...] | None = None) -> tuple[Notebook, ...]:
    """The notebooks NN-*.ipynb of a folder, or those chosen, by number, with their needs resolved.

    A notebook says in its metadata what it needs: `"microresearch": {"needs": ["01-clean-survey"]}`, or `["all"]`.

    Raises
    ------
    SpecError
        None found, one chosen is missing, a need is not among them, or needs go in a circle; all at once.
    """
    found = {path.stem: path for path in io.list_files(folder, "[0-9][0-9]-*.ipynb")}
    allowed = ", ".join(found)
    if missing := [stem for stem in chosen or () if stem not in found]:
        what, mend = "there is no such notebook", "write the file's name without .ipynb"
        raise SpecError([Problem(what, "study.toml", None, "run.notebooks", s, allowed, mend) for s in missing])
    stems = [stem for stem in found if chosen is None or stem in chosen]
    if not stems:
        raise SpecError(Problem("the notebooks' folder holds no NN-name.ipynb", io.shown(folder), column="run.folder"))
    books = [_read(found[stem], stems) for stem in stems]
    problems = [
        Problem(
            "needs a notebook that this study does not run", io.shown(book.path), None, "needs", need, ", ".join(stems)
        )
        for book in books
        for need in book.needs
        if need not in stems
    ]
    if problems:
        raise SpecError(problems)
    _refuse_circles(books)
    return tuple(books)


def _read(path: Path, stems: list[str]) -> Notebook:
    content = io.read_json(path)
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise SpecError(
            Problem("this is not a Jupyter notebook", io.shown(path), mend="open and save it in JupyterLab")
        )
    ours = content.get("metadata", {}).get("microresearch", {})
    needs = ours.get("needs", []) if isinstance(ours, dict) else []
    if not (isinstance(needs, list) and all(isinstance(need, str) for need in needs)):
        raise SpecError(Problem("metadata.microresearch.needs must be a list of notebook names", io.shown(path)))
    if "all" in needs:
        needs = [stem for stem in stems if stem != path.stem]
    return Notebook(path, tuple(dict.fromkeys(needs)), content)


def _refuse_circles(books: list[Notebook]) -> None:
    done: set[str] = set()
    left = list(books)
    while ready := [book for book in left if done.issuperset(book.needs)]:
        done |= {book.stem for book in ready}
        left = [book for book in left if book.stem not in done]
    if left:
        what = f"these notebooks need each other in a circle: {', '.join(book.stem for book in left)}"
        raise SpecError(Problem(what, mend="remove one of their needs"))


def all_needs(book: Notebook, books: dict[str, Notebook]) -> tuple[str, ...]:
    """The stems that a notebook needs, directly or by way of others, in the notebooks' order."""
    seen: set[str] = set()
    todo = list(book.needs)
    while todo:
        stem = todo.pop()
        if stem not in seen:
            seen.add(stem)
            todo.extend(books[stem].needs)
    return tuple(stem for stem in books if stem in seen)
