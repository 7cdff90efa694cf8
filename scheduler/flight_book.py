"""What goes into a scan's flight recording beside what the devices tell by themselves: views, states, how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from scheduler.flight import FlightRecorder
from trellis.clock import Clock
from trellis.errors import TrellisError
from trellis.flight import Listener, told_nobody
from trellis.folders import ScanFolder
from trellis.manifest import PoseRecord, ViewRecord

#: Foxglove's levels of a log line.
INFO, WARNING, ERROR = 2, 3, 4


class Listened(Protocol):
    """What is asked of `scan.hardware.CellHardware`."""

    @property
    def clock(self) -> Clock: ...
    def listen(self, listener: Listener) -> None: ...
    def state(self) -> Any: ...


class FlightBook:
    """Writes into a recorder.

    Args:
        note: The recorder's.
        state: The cell's state as JSON; may raise `TrellisError`.
    """

    def __init__(self, note: Listener, state: Any = None) -> None:
        self._note, self._state = note, state

    def view(self, record: ViewRecord) -> None:
        """A view is done: what became of it, and how everything stands."""
        given = ("view", "outcome", "attempts", "image", "reason")
        self._note("/view", {name: getattr(record, name) for name in given})
        if record.believed is not None:
            self._note("/camera/pose", _pose(record.believed))
        if self._state is not None:
            try:
                self._note("/cell/state", self._state())
            except TrellisError as error:
                self.event(WARNING, f"the cell did not say how it stands: {error}")

    def event(self, level: int, message: str) -> None:
        """A line for a person."""
        self._note("/event", {"level": level, "name": "scan", "message": message})


@contextmanager
def no_flight(folder: ScanFolder) -> Iterator[FlightBook]:
    """Nothing is recorded."""
    yield FlightBook(told_nobody)


class Flights:
    """Records the scans of a cell; calling it opens the recording of a scan's folder.

    Args:
        hardware: Connected.
    """

    def __init__(self, hardware: Listened) -> None:
        self._hardware = hardware

    @contextmanager
    def __call__(self, folder: ScanFolder) -> Iterator[FlightBook]:
        hardware = self._hardware
        with FlightRecorder(folder.flight, hardware.clock) as recorder:
            hardware.listen(recorder.note)
            book = FlightBook(recorder.note, lambda: hardware.state().as_json())
            book.event(INFO, "the scan begins or goes on")
            try:
                yield book
            except TrellisError as error:
                book.event(ERROR, f"broken off: {error}")
                raise
            else:
                book.event(INFO, "the scan ends, or is set aside")
            finally:
                hardware.listen(told_nobody)


def _pose(record: PoseRecord) -> dict[str, Any]:
    pose = record.world_from_camera
    x, y, z = map(float, pose.translation_m)
    q = dict(zip("wxyz", map(float, pose.quaternion_wxyz), strict=True))
    return {"frame_id": "world", "pose": {"position": {"x": x, "y": y, "z": z}, "orientation": q}}
