"""How is one notebook run without a screen? In a kernel of its own that writes to a folder of its own."""

import asyncio
import atexit
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import MicroresearchError
from microresearch.study.notebooks import Notebook
from microresearch.study.place import NEEDS, NOTEBOOK, STAGE, STUDY

_LAST = "from microresearch.study.trace import finish_notebook\nfinish_notebook()"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_USER_ERRORS = {"DataError", "SpecError"}


class NotebookFailed(MicroresearchError):
    """A notebook stopped: which one, in which cell, and what was said; `input_at_fault` when data or settings are."""

    def __init__(self, stem: str, cell: int | None, said: str, input_at_fault: bool = False) -> None:
        place = f"{stem}, cell {cell}" if cell is not None else stem
        super().__init__(f"{place}: {said}")
        self.stem, self.cell, self.said, self.input_at_fault = stem, cell, said, input_at_fault

    def __str__(self) -> str:
        return str(self.args[0].what if hasattr(self.args[0], "what") else self.args[0])


def kernel_environment(study: Path, folder: Path, stem: str, needs: Mapping[str, Path]) -> dict[str, str]:
    """The variables of a notebook's kernel: where to read and write, and all that keeps results the same everywhere."""
    matplotlib = find_spec("matplotlib")
    stock = Path(str(matplotlib.origin)).parent / "mpl-data" / "matplotlibrc" if matplotlib else None
    fixed = {
        STUDY: str(study),
        STAGE: str(folder),
        NOTEBOOK: stem,
        NEEDS: io.to_json({need: str(path) for need, path in needs.items()}),
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": str(folder / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **({"MATPLOTLIBRC": str(stock)} if stock else {}),
        **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")},
    }
    library = str(Path(__file__).resolve().parents[2])
    paths = [library, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p != library)]
    return {**os.environ, **fixed, "PYTHONPATH": os.pathsep.join(paths), "JUPYTER_PREFER_ENV_PATH": "1"}


async def execute(
    book: Notebook, environment: dict[str, str], timeout: float, started: Callable[[int], None]
) -> dict[str, Any]:
    """Run every cell of a notebook in order.

    Parameters
    ----------
    book : Notebook
    environment : dict
        From `kernel_environment`.
    timeout : float
        Seconds for the whole notebook.
    started : callable
        Told the number of each code cell (from 1) as it starts.

    Returns
    -------
    dict
        The notebook with its outputs, in Jupyter's format.

    Raises
    ------
    NotebookFailed
        A cell raised, the time was up, or the kernel died.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from nbformat.v4 import new_code_cell

    node: Any = nbformat.reads(json.dumps(book.content), as_version=4)
    node.cells.append(new_code_cell(_LAST))
    at: dict[str, int] = {"cell": 0}
    numbers = _code_numbers(node.cells)

    def cell_started(cell: Any, cell_index: int) -> None:
        if cell_index in numbers:
            at["cell"] = numbers[cell_index]
            if cell_index < len(node.cells) - 1:
                started(numbers[cell_index])

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        with io.scratch("mr-") as sockets:  # a short name: a socket's path has at most 107 bytes
            client = NotebookClient(
                node,
                timeout=None,
                startup_timeout=int(timeout) + 1,  # the whole notebook's time, which is up before
                kernel_name="python3",
                resources={"metadata": {"path": str(book.path.parent)}},
                record_timing=False,
                on_cell_start=cell_started,
                config=_connection(sockets),
            )
            try:
                await asyncio.wait_for(client.async_execute(env=environment, **quiet), timeout)
            finally:
                atexit.unregister(client._cleanup_kernel)  # it stays when a kernel is stopped while it starts
    except CellExecutionError as error:
        said = _COLOURS.sub("", str(error.evalue)).strip()
        ours = error.ename in _USER_ERRORS | {"ConvergenceError", "DisclosureError", "MicroresearchError"}
        said = said if ours else f"{error.ename}: {said}"
        raise NotebookFailed(book.stem, at["cell"], said, error.ename in _USER_ERRORS) from None
    except TimeoutError:
        said = f"not finished after {timeout:g} seconds; raise run.timeout in study.toml if it needs longer"
        raise NotebookFailed(book.stem, at["cell"], said) from None
    except DeadKernelError:
        said = "its Python process died, most likely for want of memory"
        raise NotebookFailed(book.stem, at["cell"], said) from None
    node.cells.pop()
    return dict(node)


def _connection(folder: Path) -> Any:
    """How to talk to the kernel: by sockets in a folder of its own, so that no two kernels can pick one port."""
    from traitlets.config import Config

    config = Config()
    if sys.platform != "win32":
        config.KernelManager.transport = "ipc"
        config.KernelManager.connection_file = str(folder / "kernel.json")
    return config


def _code_numbers(cells: list[Any]) -> dict[int, int]:
    """Place of each code cell among all cells -> its number as Jupyter shows it."""
    code = [i for i, cell in enumerate(cells) if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    return {place: number for number, place in enumerate(code, 1)}


class _Loop(asyncio.SelectorEventLoop):
    """A selector loop, which zmq needs, that leaves Ctrl-C to this program and not to each notebook's client."""

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:
        raise NotImplementedError


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Do work that runs notebooks; Ctrl-C stops their kernels and is passed on."""
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(work)
