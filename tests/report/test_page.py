import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

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


def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine")
    return found


SORT = """<script>
window.onerror = function (text) { document.title = "ERROR " + text; };
window.addEventListener("load", function () {
  var buttons = document.querySelectorAll("table.sortable thead button");
  buttons[1].click();
  var body = document.querySelector("table.sortable tbody");
  document.querySelector("button.theme").click();
  document.title = [body.rows[0].cells[1].textContent, body.rows[2].cells[1].textContent,
    document.querySelector("th[aria-sort]").getAttribute("aria-sort"),
    document.documentElement.getAttribute("data-theme"),
    document.documentElement.scrollWidth <= window.innerWidth].join("|");
});
</script></head>"""


def visit(tmp_path: Path, html: str, width: int) -> tuple[str, str]:
    """The page's document after its scripts have run, and what the browser logged."""
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}",
             f"--window-size={width},900", "--enable-logging=stderr", "--virtual-time-budget=20000",
             "--dump-dom"]  # fmt: skip
    done = subprocess.run([browser(), *flags, path.as_uri()], capture_output=True, text=True, timeout=90, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_tables_sort_themes_switch_and_nothing_overflows(tmp_path: Path, width: int) -> None:
    document, log = visit(tmp_path, page().replace("</head>", SORT, 1), width)
    title = re.search(r"<title>(.*?)</title>", document, re.DOTALL)
    assert title and title.group(1) == "0.10|0.90|ascending|dark|true"
    assert "CONSOLE" not in log


AXE = """<script>axe.run(document).then(function (found) {
  document.title = "AXE " + found.passes.length + "|" + found.violations.map(function (v) { return v.id; }).join(",");
});</script></body>"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(tmp_path: Path, theme: str) -> None:
    places = [os.environ.get("AXE_CORE", ""), "node_modules/axe-core/axe.min.js"]
    found = next((Path(place) for place in places if place and Path(place).is_file()), None)
    if found is None:
        pytest.skip("axe-core is not here: npm install axe-core, or set AXE_CORE to axe.min.js")
    html = (
        page()
        .replace("'unsafe-inline'", "'unsafe-inline' 'unsafe-eval'")
        .replace("<html ", f'<html data-theme="{theme}" ')
    )
    body, _, rest = html.rpartition("</body>")
    script = f"<script>{found.read_text(encoding='utf-8')}</script>"
    document, _ = visit(tmp_path, body + script + AXE + rest, 1280)
    title = re.search(r"<title>AXE (\d+)\|(.*?)</title>", document)
    assert title and int(title.group(1)) > 20
    assert title.group(2) == ""
