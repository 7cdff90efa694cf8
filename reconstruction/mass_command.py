"""`trellis mass`: fit a law of mass to weighed plants, predict with it, and say how good such a law is."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reconstruction.mass_fit.evaluation import Evaluation, evaluate_table
from reconstruction.mass_fit.evaluation_print import print_evaluation
from reconstruction.mass_fit.model_file import LeafArea, fit_model, model_text, read_model
from reconstruction.mass_fit.prediction import predict_table, predictions_text
from reconstruction.mass_fit.process import Kind
from reconstruction.mass_fit.table import read_table
from trellis.durable import write_durably

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Laws from what was measured to what it weighs.")

_Table = Annotated[Path, typer.Argument(help="Plants, CSV; docs/mass.md names the columns.")]
_Kind = Annotated[Kind, typer.Option("--kind", help="`process` bends where the data do, `power` is a pure power law.")]


@app.command("fit")
def fit_command(
    table: _Table,
    out: Annotated[Path, typer.Option("--out", "-o", help="The model, JSON.")],
    kind: _Kind = "process",
    leaf_area: Annotated[
        LeafArea | None,
        typer.Option(
            help="What leaf_area_cm2 is: `total` by a meter, `seen` by photographs; `trellis reconstruct` needs it."
        ),
    ] = None,
) -> None:
    """Fit fresh and dry mass to a table of weighed plants."""
    model = fit_model(read_table(table), table.name, kind, leaf_area)
    _write(out, model_text(model))
    console = Console()
    for mass, law in model.file.laws.items():
        r2, mae_g, mape = (law.left_out["all"][name] for name in ("r2", "mae_g", "mape_percent"))
        console.print(f"{mass}: each plant left out, R2 {r2}, mean error {mae_g} g ({mape} %)")
        if law.unlike_the_others:
            console.print(f"{mass}: unlike the others, kept at a low weight: {', '.join(law.unlike_the_others)}")
    console.print(f"{model.file.fitted_on}; written to {out}", soft_wrap=True)


@app.command("predict")
def predict_command(
    table: _Table,
    model: Annotated[Path, typer.Option(help="What `trellis mass fit` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The predictions, CSV.")],
) -> None:
    """Predict fresh and dry mass with 90 % intervals; a plant outside the training range is refused with the reason."""
    predictions = predict_table(read_table(table), read_model(model))
    _write(out, predictions_text(predictions))
    refused = sum(not prediction.masses_g for prediction in predictions)
    Console().print(f"{len(predictions) - refused} predicted, {refused} refused; written to {out}", soft_wrap=True)


@app.command("evaluate")
def evaluate_command(
    table: _Table,
    kind: _Kind = "process",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="All figures, JSON.")] = None,
) -> None:
    """Score the models with plants, and then with whole harvests, left out, beside age alone and within one age."""
    result: Evaluation = evaluate_table(read_table(table), kind)
    if out is not None:
        _write(out, json.dumps(result, indent=1) + "\n")
    print_evaluation(result, Console())


def _write(path: Path, text: str) -> None:
    write_durably(path, text.encode())
