import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.instrument import load_instrument
from microresearch.report.dictionary import item_dictionary
from microresearch.report.disclosure import guard
from microresearch.report.sample import THIRDS, means_table, sample_table, thirds
from microresearch.report.tables import HIDDEN


def people() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"role": rng.choice(["nurse", "physician", "support"], 300, p=[0.6, 0.37, 0.03])})
    frame["third"] = rng.choice(list(THIRDS), 300)
    frame["age"] = rng.normal(50, 10, 300)
    frame.loc[:19, "role"] = None
    frame.loc[30, "age"] = np.nan
    return frame


def test_counts_and_percentages_add_up_and_missing_is_a_level() -> None:
    frame = sample_table(people(), {"role": "Role"}, group="third", groups=THIRDS).frame
    assert frame["level"].tolist() == ["nurse", "physician", "support", "missing"]
    counts = frame.filter(like="n ")
    assert counts["n All"].sum() == 300
    assert (counts[[f"n {third}" for third in THIRDS]].sum(axis=1) == counts["n All"]).all()
    assert frame.filter(like="% ").sum().to_numpy() == pytest.approx(100)
    assert frame.loc[frame["level"] == "missing", "n All"].item() == 20


def test_the_guarded_table_leaves_no_line_with_one_hidden_cell() -> None:
    table = guard(sample_table(people(), {"role": "Role"}, group="third", groups=THIRDS))
    counts = table.frame.filter(like="n ").to_numpy(object) == HIDDEN
    percents = table.frame.filter(like="% ").to_numpy(object) == HIDDEN
    assert counts.any() and (counts == percents).all()
    assert all(line.sum() != 1 for line in counts)


def test_means_are_of_the_values_that_are_there() -> None:
    frame = means_table(people(), {"age": "Age"}, group="third", groups=THIRDS).frame.set_index("group")
    ages = people()["age"]
    assert frame.loc["All", "n"] == 299
    assert frame.loc["All", "mean"] == pytest.approx(np.nanmean(ages), abs=1e-12)
    assert frame.loc["All", "sd"] == pytest.approx(np.nanstd(ages, ddof=1), abs=1e-12)
    assert frame.loc[list(THIRDS), "n"].sum() == 299


def test_thirds_are_even_ordered_and_keep_the_missing() -> None:
    scores = pd.Series([5.0, 1, 3, np.nan, 2, 4, 6, 7], index=list("abcdefgh"))
    found = thirds(scores)
    assert found.isna().tolist() == [i == "d" for i in "abcdefgh"]
    means = scores.groupby(found).mean()
    assert means["lowest third"] < means["middle third"] < means["highest third"]
    assert found.value_counts().max() - found.value_counts().min() <= 1
    with pytest.raises(DataError, match="three"):
        thirds(scores.iloc[:2])


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="column sex"):
        sample_table(people(), {"sex": "Sex"})
    with pytest.raises(DataError, match="nobody"):
        means_table(people().iloc[:0], {"age": "Age"})


@pytest.mark.parametrize("form", ["long-form", "assessment-form"])
def test_the_dictionary_holds_every_item(form: str) -> None:
    instrument = load_instrument(form)
    table = item_dictionary(instrument)
    assert table.frame["item"].tolist() == [item.code for item in instrument.items]
    reversed_items = [item.code for item in instrument.items if item.reversed]
    assert table.frame.query("keyed == 'reversed'")["item"].tolist() == reversed_items
    assert all(option.label in table.notes[0] for option in instrument.options)
