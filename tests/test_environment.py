"""Do the files that describe the environment say one thing? pyproject.toml leads, the others follow."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {"requirements.lock": ["build"], "requirements-test.lock": ["build", "test"]}
SUPPORTED = ("3.11", "3.12", "3.13")


def locked(name: str) -> dict[str, list[tuple[Version, Marker | None]]]:
    """Package -> its pinned versions, each with the marker that says where."""
    found: dict[str, list[tuple[Version, Marker | None]]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\").strip())
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            found.setdefault(canonicalize_name(requirement.name), []).append((Version(pin.version), requirement.marker))
    return found


def wanted(extras: list[str]) -> list[Requirement]:
    optional = PROJECT["optional-dependencies"]
    return [Requirement(spec) for spec in [*PROJECT["dependencies"], *(s for name in extras for s in optional[name])]]


def test_conda_and_pip_want_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == [*PROJECT["dependencies"], "--editable ."]
    assert [entry.partition("=")[0] for entry in conda] == ["python", "pip"]
    assert environment["name"] == PROJECT["name"]
    assert "defaults" not in environment["channels"]


def binder(text: str) -> list[str]:
    """What keeps Binder from building this environment.yml, by the rules of repo2docker's conda build pack."""
    environment = yaml.safe_load(text)
    faults = [] if isinstance(environment, dict) else ["it is no mapping"]
    entries = environment.get("dependencies", []) if not faults else []
    plain = [entry for entry in entries if isinstance(entry, str)]
    named = [found[1] for entry in plain if (found := re.match(r"python\s*=+\s*([\d.]*)", entry))]
    if len(named) != 1:
        faults.append("it must name one Python version, as python=3.12: a range is not understood")
    elif ".".join(named[0].split(".")[:2]) not in SUPPORTED:
        faults.append("its Python version is not one that is supported")
    pip = [line for entry in entries if isinstance(entry, dict) for line in entry.get("pip", [])]
    if pip and "pip" not in plain:
        faults.append("pip must be among the dependencies")
    if not any(re.match(r"(-e|--editable)\s+\.$", line) for line in pip):
        faults.append("the library itself is not installed from the repository")
    if not any(Requirement(line).name == "jupyterlab" for line in pip if not line.startswith("-")):
        faults.append("JupyterLab is missing")
    return faults


def test_environment_yml_alone_does_for_binder() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert binder(text) == []
    # Files that Binder would prefer to environment.yml, or that would do part of the work
    others = ("Dockerfile", "requirements.txt", "postBuild", "apt.txt", "Pipfile", "Project.toml", "default.nix")
    assert not [name for name in others for folder in ("", "binder/", ".binder/") if (ROOT / folder / name).exists()]
    for old, new in (
        ("python=3.12", "python>=3.11,<3.14"), ("python=3.12", "python=3.9"), ("  - pip\n", ""),
        ("--editable .", "microresearch"), ("jupyterlab", "notebook"),
    ):  # fmt: skip
        assert len(binder(text.replace(old, new, 1))) == 1, new


def test_supported_pythons_are_the_classifiers() -> None:
    named = [
        c.rpartition(" ")[2] for c in PROJECT["classifiers"] if c.startswith("Programming Language :: Python :: 3.")
    ]
    assert tuple(named) == SUPPORTED
    python = SpecifierSet(PROJECT["requires-python"])
    assert all(f"{version}.5" in python for version in SUPPORTED)
    assert "3.10.9" not in python
    assert "3.14.0" not in python


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("python", SUPPORTED)
def test_the_lock_has_one_fitting_version_of_everything_wanted(name: str, python: str) -> None:
    pins = locked(name)
    here = {"python_version": python, "python_full_version": f"{python}.9"}
    for requirement in wanted(LOCKS[name]):
        fits = [v for v, marker in pins[canonicalize_name(requirement.name)] if marker is None or marker.evaluate(here)]
        assert len(fits) == 1, requirement.name
        assert fits[0] in requirement.specifier, requirement.name


def test_the_test_lock_adds_and_changes_nothing() -> None:
    paper, test = locked("requirements.lock"), locked("requirements-test.lock")
    shared = {name: {version for version, _ in test[name]} for name in paper}
    assert shared == {name: {version for version, _ in pins} for name, pins in paper.items()}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in pin for pin in pins if pin)
    assert len(pins) > 100
    assert "://" not in text
    assert "index-url" not in text


def test_version_and_licence_are_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "GPL-3.0-or-later"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:6] == [
        "GNU",
        "GENERAL",
        "PUBLIC",
        "LICENSE",
        "Version",
        "3,",
    ]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_make_help_lists_every_target_and_every_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    assert described == set(phony.split()) - {"FORCE"}
    assert {"help", "paper", "test", "lab", "lint", "lock"} <= described
