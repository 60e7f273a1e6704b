import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from microresearch.cli import build_parser, main

COMMANDS = ("run", "check", "simulate", "lab")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"Example:\n  microresearch {command}" in capsys.readouterr().out


def test_the_examples_can_be_parsed() -> None:
    parser = build_parser()
    for action in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        for line in (action.epilog or "").splitlines()[1:]:
            assert parser.parse_args(shlex.split(line)[1:]).command


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "run the study's notebooks" in capsys.readouterr().out


def test_a_wrong_command_leaves_with_2() -> None:
    with pytest.raises(SystemExit) as left:
        main(["run", "--workers", "none"])
    assert left.value.code == 2


def test_without_a_study_there_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICRORESEARCH_STUDY", raising=False)
    for command in ("run", "check", "lab"):
        assert main([command]) == 2
        assert "there is no study.toml here or in a folder above" in capsys.readouterr().err


def test_simulate_writes_the_same_bytes_for_a_seed(tmp_path: Path) -> None:
    few = ["--seed", "3", "--hospitals", "2", "--units-per-hospital", "4"]
    for name in ("one", "two"):
        assert main(["simulate", str(tmp_path / name), *few]) == 0
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) >= 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_check_whether_anything_changed_imports_nothing_heavy() -> None:
    code = (
        "import sys; import microresearch.cli, microresearch.study.stamp, microresearch.study.place;"
        "print(sorted({'pandas', 'numpy', 'duckdb', 'pydantic', 'rich', 'nbclient', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
