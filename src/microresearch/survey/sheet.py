"""What must a table of text cells offer, so that one reader serves a CSV and an Excel sheet alike?"""

from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Sheet(Protocol):
    """Records of text cells with their places; made by `text.open_text` and `excel.open_excel`.

    Attributes
    ----------
    file : str
        Name for messages.
    above : int
        Lines before the first record.
    said : str
        What was recognised of the container, in words.
    """

    @property
    def file(self) -> str:
        """Name for messages."""
        ...

    @property
    def above(self) -> int:
        """Lines before the first record."""
        ...

    @property
    def said(self) -> str:
        """What was recognised of the container, in words."""
        ...

    def head(self, n: int) -> list[list[str]]:
        """The cells of the first n records."""
        ...

    def body(self, first: int, width: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        """Records from number `first` (0-based) as text cells, wholly empty ones left out, and their rows."""
        ...
