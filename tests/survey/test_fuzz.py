"""Five hundred bent exports end in a correct result or in a DataError that names its place."""

from collections import Counter

from .mutations import case, outcome
from .test_formats import CASES


def test_bent_files_are_read_right_or_refused(tmp_path, form):
    found, kinds = [], Counter()
    for number in range(500):
        one = case(2026, number)
        _, columns, more = CASES[one.name]
        kind, said = outcome(one, tmp_path / one.name, form, columns, more)
        kinds[kind] += 1
        if kind == "wrong":
            found.append(f"{number} {one.name} {one.mutation}: {said[:300]}")
    assert not found, "\n".join(found[:20])
    assert kinds["result"] > 50 and kinds["error"] > 200 and kinds.total() == 500
