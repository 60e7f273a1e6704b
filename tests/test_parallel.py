"""Does each task get its own random numbers, the same on one worker or many?"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from microresearch.errors import DataError, SpecError
from microresearch.parallel import map_seeded, spawn


# Functions made inside a function travel whole: a worker cannot import a test module by its name.
def made() -> tuple[Callable[[], int], Callable[..., tuple[int, float, int]], Callable[..., int], Callable[..., int]]:
    def blas_threads() -> int:
        return max((lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"), default=1)

    def determinant(size: int, rng: np.random.Generator) -> tuple[int, float, int]:
        """A number whose last digits depend on the number of BLAS threads, and those threads."""
        a = rng.normal(size=(size, size))
        return size, float(np.linalg.slogdet(a @ a.T)[1]), blas_threads()

    def process(task: int, rng: np.random.Generator) -> int:
        return os.getpid()

    def fail(task: int, rng: np.random.Generator) -> int:
        if task == 2:
            raise DataError("the second task cannot be done.")
        return task

    return blas_threads, determinant, process, fail


blas_threads, determinant, process, fail = made()


def test_the_digits_are_the_same_on_one_worker_and_on_two() -> None:
    sizes = [300, 20, 150, 301, 5]
    alone = map_seeded(determinant, sizes, seed=11, workers=1)
    assert map_seeded(determinant, sizes, seed=11, workers=2) == alone
    assert [size for size, _, _ in alone] == sizes
    assert {threads for _, _, threads in alone} == {1}


def test_two_workers_are_other_processes_and_one_is_this() -> None:
    assert set(map_seeded(process, range(3), seed=1, workers=1)) == {os.getpid()}
    assert os.getpid() not in map_seeded(process, range(3), seed=1, workers=2)


def test_one_blas_thread_holds_inside_alone() -> None:
    before = [lib["num_threads"] for lib in threadpool_info()]
    map_seeded(determinant, [10], seed=1)
    assert [lib["num_threads"] for lib in threadpool_info()] == before


def test_tasks_have_their_own_numbers_by_seed_and_place() -> None:
    def draw(task: str, rng: np.random.Generator) -> float:
        return float(rng.random())

    numbers = map_seeded(draw, "abcd", seed=5)
    assert len(set(numbers)) == 4
    assert map_seeded(draw, "wxyz", seed=5) == numbers
    assert map_seeded(draw, "ab", seed=5) == numbers[:2]
    assert map_seeded(draw, "abcd", seed=6) != numbers
    expected = [float(np.random.default_rng(child).random()) for child in np.random.SeedSequence(5).spawn(4)]
    assert numbers == expected


def test_a_seed_gives_the_same_however_often_it_was_used() -> None:
    seed = np.random.SeedSequence(7)
    first = [child.generate_state(2).tolist() for child in spawn(seed, 3)]
    seed.spawn(10)
    assert [child.generate_state(2).tolist() for child in spawn(seed, 3)] == first
    assert [child.generate_state(2).tolist() for child in spawn(7, 3)] == first
    child = np.random.SeedSequence(7).spawn(1)[0]
    assert [c.spawn_key for c in spawn(child, 2)] == [(0, 0), (0, 1)]


def test_the_generators_of_the_process_are_left_alone() -> None:
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    map_seeded(determinant, [4, 5], seed=1)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_arrives_as_it_was_raised(workers: int) -> None:
    with pytest.raises(DataError, match="the second task cannot be done"):
        map_seeded(fail, [1, 2, 3], seed=1, workers=workers)


@pytest.mark.parametrize("workers", [0, -2])
def test_a_number_of_workers_that_cannot_be_is_refused(workers: int) -> None:
    with pytest.raises(SpecError, match=r"column workers.*Allowed: -1, or 1 and more"):
        map_seeded(fail, [1], seed=1, workers=workers)


def test_no_tasks_give_no_results_and_any_iterable_will_do() -> None:
    assert map_seeded(fail, [], seed=1, workers=2) == []
    assert map_seeded(fail, (i for i in (1, 3)), seed=1) == [1, 3]


def test_the_callers_choice_of_backend_is_respected() -> None:
    with joblib.parallel_config("threading", n_jobs=2):
        assert set(map_seeded(process, range(4), seed=1)) == {os.getpid()}
        assert map_seeded(determinant, [50, 60], seed=3) == map_seeded(determinant, [50, 60], seed=3, workers=1)


def test_tasks_that_share_the_process_have_one_thread_each_and_leave_the_number_as_it_was() -> None:
    """The first task ends while the second still computes: it must not give the second more threads."""
    both_run = Barrier(2)

    def watched(task: int, rng: np.random.Generator) -> int:
        both_run.wait(240)
        if task == 2:
            time.sleep(0.5)
        return blas_threads()

    with threadpool_limits(2):
        with joblib.parallel_config("threading", n_jobs=2):
            assert map_seeded(watched, [1, 2], seed=1) == [1, 1]
        assert blas_threads() == 2


def test_it_works_from_a_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(map_seeded, fail, [1, 3], 1).result() == [1, 3]
