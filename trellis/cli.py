"""The one command, `trellis`. Each room adds its subcommands through the entry-point group `trellis.commands`."""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from trellis.errors import TrellisError


class _Rooms(TyperGroup):
    """Subcommands found by entry point, and imported only when one is named or help is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return sorted(_points())

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        point = _points().get(cmd_name)
        return None if point is None else _as_command(cmd_name, point.load())


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="trellis.commands")}


def _as_command(name: str, found: Any) -> TyperCommand | TyperGroup:
    """A command from a typer app or from a plain function."""
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(found)
        found = app
    # Help is plain everywhere: marks like [cables] are a configuration's sections, not colours.
    found.rich_markup_mode = None
    command = get_command(found)
    command.name = name
    _say_it_whole(command)
    return command  # type: ignore[return-value]


def _say_it_whole(command: Any) -> None:
    """In a list of commands each has its whole first paragraph; cut off, a warning in it would be lost."""
    command.short_help = " ".join((command.help or "").split("\n\n")[0].split())
    for one in getattr(command, "commands", {}).values():
        _say_it_whole(one)


program = typer.Typer(
    cls=_Rooms, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@program.callback()
def _program() -> None:
    """Weigh a wall of plants by photographing it. Start with `trellis demo`."""


def main() -> None:
    """Run the command; a `TrellisError` ends it with one line on standard error and exit status 2."""
    try:
        program(prog_name="trellis")
    except TrellisError as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {_escape(str(error))}", highlight=False)
        sys.exit(error.exit_status)


def _escape(text: str) -> str:
    return " ".join(text.replace("[", r"\[").split())
