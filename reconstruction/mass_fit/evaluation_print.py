"""What `trellis mass evaluate` prints: one table for each mass and for what is left out."""

from rich.console import Console
from rich.table import Table

from reconstruction.mass_fit.evaluation import Evaluation

_COLUMNS = (
    ("n", "n"),
    ("R2", "r2"),
    ("within age", "r2_within_age"),
    ("MAE g", "mae_g"),
    ("MAPE %", "mape_percent"),
    ("90 % holds", "interval_holds_percent"),
)


def print_evaluation(result: Evaluation, console: Console) -> None:
    """Print every model and cultivar; figures are as in the JSON."""
    for mass, found in result["masses"].items():
        for what in next(iter(found["models"].values())):
            table = Table(title=f"{mass}, each {what} left out", title_justify="left")
            for heading in ("model", "plants", *(title for title, _ in _COLUMNS)):
                table.add_column(heading, justify="left" if heading in ("model", "plants") else "right")
            for model, by_group in found["models"].items():
                for group, figures in by_group[what].items():
                    table.add_row(model if group == "all" else "", group, *_cells(figures))
            console.print(table)
        for trait, law in found["occlusion"].items():
            figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in law.items())
            console.print(f"{mass}: {trait} saturates: {figures}")


def _cells(figures: dict[str, float | None]) -> list[str]:
    return [_cell(key, figures.get(key)) for _, key in _COLUMNS]


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if key.endswith("percent") else f"{value:.4g}"
