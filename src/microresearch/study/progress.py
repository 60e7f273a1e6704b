"""How far is the run? A bar for each notebook on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Any, Self


class Lines:
    """One line when a notebook starts and one when it ends: for logs and pipes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def begin(self, stem: str, cells: int, reason: str) -> None:
        """A notebook starts, for this reason."""
        self.say(f"{stem}: {cells} cells ({reason})")

    def cell(self, stem: str, number: int) -> None:
        """A cell starts."""

    def end(self, stem: str, seconds: float) -> None:
        """A notebook is done."""
        self.say(f"{stem}: done in {seconds:.1f} s")

    def kept(self, stem: str) -> None:
        """A notebook need not run."""
        self.say(f"{stem}: unchanged")

    def say(self, line: str) -> None:
        """Anything else."""
        print(line, flush=True)


class Bars(Lines):
    """A bar a notebook, which counts cells."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bars: Any = RichProgress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[reason]}"),
        )  # fmt: skip
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, stem: str, cells: int, reason: str) -> None:
        """A notebook starts: its bar."""
        self._tasks[stem] = self._bars.add_task(stem, total=cells, reason=reason)

    def cell(self, stem: str, number: int) -> None:
        """A cell starts: the bar moves."""
        self._bars.update(self._tasks[stem], completed=number - 1)

    def end(self, stem: str, seconds: float) -> None:
        """A notebook is done: the bar is full."""
        task = self._tasks[stem]
        self._bars.update(task, completed=self._bars.tasks[task].total)
        self._bars.stop_task(task)

    def kept(self, stem: str) -> None:
        """A notebook need not run: a full bar."""
        self._bars.add_task(stem, total=1, completed=1, reason="unchanged")

    def say(self, line: str) -> None:
        """A line above the bars."""
        self._bars.console.print(line, highlight=False, markup=False)


def progress() -> Lines:
    """Bars on a terminal, lines elsewhere."""
    return Bars() if sys.stdout.isatty() else Lines()


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds until now."""
        return time.perf_counter() - self._start
