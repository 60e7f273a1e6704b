"""Do errors say where, what is allowed and how to mend it, and all that is wrong at once?"""

import pytest

from microresearch.errors import (
    ConvergenceError,
    DataError,
    DisclosureError,
    MicroresearchError,
    Problem,
    SpecError,
)


def test_a_problem_names_place_value_allowed_and_mend() -> None:
    problem = Problem(
        "this is no answer of the form",
        file="survey.csv",
        row=17,
        column="leadership_1",
        value="6",
        allowed="1 to 5",
        mend="correct the cell",
    )
    assert str(problem) == (
        "survey.csv, row 17, column leadership_1: this is no answer of the form (got '6'). Allowed: 1 to 5. "
        "To mend: correct the cell."
    )


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem("nothing was found"), "nothing was found."),
        (Problem("is it empty?"), "is it empty?"),
        (Problem("no such file", file="a.csv"), "a.csv: no such file."),
        (Problem("no such key", column="plan.seed"), "column plan.seed: no such key."),
        (Problem("row is odd", row=0), "row 0: row is odd."),
        (Problem("blank is no role", value=""), "blank is no role (got '')."),
    ],
)
def test_what_is_not_known_is_not_said(problem: Problem, said: str) -> None:
    assert str(problem) == said


@pytest.mark.parametrize("kind", [DataError, SpecError, ConvergenceError, DisclosureError])
def test_every_error_is_one_of_ours_and_lists_all_problems(kind: type[MicroresearchError]) -> None:
    error = kind([Problem("one", row=2), Problem("two", row=3)])
    assert isinstance(error, MicroresearchError)
    assert str(error) == "row 2: one.\nrow 3: two."
    assert [problem.row for problem in error.problems] == [2, 3]


def test_text_or_one_problem_will_do() -> None:
    assert DataError("it broke").problems == (Problem("it broke"),)
    assert DataError(Problem("it broke", row=4)).problems[0].row == 4
    with pytest.raises(MicroresearchError, match="it broke"):
        raise DataError("it broke")
