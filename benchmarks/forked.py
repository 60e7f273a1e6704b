"""How can a study be run a hundred times in minutes? Notebooks in forked processes that have imported numpy already.

What a run does is the same but for the kernel: each notebook is a process of its own, that has loaded third-party
packages and nothing of the library, with the environment that its kernel would have.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

PRELOADED = (
    "numpy", "scipy.stats", "scipy.optimize", "scipy.linalg", "pandas", "matplotlib.figure",
    "matplotlib.backends.backend_svg", "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_agg", "duckdb",
    "pydantic", "nbformat", "nbclient", "rich.progress", "jinja2", "joblib", "openpyxl", "docx", "threadpoolctl",
)  # fmt: skip
CONTEXT = multiprocessing.get_context("forkserver")


def call(target: Callable[..., None], *arguments: Any, timeout: float = 300) -> bool:
    """Run a function in a forked process; false when it did not end in time or failed."""
    CONTEXT.set_forkserver_preload(list(PRELOADED))
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def use_forks(library: str) -> None:
    """Let runs in this process execute notebooks in forks, on the library that lies in this folder."""
    from multiprocessing import forkserver

    from microresearch.study import run
    from microresearch.study.execute import NotebookFailed

    forkserver._forkserver.ensure_running = lambda: None  # the one that this process was forked from runs already

    async def execute(book: Any, environment: dict[str, str], timeout: float, started: Any) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            sources = ["".join(c["source"]) for c in book.content["cells"] if c["cell_type"] == "code"]
            at = str(book.path.parent)
            if not await asyncio.to_thread(call, cells, sources, environment, at, library, str(said)):
                raise NotebookFailed(book.stem, None, said.read_text() if said.exists() else "not finished")
        return dict(book.content)

    run.execute = execute


def cells(sources: list[str], environment: dict[str, str], folder: str, library: str, said: str) -> None:
    """A notebook's code, then what a run adds as its last cell; the error, if any, goes to a file."""
    os.environ.update(environment)
    sys.path.insert(0, library)
    os.chdir(folder)
    space: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}
    try:
        for source in sources:
            exec(source, space)
        from microresearch.study.trace import finish_notebook

        finish_notebook()
    except BaseException:
        Path(said).write_text(traceback.format_exc())
        os._exit(1)
