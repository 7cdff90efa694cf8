"""One reading of the farm for all open pages: read at most once a refresh, on a thread, never on the event loop."""

import asyncio
import time
from dataclasses import dataclass, field

from trellis.errors import TrellisError
from web import reading
from web.agenda import runs
from web.answers import EventAnswer, JobAnswer, PlantAnswer, RobotAnswer, RunAnswer, ViewAnswer
from web.farm import Farm
from web.robot import robot


@dataclass(frozen=True)
class Snapshot:
    """The farm at one moment. `problem` says why the store could not be read; the rest is then what was read before."""

    plants: tuple[PlantAnswer, ...] = ()
    jobs: tuple[JobAnswer, ...] = ()
    runs: tuple[RunAnswer, ...] = ()
    events: tuple[EventAnswer, ...] = ()
    robot: RobotAnswer = field(default_factory=lambda: RobotAnswer(reachable=False))
    latest: tuple[str, str, ViewAnswer] | None = None
    problem: str | None = None


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
            latest=_latest(farm),
        )
    except TrellisError as error:
        return Snapshot(before.plants, before.jobs, before.runs, before.events, state, before.latest, str(error))


def _latest(farm: Farm) -> tuple[str, str, ViewAnswer] | None:
    """Plant, scan and viewpoint of the photograph that was taken last."""
    for row in farm.store.scans(limit=1):
        try:
            found = reading.views(farm, row.id)
        except TrellisError:
            return None  # the scan has just begun, or its folder is gone; its own page says which
        taken = [view for view in found.views if view.taken_at is not None]
        if taken:
            return found.plant, row.id, max(taken, key=lambda view: (view.taken_at, view.view))
    return None
