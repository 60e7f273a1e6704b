"""How do ordered categories correlate, and how surely? Thresholds, polychorics, polyserials and their covariance."""

from microresearch.numeric.ordinal.categories import Coded, encode
from microresearch.numeric.ordinal.covariance import influence, pair_errors
from microresearch.numeric.ordinal.pairs import EmptyCells, PairFit, fit_pairs, pair_index

__all__ = ["Coded", "EmptyCells", "PairFit", "encode", "fit_pairs", "influence", "pair_errors", "pair_index"]
