"""The configuration files that come with Trellis, ready to copy."""

from pathlib import Path

from trellis.errors import InputError

_INSTALLED = Path(__file__).parent / "preset_files"
_CHECKOUT = Path(__file__).parent.parent / "config"


def presets() -> dict[str, Path]:
    """Each preset's name and file."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def preset(name: str) -> Path:
    """The file of one preset.

    Raises:
        InputError: There is none of that name.
    """
    known = presets()
    if name not in known:
        raise InputError(f"there is no preset {name!r}; known are {', '.join(known)}")
    return known[name]
