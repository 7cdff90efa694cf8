"""MODEL, the file of `trellis mass fit`: what was learnt, where it holds, its errors, and the rows it rests on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconstruction.mass_fit.features import area_log_std, raw, usable_columns
from reconstruction.mass_fit.fitted import FEWEST_ROWS, Fitted, Rows, fit, restore, smeared_g
from reconstruction.mass_fit.process import START, Kind
from reconstruction.mass_fit.scores import rounded, scores
from reconstruction.mass_fit.table import MASSES, MassTable
from trellis.errors import InputError

#: Rows of a smaller weight than this are named as unlike the others; they stay in.
_UNLIKE = 0.25


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(_Strict):
    """Smallest and largest value of a column among the rows fitted on."""

    lowest: float = Field(gt=0)
    highest: float = Field(gt=0)


class Law(_Strict):
    """One mass: learnt widths, errors with each plant left out, plants that look like errors, weights of the rows."""

    learnt: dict[str, float]
    interval_half_widths: dict[str, float]
    left_out: dict[str, dict[str, float | None]]
    unlike_the_others: list[str]
    weights: list[float]


class Row(_Strict):
    """One weighed plant: `values` in the order of `columns`."""

    plant: str
    cultivar: str
    values: list[float]
    area_log_std: float
    fresh_mass_g: float | None
    dry_mass_g: float | None


#: What a leaf area may be: all of it, as a meter finds it, or what photographs saw.
LeafArea = Literal["total", "seen"]


class MassFile(_Strict):
    """The content of MODEL; docs/mass.md says what each key means."""

    format: Literal["trellis mass model 1"]
    kind: Kind
    fitted_on: str
    data_sha256: str
    columns: list[str]
    leaf_area: LeafArea | None = None
    training_range: dict[str, Range]
    cultivars: dict[str, int]
    laws: dict[Literal["fresh_mass_g", "dry_mass_g"], Law]
    rows: list[Row]


@dataclass(frozen=True)
class Model:
    """A file, and its laws ready to predict."""

    file: MassFile
    laws: dict[str, Fitted]


def fit_model(table: MassTable, name: str, kind: Kind = "process", leaf_area: LeafArea | None = None) -> Model:
    """Fit both masses, as far as the table has them.

    Args:
        name: Of the table, for people.
        leaf_area: What the table's leaf areas are; needed to weigh reconstructed plants, not for tables.

    Raises:
        InputError: No mass, no trait of size, or too few weighed plants.
    """
    rows, masses, columns = weighed_rows(table)
    leading = 2 if "age_days" in columns else 1
    laws: dict[str, Fitted] = {}
    for mass, values in masses.items():
        there = np.isfinite(values)
        if there.sum() >= FEWEST_ROWS:
            laws[mass] = fit(_some(rows, there), values[there], leading, kind)
    if not laws:
        raise InputError(
            f"{name}: too few weighed plants with {', '.join(columns)}: "
            f"{', '.join(f'{np.isfinite(v).sum()} with {m}' for m, v in masses.items())}; a law needs {FEWEST_ROWS}"
        )
    names, counts = np.unique(rows.cultivar, return_counts=True)
    ends = zip(columns, rows.values.min(0).tolist(), rows.values.max(0).tolist(), strict=True)
    plants = len(set(rows.plant.tolist()))
    file = MassFile(
        format="trellis mass model 1",
        kind=kind,
        fitted_on=f"{name}: {len(rows.plant)} rows of {plants} plants with {', '.join(columns)}",
        data_sha256=table.sha256,
        columns=list(columns),
        leaf_area=leaf_area,
        training_range={column: Range(lowest=low, highest=high) for column, low, high in ends},
        cultivars={str(cultivar): int(n) for cultivar, n in zip(names, counts, strict=True)},
        laws={mass: _law(law, masses[mass], rows) for mass, law in laws.items()},  # type: ignore[misc]
        rows=_file_rows(rows, masses),
    )
    return Model(file, laws)


def weighed_rows(table: MassTable) -> tuple[Rows, dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Rows with a mass and every column that is used, the masses (NaN where a row lacks one), and the columns."""
    masses = {mass: table.column(mass) for mass in MASSES if mass in table.numbers}
    if not masses:
        raise InputError(f"the table has no mass to fit to; it needs {' or '.join(MASSES)}")
    weighed = np.any([np.isfinite(values) for values in masses.values()], axis=0)
    columns = usable_columns(table, weighed)
    if not columns:
        raise InputError("the table has no size to fit on; it needs leaf_area_cm2 (or another trait) that varies")
    values = raw(table, columns)
    good = weighed & np.isfinite(values).all(1)
    rows = Rows(values, area_log_std(table, columns), np.array(table.cultivar), np.array(table.plant))
    return _some(rows, good), {mass: masses[mass][good] for mass in masses}, columns


def model_text(model: Model) -> str:
    """The text of MODEL, indented, one plant a line; `read_model` gives the same laws back."""
    content = model.file.model_dump(mode="json")
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in content.pop("rows"))
    for law in content["laws"].values():
        law["weights"] = "@" + json.dumps(law["weights"])
    text = json.dumps(content, indent=1, ensure_ascii=False).replace('"@[', "[").replace(']"', "]")
    return f'{text[:-2]},\n "rows": [\n{rows}\n ]\n}}\n'


def read_model(path: Path) -> Model:
    """Read MODEL and make its laws ready.

    Raises:
        InputError: It cannot be read or is not such a file; the key is named.
    """
    try:
        file = MassFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read the mass model: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: not a model of `trellis mass fit`: {where}: {first['msg']}") from error
    return Model(file, {mass: _restored(path, file, mass, law) for mass, law in file.laws.items()})


def _restored(path: Path, file: MassFile, mass: str, law: Law) -> Fitted:
    kept = [row for row in file.rows if getattr(row, mass) is not None]
    if (
        len(kept) != len(law.weights)
        or set(law.learnt) != set(START)
        or any(len(row.values) != len(file.columns) for row in kept)
    ):
        raise InputError(f"{path}: not a model of `trellis mass fit`: laws.{mass} does not fit its rows; fit it again")
    rows = Rows(
        np.array([row.values for row in kept]),
        np.array([row.area_log_std for row in kept]),
        np.array([row.cultivar for row in kept]),
        np.array([row.plant for row in kept]),
    )
    leading = 2 if "age_days" in file.columns else 1
    return restore(
        rows, np.array([getattr(row, mass) for row in kept]), leading, file.kind, law.learnt, np.array(law.weights)
    )


def _law(law: Fitted, mass_g: NDArray[np.float64], rows: Rows) -> Law:
    there = np.isfinite(mass_g)
    weighed, rows = mass_g[there], _some(rows, there)
    middle, spread, _ = law.process.left_out(rows.plant)
    predicted = smeared_g(middle, spread)
    errors = {"all": scores(weighed, predicted)} | {
        name: scores(weighed[rows.cultivar == name], predicted[rows.cultivar == name]) for name in law.cultivars if name
    }
    # Few digits, so that the file can be read; the laws in memory differ from those read back by less than 1e-5.
    return Law(
        learnt={name: float(f"{np.exp(value):.7g}") for name, value in zip(START, law.process.theta_, strict=True)},
        interval_half_widths=rounded(law.widths),
        left_out=rounded(errors),
        unlike_the_others=rows.plant[law.process.weights_ < _UNLIKE].tolist(),
        weights=[float(f"{weight:.5g}") for weight in law.process.weights_],
    )


def _file_rows(rows: Rows, masses: dict[str, NDArray[np.float64]]) -> list[Row]:
    return [
        Row(
            plant=str(rows.plant[i]),
            cultivar=str(rows.cultivar[i]),
            values=rows.values[i].tolist(),
            area_log_std=float(rows.area_log_std[i]),
            **{mass: _or_none(masses[mass][i]) if mass in masses else None for mass in MASSES},
        )
        for i in range(len(rows.plant))
    ]


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _some(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    return Rows(rows.values[chosen], rows.area_log_std[chosen], rows.cultivar[chosen], rows.plant[chosen])
