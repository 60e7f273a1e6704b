"""What can be done from a shell? `microresearch run | check | simulate | lab`, with messages instead of tracebacks."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from microresearch.errors import DataError, MicroresearchError, SpecError

OK, FAILED, INPUT_AT_FAULT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Returns
    -------
    int
        0: done; 1: it failed; 2: the data, the settings or the command are wrong and must be mended.
    """
    parser = build_parser()
    chosen = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] | None = getattr(chosen, "command", None)
    if command is None:
        parser.print_help()
        return OK
    try:
        return command(chosen)
    except MicroresearchError as error:
        print(error, file=sys.stderr)
        at_fault = isinstance(error, (DataError, SpecError)) or getattr(error, "input_at_fault", False)
        return INPUT_AT_FAULT if at_fault else FAILED
    except KeyboardInterrupt:
        print("Stopped. Nothing in results/ was changed; what was done is taken up by the next run.", file=sys.stderr)
        return FAILED


def build_parser() -> argparse.ArgumentParser:
    """The commands and their help."""
    parser = argparse.ArgumentParser(
        prog="microresearch",
        description="Clinical microsystems from survey export to paper.",
        epilog="Example: microresearch check && microresearch run",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_add_run, _add_simulate, _add_review, _add_new, _add_instrument, _add_lab):
        add(commands)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], int],
    short: str,
    long: str,
    example: str,
    study: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=short,
        description=long,
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if study:
        parser.add_argument("--study", metavar="PATH", help="study.toml or its folder (default: here or above)")
    parser.set_defaults(command=command)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = _add(
        commands, "run", _run, "run the study's notebooks and write results/",
        "Runs what changed since the last run, two notebooks at a time. results/ is replaced as a whole at the end; "
        "when anything is wrong, nothing is changed. Exit code 2: data or settings must be mended; 1: it failed.",
        "microresearch run\n  microresearch run --study my-study --workers 4\n  microresearch run --force",
    )  # fmt: skip
    run.add_argument("--workers", type=_positive, metavar="N", help="notebooks at a time (default: run.workers)")
    run.add_argument("--force", action="store_true", help="run every notebook, changed or not")
    _add(
        commands, "check", _check, "look at every input without running anything",
        "Reads every file that study.toml names and prints what it found and all that is wrong at once.",
        "microresearch check\n  microresearch check --study my-study/study.toml",
    )  # fmt: skip


def _add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    simulate = _add(
        commands, "simulate", _simulate, "write the raw data of a simulated study",
        "Writes survey export, roster, units, admissions and costs with a planted, documented truth. The same seed "
        "gives the same bytes.",
        "microresearch simulate my-folder --seed 7\n  microresearch simulate small --seed 7 --hospitals 3",
        study=False,
    )  # fmt: skip
    simulate.add_argument(
        "folder", metavar="DIR", help="a new folder, or one without data of its own; data/raw is made in it"
    )
    simulate.add_argument("--seed", type=int, required=True, help="any whole number, 0 or more")
    simulate.add_argument("--hospitals", type=_positive, default=12, metavar="N", help="hospitals (default: 12)")
    simulate.add_argument(
        "--units-per-hospital", type=_positive, default=8, metavar="N", help="units in each hospital (default: 8)"
    )


def _add_review(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    again = _add(
        commands, "reproduce", _reproduce, "run everything again and compare with what was published",
        "Runs the study from its raw data in a clean folder and compares every number, table cell and figure's data "
        "with results/ as git's last commit has them, or with a study archive. Writes reproduction.html. Exit code 0: "
        "all came again; 1: not all.",
        "microresearch reproduce\n  microresearch reproduce --archive my-study.zip",
    )  # fmt: skip
    again.add_argument("--archive", metavar="ZIP", help="a study archive to compare with; without --study it is run")
    again.add_argument("--page", metavar="FILE", default="reproduction.html", help="where the page goes")
    archive = _add(
        commands, "archive", _archive, "make the zip that goes to a repository",
        "Packs study.toml, notebooks and results, with the data or, where they may not be shared, a synthetic twin "
        "made from their schema alone. The same study gives the same bytes.",
        "microresearch archive my-study.zip\n  microresearch archive my-study.zip --without-data",
    )  # fmt: skip
    archive.add_argument("file", metavar="ZIP", help="the file to write")
    choice = archive.add_mutually_exclusive_group()
    choice.add_argument("--with-data", dest="data", action="store_true", default=None, help="data/raw goes in")
    choice.add_argument("--without-data", dest="data", action="store_false", help="a twin goes in")


def _add_new(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    new = _add(
        commands, "new", _new, "start a study of your own",
        "Looks at your files, proposes which column holds what, and makes a folder with study.toml, notebooks and "
        "copies of the files in data/raw (which git is told to leave out). twin/ in it runs at once, on invented "
        "data of the same shape. Without --survey it asks.",
        "microresearch new my-study --survey export.csv --title \"Ten wards\"\n"
        "  microresearch new my-study --survey s.csv --units u.csv --admissions a.csv --outcome died:binary",
        study=False,
    )  # fmt: skip
    new.add_argument("folder", metavar="DIR", help="a new or empty folder")
    new.add_argument("--title", default="", help="what the study is called")
    new.add_argument(
        "--instrument", action="append", metavar="NAME", help="long-form (default), or a TOML file; repeat"
    )
    new.add_argument("--format", default="auto", help="of the survey export (default: looks)")
    new.add_argument("--encoding", metavar="NAME", help="of a text file that is not Unicode (cp1252, latin-1, ...)")
    new.add_argument("--separator", metavar="MARK", help="of a text file, where it cannot be found")
    new.add_argument("--sheet", metavar="NAME", help="of a workbook with several")
    files = {
        "survey": "the survey export", "dictionary": "REDCap's data dictionary", "roster": "everyone who was asked",
        "units": "the table of units", "admissions": "one row a stay (Parquet or CSV)",
        "costs": "lines of cost or charge",
        "ccr": "cost-to-charge ratios",
    }  # fmt: skip
    for name, what in files.items():
        new.add_argument(f"--{name}", type=Path, metavar="FILE", help=what)
    new.add_argument(
        "--outcome", action="append", default=[], metavar="NAME:KIND", help="continuous, count, binary, cost"
    )
    new.add_argument("--cost-basis", metavar="BASIS", help="direct, full, or 'charges x ccr'")
    new.add_argument("--currency", metavar="CODE", help="EUR, USD, ...")
    new.add_argument("--price-year", type=_positive, metavar="YEAR")
    new.add_argument("--seed", type=int, default=1)


def _add_instrument(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    form = _add(
        commands, "instrument", _instrument, "make an instrument file from a form that exists",
        "Reads REDCap's data dictionary, an SPSS or Stata file with value labels, or a CSV list of items (code, text, "
        "characteristic, low, high, reversed, applies), and writes the TOML file that a study names.",
        "microresearch instrument dictionary.csv my-form.toml --name \"My form\"\n"
        "  microresearch instrument items.csv my-form.toml --option 1=No --option 2=Partly --option 3=Yes",
        study=False,
    )  # fmt: skip
    form.add_argument("source", type=Path, metavar="FILE")
    form.add_argument("target", type=Path, metavar="TOML", help="the file to write; it must not be there")
    form.add_argument("--name", default="", help="what the form is called")
    form.add_argument(
        "--option", action="append", default=[], metavar="CODE=LABEL", help="an answer, for a list; repeat"
    )


def _add_lab(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    lab = _add(
        commands, "lab", _lab, "open the study's notebooks in JupyterLab",
        "Opens JupyterLab on the notebooks' folder. Run the study once before: notebooks read what earlier ones kept.",
        "microresearch lab\n  microresearch lab -- --no-browser --port 9999",
    )  # fmt: skip
    lab.add_argument("more", nargs="*", metavar="-- FLAG", help="what JupyterLab itself is to be told")


def _positive(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return number


def _run(chosen: argparse.Namespace) -> int:
    from microresearch.study.place import find_place
    from microresearch.study.stamp import unchanged

    place = find_place(chosen.study)
    report = place.results / "report.html"
    if not chosen.force and unchanged(place):
        print(f"Nothing changed since the last run. Report: {_shown(report)}")
        return OK
    from microresearch.study.run import run_study

    outcome = run_study(place, force=chosen.force, workers=chosen.workers)
    ran = f"{len(outcome.ran)} notebooks" if len(outcome.ran) != 1 else "1 notebook"
    print(f"Done: {ran} run in {outcome.seconds:.1f} s. Report: {_shown(outcome.report)}")
    return OK


def _reproduce(chosen: argparse.Namespace) -> int:
    from microresearch.study.reproduce import reproduce, screen_table, write_page

    result = reproduce(chosen.study, chosen.archive)
    print(screen_table(result))
    print(f"All of it: {_shown(write_page(result, Path(chosen.page)))}")
    return OK if result.reproduced else FAILED


def _archive(chosen: argparse.Namespace) -> int:
    from microresearch.study.archive import archive_study
    from microresearch.study.place import find_place

    path, with_data = archive_study(find_place(chosen.study), Path(chosen.file), chosen.data)
    print(f"{_shown(path)}: {'with the data' if with_data else 'with a synthetic twin in place of the data'}.")
    return OK


def _new(chosen: argparse.Namespace) -> int:
    from microresearch.study.new import new_study
    from microresearch.study.wish import Wish

    if chosen.survey is None and sys.stdin.isatty():
        from microresearch.study.ask import ask

        ask(chosen)
    if chosen.survey is None:
        raise SpecError("a study starts from a survey export: give --survey FILE.")
    files = {n: getattr(chosen, n) for n in ("survey", "dictionary", "roster", "units", "admissions", "costs", "ccr")}
    said = ("format", "encoding", "separator", "sheet", "cost_basis", "currency", "price_year", "seed")
    how = {name: getattr(chosen, name) for name in said}
    title = chosen.title or Path(chosen.folder).name
    forms = tuple(chosen.instrument or ["long-form"])
    wish = Wish(
        title=title, instruments=forms, outcomes=tuple(chosen.outcome), **files, **how
    )  # fmt: skip
    made = new_study(Path(chosen.folder), wish)
    for line in made.proposed:
        print(f"  {line}")
    for line in made.look_at:
        print(f"To do: {line}.")
    folder = _shown(made.folder)
    print(f"Look at {folder}/study.toml, then: microresearch run --study {folder}/twin")
    return OK


def _instrument(chosen: argparse.Namespace) -> int:
    from microresearch.study.instrument_maker import write_instrument

    form = write_instrument(chosen.source, chosen.target, chosen.name, chosen.option)
    print(
        f"{_shown(chosen.target)}: {len(form.items)} items, {len(form.characteristics)} characteristics. Look at each."
    )
    return OK


def _check(chosen: argparse.Namespace) -> int:
    from microresearch.study.check import check_study
    from microresearch.study.place import find_place

    findings = check_study(find_place(chosen.study))
    for line in findings.found:
        print(f"  {line}")
    for warning in findings.warnings:
        print(f"Warning: {warning}")
    findings.refuse()
    print("Nothing is wrong with the inputs.")
    return OK


def _simulate(chosen: argparse.Namespace) -> int:
    from microresearch.simulate import simulate_study

    folder = Path(chosen.folder)
    study = simulate_study(
        folder / "data", seed=chosen.seed, hospitals=chosen.hospitals, units_per_hospital=chosen.units_per_hospital
    )
    print(f"{len(study.survey):,} responses and {len(study.admissions):,} stays in {len(study.units)} units: see")
    print(f"  {_shown(folder / 'data' / 'raw' / 'README.md')} for what the files hold,")
    print(f"  {_shown(folder / 'data' / 'truth.json')} for what was planted.")
    return OK


def _lab(chosen: argparse.Namespace) -> int:
    import subprocess

    from microresearch.study.place import STUDY, find_place
    from microresearch.study.spec_file import read_spec

    place = find_place(chosen.study)
    folder = place.of(read_spec(place.file).run.folder)
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", STUDY: str(place.file)}
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder), *chosen.more], env=environment)


def _shown(path: Path) -> str:
    """A path from here where it lies below, else in full: the reader must be able to open it."""
    full = path.absolute()
    return str(full.relative_to(Path.cwd()) if full.is_relative_to(Path.cwd()) else full)


if __name__ == "__main__":
    sys.exit(main())
