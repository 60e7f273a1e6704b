import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.report.figures import flow_diagram
from microresearch.report.numbers import Number
from microresearch.report.page import Fold, Picture, Plan, Section, render
from microresearch.report.tables import Table

EVIL = "<script>alert(1)</script>\" onload='x'"


def page(**more: object) -> str:
    flow = pd.DataFrame({"reason": ["start", EVIL], "excluded": [0, 20], "remaining": [120, 100]})
    table = Table(pd.DataFrame({"scale": ["b", EVIL, "a"], "alpha": [0.9, 0.10, 0.5]}), EVIL, (EVIL,))
    sections = [
        Section("Who answered", ("All of them.", EVIL), (flow_diagram(flow), {EVIL: Number(5.0, EVIL)})),
        Section(EVIL, (), (table, Fold(EVIL, (EVIL, table)))),
    ]
    given = {
        "synthetic": True, "question": EVIL, "answer": [EVIL, "Second."], "footer": [EVIL],
        "plan": Plan("abc123", deviations=(EVIL,)),
    }  # fmt: skip
    return render(f"A study {EVIL}", sections, **{**given, **more})  # type: ignore[arg-type]


class Reader(HTMLParser):
    """Collects tags, attributes and ids of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_text_from_data_is_never_code() -> None:
    reader = Reader(page())
    assert [tag for tag, _ in reader.tags].count("script") == 1  # the page's own
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)


def test_nothing_is_fetched_from_anywhere() -> None:
    html = page()
    reader = Reader(html)
    for _, attributes in reader.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "://" not in html and "@import" not in html and "url(" not in html
    assert "default-src 'none'" in html


def test_ids_are_unique_every_link_lands_and_pictures_are_described() -> None:
    reader = Reader(page())
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in reader.tags:
        if tag == "a":
            assert (attributes["href"] or "").removeprefix("#") in ids
        if tag == "img":
            assert attributes["alt"] and attributes["width"]


def test_the_first_screen_says_what_must_be_said() -> None:
    head = page()[: page().index("<nav")]
    for words in ("Synthetic data", "Second.", "abc123", "not registered: order unverifiable", "Deviations"):
        assert words in head
    plain = render("A study", [Section("One")], plan=Plan("abc", "doi 10.1/x"))
    assert "Synthetic" not in plain and "doi 10.1/x" in plain and "none recorded" in plain


def test_same_page_for_the_same_study() -> None:
    assert page() == page()


def test_figures_and_tables_are_numbered_in_order() -> None:
    assert re.findall(r"(Figure \d|Table \d)\.", page())[0] == "Figure 1"
    captions = re.findall(r"<span>(Table \d)", page())
    assert captions == ["Table 1", "Table 2"]


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(DataError, match="alt text"):
        render("A", [Section("B", (), (Picture("C", " ", b"<svg></svg>"),))])
    with pytest.raises(DataError, match="same heading"):
        render("A", [Section("B"), Section("B")])
    with pytest.raises(DataError, match="not of int"):
        render("A", [Section("B", (), (3,))])  # type: ignore[arg-type]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(page(), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_tables_sort_themes_switch_and_nothing_overflows(report: Path, browser: Any, width: int) -> None:
    browser.open(report, width=width)
    heads = "document.querySelectorAll('table.sortable thead button')"
    column = "return [...document.querySelector('table.sortable').tBodies[0].rows].map(r => r.cells[1].textContent)"
    browser.run(f"{heads}[1].click()")
    assert browser.run(column) == ["0.10", "0.50", "0.90"]
    assert browser.run("return document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "ascending"
    browser.run(f"{heads}[1].click()")
    assert browser.run(column) == ["0.90", "0.50", "0.10"]
    browser.run("document.querySelector('button.theme').click()")
    assert browser.run("return document.documentElement.getAttribute('data-theme')") == "dark"
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.errors() == []


def test_a_page_that_complains_is_noticed(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<title>x</title><img src='x.png'><p>text</p><script>undefined_thing()</script>", encoding="utf-8")
    browser.open(path)
    assert any("undefined_thing" in line for line in browser.errors())
    assert "image-alt" in browser.axe() and "html-has-lang" in browser.axe()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(report: Path, browser: Any, dark: bool, width: int) -> None:
    browser.open(report, width=width, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.axe() == {}
    assert browser.errors() == []


def test_the_keyboard_reaches_everything(report: Path, browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(report)

    def focus() -> str:
        return browser.run("return document.activeElement.textContent.trim()")

    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert focus() == "Skip to the content"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "content"
    reached = []
    for _ in range(12):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.run("return document.activeElement.tagName"))
    assert {"BUTTON", "SUMMARY"} <= set(reached)
    browser.run("document.querySelector('main details summary').focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.run("return document.querySelector('main details').open")
    browser.run("document.querySelector('table.sortable thead button').focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.SPACE)
    assert browser.run("return document.querySelectorAll('th[aria-sort]').length") == 1


def test_printed_it_is_a_pdf_that_opens_every_fold(report: Path, browser: Any) -> None:
    browser.open(report)
    printed = browser.printed()
    assert printed.startswith(b"%PDF") and len(printed) > 10_000
    assert not browser.run("return document.querySelector('main details').open")  # closed again afterwards
