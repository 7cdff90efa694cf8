"""One reading of the farm for all open pages: read at most once a refresh, on a thread, never on the event loop."""

import asyncio
import time
from dataclasses import dataclass, field, replace

from trellis.errors import TrellisError
from web import reading
from web.agenda import runs
from web.answers import (
    ComingAnswer,
    DiskAnswer,
    EventAnswer,
    JobAnswer,
    PlantAnswer,
    QueueAnswer,
    RobotAnswer,
    RunAnswer,
    ViewAnswer,
    ViewsAnswer,
)
from web.coming import coming, queue
from web.farm import Farm
from web.robot import robot


@dataclass(frozen=True)
class Snapshot:
    """The farm at one moment. `newest` are the viewpoints of the scan that began last.

    `problem` says why the store could not be read; the rest is then what was read before. `number` counts the readings
    that went well: as long as it stays the same, what is shown grows old.
    """

    plants: tuple[PlantAnswer, ...] = ()
    jobs: tuple[JobAnswer, ...] = ()
    runs: tuple[RunAnswer, ...] = ()
    events: tuple[EventAnswer, ...] = ()
    robot: RobotAnswer = field(default_factory=lambda: RobotAnswer(reachable=False))
    newest: ViewsAnswer | None = None
    queue: QueueAnswer | None = None
    coming: tuple[ComingAnswer, ...] = ()
    disk: DiskAnswer | None = None
    problem: str | None = None
    number: int = 0

    @property
    def latest(self) -> ViewAnswer | None:
        """The viewpoint of the newest scan that was photographed last."""
        taken = [view for view in self.newest.views if view.taken_at] if self.newest else []
        return max(taken, key=lambda view: (view.taken_at, view.view), default=None)


class Pulse:
    """Reads the farm for whoever asks; those who ask within one refresh share a reading.

    Args:
        farm: What is read.
    """

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._snapshot = Snapshot()
        self._read_at = float("-inf")
        self._reading: asyncio.Task[Snapshot] | None = None

    async def snapshot(self) -> Snapshot:
        """The farm as it is now, or was less than one refresh ago."""
        if time.monotonic() - self._read_at < 0.9 * self._farm.refresh_s:
            return self._snapshot
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> Snapshot:
        self._snapshot = await asyncio.to_thread(read, self._farm, self._snapshot)
        self._read_at = time.monotonic()
        return self._snapshot


def read(farm: Farm, before: Snapshot) -> Snapshot:
    """Read everything that the live pages show."""
    state = robot(farm)
    try:
        jobs = reading.jobs(farm, 60)
        return Snapshot(
            plants=tuple(reading.plants(farm)),
            jobs=tuple(jobs),
            runs=tuple(runs(farm, 12)),
            events=tuple(reading.events(farm, 40)),
            robot=state,
            newest=_newest(farm),
            queue=queue(farm),
            coming=tuple(coming(farm, 8)),
            disk=farm.disk.answer(),
            number=before.number + 1,
        )
    except TrellisError as error:
        return replace(before, robot=state, problem=str(error))


def _newest(farm: Farm) -> ViewsAnswer | None:
    for row in farm.store.scans(limit=1):
        try:
            return reading.views(farm, row.id)
        except TrellisError:
            return None  # the scan has just begun, or its folder is gone; its own page says which
    return None
