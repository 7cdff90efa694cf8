"""The house as a whole: its doors, its errors, its command."""

import inspect
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import trellis.errors
from trellis.errors import TrellisError

COMMANDS = sorted(point.name for point in entry_points(group="trellis.commands"))


def _trellis(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from trellis.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_every_error_stands_in_the_tree_that_its_module_draws() -> None:
    drawn = trellis.errors.__doc__ or ""
    errors = [value for _, value in inspect.getmembers(trellis.errors, inspect.isclass)]
    ours = [error for error in errors if issubclass(error, TrellisError)]
    assert len(ours) > 5
    assert [error.__name__ for error in ours if error.__name__ not in drawn] == []


def test_help_lists_every_command() -> None:
    shown = _trellis("--help")
    assert shown.returncode == 0, shown.stderr
    assert [name for name in COMMANDS if name not in shown.stdout] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(name: str) -> None:
    (point,) = entry_points(group="trellis.commands", name=name)
    assert callable(point.load())


def test_an_error_is_one_line_and_status_2() -> None:
    failed = _trellis("config", "check", "no-such-file.toml")
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("error: no-such-file.toml")


def test_an_unknown_command_is_refused() -> None:
    assert _trellis("wiegh").returncode == 2
