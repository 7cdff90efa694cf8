"""The table that growth is read from: CSV, a plant on a day a row, read strictly."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reconstruction.csv_table import read_csv
from reconstruction.growth.curve import SIZES, Array
from reconstruction.growth.looks import Looks
from trellis.errors import InputError

WORDS = ("plant", "cultivar", "treatment", "batch")


def _with_unit(size: str, word: str) -> str:
    name, unit = size.rsplit("_", 1)
    return f"{name}_{word}_{unit}"


STD, LOW, HIGH = ({size: _with_unit(size, word) for size in SIZES} for word in ("std", "low", "high"))
PLACE = ("x_m", "y_m")
NUMBERS = ("day", *SIZES, *STD.values(), *LOW.values(), *HIGH.values(), "yellow_share", *PLACE)
COLUMNS = (*WORDS, *NUMBERS)

#: What half a 90 % interval is in standard deviations.
_HALF = 1.6449
_LONGEST_DAYS = 400


@dataclass(frozen=True)
class Batch:
    """Plants that are compared with each other: sizes by name, their treatments, and yellow shares (n, T).

    `places_m` holds x and y of each plant on the wall, (n, 2), NaN where the table does not say.
    """

    name: str
    sizes: dict[str, Looks]
    treatments: tuple[str, ...]
    yellow_share: Array | None
    places_m: Array


def read_batches(path: Path, noise: float) -> list[Batch]:
    """Read a table; columns in any order, cells of sizes may be empty.

    Plants are of one batch when they have the same `batch`, or without that column the same cultivar and treatment.
    Several rows of a plant on one day become one, weighted by their errors.

    Args:
        path: The table.
        noise: Relative standard deviation of a measurement for which the table tells none.

    Raises:
        InputError: The file cannot be read, a column is unknown, double or missing, a cell is no number or out of
            range; the line is named.
    """
    rows = _rows(path)
    if not any(size in rows[0] for size in SIZES):
        raise InputError(f"{path}: no column of a size; one of {', '.join(SIZES)} is needed")
    return batches_of(path, rows, noise)


def batches_of(path: Path, rows: list[dict], noise: float) -> list[Batch]:
    """Batches from rows as `read_batches` reads them; `path` is for messages only."""
    span = max(row["day"] for row in rows) - min(row["day"] for row in rows)
    if span > _LONGEST_DAYS:
        raise InputError(f"{path}: the days span {span:g}; a table holds one crop, at most {_LONGEST_DAYS} days")
    names = dict.fromkeys(_batch_name(row) for row in rows)
    return [_batch(path, name, [row for row in rows if _batch_name(row) == name], noise) for name in names]


def _batch_name(row: dict) -> str:
    return row.get("batch") or " ".join(word for word in (row.get("cultivar"), row.get("treatment")) if word)


def _batch(path: Path, name: str, rows: list[dict], noise: float) -> Batch:
    plants = tuple(dict.fromkeys(row["plant"] for row in rows))
    whole = [int(np.floor(row["day"] + 0.5)) for row in rows]
    days = np.arange(min(whole), max(whole) + 1)
    every = {size: [_log_cell(row, size, noise) for row in rows] for size in SIZES}
    # A plant was looked for in vain where a row has no size at all; one size may be lacking for other reasons.
    in_vain = [all(cells[index] is None for cells in every.values()) for index in range(len(rows))]
    sizes = {
        size: _looks(size, plants, days, rows, whole, cells, in_vain)
        for size, cells in every.items()
        if any(cell is not None for cell in cells)
    }
    if not sizes:
        raise InputError(f"{path}: batch {name!r} has no measurement; fill one of {', '.join(SIZES)}")
    treatment = {row["plant"]: row.get("treatment", "") for row in rows}
    yellow = None
    if any(np.isfinite(row.get("yellow_share", np.nan)) for row in rows):
        yellow = np.full((len(plants), len(days)), np.nan)
        for row, day in zip(rows, whole, strict=True):
            yellow[plants.index(row["plant"]), day - days[0]] = row.get("yellow_share", np.nan)
    places = {row["plant"]: (row.get("x_m", np.nan), row.get("y_m", np.nan)) for row in rows}
    return Batch(
        name,
        sizes,
        tuple(treatment[plant] for plant in plants),
        yellow,
        np.array([places[plant] for plant in plants]),
    )


def _log_cell(row: dict, size: str, noise: float) -> tuple[float, float] | None:
    """ln size and its standard deviation, None for an empty cell."""
    value = row.get(size, np.nan)
    if not np.isfinite(value):
        return None
    std = row.get(STD[size], np.nan)
    low, high = row.get(LOW[size], np.nan), row.get(HIGH[size], np.nan)
    if np.isfinite(std):
        return float(np.log(value)), float(std / value)
    if np.isfinite(low) and np.isfinite(high):
        return float(np.log(value)), float(np.log(high / low) / (2 * _HALF))
    return float(np.log(value)), noise


def _looks(
    size: str,
    plants: tuple[str, ...],
    days: NDArray[np.int64],
    rows: list[dict],
    whole: list[int],
    cells: list[tuple[float, float] | None],
    in_vain: list[bool],
) -> Looks:
    sums = np.zeros((3, len(plants), len(days)))  # weights, weighted ln size, weighted times
    absent = np.zeros((len(plants), len(days)), dtype=bool)
    place = {plant: index for index, plant in enumerate(plants)}
    for row, day, cell, vain in zip(rows, whole, cells, in_vain, strict=True):
        absent[place[row["plant"]], day - days[0]] |= vain
        if cell is not None:
            weight = cell[1] ** -2
            sums[:, place[row["plant"]], day - days[0]] += weight * np.array([1.0, cell[0], row["day"]])
    there = sums[0] > 0
    safe = np.where(there, sums[0], 1.0)
    log_size, times = np.where(there, sums[1] / safe, np.nan), np.where(there, sums[2] / safe, days)
    return Looks(
        SIZES[size], plants, days, log_size, safe**-0.5, times, np.zeros(there.shape, dtype=bool), absent & ~there
    )


def _rows(path: Path) -> list[dict]:
    read = read_csv(path)
    header, lines = read.header, read.lines
    _check_header(path, header)
    rows = [_row(path, number, header, line) for number, line in lines]
    if not rows:
        raise InputError(f"{path}: no measurement in the table; below the header it needs a row for each plant and day")
    return rows


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.0)[0]
            raise InputError(
                f"{path}: unknown column {name!r}; the nearest is {near!r}, allowed are {', '.join(COLUMNS)}"
            )
        if header.count(name) > 1:
            raise InputError(f"{path}: the column {name!r} stands twice; a table has each once")
    for name in ("plant", "day"):
        if name not in header:
            raise InputError(f"{path}: the column {name!r} is missing; a row is a plant on a day")


def _row(path: Path, number: int, header: list[str], line: list[str]) -> dict:
    if len(line) != len(header):
        raise InputError(f"{path}, line {number}: {len(line)} cells for {len(header)} columns")
    row = {}
    for name, cell in zip(header, line, strict=True):
        row[name] = cell.strip() if name in WORDS else _number(path, number, name, cell.strip())
    if not row["plant"] or not np.isfinite(row["day"]):
        raise InputError(f"{path}, line {number}: a row needs its plant and its day")
    for size in SIZES:
        low, high = row.get(LOW[size], np.nan), row.get(HIGH[size], np.nan)
        if low >= high or row.get(size, np.nan) < low or row.get(size, np.nan) > high:
            raise InputError(
                f"{path}, line {number}: {size} is {row.get(size)} between {low} and {high}; they must rise"
            )
    return row


def _number(path: Path, line: int, column: str, cell: str) -> float:
    if not cell:
        return float("nan")
    try:
        value = float(cell)
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {column} is {cell!r}, which is no number") from error
    if column in ("day", *PLACE):
        allowed, fine = "finite", np.isfinite(value)
    elif column == "yellow_share":
        allowed, fine = "between 0 and 1", 0 <= value <= 1
    else:
        allowed, fine = "finite and above zero, or left empty where nothing was measured", 0 < value < np.inf
    if not fine:
        raise InputError(f"{path}, line {line}: {column} is {cell}; it must be {allowed}")
    return value
