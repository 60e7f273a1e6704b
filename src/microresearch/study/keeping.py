"""Where does a kept value rest? `name.json` with its plan, `name.<part>.parquet` for each table."""

from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.study.codec import Packed, pack, unpack


def write_kept(folder: Path, name: str, thing: object) -> None:
    """Write a value; the plan goes last, so that a value is there whole or not at all."""
    packed = pack(thing)
    tables = {}
    for table, frame in packed.frames.items():
        file = f"{name}.parquet" if len(packed.frames) == 1 else f"{name}.{table}.parquet"
        if len(frame.columns):
            io.write_parquet(folder / file, frame)
        tables[table] = file if len(frame.columns) else None
    io.write_json(folder / f"{name}.json", {"tables": tables, "plan": packed.plan})


def read_kept(folder: Path, name: str) -> Any:
    """The value again."""
    import pandas as pd

    content = io.read_json(folder / f"{name}.json")
    frames = {
        table: io.read_parquet(folder / file) if file is not None else pd.DataFrame()
        for table, file in content["tables"].items()
    }
    return unpack(Packed(content["plan"], frames))


def files_of(name: str, files: dict[str, str]) -> dict[str, str]:
    """Of a notebook's kept files (name -> hash) those that hold the value `name`."""
    return {file: sha for file, sha in files.items() if file.split(".")[0] == name}
