"""On which files of the library can a function's result rest? All that its module imports, and what those import."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from microresearch import io
from microresearch.study.trace import LIBRARY

_NAME = LIBRARY.name
_ASIDE = ("report", "study", "simulate")
"""Rooms whose files that are not code belong to no estimate."""


def files_behind(module: str, library: Mapping[str, str]) -> tuple[str, ...]:
    """The library's files that a function of `module` can reach, and its data files, from its folder.

    Imports are read from the source, wherever they stand in it; those for the type checker alone do not count. A name
    that a package hands on (`from microresearch.survey import clean`) leads to where it comes from.

    Parameters
    ----------
    module : str
        As in `microresearch.survey.imputation`.
    library : mapping
        Every file of the library -> hash.

    Examples
    --------
    >>> from microresearch.study.trace import library_files
    >>> files = files_behind("microresearch.numeric.mixed", library_files())
    >>> "numeric/mixed.py" in files, "study/study.py" in files
    (True, False)
    """
    seen: set[str] = set()
    todo = [(module, "")]
    while todo:
        for file in _files_of(*todo.pop(), library):
            if file not in seen:
                seen.add(file)
                todo += _imports(LIBRARY / file)
    data = {file for file in library if not file.endswith(".py") and file.split("/")[0] not in _ASIDE}
    return tuple(sorted(seen | data))


def _files_of(module: str, name: str, library: Mapping[str, str]) -> Iterator[str]:
    """The files that `from module import name` runs: the module, the packages around it, and where the name is from."""
    parts = module.split(".")[1:]
    for depth in range(len(parts) + 1):
        yield from _present("/".join([*parts[:depth], "__init__.py"]), library)
    if parts:
        yield from _present(f"{'/'.join(parts)}.py", library)
    package = "/".join([*parts, "__init__.py"])
    if name and package in library:
        inner = "/".join([*parts, name])
        if f"{inner}.py" in library or f"{inner}/__init__.py" in library:
            yield from _files_of(f"{module}.{name}", "", library)
        else:
            for origin in _handed_on(LIBRARY / package).get(name, ()):
                yield from _files_of(origin, name, library)


def _present(file: str, library: Mapping[str, str]) -> Iterator[str]:
    if file in library:
        yield file


@cache
def _imports(path: Path) -> tuple[tuple[str, str], ...]:
    """Every module of this library, and name from it, that a file imports as it runs."""
    return tuple((module, name) for module, name, runs in _all_imports(path) if runs)


@cache
def _handed_on(path: Path) -> dict[str, list[str]]:
    """Names that a package's file imports -> modules they are from; lazy packages tell theirs to the type checker."""
    found: dict[str, list[str]] = {}
    for module, name, _ in _all_imports(path):
        found.setdefault(name, []).append(module)
    return found


@cache
def _all_imports(path: Path) -> tuple[tuple[str, str, bool], ...]:
    return tuple(_walk(ast.parse(io.read_bytes(path)), True)) if path.suffix == ".py" else ()


def _walk(node: ast.AST, runs: bool) -> Iterator[tuple[str, str, bool]]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _NAME:
        yield from ((str(node.module), alias.name, runs) for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from ((alias.name, "", runs) for alias in node.names if alias.name.split(".")[0] == _NAME)
    elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        for child in node.body:
            yield from _walk(child, False)
        for child in node.orelse:
            yield from _walk(child, runs)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, runs)
