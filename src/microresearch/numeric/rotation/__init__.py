"""Which rotation of the factors reads most simply? Criteria, gradient projection with random starts, promax, order."""

from microresearch.numeric.rotation.arrange import arrange, congruence, match, procrustes
from microresearch.numeric.rotation.criteria import ROTATIONS, Rotation, Rule
from microresearch.numeric.rotation.rotate import Rotated, rotate

__all__ = ["ROTATIONS", "Rotated", "Rotation", "Rule", "arrange", "congruence", "match", "procrustes", "rotate"]
