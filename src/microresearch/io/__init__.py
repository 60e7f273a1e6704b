"""Where do bytes come from and go to? The only room that touches the file system: whole files or none."""

from microresearch.io.directories import clear_leftovers, fresh_folder, move, recover, remove, scratch, stage, swap_in
from microresearch.io.files import (
    find_upwards,
    list_files,
    read_bytes,
    read_json,
    sha256_bytes,
    sha256_file,
    sha256_tree,
    shown,
    to_json,
    write_bytes,
    write_json,
    write_text,
)
from microresearch.io.specs import read_spec, read_toml
from microresearch.io.tables import csv_records, read_csv, read_csv_text, read_parquet, write_csv, write_parquet

__all__ = [
    "clear_leftovers",
    "csv_records",
    "find_upwards",
    "fresh_folder",
    "list_files",
    "move",
    "read_bytes",
    "read_csv",
    "read_csv_text",
    "read_json",
    "read_parquet",
    "read_spec",
    "read_toml",
    "recover",
    "remove",
    "scratch",
    "sha256_bytes",
    "sha256_file",
    "sha256_tree",
    "shown",
    "stage",
    "swap_in",
    "to_json",
    "write_bytes",
    "write_csv",
    "write_json",
    "write_parquet",
    "write_text",
]
