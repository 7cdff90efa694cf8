"""`trellis cell`: the whole cell for other programs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scan.cell import Cell
from scan.urdf import cell_urdf
from trellis.config import load_configuration
from trellis.durable import write_durably

app = typer.Typer(help="The cell as one robot.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The cell as one robot."""


@app.command()
def urdf(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("trellis.toml"),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; printed without it.")] = None,
) -> None:
    """Write the cell as URDF: carriage, arm and camera with their limits, masses and shapes."""
    text = cell_urdf(Cell.of(load_configuration(config)))
    if out is None:
        typer.echo(text, nl=False)
        return
    write_durably(out, text.encode())
    Console().print(f"{out}: the cell as URDF", highlight=False)
