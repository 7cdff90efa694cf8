"""The configuration reference says what the sections say."""

from pathlib import Path

from typer.testing import CliRunner

from trellis.cli import program
from trellis.config import section_types
from trellis.config_reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_in_docs_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: trellis config reference > docs/configuration.md"


def test_every_key_of_every_section_is_listed() -> None:
    page = reference()
    for name, kind in section_types().items():
        assert f"## `[{name}]`" in page
        for key in kind.model_fields:
            assert f"| `{key}` |" in page


def test_the_command_prints_the_page() -> None:
    result = CliRunner().invoke(program, ["config", "reference"])
    assert result.exit_code == 0
    assert result.stdout == reference()
