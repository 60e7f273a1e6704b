"""Which indices of careless responding are there, and which side of its cut is suspicious?"""

from collections.abc import Mapping
from types import MappingProxyType

INDICES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "longest_run": ("above", "longest run of one answer (Meade & Craig 2012)"),
        "irv": ("below", "standard deviation of a person's answers (Dunn et al. 2018)"),
        "mahalanobis_p": ("below", "p of the squared Mahalanobis distance (Meade & Craig 2012)"),
        "even_odd": ("below", "even-odd consistency, Spearman-Brown (Meade & Craig 2012; Curran 2016)"),
        "synonyms": ("below", "within-person correlation over item pairs with r above .60 (Meade & Craig 2012)"),
        "antonyms": ("above", "within-person correlation over item pairs with r below -.60 (Meade & Craig 2012)"),
        "seconds_per_item": ("below", "seconds for each item responded to (Huang et al. 2012)"),
    }
)
"""Index -> on which side of its cut it is suspicious, and what it is."""
