"""The model syntax and the parameter table: what is written, what defaults add, what is refused."""

import math

import pytest

from microresearch.errors import SpecError
from microresearch.psychometrics.partable import TableOptions, parameter_table
from microresearch.psychometrics.syntax import parse_model


def rows(table):
    return {(r.lhs, r.op, r.rhs, r.group): (r.free, r.fixed) for r in table.itertuples()}


def test_what_is_understood():
    model = parse_model(
        """
        # a comment
        f =~ NA*x1 + a*x2 + 0.5*x3 +
             c(1, b)*x4 ! another
        g =~ start(0.8)*y1 + y2; f ~~ 0*g
        x1 + x2 ~ 1
        y1 ~ z
    """.replace("c(1, b)", "c(1, NA)")
    )
    terms = {(t.lhs, t.op, t.rhs): t.modifier for t in model.terms}
    assert math.isnan(terms["f", "=~", "x1"].values[0])
    assert terms["f", "=~", "x2"].labels == ("a",)
    assert terms["f", "=~", "x3"].values == (0.5,)
    assert terms["f", "=~", "x4"].values[0] == 1 and math.isnan(terms["f", "=~", "x4"].values[1])
    assert terms["g", "=~", "y1"].starts == (0.8,)
    assert terms["f", "~~", "g"].values == (0.0,)
    assert ("x2", "~1", "") in terms
    assert model.latent() == ("f", "g")
    assert model.observed() == ("x1", "x2", "x3", "x4", "y1", "y2", "z")


def test_levels():
    model = parse_model("level: 1\nfw =~ x1 + x2\nlevel: 2\nfb =~ x1 + x2")
    assert model.n_levels == 2
    assert model.latent(1) == ("fw",) and model.latent(2) == ("fb",)


def test_all_that_is_wrong_at_once():
    with pytest.raises(SpecError) as error:
        parse_model("f = x1\nf =~ 1x + x2\ng =~ c(a, 1)*x1")
    assert len(error.value.problems) == 3
    assert "line 2" in str(error.value)
    with pytest.raises(SpecError, match="empty"):
        parse_model("# nothing")


def test_nothing_is_evaluated():
    with pytest.raises(SpecError):
        parse_model("f =~ __import__('os').getcwd()*x1 + x2")


def test_defaults():
    table = rows(parameter_table("f =~ x1 + x2 + x3\ng =~ y1 + y2 + y3"))
    assert table["f", "=~", "x1", 1] == (0, 1.0)
    assert table["f", "~~", "g", 1][0] > 0
    assert table["x3", "~~", "x3", 1][0] > 0
    assert not any(op == "~1" for _, op, _, _ in table)


def test_standardised_orthogonal_and_single():
    table = rows(parameter_table("f =~ x1 + x2\ng =~ y1", TableOptions(std_lv=True, orthogonal=True)))
    assert table["f", "~~", "f", 1] == (0, 1.0)
    assert table["f", "~~", "g", 1] == (0, 0.0)
    assert table["y1", "~~", "y1", 1] == (0, 0.0)


def test_equal_over_groups_and_exceptions():
    options = TableOptions(2, meanstructure=True, equal=("loadings", "intercepts"), free=("f=~x2", "x3~1"))
    table = rows(parameter_table("f =~ x1 + x2 + x3", options))
    assert table["f", "=~", "x3", 1] == pytest.approx(table["f", "=~", "x3", 2], nan_ok=True)
    assert table["f", "=~", "x2", 1][0] != table["f", "=~", "x2", 2][0]
    assert table["x3", "~1", "", 1][0] != table["x3", "~1", "", 2][0]
    assert table["f", "~1", "", 1] == (0, 0.0)
    assert table["f", "~1", "", 2][0] > 0


def test_labels_and_fixed_labels():
    table = rows(parameter_table("f =~ x1 + a*x2 + a*x3\nx1 ~~ b*x1\nx2 ~~ b*x2"))
    assert table["f", "=~", "x2", 1][0] == table["f", "=~", "x3", 1][0] > 0
    assert table["x1", "~~", "x1", 1][0] == table["x2", "~~", "x2", 1][0]


def test_modifiers_of_the_wrong_number_of_groups():
    with pytest.raises(SpecError, match=r"c\(\) has 3 entries"):
        parameter_table("f =~ x1 + c(1, 2, 3)*x2", TableOptions(2))
