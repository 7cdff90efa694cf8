"""How good a law fitted to a table is on plants, and on harvests, that it has not seen; beside age alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from reconstruction.mass_fit.conformal import left_out_half_widths, reach, score
from reconstruction.mass_fit.fitted import FEWEST_ROWS, Fitted, Rows, fit, smeared_g
from reconstruction.mass_fit.model_file import weighed_rows
from reconstruction.mass_fit.occlusion import occlusion
from reconstruction.mass_fit.process import Kind
from reconstruction.mass_fit.scores import rounded, scores, within
from reconstruction.mass_fit.table import MassTable
from trellis.errors import InputError

Array = NDArray[np.float64]
Evaluation = dict[str, Any]


def evaluate_table(table: MassTable, kind: Kind = "process") -> Evaluation:
    """All figures of docs/mass.md, "What `trellis mass evaluate` says", by mass, model, what is left out, and cultivar.

    Raises:
        InputError: The table has no mass, no size, or too few weighed plants.
    """
    rows, masses, columns = weighed_rows(table)
    harvests = np.array([h for h, kept in zip(table.harvest, _kept(table, rows), strict=True) if kept])
    result: Evaluation = {"data_sha256": table.sha256, "columns": list(columns), "masses": {}}
    for mass, values in masses.items():
        there = np.isfinite(values)
        if there.sum() >= FEWEST_ROWS:
            chosen = Rows(rows.values[there], rows.area_log_std[there], rows.cultivar[there], rows.plant[there])
            result["masses"][mass] = _one_mass(chosen, values[there], harvests[there], columns, kind)
    if not result["masses"]:
        raise InputError(f"too few weighed plants with {', '.join(columns)}; an evaluation needs {FEWEST_ROWS}")
    return dict(rounded(result))


def _kept(table: MassTable, rows: Rows) -> NDArray[np.bool_]:
    kept = set(rows.plant.tolist())
    return np.array([plant in kept for plant in table.plant])


def _one_mass(
    rows: Rows, mass_g: Array, harvests: NDArray[np.str_], columns: tuple[str, ...], kind: Kind
) -> dict[str, Any]:
    leading = 2 if "age_days" in columns else 1
    left_out = {"plant": rows.plant} | ({"harvest": harvests} if len(set(harvests)) > 1 else {})
    age = rows.values[:, columns.index("age_days")] if leading == 2 else None
    same_age = np.array([f"{c}/{a}" for c, a in zip(rows.cultivar, harvests if age is None else age, strict=True)])
    models: dict[str, dict[str, Any]] = {}
    for name, law in _laws(rows, mass_g, columns, leading, kind).items():
        models[name] = {}
        for what, groups in left_out.items():
            middle, spread, _ = law.process.left_out(groups)
            error = np.log(mass_g) - middle
            measured = law.process.X_[:, 1]
            if what == "plant":
                width = left_out_half_widths(score(error, spread, measured), rows.cultivar)
            else:  # An interval is the one that MODEL gives: calibrated with plants left out, not with harvests.
                width = np.array([law.widths.get(c, law.widths[""]) for c in rows.cultivar])
            half = reach(width, spread, measured)
            inside, factor = np.abs(error) <= half, np.exp(half)
            models[name][what] = _by_cultivar(mass_g, smeared_g(middle, spread), rows, same_age, inside, factor)
    for trait in (c for c in columns if c not in ("age_days", "completeness")):
        column = rows.values[:, columns.index(trait)]
        models[f"linear in {trait}"] = {
            what: _by_cultivar(mass_g, _linear(column, mass_g, rows, groups), rows, same_age)
            for what, groups in left_out.items()
        }
    return {"models": models, "occlusion": occlusion(mass_g, dict(zip(columns, rows.values.T, strict=True)))}


def _laws(rows: Rows, mass_g: Array, columns: tuple[str, ...], leading: int, kind: Kind) -> dict[str, Fitted]:
    laws = {kind: fit(rows, mass_g, leading, kind)}
    if leading == 2:
        age = columns.index("age_days")
        alone = Rows(rows.values[:, [age]], np.zeros(len(mass_g)), rows.cultivar, rows.plant)
        laws["age alone"] = fit(alone, mass_g, 1, kind)
    return laws


def _linear(trait: Array, mass_g: Array, rows: Rows, groups: NDArray[np.str_]) -> Array:
    """The paper's model, mass = a + b trait, one line a cultivar, each group left out."""
    predicted = np.empty(len(mass_g))
    for cultivar in np.unique(rows.cultivar):
        own = rows.cultivar == cultivar
        if len(set(groups[own])) < 2:
            own_train = np.ones(len(mass_g), dtype=bool)
            line = LinearRegression().fit(trait[own_train, None], mass_g[own_train])
            predicted[own] = line.predict(trait[own, None])
            continue
        predicted[own] = cross_val_predict(
            LinearRegression(), trait[own, None], mass_g[own], groups=groups[own], cv=LeaveOneGroupOut()
        )
    return predicted


def _by_cultivar(
    mass_g: Array,
    predicted_g: Array,
    rows: Rows,
    same_age: NDArray[np.str_],
    inside: NDArray[np.bool_] | None = None,
    factor: Array | None = None,
) -> dict[str, Any]:
    parts = {"all": np.ones(len(mass_g), dtype=bool)}
    parts |= {str(name): rows.cultivar == name for name in np.unique(rows.cultivar) if name}
    out: dict[str, Any] = {}
    for name, part in parts.items():
        out[name] = {"n": int(part.sum())} | scores(mass_g[part], predicted_g[part])
        out[name] |= within(mass_g[part], predicted_g[part], same_age[part])
        if inside is not None and factor is not None:
            out[name] |= {
                "interval_holds_percent": 100 * float(inside[part].mean()),
                "interval_factor": float(np.median(factor[part])),
            }
    return out
