"""What a flight recorder is told: a topic and its values, at once and without waiting; it keeps the time itself."""

from collections.abc import Callable, Mapping

#: Called with a topic such as `/carriage/setpoint` and values that JSON can hold. It neither raises nor waits.
Listener = Callable[[str, Mapping[str, object]], None]


def told_nobody(topic: str, values: Mapping[str, object]) -> None:
    """A listener that is not there."""
