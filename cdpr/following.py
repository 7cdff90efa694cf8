"""Along a path at the pace of its profile, one control period an item; braked and taken up again where it is wanted."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence

from cdpr.held import Held
from cdpr.trajectory import Drive, Trajectory
from trellis.clock import Clock


class Follower:
    """Steps a held carriage along drives.

    Args:
        held: Takes the setpoints.
        clock: Paces them.
        period_s: Between them.
        lock: Of the winches: held for a step, and free while a period passes.
        check: Raises where nothing may move any more; called with the lock held, before every step.
    """

    def __init__(
        self, held: Held, clock: Clock, period_s: float, lock: threading.RLock, check: Callable[[], None]
    ) -> None:
        self._held, self._clock, self._period_s = held, clock, period_s
        self._lock, self._check = lock, check
        self._pause = threading.Event()
        self._due_s = 0.0
        #: Whether a pause has brought it to rest on its path.
        self.resting = False

    def pause(self) -> None:
        """Brake on the path, from any thread."""
        self._pause.set()

    def resume(self) -> None:
        """Go on, from any thread."""
        self._pause.clear()

    def along(self, drives: Sequence[Drive]) -> Iterator[None]:
        """One drive after the other to its end, with as many pauses as are wanted."""
        self._due_s = self._clock.monotonic_s()
        for drive in drives:
            left: Drive | None = drive
            while left is not None:
                left = yield from self._with_a_pause(left)

    def _with_a_pause(self, drive: Drive) -> Generator[None, None, Drive | None]:
        """Follow a drive to its end, or brake, and rest until it is to go on: then what is left of it."""
        braked = yield from self._until_pause(drive)
        if braked is None:
            return None
        for index, points in _points(braked):
            self._step(points, index)
            yield
        left = braked.resumed()
        while left is not None and self._pause.is_set():
            self._rest()
            yield
        return left

    def _until_pause(self, drive: Drive) -> Generator[None, None, Drive | None]:
        """Follow a drive to its end, or until a pause is wanted: then the drive that brakes it."""
        for index, points in _points(drive):
            if self._pause.is_set():
                return drive.paused(min(index * points.period_s, drive.profile.duration_s))
            self._step(points, index)
            yield
        return None

    def _step(self, points: Trajectory, index: int) -> None:
        self.resting = False
        with self._lock:
            self._check()
            self._held.step(points, index)
        self._wait()

    def _rest(self) -> None:
        with self._lock:
            self._check()
            self._held.rest()
        self.resting = True
        self._wait()

    def _wait(self) -> None:
        """Until the period is over; time that was lost beyond it is not caught up by hurrying."""
        now_s = self._clock.monotonic_s()
        self._due_s = max(self._due_s + self._period_s, now_s)
        self._clock.sleep(self._due_s - now_s)


def _points(drive: Drive) -> Iterator[tuple[int, Trajectory]]:
    points = drive.setpoints()
    return ((index, points) for index in range(len(points.poses)))
