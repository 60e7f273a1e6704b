"""Why did it change? What differs between two runs' provenance, traced to each number, table and figure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from microresearch import io
from microresearch.study.compare import Files, Finding

IDLE = ("run", "reproduce")
"""Sections of study.toml on which no result rests."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that results rest on and that differs: its kind, its name, in words, and what was and is."""

    kind: str
    name: str
    old: str
    new: str

    def __str__(self) -> str:
        if self.kind in ("input", "lock"):
            return f"{self.name} {'is gone' if not self.new else 'is new' if not self.old else 'changed'}"
        if self.kind == "setting":
            how = "was left out" if not self.new else "was added" if not self.old else "changed"
            return f"{self.name} in study.toml {how}"
        if self.kind == "notebook":
            return f"the cells of {self.name} changed"
        if self.kind == "library":
            return f"the library's {self.name} {'is gone' if not self.new else 'is new' if not self.old else 'changed'}"
        return f"{self.name} {self.old or 'was not used'} became {self.new or 'not used'}"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs between two provenance.json: inputs, settings, notebooks, library, versions."""
    found = [*_differing("input", _without_study(old, new, old), _without_study(old, new, new))]
    said = [{k: v for k, v in side.get("settings", {}).items() if _section(k) not in IDLE} for side in (old, new)]
    found += _differing("setting", *said)
    cells = [{stem: one["code"] for stem, one in side.get("notebooks", {}).items()} for side in (old, new)]
    found += _differing("notebook", *cells)
    found += _differing("library", old.get("library", {}), new.get("library", {}))
    versions = [_versions(side.get("environment", {})) for side in (old, new)]
    found += _differing("version", *versions)
    return [*found, *_differing("lock", *(side.get("environment", {}).get("lock", {}) for side in (old, new)))]


def _section(key: str) -> str:
    """The section of study.toml in which a key stands."""
    return key.partition(".")[0].partition("[")[0]


def _without_study(old: Mapping[str, Any], new: Mapping[str, Any], side: Mapping[str, Any]) -> dict[str, str]:
    """Inputs but study.toml, which counts by its sections: a comment in it is no cause."""
    return {name: sha for name, sha in side.get("inputs", {}).items() if name != "study.toml"}


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    own = {"Python": environment.get("python", ""), "microresearch": environment.get("microresearch", "")}
    return {**own, **environment.get("packages", {})}


def _differing(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(kind, name, old.get(name, ""), new.get(name, ""))


def trace_back(findings: Sequence[Finding], old: Files, new: Files) -> list[Finding]:
    """The findings, each that is not reproduced with the nearest cause that the records prove.

    A cause is proved when nothing else that the thing rests on changed; of several, those that its own notebook rests
    on stand before those of notebooks that it needs, and all are named.
    """
    before, after = (json.loads(files.get("provenance.json", b"{}")) for files in (old, new))
    changed = changes(before, after)
    return [
        one
        if one.verdict == "reproduced"
        else replace(
            one,
            cause=_cause(one, changed, before, after, old),
            inputs=_inputs(one.notebook, after) or _inputs(one.notebook, before),
        )
        for one in findings
    ]


def _inputs(notebook: str, side: Mapping[str, Any]) -> tuple[str, ...]:
    """The raw files that a notebook, and those that it needs, were made from."""
    books, seen, todo = side.get("notebooks", {}), set(), [notebook]
    while todo:
        if (stem := todo.pop()) in books and stem not in seen:
            seen.add(stem)
            todo += books[stem]["needs"]
    return tuple(sorted({file for stem in seen for file in books[stem]["inputs"]}))


def _cause(
    one: Finding, changed: Sequence[Change], before: Mapping[str, Any], after: Mapping[str, Any], old: Files
) -> str:
    altered = _altered(one, before, old)
    if altered:
        return f"the published {altered} is not the file that the run wrote"
    rests = [side for side in (before, after) if one.notebook in side.get("notebooks", {})]
    near = [change for change in changed if any(_rests(change, side["notebooks"][one.notebook]) for side in rests)]
    own = [change for change in near if _own(change, one.notebook)]
    far = [c for c in changed if c not in near and any(_upstream(c, side, one.notebook) for side in rests)]
    all_of_them = [
        change
        for change in (*own, *near, *far)
        if change.kind != "notebook" or _own(change, one.notebook) or change in far
    ]
    named = list(dict.fromkeys(str(change) for change in all_of_them))
    if not named:
        return "nothing that it rests on changed: another machine, or the published numbers were altered"
    if len(named) == 1:
        return named[0]
    return "one or more of: " + "; ".join(named[:4]) + (f"; {len(named) - 4} more" if len(named) > 4 else "")


def _altered(one: Finding, before: Mapping[str, Any], old: Files) -> str:
    """The published file of a thing whose bytes are not those that its run noted down."""
    outputs = before.get("outputs", {})
    folder = {"number": "numbers.json", "table": f"tables/{one.name}.", "figure": f"figures/{one.name}."}[one.kind]
    for file, data in old.items():
        if file.startswith(folder) and file in outputs and outputs[file] != io.sha256_bytes(data):
            return file
    return ""


def _own(change: Change, notebook: str) -> bool:
    return change.kind == "notebook" and change.name == notebook


def _rests(change: Change, notebook: Mapping[str, Any]) -> bool:
    """Whether a notebook itself rests on the thing that changed. (A lock is what versions come from: they count.)"""
    if change.kind in ("notebook", "lock"):
        return False
    if change.kind == "setting":
        return _section(change.name) in notebook["settings"]
    if change.kind == "version":
        return change.name in ("Python", "microresearch", *notebook.get("packages", ()))
    return change.name in notebook["inputs" if change.kind == "input" else "library"]


def _upstream(change: Change, side: Mapping[str, Any], notebook: str) -> bool:
    """Whether a notebook that this one needs rests on it."""
    notebooks, seen, todo = side["notebooks"], {notebook}, list(side["notebooks"][notebook]["needs"])
    while todo:
        stem = todo.pop()
        if stem in seen or stem not in notebooks:
            continue
        seen.add(stem)
        if _own(change, stem) or _rests(change, notebooks[stem]):
            return True
        todo += notebooks[stem]["needs"]
    return False
