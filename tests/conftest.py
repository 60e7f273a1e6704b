"""What tests of several rooms share: a headless Chromium, the scripts, an order, a memory not searched again."""

import base64
import gc
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no fault, and the same examples come every time. Hypothesis is loaded here, before the collector is
# told to leave alone what is there (below): it asks the collector who holds the generators of random numbers.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

MISSING = "no Chromium with its driver is here; on Debian: apt install chromium chromium-driver"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-sync", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--force-color-profile=srgb", "--no-proxy-server",
)  # fmt: skip

AXE = """
const tell = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(found => tell([
  found.passes.length, found.violations.map(one => [one.id, one.nodes.map(node => String(node.target))])]));
"""


class Browser:
    """A Chromium without a window: `driver` is selenium's, the rest is what the tests of pages ask of it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path | str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a file or an address in a page of this size, its colours as the reader's system would have them."""
        self.errors()
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        colours = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": colours})
        self.driver.get(page.resolve().as_uri() if isinstance(page, Path) else page)

    def run(self, script: str, *given: Any) -> Any:
        """The value that a script returns in the page."""
        return self.driver.execute_script(script, *given)

    def errors(self) -> list[str]:
        """What the page has complained of since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def axe(self) -> dict[str, list[str]]:
        """What axe-core finds wrong for readers with a disability, rule -> places."""
        source = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
        looked, wrong = self.driver.execute_async_script(AXE)
        assert looked, "axe-core looked at nothing"
        return dict(wrong)

    def picture(self, path: Path, whole: bool = False) -> None:
        """The page as a PNG: what is on the screen, or all of it."""
        settings = {"format": "png", "captureBeyondViewport": whole}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", settings)
        path.write_bytes(base64.b64decode(taken["data"]))

    def printed(self) -> bytes:
        """The page as the PDF that its print style makes."""
        made = self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
        return base64.b64decode(made["data"])


LONG = (
    "study/test_mutations.py", "test_public_studies.py", "study/test_run.py", "report/test_audit.py",
    "study/test_lab.py", "study/test_check.py", "study/test_new.py", "study/test_archive.py", "study/test_together.py",
    "linking/test_link.py", "linking/test_costs_and_rates.py", "linking/test_binary.py", "linking/test_bootstrap.py",
    "survey/test_fuzz.py", "survey/test_properties.py", "survey/test_imputation.py", "units/test_aggregation.py",
)  # fmt: skip
"""Files that take long, the longest first: begun last, one of them would keep one of two workers alone at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist give out files in the order of `pytest_collection_modifyitems`, not by their number of tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, all else as it was."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what stays until the end: every module, and every test that was found."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    """Loads a script of the repository, no part of the package, by its path; what it does when run is not done."""

    def load(name: str) -> ModuleType:
        path = Path(__file__).parents[1] / name
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running Chromium, as selenium drives it; without one, tests fail in CI and are skipped elsewhere."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = Chrome(options=options, service=Service(driver))
    running.set_script_timeout(240)
    yield running
    running.quit()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    """The session's Chromium on an empty page."""
    yield Browser(chromium)
    chromium.get("about:blank")
