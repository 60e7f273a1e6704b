import pytest

from microresearch.errors import SpecError
from microresearch.report.interpret import RULES, interpret, interpret_interval


@pytest.mark.parametrize(
    ("value", "rules", "label"),
    [(0.49, "koo2016", "poor"), (0.5, "koo2016", "moderate"), (0.75, "koo2016", "good"), (0.9, "koo2016", "excellent"),
     (0.69, "cosmin2018", "insufficient"), (0.7, "cosmin2018", "sufficient"), (-0.35, "cohen1988_r", "medium"),
     (0.3, "lebreton2008", "lack of agreement"), (0.7, "lebreton2008", "moderate agreement"),
     (0.71, "lebreton2008", "strong agreement"), (0.2, "landis1977", "slight"), (-0.1, "landis1977", "poor")],
)  # fmt: skip
def test_labels_at_the_edges_of_the_published_bands(value: float, rules: str, label: str) -> None:
    assert interpret(value, rules).label == label


def test_every_rule_is_whole_and_cited() -> None:
    for rule in RULES.values():
        assert len(rule.words) == len(rule.cuts) + 1
        assert list(rule.cuts) == sorted(rule.cuts)
        assert "(" in rule.source and any(year in rule.source for year in ("19", "20"))


def test_an_interval_is_judged_by_both_bounds() -> None:
    assert interpret_interval(0.45, 0.8, "koo2016") == "poor to good"


def test_unknown_rules_and_missing_values_are_refused() -> None:
    with pytest.raises(SpecError, match="koo2016"):
        interpret(0.5, "koo2017")
    with pytest.raises(SpecError, match="number"):
        interpret(float("nan"), "koo2016")
