"""How can a sum have the same digits whatever the order of its terms and the engine that adds them?"""

import math

TAKEN = 2.0**53


def splits(largest: float, n: int, whole: bool) -> tuple[float, ...]:
    """Constants that split every value into two parts whose sums over n values are exact in doubles, in any order.

    With c from this list, (v + c) - c is v rounded to a multiple of a quantum so coarse that n such multiples add
    without rounding; the remainder is split again with the second constant, and what is left then is dropped: per value
    at most 2^(2 log2 n - 103) of the largest one (2^-49 for a hundred million). Every engine that adds doubles by
    IEEE 754 makes the same parts, so the sums agree to the last digit.

    Parameters
    ----------
    largest : float
        A bound of the absolute values.
    n : int
        A bound of how many are added.
    whole : bool
        Whether all values are integers: small ones add exactly as they are.

    Returns
    -------
    tuple of float
        Two constants; none where no split is needed.

    References
    ----------
    Demmel & Nguyen (2015), IEEE Trans Comput 64, 2060-2070: reproducible summation by pre-rounding, section 3.

    Examples
    --------
    >>> splits(10.0, 1000, whole=True)
    ()
    >>> high, low = splits(1.0, 3, whole=False)
    >>> values = [0.1, 0.2, 0.7]
    >>> heads = [(v + high) - high for v in values]
    >>> sum(heads) == sum(reversed(heads))
    True
    """
    if largest == 0 or (whole and largest * n < TAKEN):
        return ()
    terms = max(n, 2).bit_length()
    first = math.frexp(largest)[1] + terms - 51
    return 1.5 * 2.0 ** (first + 52), 1.5 * 2.0 ** (first - 1 + terms - 51 + 52)
