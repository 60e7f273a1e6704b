"""Do all figures and tables of the bundled study take under 30 seconds? Drawing and writing alone, in processor time.

    python benchmarks/report_speed.py    (as long as a run of the study; writes report_speed.csv)

Runs a copy of the study whose notebooks begin and end with a cell more, and adds up what is spent in figure functions,
in writing figures (SVG, PDF, PNG of 600 dpi, CSV) and tables (Word, Excel, LaTeX, HTML, CSV), and in the report's page.
"""

import functools
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parents[1]
FIGURES, WRITING, TABLES, PAGE = "figures drawn", "figures written", "tables written", "report, checklists, numbers"


class Clock:
    """Processor time by task, of the outermost measured call alone."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self._inside = False

    def measured(self, task: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with each call and its time added to the task's."""

        @functools.wraps(function)
        def timed(*given: Any, **named: Any) -> Any:
            if self._inside:
                return function(*given, **named)
            self._inside, start = True, time.process_time()
            try:
                return function(*given, **named)
            finally:
                self._inside = False
                self.spent.setdefault(task, []).append(time.process_time() - start)

        return timed

    def start(self) -> None:
        """Measure every figure function, and the writing of figures and tables, in this process."""
        from microresearch.report import figures
        from microresearch.study.publish import Door

        for name in figures.__all__:
            if name[0].islower():
                setattr(figures, name, self.measured(FIGURES, getattr(figures, name)))
        for task, method in ((WRITING, "_figure_files"), (TABLES, "_table_files")):
            setattr(Door, method, self.measured(task, getattr(Door, method)))

    def stop(self, file: str) -> None:
        """Leave what was measured."""
        Path(file).write_text(json.dumps(self.spent), encoding="utf-8")


CLOCK = Clock()


def copied(root: Path, clocks: Path) -> None:
    """The bundled study, with a cell before and one after those of each notebook."""
    shutil.copytree(HERE / "data" / "raw", root / "data" / "raw")
    shutil.copy(HERE / "study.toml", root)
    (root / "notebooks").mkdir()
    for path in sorted((HERE / "notebooks").glob("*.ipynb")):
        book = json.loads(path.read_text(encoding="utf-8"))
        here = str(HERE / "benchmarks")
        first = f"import sys\nsys.path.insert(0, {here!r})\nfrom report_speed import CLOCK\nCLOCK.start()"
        last = f"CLOCK.stop({str(clocks / path.stem)!r})"
        before, after = (
            {"cell_type": "code", "id": name, "execution_count": None, "metadata": {}, "outputs": [], "source": source}
            for name, source in (("clock-on", first), ("clock-off", last))
        )
        book["cells"] = [book["cells"][0], before, *book["cells"][1:], after]
        (root / "notebooks" / path.name).write_text(json.dumps(book), encoding="utf-8")


def main() -> None:
    """Run the copy, add up, print and keep the table."""
    from microresearch.study import finish
    from microresearch.study.place import Place
    from microresearch.study.run import run_study

    finish.write_once = CLOCK.measured(PAGE, finish.write_once)
    with tempfile.TemporaryDirectory() as scratch:
        root, clocks = Path(scratch) / "study", Path(scratch) / "clocks"
        clocks.mkdir()
        copied(root, clocks)
        run_study(Place(root / "study.toml"), workers=2)
        found = [CLOCK.spent, *(json.loads(file.read_text(encoding="utf-8")) for file in sorted(clocks.iterdir()))]
    rows = []
    for task in (FIGURES, WRITING, TABLES, PAGE):
        spent = [seconds for one in found for seconds in one.get(task, [])]
        rows.append(
            {"task": task, "calls": len(spent), "cpu_s": round(sum(spent), 1), "slowest_s": round(max(spent), 2)}
        )
    whole = {
        "task": "all",
        "calls": sum(row["calls"] for row in rows),
        "cpu_s": round(sum(r["cpu_s"] for r in rows), 1),
    }
    table = pd.DataFrame([*rows, {**whole, "slowest_s": max(row["slowest_s"] for row in rows)}])
    print(table.to_string(index=False))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
