"""How is a file read by foreign C code without risk? In a process of its own: if that dies, the file is refused."""

import pickle
import subprocess
import sys
from typing import Any

SECONDS = 900
_SCRIPT = """
import io, os, pickle, sys
answer = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import pyreadstat
read = {"sav": pyreadstat.read_sav, "dta": pyreadstat.read_dta}[sys.argv[1]]
data, meta = read(io.BytesIO(sys.stdin.buffer.read()), user_missing=True, output_format="dict")
names = ("column_names", "column_labels", "variable_value_labels", "missing_ranges", "missing_user_values")
pickle.dump(({name: list(column) for name, column in data.items()},
             {name: getattr(meta, name) for name in names}), answer)
answer.close()
"""


def read_apart(raw: bytes, kind: str) -> tuple[dict[str, list[Any]], dict[str, Any]] | None:
    """Columns and labels of an SPSS ("sav") or Stata ("dta") file; None where the bytes cannot be read.

    The library that reads these formats is C and can crash on damaged bytes, which would take the whole run with it.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, kind], input=raw, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return pickle.loads(done.stdout) if done.returncode == 0 else None
