"""What does every estimator hand back? One value, so that fit, parameters and indices need not know who estimated."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from microresearch.numeric.sem_catml import Likelihood
from microresearch.numeric.sem_ml import Array, Moments
    levels: Clustered | None = None
