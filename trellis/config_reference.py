"""The configuration reference, written from the sections themselves, so that it cannot fall behind."""

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from trellis.config import section_types

_HEAD = """# Configuration reference

Written by `trellis config reference`; a test keeps it current. One TOML file holds one table for each section below;
what is left out keeps its default. A key that is not known is an error that suggests the nearest one. Units stand in
the names. `trellis config check FILE` checks a file, `trellis config show hydroponic` prints one to start from.
"""


def reference() -> str:
    """The page, as Markdown."""
    parts = [_HEAD]
    for name, kind in sorted(section_types().items()):
        parts.append("\n".join(_section(name, kind)))
    return "\n".join(parts)


def _section(name: str, kind: type[BaseModel], repeats: bool = False) -> Iterator[str]:
    """A heading, what the section is for, its keys, and then the tables inside it."""
    yield f"## `[[{name}]]`, any number of them\n" if repeats else f"## `[{name}]`\n"
    yield _paragraph(kind) + "\n"
    yield "| key | kind | default |\n|---|---|---|"
    nested = []
    for key, field in kind.model_fields.items():
        inside = _model_in(field.annotation)
        if inside is not None:
            nested.append((key, inside, get_origin(field.annotation) is tuple))
        yield f"| `{key}` | {_kind(field)} | {_default(field)} |"
    yield ""
    for key, inside, many in nested:
        yield from _section(f"{name}.{key}", inside, many)


def _paragraph(kind: type[BaseModel]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _kind(field: FieldInfo) -> str:
    limits = [_limit(item) for item in field.metadata]
    return ", ".join([_name(field.annotation), *filter(None, limits)])


def _limit(item: Any) -> str:
    for name, sign in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"), ("pattern", "like")):
        value = getattr(item, name, None)
        if value is not None:
            return f"{sign} `{_short(value)}`"
    return ""


def _name(annotation: Any) -> str:
    """A type as a person reads it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(_name(part) for part in inner if part is not type(None))
    if origin is tuple:
        repeated = len(inner) == 2 and inner[1] is Ellipsis
        return f"list of {_name(inner[0])}" if repeated else f"{len(inner)} × {_name(inner[0])}"
    if origin is not None and str(origin).endswith("Literal"):
        return " or ".join(f"`{json.dumps(part)}`" for part in inner)
    if hasattr(annotation, "__metadata__"):
        return _name(inner[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    names = {str: "text", float: "number", int: "whole number", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "as below"
    return f"`{json.dumps(_short(value), default=str)}`"


def _short(value: Any) -> Any:
    """Numbers to six digits: an angle's last ten tell nobody anything."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [_short(part) for part in value] if isinstance(value, tuple | list) else value


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
