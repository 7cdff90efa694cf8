"""The faults that can be switched on while the farm runs, each by a name (docs/simulated-devices.md)."""

import threading
from collections.abc import Callable, Mapping

from trellis.errors import InputError

_LINES = {
    "lost": "share of bytes that never arrive",
    "flipped": "share of bytes with one bit turned",
    "foreign": "share of places with a byte too many",
    "late": "seconds that every answer is late",
    "echo": "1: the adapter sends back what it is sent",
    "gone": "1: the board is off the bus",
}

#: Name of every fault to what its value means; 0 is off.
FAULTS: Mapping[str, str] = {
    **{f"{line}.{name}": text for line in ("winches0", "winches1", "servos") for name, text in _LINES.items()},
    "winches.watchdog": "1 + cable: that drive's watchdog trips, once",
    "winches.hot": "1 + cable: that motor is over its temperature while this stands",
    "winches.slip": "1 + cable: that drum's encoder slips by half a turn, once",
    "winches.slack": "1 + cable: 30 mm of that cable slip off its drum, once",
    "frame.knocked": "1 + cable: that pulley is knocked 10 mm to the left, once",
    "servos.overload": "id: that servo reports overload and shuts down, once",
    "servos.brownout": "1: the servos lose power for a moment, once: registers fall back to their defaults",
    "camera.hung": "1: the camera takes the request and never answers",
    "camera.black": "1: photographs are black",
    "camera.stale": "1: the camera goes on sending its last photograph",
    "camera.torn": "1: the photograph breaks off half way",
    "camera.size": "1: photographs have half the size",
    "camera.unplugged": "1: the camera answers 503",
    "lamps.out": "1 + lamp: that lamp is out (upper left, upper right, left, right)",
    "plant.fallen": "1 + plant: that plant hangs from its hole by the roots",
    "plant.missing": "1 + plant: nothing grows in that plant's hole",
    "disk.full": "1: nothing can be written below the folder that clock_options name as disk",
}


class Faults:
    """What is wrong at the moment; may be set from any thread."""

    def __init__(self, **values: float) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, float] = {}
        self._watchers: list[Callable[[str, float], None]] = []
        for name, value in values.items():
            self.set(name, value)

    def __getitem__(self, name: str) -> float:
        return self._values.get(name, 0.0)

    def set(self, name: str, value: float) -> None:
        """Set a fault's strength; 0 ends it.

        Raises:
            InputError: There is no such fault, or the value is below zero or no number.
        """
        number = self.note(name, value)
        for watcher in self._watchers:
            watcher(name, number)

    def note(self, name: str, value: float) -> float:
        """The same without calling the watchers; the number. Raises as `set`."""
        check_name(name)
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise InputError(f"fault {name}: {value!r} is no number ({FAULTS[name]}; 0 is off)") from error
        if not 0 <= number < 1e6:
            raise InputError(f"fault {name}: {number} is not usable ({FAULTS[name]}; 0 is off)")
        with self._lock:
            self._values[name] = number
        return number

    def watch(self, watcher: Callable[[str, float], None]) -> None:
        """Call `watcher(name, value)` after every change."""
        self._watchers.append(watcher)

    def table(self) -> dict[str, dict[str, float | str]]:
        """Every fault with its value now and what the value means."""
        return {name: {"value": self[name], "meaning": text} for name, text in FAULTS.items()}


def check_name(name: str) -> None:
    """Raises `InputError` when there is no fault of that name."""
    if name not in FAULTS:
        raise InputError(f"there is no fault {name!r}; known are {', '.join(FAULTS)}")
