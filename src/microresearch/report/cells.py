"""What may stand in a cell of a table, and what would a spreadsheet make of it?"""

import numpy as np


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before a leading = + - @, tab or return.

    Examples
    --------
    >>> neutral("=HYPERLINK(1)"), neutral("Leadership")
    ("'=HYPERLINK(1)", 'Leadership')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def is_number(value: object) -> bool:
    """Whether a value is a number (a truth value is not)."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))
