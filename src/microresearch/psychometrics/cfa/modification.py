"""Which fixed or absent parameter would improve fit most if it were freed? Score tests, one parameter at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from microresearch.numeric.sem_ml import Array, Moments, positive_slopes
from microresearch.numeric.sem_structure import Cell, directions, gather, implied
        if estimate.levels is not None:
            levels = (design.structures[0], design.structures[1])
            slope, own, cross = level_scores(levels, estimate.levels, estimate.theta, g, cells)
        else:
            slope, own, cross = _scores(layout, patterns, estimate.theta, cells)
