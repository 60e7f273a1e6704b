"""The bootstrap on a Dask cluster: `make test-cluster`."""

import joblib
import numpy as np
import pytest
from studies import linked, plant

from microresearch.linking.bootstrap import bootstrap_effects


@pytest.mark.cluster
def test_serial_loky_and_dask_give_the_same_digits():
    distributed = pytest.importorskip("distributed", reason="Dask is not installed here; make test-cluster has it")
    planted = plant(3, n_units=24, n_hospitals=3, stays=20)
    scores, cells = linked(planted, only="days")

    def run(workers):
        return bootstrap_effects(planted.people, scores, cells, ["days"], 130, 7, workers=workers)

    serial, loky = run(1), run(2)
    # Workers as threads of this process: worker processes that a busy machine starts late were waited for without end.
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        there = run(None)
        assert cluster.scheduler.transition_counter > 0  # the tasks went there
    for one in (loky, there):
        np.testing.assert_array_equal(one.draws, serial.draws)
        np.testing.assert_array_equal(one.t, serial.t)
