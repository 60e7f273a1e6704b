import io

import docx
import pytest

from microresearch.errors import SpecError
from microresearch.report.checklists import CHECKLISTS, NOT_REPORTED, checklist
from microresearch.report.cosmin import (
    Rating,
    cosmin_table,
    internal_consistency,
    invariance,
    measurement_error,
    reliability,
    structural_validity,
)

# Items of the published checklists, sub-items counted as printed; of APA JARS those of a survey and linkage study.
SIZES = {"strobe": 34, "record": 13, "cheers2022": 28, "jars": 25}


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_item_stands_once_and_is_answered_or_said_not_to_be(name: str) -> None:
    given = checklist(name)
    numbers = [item.number for item in given.items]
    assert len(numbers) == len(set(numbers)) == SIZES[name]
    assert given.coverage == 0
    assert (given.to_frame()["answer"] == NOT_REPORTED).all()
    assert "doi:" in given.source


def test_coverage_counts_applicable_items_only() -> None:
    numbers = [item.number for item in checklist("cheers2022").items]
    given = checklist(
        "cheers2022", dict.fromkeys(numbers[:20], "Costs"), dict.fromkeys(numbers[20:25], "no decision model")
    )
    assert given.coverage == pytest.approx(20 / 23)
    frame = given.to_frame()
    assert frame["answer"].iloc[21] == "not applicable: no decision model"
    assert frame["answer"].iloc[-1] == NOT_REPORTED
    assert "20 of 23 applicable items answered (87%)" in given.to_table().notes[0]
    grid = docx.Document(io.BytesIO(given.to_table().to_docx())).tables[0]
    assert len(grid.rows) == 29


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        checklist("strobe", {"13d": "Figure 1", "2": " ", "3": "Introduction"}, {"3": "no"})
    assert len(caught.value.problems) == 3
    with pytest.raises(SpecError, match="cheers2022"):
        checklist("cheers")


@pytest.mark.parametrize(
    ("rating", "sign", "words"),
    [
        (structural_validity(cfi=0.94, rmsea=0.07, srmr=0.09), "-", "CFI .940"),
        (structural_validity(srmr=0.07), "+", "SRMR"),
        (structural_validity(cfi=0.95), "-", "CFI"),
        (reliability([0.7]), "+", ".70"),
        (reliability([0.9, 0.69]), "-", ".69"),
        (internal_consistency([], structural_validity(cfi=0.99)), "?", "two or more"),
        (internal_consistency([0.9], structural_validity(cfi=0.5)), "?", "structural"),
        (internal_consistency([0.9, float("nan")], structural_validity(cfi=0.99)), "+", ".90"),
        (measurement_error(0.5, 0.4), "-", "0.50"),
        (invariance([], []), "?", "not tested"),
        (invariance(["a", "b"], []), "+", "a, b"),
    ],
)
def test_cosmin_ratings_name_the_criterion(rating: Rating, sign: str, words: str) -> None:
    assert rating.rating == sign and words in rating.reason


def test_content_validity_is_never_claimed() -> None:
    assert cosmin_table([]).frame["rating"].tolist() == ["?"]
