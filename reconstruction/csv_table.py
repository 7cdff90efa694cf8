"""A table that a person made, read as it stands: the header, and each line with its number."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from trellis.errors import InputError


@dataclass(frozen=True)
class CsvTable:
    """Columns' names without blanks around them, lines that hold something, counted from 2, and the file's hash."""

    header: list[str]
    lines: list[tuple[int, list[str]]]
    sha256: str


def read_csv(path: Path) -> CsvTable:
    """A file's content, cell by cell.

    Raises:
        InputError: The file cannot be read, or is not CSV in UTF-8.
    """
    try:
        content = path.read_bytes()
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except OSError as error:
        raise InputError(f"{path}: cannot read the table: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV table in UTF-8: {error}") from error
    header = [name.strip() for name in lines[0]] if lines else []
    below = [(number, line) for number, line in enumerate(lines[1:], start=2) if line]
    return CsvTable(header, below, hashlib.sha256(content).hexdigest())
