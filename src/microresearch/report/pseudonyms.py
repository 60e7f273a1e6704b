"""By what name is a unit shown? By one drawn at random, never by a hash that could be tried out."""

from collections.abc import Iterable

import numpy as np

from microresearch.errors import DataError


def pseudonyms(units: Iterable[str], rng: np.random.Generator, word: str = "Unit") -> dict[str, str]:
    """A random name for each unit; the key is private and must be kept beside the private data.

    Parameters
    ----------
    units : iterable of str
        Names or ids, each once.
    rng : Generator
        Where units are real, one that nobody can repeat (`numpy.random.default_rng()` without a seed), drawn once and
        kept: a seed that is published would give the key away.
    word : str
        What stands before the number.

    Returns
    -------
    dict of unit to pseudonym
        "Unit 01", "Unit 02", ...: the numbers say nothing of the order of the units.

    Raises
    ------
    DataError
        No unit, or one twice.

    Examples
    --------
    >>> key = pseudonyms(["Ward 4B", "Ward 4C"], np.random.default_rng(1))
    >>> sorted(key.values())
    ['Unit 1', 'Unit 2']
    """
    names = list(units)
    if not names or len(set(names)) != len(names):
        raise DataError("pseudonyms need one or more units, each once.")
    digits = len(str(len(names)))
    order = rng.permutation(len(names))
    return {name: f"{word} {place + 1:0{digits}d}" for name, place in zip(sorted(names), order, strict=True)}
