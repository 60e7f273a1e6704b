"""What goes to a repository beside the paper? One zip of the study, the same to the byte, with the data or a twin."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.study.place import Place
from microresearch.study.reproduce import copy_study
from microresearch.study.spec import StudySpec
from microresearch.study.spec_file import read_spec
from microresearch.study.stamp import unchanged
from microresearch.study.state import named_files
from microresearch.study.twin import write_twin
from microresearch.study.unit_key import SEED, ensure_seed

BESIDE = ("README.md", "LICENSE", "CITATION.cff", "environment.yml", "requirements.lock", "pyproject.toml")
_DATE = (1980, 1, 1, 0, 0, 0)


def archive_study(place: Place, target: Path, data: bool | None = None) -> tuple[Path, bool]:
    """Write the archive of a study that has been run.

    Parameters
    ----------
    place : Place
    target : Path
        The zip file to write.
    data : bool, optional
        Whether data/raw goes in; default study.data_may_be_shared. Without data, `twin/` holds a study with invented
        data of the same shape, made from the schema alone.

    Returns
    -------
    (Path, bool)
        The file, and whether it holds the data.

    Raises
    ------
    DataError
        results/ are not those of the last run on these inputs, so that they would not come again.
    """
    spec = read_spec(place.file)
    with_data = spec.study.data_may_be_shared if data is None else data
    if not unchanged(place):
        mend = "run it (microresearch run), and archive then"
        raise DataError(Problem("the study changed since its last run", place.file.name, mend=mend))
    with io.scratch("microresearch-archive-") as folder:
        copy_study(place, spec, folder)
        if with_data and not spec.study.synthetic:  # with the data anyone sees which unit is which: names come again
            io.write_json(folder / "data" / "processed" / SEED, {"seed": str(ensure_seed(place))})
        if not with_data:
            io.remove(folder / "data")
            for name in _tables(spec):
                io.remove(folder / place.said(place.of(name)))
            add_twin(place, spec, folder / "twin", f"../{spec.run.folder}")
        for name in BESIDE:
            if (place.root / name).is_file():
                io.write_bytes(folder / name, io.read_bytes(place.root / name))
        for file in io.list_files(place.root / "src"):
            if "__pycache__" not in file.parts and file.suffix != ".pyc":
                io.write_bytes(folder / file.relative_to(place.root), io.read_bytes(file))
        for file in io.list_files(place.results):
            if not file.name.endswith(".600dpi.png"):
                io.write_bytes(folder / "results" / file.relative_to(place.results), io.read_bytes(file))
        io.write_text(folder / "ARCHIVE.txt", _contents(spec, with_data))
        files = {path.relative_to(folder).as_posix(): io.read_bytes(path) for path in io.list_files(folder)}
    sums = "".join(f"{io.sha256_bytes(data)}  {name}\n" for name, data in sorted(files.items()))
    return io.write_bytes(target, zip_bytes({**files, "SHA256SUMS": sums.encode()})), with_data


def add_twin(place: Place, spec: StudySpec, folder: Path, notebooks: str) -> None:
    """The twin of a study, with the instrument files that it needs."""
    from microresearch.study.schema import schema_of

    write_twin(spec, schema_of(place, spec), folder, notebooks)
    for name in spec.study.instruments:
        if name.endswith(".toml"):
            io.write_bytes(folder / "instruments" / Path(name).name, io.read_bytes(place.of(name)))


def _tables(spec: StudySpec) -> list[str]:
    """The data files that study.toml names (instruments are no data)."""
    named = named_files(spec.model_dump(mode="json"))
    return [name for key, name in named.items() if not key.startswith("study.")]


def _contents(spec: StudySpec, with_data: bool) -> str:
    rerun = "microresearch reproduce --archive THIS.zip" if with_data else "microresearch run --study twin"
    data = (
        f"data/raw      the data as received{f' (licence: {spec.study.licence})' if spec.study.licence else ''}"
        if with_data
        else "twin/         a study with invented data of the same shape: the data may not be shared, so anyone can\n"
        "              run every step on it, and nothing that it gives says anything about the real data"
    )
    return (
        f"{spec.study.title}\n\nstudy.toml    where the data lie, settings, analysis plan\nnotebooks     every step\n"
        f"results       what was published, with provenance.json: inputs, versions, seeds\n{data}\n"
        f"SHA256SUMS    the hash of every file\n\nTo run it: {rerun}\n"
    )


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip whose bytes depend on names and contents alone: sorted, one date, no compression (its bytes vary)."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as file:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            file.writestr(entry, data)
    return made.getvalue()
