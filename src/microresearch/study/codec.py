"""How does a result rest on disk between two notebooks? As tables and JSON that anyone can open, never as code."""

import datetime as dt
import enum
import importlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from microresearch.errors import DataError

_HOME = "microresearch."


@dataclass(slots=True)
class Packed:
    """A value taken apart: `plan` is JSON, `frames` are the tables that it refers to by name."""

    plan: Any = None
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)


def pack(thing: object) -> Packed:
    """Take a value apart.

    Parameters
    ----------
    thing : object
        Text, numbers, dates, lists, tuples, dicts with text keys, arrays, DataFrames, Series, enums and dataclasses of
        this library, nested as one likes.

    Raises
    ------
    DataError
        A type that cannot be kept.

    Examples
    --------
    >>> packed = pack({"n": 3, "range": (1.0, 5.0)})
    >>> unpack(packed)
    {'n': 3, 'range': (1.0, 5.0)}
    """
    packed = Packed()
    packed.plan = _pack(thing, packed.frames, "")
    return packed


def unpack(packed: Packed) -> Any:
    """The value again, equal to the one that was packed.

    Raises
    ------
    DataError
        The plan names a class outside this library or a kind that is not known.
    """
    return _unpack(packed.plan, packed.frames)


def _pack(thing: Any, frames: dict[str, pd.DataFrame], where: str) -> Any:  # noqa: PLR0911 (one return a kind)
    if isinstance(thing, enum.Enum):
        return {"kind": "enum", "class": _class_name(type(thing), where), "name": thing.name}
    if (plain := _pack_scalar(thing)) is not _NOTHING:
        return plain
    if isinstance(thing, pd.DataFrame):
        return _pack_frame(thing, frames, where)
    if isinstance(thing, pd.Series):
        inner = _pack_frame(thing.to_frame("value"), frames, where)
        return {"kind": "series", "name": _pack(thing.name, frames, where), "frame": inner}
    if isinstance(thing, pd.Index):
        return {"kind": "index", "series": _pack(thing.to_series().reset_index(drop=True), frames, where)}
    if isinstance(thing, np.ndarray):
        return _pack_array(thing, frames, where)
    if is_dataclass(thing) and not isinstance(thing, type):
        parts = {f.name: _pack(getattr(thing, f.name), frames, _join(where, f.name)) for f in fields(thing) if f.init}
        return {"kind": "dataclass", "class": _class_name(type(thing), where), "fields": parts}
    if isinstance(thing, (dict, MappingProxyType, Mapping)):
        pairs = [[_pack(k, frames, where), _pack(v, frames, _join(where, str(k)))] for k, v in thing.items()]
        return {"kind": "dict", "pairs": pairs}
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        items = [
            _pack(value, frames, _join(where, str(name))) for name, value in zip(thing._fields, thing, strict=True)
        ]
        return {"kind": "named tuple", "class": _class_name(type(thing), where), "items": items}
    if isinstance(thing, (tuple, list, set, frozenset)):
        kind = next(t.__name__ for t in (tuple, list, frozenset, set) if isinstance(thing, t))
        members = sorted(thing) if isinstance(thing, (set, frozenset)) else thing
        return {"kind": kind, "items": [_pack(v, frames, _join(where, str(i))) for i, v in enumerate(members)]}
    raise DataError(f"a {type(thing).__name__}{' at ' + where if where else ''} cannot be kept between notebooks.")


_NOTHING = object()


def _pack_scalar(thing: Any) -> Any:  # noqa: PLR0911 (one return a kind)
    if thing is pd.NA or thing is pd.NaT:
        return {"kind": "missing", "name": "NA" if thing is pd.NA else "NaT"}
    if thing is None or isinstance(thing, (bool, str)):
        return thing
    if isinstance(thing, np.generic) and not isinstance(thing, (np.datetime64, np.timedelta64)):
        thing = thing.item()
    if isinstance(thing, (bool, int, str)):
        return thing
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else {"kind": "float", "text": repr(thing)}
    if isinstance(thing, pd.Timestamp):
        return {"kind": "timestamp", "text": thing.isoformat()}
    if isinstance(thing, dt.datetime):
        return {"kind": "datetime", "text": thing.isoformat()}
    if isinstance(thing, dt.date):
        return {"kind": "date", "text": thing.isoformat()}
    return _NOTHING


def _pack_array(array: np.ndarray[Any, Any], frames: dict[str, pd.DataFrame], where: str) -> Any:
    if array.dtype.kind not in "biufU":
        raise DataError(f"an array of {array.dtype}{' at ' + where if where else ''} cannot be kept between notebooks.")
    flat = pd.DataFrame({"value": array.ravel(order="C")})
    return {
        "kind": "array",
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "frame": _pack_frame(flat, frames, where),
    }


def _pack_frame(frame: pd.DataFrame, frames: dict[str, pd.DataFrame], where: str) -> Any:
    labels = [_pack(label, frames, where) for label in frame.columns]
    readable = all(isinstance(label, str) for label in labels) and len(set(map(str.lower, map(str, labels)))) == len(
        labels
    )
    stored = [str(label) for label in labels] if readable else [f"c{i}" for i in range(len(labels))]
    body: dict[str, pd.Series] = {}
    index_plan: list[Any] = []
    if not (isinstance(frame.index, pd.RangeIndex) and frame.index.equals(pd.RangeIndex(len(frame)))):
        for level in range(frame.index.nlevels):
            values = frame.index.get_level_values(level)
            name = str(values.name) if isinstance(values.name, str) and values.name not in stored else f"index_{level}"
            column, how = _pack_column(pd.Series(values, index=range(len(frame))), where)
            body[name] = column
            index_plan.append({"stored": name, "name": _pack(values.name, frames, where), **how})
    column_plan = []
    for i, name in enumerate(stored):
        column, how = _pack_column(frame.iloc[:, i].reset_index(drop=True), f"{where} column {name}")
        body[name] = column
        column_plan.append({"stored": name, "label": labels[i], **how})
    key = where or "table"
    while key in frames:  # two places whose names differ only in signs that no file's name may have
        key += "_"
    frames[key] = pd.DataFrame(body, index=pd.RangeIndex(len(frame)))
    names = [_pack(name, frames, where) for name in frame.columns.names]
    return {
        "kind": "frame",
        "table": key,
        "rows": len(frame),
        "index": index_plan,
        "columns": column_plan,
        "names": names,
    }


def _pack_column(column: pd.Series, where: str) -> tuple[pd.Series, dict[str, Any]]:
    """The column as one of the types that parquet keeps, and how to turn it back."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = [_pack(c, {}, where) for c in dtype.categories]
        codes = pd.Series(np.asarray(column.cat.codes, dtype="int64"))
        return codes, {"dtype": "category", "categories": categories, "ordered": bool(dtype.ordered)}
    if dtype.kind == "O" and not isinstance(dtype, pd.StringDtype):
        texts = [json.dumps(_pack(value, {}, where), sort_keys=True) for value in column]
        return pd.Series(texts, dtype="str"), {"dtype": "object"}
    return column, {"dtype": str(dtype)}


def _unpack(plan: Any, frames: dict[str, pd.DataFrame]) -> Any:  # noqa: PLR0911 (one return a kind)
    if not isinstance(plan, dict):
        return plan
    kind = plan["kind"]
    if kind == "frame":
        return _unpack_frame(plan, frames)
    if kind == "dict":
        return {_hashable(_unpack(key, frames)): _unpack(value, frames) for key, value in plan["pairs"]}
    if kind in ("tuple", "list", "set", "frozenset"):
        make = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}[kind]
        return make(_unpack(item, frames) for item in plan["items"])
    if kind == "dataclass":
        return _class(plan["class"])(**{name: _unpack(part, frames) for name, part in plan["fields"].items()})
    if kind == "enum":
        return _class(plan["class"])[plan["name"]]
    if kind == "named tuple":
        return _class(plan["class"])(*(_unpack(item, frames) for item in plan["items"]))
    if kind == "array":
        values = _unpack(plan["frame"], frames)["value"].to_numpy()
        return values.astype(np.dtype(plan["dtype"])).reshape(plan["shape"])
    if kind == "series":
        series = _unpack(plan["frame"], frames)["value"]
        return series.rename(_unpack(plan["name"], frames))
    if kind == "index":
        series = _unpack(plan["series"], frames)
        return pd.Index(series, name=series.name)
    return _unpack_scalar(plan)


def _unpack_scalar(plan: dict[str, str]) -> Any:
    kind = plan["kind"]
    if kind == "missing":
        return pd.NA if plan["name"] == "NA" else pd.NaT
    read = {
        "float": float,
        "timestamp": pd.Timestamp,
        "datetime": dt.datetime.fromisoformat,
        "date": dt.date.fromisoformat,
    }
    if kind not in read:
        raise DataError(f"a kept value has the unknown kind {kind!r}; run the study again.")
    return read[kind](plan["text"])


def _unpack_frame(plan: dict[str, Any], frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    table = frames[plan["table"]]
    rows = plan["rows"]
    columns = [_unpack_column(table[how["stored"]], how) for how in plan["columns"]]
    frame = pd.DataFrame(dict(enumerate(columns)), index=pd.RangeIndex(rows))
    labels = [_hashable(_unpack(how["label"], frames)) for how in plan["columns"]]
    names = [_unpack(name, frames) for name in plan["names"]]
    if len(names) > 1:
        frame.columns = pd.MultiIndex.from_tuples(labels, names=names)
    else:
        frame.columns = pd.Index(labels, name=names[0]) if labels else pd.Index([], dtype="str", name=names[0])
    if plan["index"]:
        levels = [_unpack_column(table[how["stored"]], how) for how in plan["index"]]
        level_names = [_unpack(how["name"], frames) for how in plan["index"]]
        frame.index = (
            pd.Index(levels[0]).rename(level_names[0])
            if len(levels) == 1
            else pd.MultiIndex.from_arrays(levels, names=level_names)
        )
    return frame


def _unpack_column(column: pd.Series, how: dict[str, Any]) -> pd.Series:
    if how["dtype"] == "category":
        categories = pd.Index([_unpack(c, {}) for c in how["categories"]])
        return pd.Series(pd.Categorical.from_codes(column.astype("int64"), categories, ordered=how["ordered"]))
    if how["dtype"] == "object":
        return pd.Series([_unpack(json.loads(text), {}) for text in column], dtype=object)
    return column.astype(how["dtype"])


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _join(where: str, part: str) -> str:
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in part)
    return f"{where}.{safe}" if where else safe


def _class_name(cls: type, where: str) -> str:
    if not cls.__module__.startswith(_HOME):
        raise DataError(f"a {cls.__name__}{' at ' + where if where else ''} cannot be kept between notebooks.")
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(name: str) -> Any:
    module, _, qualname = name.partition(":")
    if not module.startswith(_HOME) or "." in qualname or qualname.startswith("_"):
        raise DataError(f"a kept value names the class {name!r}, which is not this library's; run the study again.")
    found = getattr(importlib.import_module(module), qualname)
    named = isinstance(found, type) and issubclass(found, tuple) and hasattr(found, "_fields")
    if not (is_dataclass(found) or named or (isinstance(found, type) and issubclass(found, enum.Enum))):
        raise DataError(f"a kept value names {name!r}, which holds no values; run the study again.")
    return found
