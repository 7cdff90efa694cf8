"""Laws of mass on real, weighed heads: each plant left out, each harvest left out, and fifths predicted from the rest.

python benchmarks/mass.py [../shared/data/lettuce_mass/leaf_area_mass.csv] [-o benchmarks/results/mass.json]

Leaving out by formula keeps the learnt widths; the fifths are fitted anew from a file and predicted as `trellis mass
predict` does, so that nothing of a predicted plant is in its law.
"""

import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import sklearn
import typer
from numpy.typing import NDArray

from reconstruction.mass_fit.evaluation import evaluate_table
from reconstruction.mass_fit.model_file import fit_model, model_text, read_model
from reconstruction.mass_fit.prediction import Prediction, predict_table
from reconstruction.mass_fit.scores import rounded, scores
from reconstruction.mass_fit.table import MASSES, MassTable, read_table

SEED, PARTS = 7, 5

#: Copying errors of the source (its README); scored with and without them, fitted with them.
COPYING_ERRORS = ("163", "132")


def main(
    table: Annotated[Path, typer.Argument(help="Weighed plants.")] = Path(
        "../shared/data/lettuce_mass/leaf_area_mass.csv"
    ),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/mass.json"),
) -> None:
    """Score on this machine; a table that is not there is said so and is no failure."""
    if not table.is_file():
        print(f"{table} is not here: no benchmark of mass", file=sys.stderr)
        return
    start = time.perf_counter()
    weighed = read_table(table)
    result = {
        "command": "python benchmarks/mass.py",
        "seed": SEED,
        "scikit_learn": sklearn.__version__,
        "left_out": evaluate_table(weighed),
        "fifths": rounded(_fifths(table, weighed)),
        "seconds": round(time.perf_counter() - start, 1),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    json.dump(result["fifths"], sys.stdout, indent=1)


def _fifths(path: Path, table: MassTable) -> dict[str, Any]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    parts = np.random.default_rng(SEED).permutation(len(rows)) % PARTS
    predictions: list[Prediction | None] = [None] * len(rows)
    with tempfile.TemporaryDirectory() as folder:
        for part in range(PARTS):
            train = _written(Path(folder) / "train.csv", header, rows, parts != part)
            (Path(folder) / "model.json").write_text(model_text(fit_model(train, "four fifths")), encoding="utf-8")
            asked = _written(Path(folder) / "asked.csv", header, rows, parts == part)
            found = predict_table(asked, read_model(Path(folder) / "model.json"))
            for index, prediction in zip(np.flatnonzero(parts == part), found, strict=True):
                predictions[index] = prediction
    told = [prediction for prediction in predictions if prediction is not None]
    return {"refused": [f"{p.plant}: {p.reason}" for p in told if not p.masses_g]} | {
        mass: _scored(mass, table, told) for mass in MASSES
    }


def _written(path: Path, header: list[str], rows: list[list[str]], chosen: NDArray[np.bool_]) -> MassTable:
    lines = [header, *(row for row, wanted in zip(rows, chosen, strict=True) if wanted)]
    path.write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    return read_table(path)


def _scored(mass: str, table: MassTable, predictions: list[Prediction]) -> dict[str, Any]:
    told = np.array([bool(prediction.masses_g) for prediction in predictions])
    figures = np.array([prediction.masses_g.get(mass, (np.nan,) * 3) for prediction in predictions])
    truth, cultivar = table.column(mass), np.array(table.cultivar)
    clean = ~np.isin(table.plant, COPYING_ERRORS)
    groups = {"all": told} | {name: told & (cultivar == name) for name in sorted(set(table.cultivar))}
    groups |= {f"{name} without copying errors": part & clean for name, part in list(groups.items())}
    return {
        name: {"n": int(part.sum())}
        | scores(truth[part], figures[part, 0])
        | {
            "interval_holds_percent": 100
            * float(np.mean((figures[part, 1] <= truth[part]) & (truth[part] <= figures[part, 2]))),
            "interval_factor": float(np.median(figures[part, 2] / figures[part, 1]) ** 0.5),
        }
        for name, part in groups.items()
    }


if __name__ == "__main__":
    typer.run(main)
