"""Masses for the rows of a table, or for each row the reason why none may be said."""

import csv
import io
from dataclasses import dataclass

import numpy as np

from reconstruction.mass_fit.features import area_log_std, raw
from reconstruction.mass_fit.fitted import Rows
from reconstruction.mass_fit.model_file import MassFile, Model
from reconstruction.mass_fit.table import MASSES, MassTable
from trellis.errors import InputError

_FIGURES = ("_g", "_low_g", "_high_g")
HEADER = ("plant", *(f"{mass}{end}" for mass in ("fresh_mass", "dry_mass") for end in _FIGURES), "reason")


@dataclass(frozen=True)
class Prediction:
    """One row: for each mass (figure, low, high) in grams, or nothing and a reason."""

    plant: str
    masses_g: dict[str, tuple[float, float, float]]
    reason: str = ""


def predict_table(table: MassTable, model: Model) -> list[Prediction]:
    """One prediction a row, in the table's order.

    Raises:
        InputError: The table lacks a column that the model was fitted on.
    """
    columns = tuple(model.file.columns)
    missing = [name for name in columns if name not in table.numbers]
    if missing:
        raise InputError(
            f"the table lacks {', '.join(missing)}, which the model was fitted on ({', '.join(columns)}); "
            "add it, or fit a model without it"
        )
    values, errors = raw(table, columns), area_log_std(table, columns)
    # A law fitted on plants of no named cultivar is one law for all.
    named = any(model.file.cultivars)
    cultivars, plants = np.array(table.cultivar if named else [""] * len(table)), np.array(table.plant)
    return [
        predict_one(Rows(values[i : i + 1], errors[i : i + 1], cultivars[i : i + 1], plants[i : i + 1]), model)
        for i in range(len(table))
    ]


def predictions_text(predictions: list[Prediction]) -> str:
    """The CSV; a refused row has empty figures and a `reason`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in predictions:
        figures = [figure for mass in MASSES for figure in row.masses_g.get(mass, (None, None, None))]
        writer.writerow([row.plant, *("" if figure is None else f"{figure:.5g}" for figure in figures), row.reason])
    return out.getvalue()


def refusal(values: np.ndarray, cultivar: str, file: MassFile) -> str:
    """Why a plant with these values, (k,), lies outside what the model was fitted on; "" where it does not."""
    if cultivar not in file.cultivars:
        known = ", ".join(sorted(name or "plants of no named cultivar" for name in file.cultivars))
        return (
            f"the cultivar {cultivar!r} is not among those fitted on: {known}"
            if cultivar
            else (f"no cultivar is given; the model knows {known}")
        )
    for name, value in zip(file.columns, values.tolist(), strict=True):
        known_range = file.training_range[name]
        if not np.isfinite(value):
            return f"no {name} is given"
        if not known_range.lowest <= value <= known_range.highest:
            return f"{name} {value:g} is outside the training range, {known_range.lowest:g} to {known_range.highest:g}"
    return ""


def predict_one(rows: Rows, model: Model) -> Prediction:
    """A single row (NaN where a trait is not known), or the reason why it is not predicted."""
    plant, cultivar = str(rows.plant[0]), str(rows.cultivar[0])
    reason = refusal(rows.values[0], cultivar, model.file)
    if reason:
        return Prediction(plant, {}, reason)
    masses: dict[str, tuple[float, float, float]] = {}
    for mass, law in model.laws.items():
        if cultivar not in law.cultivars:
            continue
        figure, low, high, doubt = (float(value[0]) for value in law.predict_g(rows))
        if doubt > law.doubt_max:
            together = " and ".join(f"{n} {v:g}" for n, v in zip(model.file.columns, rows.values[0], strict=True))
            return Prediction(plant, {}, f"{together} together are unlike any plant that the model was fitted on")
        masses[mass] = (figure, low, high)
    lacking = [mass.replace("_g", "").replace("_", " ") for mass in MASSES if mass not in masses]
    return Prediction(plant, masses, f"the model has no {' and no '.join(lacking)}" if lacking else "")
