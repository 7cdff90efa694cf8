"""An immediate command counts only when the daemon has confirmed it."""

from collections.abc import Callable

from trellis.errors import DeviceError, TrellisError


class DaemonSilent(DeviceError):
    """The daemon did not confirm an immediate command."""


def told(command: Callable[[], object], word: str) -> None:
    """Give the daemon a command.

    Raises:
        DaemonSilent: It was not confirmed.
    """
    try:
        command()
    except (TrellisError, OSError) as error:
        raise DaemonSilent(f"the daemon did not confirm the {word}: {error}") from error
