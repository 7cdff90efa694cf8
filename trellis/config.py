"""The configuration file: TOML in, one frozen section for each room out, and no key that nobody reads.

A room owns its section: a subclass of `Section`, named in the entry-point group `trellis.sections`. Code is handed the
few values it needs; a `Configuration` itself goes no deeper than the command that loaded it.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from trellis.errors import ConfigError, reason_of


class Section(BaseModel):
    """Base of every section and of every table inside one: frozen, and strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


SectionType = TypeVar("SectionType", bound=Section)


@dataclass(frozen=True)
class Configuration:
    """A checked configuration: every section there is, defaults filled in.

    Args:
        path: The file it came from; relative paths inside it are relative to its folder.
        sections: Section name to its value.
    """

    path: Path
    sections: Mapping[str, Section]

    def section(self, kind: type[SectionType]) -> SectionType:
        """The section of this type.

        Raises:
            LookupError: No installed package registers this type of section.
        """
        for value in self.sections.values():
            if isinstance(value, kind):
                return value
        raise LookupError(f"no section of type {kind.__name__} is registered in trellis.sections")

    def resolve(self, path: Path | str) -> Path:
        """A path from the file, relative to the file's own folder."""
        return (self.path.parent / Path(path).expanduser()).resolve()


def section_types() -> dict[str, type[Section]]:
    """Every registered section by its name in the file."""
    return {point.name: point.load() for point in entry_points(group="trellis.sections")}


def load_configuration(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises:
        ConfigError: The file is missing or not TOML, a key is unknown (the nearest known one is suggested), a value is
            of the wrong kind or out of range; the first fault is named with its key.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(path, "there is no such file; `trellis config presets` lists examples to copy") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, f"cannot be read as TOML: {reason_of(error)}") from error
    return check_tables(path, tables)


def check_tables(path: Path, tables: Mapping[str, Any]) -> Configuration:
    """Check tables that came from `path`; see `load_configuration`."""
    types = section_types()
    for name in tables:
        if name not in types:
            raise ConfigError(path, f"[{name}] is not a known section{_suggest(name, types)}")
    sections = {}
    for name, kind in types.items():
        try:
            sections[name] = kind.model_validate(tables.get(name, {}))
        except ValidationError as error:
            raise ConfigError(path, _describe(name, kind, error.errors()[0])) from error
    return Configuration(path, sections)


def _describe(section: str, kind: type[Section], fault: ErrorDetails) -> str:
    keys = [str(part) for part in fault["loc"]]
    place = f"[{section}] {'.'.join(keys)}".rstrip()
    if fault["type"] == "extra_forbidden":
        known = _keys_at(kind, fault["loc"][:-1])
        return f"{place} is not a known key{_suggest(keys[-1], known)}"
    if fault["type"] == "missing":
        return f"{place} is required but missing"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}, not {fault['input']!r}"


def _keys_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are known at a place inside a section."""
    for part in location:
        if isinstance(part, int) or part not in kind.model_fields:
            continue
        nested = _model_in(kind.model_fields[part].annotation)
        if nested is None:
            return []
        kind = nested
    return list(kind.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _suggest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
