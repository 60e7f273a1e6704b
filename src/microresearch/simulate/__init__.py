"""What would a study find if the truth were known? Simulated studies for tests, power and the bundled example."""

from microresearch.simulate.plant import Plant
from microresearch.simulate.result import SimulatedStudy
from microresearch.simulate.study import simulate_study

__all__ = ["Plant", "SimulatedStudy", "simulate_study"]
