"""`/api/v1/queue`, `/coming`, `/schedules` and `/disk`: the order of the work, what is due, and room for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from scheduler.rows import JobRow
from trellis.errors import InputError
from web import reading
from web.answers import ComingAnswer, DiskAnswer, JobAnswer, QueueAnswer
from web.api.errors import NOT_FOUND, REFUSED, NotThere, Refused
from web.coming import coming, queue
from web.farm import Farm

Job = Annotated[int, Path(ge=1, le=2**31)]
_YEARS = (2000, 9000)  # outside of them a time may have no equal in UTC
_UNDONE = ("missed", "skipped", "failed")


def routes(farm: Farm) -> APIRouter:
    """The routes about the queue and the schedules."""
    router = APIRouter(tags=["queue"])

    @router.get("/queue")
    def get_queue(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100, offset: Annotated[int, Query(ge=0, le=10**6)] = 0
    ) -> QueueAnswer:
        """Scans that run and wait, in the order in which they are done, with likely times."""
        return queue(farm, limit, offset)

    @router.post("/queue/pause", status_code=202)
    def pause_queue() -> QueueAnswer:
        """Hold the queue: a scan that runs stops after its viewpoint, and nothing new begins."""
        farm.store.hold(True)
        return queue(farm)

    @router.post("/queue/resume", status_code=202)
    def resume_queue() -> QueueAnswer:
        """Let the queue go on."""
        farm.store.hold(False)
        return queue(farm)

    _add_job_commands(farm, router)

    @router.get("/coming")
    def list_coming(limit: Annotated[int, Query(ge=1, le=500)] = 20) -> list[ComingAnswer]:
        """The next turns of all schedules, when they are likely to begin and end, and what is in their way."""
        return coming(farm, limit)

    @router.post("/schedules/{schedule}/run", status_code=202, responses=NOT_FOUND | REFUSED)
    def run_schedule(schedule: str, due_at: datetime | None = None) -> list[JobAnswer]:
        """Ask for the scans of a schedule now; with `due_at` only for plants whose turn at that time did not happen."""
        return [reading.job_answer(farm, farm.store.request_scan(plant)) for plant in _wanted(farm, schedule, due_at)]

    @router.get("/disk")
    def get_disk() -> DiskAnswer:
        """What is free, and for how many days of scans that lasts."""
        return farm.disk.answer()

    return router


def _add_job_commands(farm: Farm, router: APIRouter) -> None:
    @router.post("/jobs/{job}/pause", status_code=202, responses=NOT_FOUND | REFUSED)
    def pause_job(job: Job) -> JobAnswer:
        """Pause a job: at once if it waits, after its viewpoint if it runs."""
        return _asked(farm, job, farm.store.pause_job)

    @router.post("/jobs/{job}/resume", status_code=202, responses=NOT_FOUND | REFUSED)
    def resume_job(job: Job) -> JobAnswer:
        """Let a job go on that was paused by hand, at its next missing viewpoint."""
        return _asked(farm, job, farm.store.resume_job)

    @router.post("/jobs/{job}/retry", status_code=202, responses=NOT_FOUND | REFUSED)
    def retry_job(job: Job) -> JobAnswer:
        """Ask again for what failed or was cancelled; answers the new job."""
        return _asked(farm, job, farm.store.retry)

    @router.post("/jobs/{job}/first", status_code=202, responses=NOT_FOUND | REFUSED)
    def first_job(job: Job) -> JobAnswer:
        """Put a waiting job before all others."""
        return _asked(farm, job, lambda number: farm.store.move(number, "first"))

    @router.post("/jobs/{job}/last", status_code=202, responses=NOT_FOUND | REFUSED)
    def last_job(job: Job) -> JobAnswer:
        """Put a waiting job behind all others."""
        return _asked(farm, job, lambda number: farm.store.move(number, "last"))


def _asked(farm: Farm, job: int, command: Callable[[int], JobRow]) -> JobAnswer:
    try:
        return reading.job_answer(farm, command(job))
    except InputError as error:
        # The store says "job 7 runs already"; what concerns the database itself names the database.
        if str(error).startswith("job "):
            raise Refused(str(error)) from error
        raise


def _wanted(farm: Farm, schedule: str, due_at: datetime | None) -> list[str]:
    table = next((one for one in farm.schedules if one.name == schedule), None)
    if table is None:
        names = ", ".join(one.name for one in farm.schedules) or "none"
        raise NotThere(f"there is no schedule {schedule!r}; the configuration has: {names}")
    on_wall = {plant.name for plant in farm.plants}
    if due_at is None:
        wanted = on_wall if table.plants == "all" else set(table.plants)
        return sorted(wanted & on_wall)
    until = _just_after(due_at)
    turns = farm.store.occurrences(schedule=schedule, since=due_at, limit=10_000, until=until)
    return sorted({turn.plant for turn in turns if turn.state in _UNDONE} & on_wall)


def _just_after(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise Refused("due_at needs its offset from UTC, such as 2026-11-24T05:00:00Z")
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise Refused(f"due_at is in the year {at.year}; nothing was ever due then")
    return at.replace(microsecond=999_999)
