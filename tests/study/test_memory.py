import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny import notebook, tiny_study

from microresearch import io
from microresearch.cli import main
from microresearch.errors import DataError
from microresearch.numeric.sem_structure import Cell
from microresearch.psychometrics import alpha as alpha_module
from microresearch.psychometrics.alpha import alpha
from microresearch.psychometrics.polychoric import polychoric
from microresearch.psychometrics.retention import n_factors
from microresearch.study import memory
from microresearch.study.closure import files_behind
from microresearch.study.codec import pack, unpack
from microresearch.study.memory import Memory, let_remember
from microresearch.study.packed_bytes import from_bytes, to_bytes
from microresearch.study.place import Place, find_place
from microresearch.study.record import MEMORY, Now
from microresearch.study.reproduce import copy_study
from microresearch.study.spec_file import read_spec
from microresearch.study.stamp import tree_hashes
from microresearch.study.state import installed, python_version
from microresearch.study.trace import LIBRARY, Trace, library_files

NOW = Now({}, library_files(), {}, installed(), python_version())
ITEMS = pd.DataFrame(np.random.default_rng(1).integers(1, 6, (60, 3)), columns=list("abc")).astype("float64")


def a_memory(tmp_path: Path, now: Now = NOW, earlier: Memory | None = None) -> Memory:
    """The memory of one run's notebook, which may recall what an earlier one left."""
    part = tmp_path / f"part{len(list(tmp_path.iterdir()))}"
    part.mkdir()
    let_remember(part, now, [folder_of(earlier)] if earlier else [])
    return Memory(Place(tmp_path / "study.toml", part, "05-try"), Trace())


def folder_of(one: Memory) -> Path:
    assert one.place.stage is not None
    return one.place.stage / "processed" / MEMORY


def computes(one: Memory, monkeypatch: pytest.MonkeyPatch, *call: Any, **settings: Any) -> bool:
    """Whether this call has to be computed."""
    seen: list[str] = []
    whole = Memory._compute

    def spied(self: Memory, key: str, *rest: Any) -> Any:
        seen.append(key)
        return whole(self, key, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Memory, "_compute", spied)
        one.remember(call[0], call[1:], settings)
    return bool(seen)


def test_the_recalled_result_is_the_fresh_one_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"correlation": "polychoric", "n_sets": 2, "seed": 5}
    first = a_memory(tmp_path)
    fresh = first.remember(n_factors, (ITEMS,), settings)
    second = a_memory(tmp_path, earlier=first)
    assert not computes(second, monkeypatch, n_factors, ITEMS, **settings)
    recalled = second.remember(n_factors, (ITEMS,), settings)
    assert to_bytes(pack(recalled)) == to_bytes(pack(fresh)) == to_bytes(pack(n_factors(ITEMS, **settings)))
    assert tree_hashes(folder_of(second)) == tree_hashes(folder_of(first))  # so that the next run recalls it too
    assert second.trace.behind == first.trace.behind >= {"numeric/retention.py", "psychometrics/polychoric.py"}


def altered(library: str) -> Now:
    return replace(NOW, library={**NOW.library, library: "0" * 64})


def test_what_a_result_rests_on_makes_it_compute_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"correlation": "polychoric", "n_sets": 2, "seed": 5}
    first = a_memory(tmp_path)
    first.remember(n_factors, (ITEMS,), settings)
    moved = ITEMS.copy()
    moved.iloc[7, 2] = moved.iloc[7, 2] % 5 + 1

    def again(items: pd.DataFrame = ITEMS, now: Now = NOW, **more: Any) -> bool:
        return computes(a_memory(tmp_path, now, first), monkeypatch, n_factors, items, **{**settings, **more})

    assert not again()
    assert not again(now=altered("report/figures/scree.py"))  # not what it rests on
    assert again(moved) and again(ITEMS.rename(columns={"a": "e"}))
    assert again(seed=6) and again(n_sets=3)
    assert again(now=altered("psychometrics/polychoric.py"))  # which its module imports
    assert again(now=replace(NOW, python="3.0.0"))
    assert again(now=replace(NOW, packages={**NOW.packages, "scipy": "0.1"}))


@pytest.mark.parametrize("damage", ["cut", "value", "function", "text"])
def test_a_damaged_entry_is_computed_again(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = a_memory(tmp_path)
    fresh = first.remember(alpha, (ITEMS,), {})
    (path,) = io.list_files(folder_of(first))
    entry = io.read_json(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "text":
        path.write_text("[]")
    else:
        path.write_text(json.dumps({**entry, damage: entry[damage].replace("a", "b", 1)}))
    second = a_memory(tmp_path, earlier=first)
    assert computes(second, monkeypatch, alpha, ITEMS)
    assert to_bytes(pack(second.remember(alpha, (ITEMS,), {}))) == to_bytes(pack(fresh))


def test_what_warns_or_reads_the_study_or_was_changed_meanwhile_is_not_remembered(tmp_path: Path) -> None:
    one = a_memory(tmp_path)

    def warned(items: pd.DataFrame) -> float:
        warnings.warn("not sure", UserWarning, stacklevel=2)
        return float(items.to_numpy().sum())

    def read(items: pd.DataFrame) -> float:
        one.trace.files.add(tmp_path / "data/raw/units.csv")
        return float(items.to_numpy().sum())

    for function in (warned, read):
        function.__module__, function.__qualname__ = alpha_module.__name__, "alpha"
    with pytest.warns(UserWarning, match="not sure"):
        assert one.remember(warned, (ITEMS,), {}) == ITEMS.to_numpy().sum()
    one.remember(read, (ITEMS,), {})
    changed = a_memory(tmp_path, altered("psychometrics/alpha.py"))
    changed.remember(alpha, (ITEMS,), {})
    assert not io.list_files(folder_of(one)) and not io.list_files(folder_of(changed))
    assert one.trace.files == {tmp_path / "data/raw/units.csv"}
    one.remember(alpha, (ITEMS,), {})
    assert io.list_files(folder_of(one))


def test_only_the_library_is_remembered_and_what_has_no_bytes_is_computed(tmp_path: Path) -> None:
    one = a_memory(tmp_path)
    with pytest.raises(DataError, match="only functions of this library"):
        one.remember(np.sum, (ITEMS,), {})
    odd = ITEMS.astype("Int64")
    assert one.remember(alpha, (odd,), {}) == alpha(odd)
    assert not io.list_files(folder_of(one))


def test_bytes_say_everything_and_give_it_back() -> None:
    frame = pd.DataFrame(
        {
            "x": [0.1, np.nan, -0.0],
            "n": np.array([1, 2, 3], dtype="int8"),
            "text": ["a", None, 'q"\n'],
            "when": pd.to_datetime(["2024-01-01 10:00", None, "2024-02-03 00:00"]),
            "kind": pd.Categorical(["v", None, "u"]),
            "mixed": [1, "1", None],
        },
        index=pd.Index([3, 1, 2], name="id"),
    )
    pd.testing.assert_frame_equal(unpack(from_bytes(to_bytes(pack(frame)))), frame)
    texts = {to_bytes(pack(one)) for one in (frame, frame.assign(x=[0.1, np.nan, 0.0]), frame.assign(n=[1, 2, 3]))}
    assert len(texts) == 3
    both = {"a b": frame[["x"]], "a_b": frame[["n"]]}  # names that come to the same file
    assert list(unpack(from_bytes(to_bytes(pack(both))))["a b"]) == ["x"]
    cell = Cell("lambda", 0, 1, -1, 1.0)
    assert isinstance(unpack(from_bytes(to_bytes(pack([cell]))))[0], Cell)
    with pytest.raises(DataError, match="no bytes of its own"):
        to_bytes(pack(frame.assign(x=pd.array([1, None, 2], dtype="Int64"))))


def test_files_behind_a_function_are_all_that_it_can_reach() -> None:
    behind = files_behind(polychoric.__module__, NOW.library)
    assert {"__init__.py", "errors.py", "psychometrics/polychoric.py"} <= set(behind)
    assert "instruments/long-form.toml" in behind  # data count, for they are read by name
    # a package that hands on lazily leads to where the name comes from, and within functions imports count too
    assert "survey/cleaning.py" in files_behind("microresearch.study.study", NOW.library)
    for file in NOW.library:
        if file.startswith(("numeric/", "psychometrics/", "units/", "linking/", "survey/")) and file.endswith(".py"):
            module = f"{LIBRARY.name}.{file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
            found = files_behind(module, NOW.library)
            assert file in found and not any(one.startswith(("report/", "study/")) for one in found)


CODE = """
from microresearch.study.study import open_study
from microresearch.psychometrics.alpha import alpha
import numpy as np
import pandas as pd
study = open_study()
drawn = pd.DataFrame(np.random.default_rng(study.seed("draws")).normal(size=(50, 3)), columns=list("abc"))
one = study.remember(alpha, drawn + drawn[["a"]].to_numpy())

study.publish("alpha", {"raw": one.estimate})
"""


MORE = """
other = study.remember(alpha, drawn)
"""


def test_a_run_recalls_force_computes_and_what_is_not_used_is_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two notebooks ask for the same; one of them changes, and then both are as they were."""
    root = tiny_study(tmp_path / "study")
    for old in io.list_files(root / "notebooks"):
        old.unlink()
    again = CODE.replace('"alpha"', '"again"')
    notebook(root / "notebooks", "01-alpha", CODE)
    notebook(root / "notebooks", "02-again", again)
    assert main(["run", "--study", str(root)]) == 0
    fresh = io.read_json(root / "results/numbers.json")["again.raw"]["value"]
    provenance = io.read_json(root / "results/provenance.json")["notebooks"]["02-again"]
    (path,) = io.list_files(root / "data/processed" / MEMORY)
    # an entry as a run would write it, of another result: whoever shows that number has recalled it; which packages a
    # call loaded depends on what was loaded before it, so that another notebook may write other words
    entry = io.read_json(path)
    entry["value"] = entry["value"].replace(repr(fresh), "0.25")
    del entry["sha256"]
    path.write_text(json.dumps({**entry, "sha256": memory._sum(entry)}))
    notebook(root / "notebooks", "02-again", again + MORE)
    capsys.readouterr()
    assert main(["run", "--study", str(root)]) == 0
    assert "01-alpha: unchanged" in capsys.readouterr().out
    numbers = io.read_json(root / "results/numbers.json")
    assert numbers["again.raw"]["value"] == 0.25 and numbers["alpha.raw"]["value"] == fresh
    then = io.read_json(root / "results/provenance.json")["notebooks"]["02-again"]
    assert {**then, "code": "", "published": []} == {**provenance, "code": "", "published": []}
    assert len(io.list_files(root / "data/processed" / MEMORY)) == 2
    notebook(root / "notebooks", "02-again", again)
    assert main(["run", "--study", str(root), "--force"]) == 0
    assert io.list_files(root / "data/processed" / MEMORY) == (path,)
    assert io.read_json(root / "results/numbers.json")["again.raw"]["value"] == fresh
    copy_study(find_place(root), read_spec(root / "study.toml"), tmp_path / "copy")
    assert not (tmp_path / "copy/data/processed").exists()
