"""The table of plants that mass models are fitted to and predict from: CSV, read strictly."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reconstruction.csv_table import read_csv
from trellis.errors import InputError

TRAITS = ("leaf_area_cm2", "volume_cm3", "projected_area_cm2", "height_cm", "diameter_cm", "completeness", "age_days")
MASSES = ("fresh_mass_g", "dry_mass_g")
WORDS = ("plant", "harvest", "cultivar")

#: What the issue of a trial's own tables needs beside those: the error of an area, and an age in weeks.
STD = "leaf_area_std_cm2"
WEEK = "harvest_week"
COLUMNS = (*WORDS, *TRAITS, *MASSES, STD, WEEK)

_DAYS_A_WEEK = 7


@dataclass(frozen=True)
class MassTable:
    """Rows of plants.

    Args:
        numbers: Column to values (n,), NaN where the cell is empty; only columns that the table has.
        plant: Names, (n,); the row's number where the table has none.
        harvest: Of each row: its harvest, else its age, else its plant.
        cultivar: Of each row, "" where not given.
        sha256: Of the file.
    """

    numbers: dict[str, NDArray[np.float64]]
    plant: tuple[str, ...]
    harvest: tuple[str, ...]
    cultivar: tuple[str, ...]
    sha256: str

    def __len__(self) -> int:
        return len(self.plant)

    def column(self, name: str) -> NDArray[np.float64]:
        """The values of a column, all NaN where the table has none."""
        return self.numbers.get(name, np.full(len(self), np.nan))


def read_table(path: Path) -> MassTable:
    """Read a table; columns may stand in any order, cells may be empty.

    `harvest_week` stands for `harvest` and for an age of seven days a week. A table with neither `age_days` nor
    `harvest_week` whose `harvest` are whole numbers of weeks (1 to 52) is read the same way.

    Raises:
        InputError: The file cannot be read, a column is unknown (the nearest is suggested) or double, a row has too
            many or too few cells, or a number is not finite and above zero; the line is named.
    """
    read = read_csv(path)
    header, body = read.header, read.lines
    _check_header(path, header)
    if not body:
        raise InputError(f"{path}: no plant in the table; below the header it needs a row for each plant")
    for line, row in body:
        if len(row) != len(header):
            raise InputError(f"{path}, line {line}: {len(row)} cells for {len(header)} columns")
    words = {name: [row[header.index(name)].strip() for _, row in body] for name in WORDS if name in header}
    numbers = {
        name: np.array([_number(path, line, name, row[header.index(name)]) for line, row in body])
        for name in header
        if name not in WORDS
    }
    return _table(words, numbers, len(body), read.sha256)


def _table(words: dict[str, list[str]], numbers: dict[str, NDArray[np.float64]], count: int, sha256: str) -> MassTable:
    weeks = numbers.pop(WEEK, None)
    if weeks is None and "age_days" not in numbers:
        weeks = _weeks(words.get("harvest", []))
    if weeks is not None:
        numbers.setdefault("age_days", _DAYS_A_WEEK * weeks)
        words.setdefault("harvest", [f"{week:g}" for week in weeks])
    plants = words.get("plant", [""] * count)
    plants = [plant or f"row {row}" for row, plant in enumerate(plants, start=1)]
    ages = numbers.get("age_days", np.full(count, np.nan))
    harvests = words.get("harvest", [""] * count)
    harvests = [
        harvest or (f"{age:g} days" if np.isfinite(age) else plant)
        for harvest, age, plant in zip(harvests, ages, plants, strict=True)
    ]
    return MassTable(numbers, tuple(plants), tuple(harvests), tuple(words.get("cultivar", [""] * count)), sha256)


def _weeks(harvests: list[str]) -> NDArray[np.float64] | None:
    if harvests and all(harvest.isdecimal() and 1 <= int(harvest) <= 52 for harvest in harvests):
        return np.array([float(harvest) for harvest in harvests])
    return None


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.0)[0]
            allowed = ", ".join(COLUMNS)
            raise InputError(f"{path}: unknown column {name!r}; the nearest is {near!r}, allowed are {allowed}")
        if header.count(name) > 1:
            raise InputError(f"{path}: the column {name!r} stands twice; a table has each once")
    if not header:
        raise InputError(f"{path}: the table is empty; its first line names the columns")


def _number(path: Path, line: int, column: str, cell: str) -> float:
    if not cell.strip():
        return float("nan")
    try:
        value = float(cell)
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {column} is {cell.strip()!r}, which is no number") from error
    lowest_ok = value >= 0 if column == STD else value > 0
    if not (np.isfinite(value) and lowest_ok and (column != "completeness" or value <= 1)):
        allowed = "above 0 and at most 1" if column == "completeness" else "finite and above zero"
        raise InputError(f"{path}, line {line}: {column} is {cell.strip()}; it must be {allowed}, or left empty")
    return value
