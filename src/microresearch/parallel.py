"""How is one function applied to many tasks on one core or many, with the same digits either way?"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

import joblib
import numpy as np
import scipy.linalg  # noqa: F401  (its BLAS must be loaded before the threads are counted)
from threadpoolctl import ThreadpoolController

from microresearch.errors import Problem, SpecError

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_seeded(
    function: Callable[[Task, np.random.Generator], Result],
    tasks: Iterable[Task],
    seed: int | np.random.SeedSequence,
    workers: int | None = None,
) -> list[Result]:
    """Apply `function(task, rng)` to every task; the answers stand in the tasks' order.

    Each task has a generator of its own, spawned from `seed` by its place in the list, and one BLAS thread, whoever
    runs it: the digits depend on neither the number of workers nor the order in which they finish. Worth it for
    tasks that last longer than a tenth of a second each. Call it from one thread at a time.

    Parameters
    ----------
    function : callable
        Takes a task and a `numpy.random.Generator`; its results must be picklable.
    tasks : iterable
        Whatever the function takes.
    seed : int or SeedSequence
        The same seed gives the same answers, however often it was used before.
    workers : int, optional
        1 runs here, one after the other; more runs in that many processes (loky); -1 takes every core. By default
        as `joblib.parallel_config` says (for a cluster `parallel_config("dask")`), or here where it says nothing.

    Returns
    -------
    list
        One result a task.

    Raises
    ------
    SpecError
        `workers` is neither -1 nor 1 or more. What the function raises is raised here.

    References
    ----------
    O'Neill (2015), Developing a seed_seq alternative: the seed sequence that numpy's `SeedSequence.spawn` follows.

    Examples
    --------
    >>> map_seeded(lambda task, rng: task * int(rng.integers(10)), [1, 10, 100], seed=1)
    [0, 90, 400]
    """
    if workers is not None and workers != -1 and workers < 1:
        raise SpecError(Problem("there is no such number of workers", column="workers", allowed="-1, or 1 and more"))
    jobs = list(tasks)
    calls = (
        joblib.delayed(_run)(function, task, child) for task, child in zip(jobs, spawn(seed, len(jobs)), strict=True)
    )
    # Held here too: OpenBLAS heeds one thread of a process alone, and tasks that share this process as threads would
    # else undo each other's limit.
    with _libraries().limit(limits=1):
        return list(joblib.Parallel(n_jobs=workers)(calls))


def spawn(seed: int | np.random.SeedSequence, n: int) -> list[np.random.SeedSequence]:
    """The seeds of `n` tasks: a function of `seed` and place alone, whatever was spawned from it before.

    Examples
    --------
    >>> [child.spawn_key for child in spawn(7, 2)]
    [(0,), (1,)]
    """
    parent = np.random.SeedSequence(seed) if isinstance(seed, int) else seed
    fresh = np.random.SeedSequence(parent.entropy, spawn_key=parent.spawn_key, pool_size=parent.pool_size)
    return fresh.spawn(n)


def _run(function: Callable[[Task, np.random.Generator], Result], task: Task, seed: np.random.SeedSequence) -> Result:
    """One task, wherever it runs: another process has limits of its own."""
    with _libraries().limit(limits=1):
        return function(task, np.random.default_rng(seed))


@cache
def _libraries() -> ThreadpoolController:
    """The BLAS and OpenMP libraries of this process, looked up once."""
    return ThreadpoolController()
