"""Can a reader rerun a notebook cell by cell? A real JupyterLab, driven in a headless Chromium."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from formats import run_in_process

from microresearch.simulate import simulate_study

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds; on an idle machine everything here takes a quarter of a minute."""


def until(found: Callable[[], Any], what: str) -> Any:
    """The value of a question once it is not empty; a failure that says what never came."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.2)
    pytest.fail(f"never came: {what}")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study with the bundled notebooks, of which the first has been run."""
    root = tmp_path_factory.mktemp("lab") / "study"
    simulate_study(root / "data", seed=5, hospitals=2, units_per_hospital=4, stays_per_unit=20)
    shutil.copy(ROOT / "study.toml", root)
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    run_in_process(root, ("01-clean-survey",))
    return root


@pytest.fixture
def lab(study: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a running `microresearch lab`, with its token."""
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "RUNTIME")}
    own |= {f"JUPYTERLAB_{name}_DIR": str(tmp_path / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    flags = ["--no-browser", "--allow-root", "--ServerApp.token=secret", "--ServerApp.port_retries=100"]
    server = subprocess.Popen(
        [sys.executable, "-m", "microresearch.cli", "lab", "--study", str(study), "--", *flags],
        env={**os.environ, **own, "IPYTHONDIR": str(tmp_path / "ipython")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        started = until(lambda: list((tmp_path / "runtime").glob("jpserver-*.json")), "a JupyterLab that listens")
        yield json.loads(started[0].read_text())["url"]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def clicked(browser: Any, selector: str, text: str) -> bool:
    """Click what a reader would click; false while it is not there."""
    from selenium.common.exceptions import WebDriverException

    for one in browser.driver.find_elements("css selector", selector):
        try:
            if one.is_displayed() and one.text.partition("\n")[0] == text:
                one.click()
                return True
        except WebDriverException:  # redrawn meanwhile
            return False
    return False


PROMPTS = "return [...document.querySelectorAll('.jp-InputArea-prompt')].map(one => one.textContent.trim())"
IDLE = "return document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]') !== null"


def tables(browser: Any) -> list[str]:
    """The tables of the page; all cells are asked for, as a reader would, anew where JupyterLab forgot them.

    It forgets while a kernel still starts, even one that it calls idle: the prompts are empty again.
    """
    if not any(one != "[ ]:" for one in browser.run(PROMPTS) if one):
        until(lambda: browser.run(IDLE), "a kernel that waits")
        until(lambda: clicked(browser, ".lm-MenuBar-item", "Run"), "the menu Run")
        until(lambda: clicked(browser, ".lm-Menu-item[data-command='runmenu:run-all']", "Run All Cells"), "Run All")
        time.sleep(2)
    return browser.run(
        "return [...document.querySelectorAll('.jp-OutputArea-output table')].map(one => one.textContent)"
    )


def test_open_03_run_all_and_see_the_table(browser: Any, lab: str, study: Path) -> None:
    before = (study / "notebooks/03-reliability.ipynb").read_bytes()
    browser.open(f"{lab}lab/tree/03-reliability.ipynb?token=secret", width=1400, height=1000)
    ready = "return document.querySelector('.jp-Notebook .jp-CodeCell') !== null"
    until(lambda: browser.run(ready), "the notebook in the page")
    wanted = ("Leadership", "Alpha")
    shown = until(lambda: [one for one in tables(browser) if all(word in one for word in wanted)], "the table")
    assert "Staff focus" in shown[0]
    until(lambda: "[*]:" not in browser.run(PROMPTS), "the end of the last cell")
    errors = "return [...document.querySelectorAll('[data-mime-type*=error]')].map(one => one.textContent)"
    assert browser.run(errors) == []
    assert (study / "notebooks/03-reliability.ipynb").read_bytes() == before
    assert not (study / "results").exists()  # only a whole run publishes
