"""What are the exact bytes of a value that was taken apart? One text that gives it back, and the same for the same."""

import base64
import json
from typing import Any

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.study.codec import Packed

_BARE = "biufmM"
"""Kinds of numpy's numbers, truth values and times, whose memory says all."""


def to_bytes(packed: Packed) -> bytes:
    """A packed value as JSON; columns of numbers as the bytes that they are in memory.

    Raises
    ------
    DataError
        A column is of a type that has no bytes of its own (nullable numbers, times with a zone).

    Examples
    --------
    >>> from microresearch.study.codec import pack, unpack
    >>> unpack(from_bytes(to_bytes(pack([0.1, "a"]))))
    [0.1, 'a']
    """
    frames = {
        name: {"rows": len(frame), "columns": [[column, _written(frame[column])] for column in frame.columns]}
        for name, frame in packed.frames.items()
    }
    return json.dumps({"plan": packed.plan, "frames": frames}, ensure_ascii=True, allow_nan=False).encode()


def from_bytes(text: bytes) -> Packed:
    """The packed value again."""
    content = json.loads(text)
    frames = {
        name: pd.DataFrame({column: _read(said) for column, said in frame["columns"]}, index=range(frame["rows"]))
        for name, frame in content["frames"].items()
    }
    return Packed(content["plan"], frames)


def _written(column: "pd.Series[Any]") -> dict[str, Any]:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in _BARE:
        values = np.ascontiguousarray(column.to_numpy())
        return {"dtype": values.dtype.str, "bytes": base64.b64encode(values.tobytes()).decode()}
    if isinstance(column.dtype, pd.StringDtype):
        return {
            "dtype": str(column.dtype),
            "text": [None if pd.isna(value) else value for value in column],
        }
    raise DataError(f"a column of {column.dtype} has no bytes of its own.")


def _read(said: dict[str, Any]) -> "pd.Series[Any]":
    if "text" in said:
        return pd.Series(said["text"], dtype=said["dtype"])
    return pd.Series(np.frombuffer(base64.b64decode(said["bytes"]), dtype=np.dtype(said["dtype"])).copy())
