"""Do the items measure what they should, as the model says? Confirmatory factor analysis."""

from microresearch.psychometrics.cfa.fit_model import cfa
from microresearch.psychometrics.cfa.result import Cfa

__all__ = ["Cfa", "cfa"]
