"""The version of Trellis that is installed."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """The installed version, or `unknown` when running from files that were never installed."""
    try:
        return installed_version("trellis-farm")
    except PackageNotFoundError:
        return "unknown"
