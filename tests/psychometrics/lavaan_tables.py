"""Tables of lavaan, as the goldens hold them."""

import pandas as pd


def beside(result, table):
    """Ours and theirs, joined by parameter."""
    theirs = pd.DataFrame(table)
    if "op" in theirs:
        theirs = theirs[theirs["op"] != "=="]
    key = ["lhs", "op", "rhs"]
    if len(result.labels) > 1:
        theirs["group"] = [result.labels[int(g) - 1] for g in theirs["group"]]
        key.append("group")
    return key, theirs.set_index(key)
