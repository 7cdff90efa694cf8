"""`trellis config`: check a configuration file, list and print the presets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trellis.config import load_configuration
from trellis.config_reference import reference as reference_page
from trellis.presets import preset, presets

app = typer.Typer(
    help="Check a configuration file; list and print presets.", no_args_is_help=True, add_completion=False
)


@app.command()
def check(path: Annotated[Path, typer.Argument(help="The configuration file.")] = Path("trellis.toml")) -> None:
    """Check a configuration file: every key known, every value in range."""
    configuration = load_configuration(path)
    Console().print(f"{path}: good ({', '.join(sorted(configuration.sections))})", highlight=False)


@app.command(name="presets")
def list_presets() -> None:
    """List the configuration files that come with Trellis."""
    for name, path in presets().items():
        Console().print(f"{name}: {path.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}", highlight=False)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A name that `trellis config presets` lists.")]) -> None:
    """Print a preset, to be redirected into a file of your own."""
    typer.echo(preset(name).read_text(encoding="utf-8"), nl=False)


@app.command()
def reference() -> None:
    """Print every section and key with its default, as Markdown."""
    typer.echo(reference_page(), nl=False)
