"""`/api/v1/jobs`, `/runs` and `/events`: what is done, what is due, what happened."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from web import reading
from web.agenda import runs
from web.answers import EventAnswer, JobAnswer, RunAnswer
from web.api.errors import NOT_FOUND
from web.api.paging import Limit, Offset, page
from web.farm import Farm


def routes(farm: Farm) -> APIRouter:
    """The routes about jobs, runs and events."""
    router = APIRouter(tags=["jobs"])

    @router.get("/jobs")
    def list_jobs(
        request: Request, response: Response, limit: Limit = 100, offset: Offset = 0, open: bool = False
    ) -> list[JobAnswer]:
        """Jobs, newest first; with `open` only those that are not over."""
        return page(request, response, lambda count: reading.jobs(farm, count, only_open=open), limit, offset)

    @router.get("/jobs/{job}", responses=NOT_FOUND)
    def get_job(job: Annotated[int, Path(ge=1, le=2**31)]) -> JobAnswer:
        """One job."""
        return reading.job_answer(farm, farm.store.job(job))

    @router.post("/jobs/{job}/cancel", status_code=202, responses=NOT_FOUND)
    def cancel_job(job: Annotated[int, Path(ge=1, le=2**31)]) -> JobAnswer:
        """Cancel a job. One that runs is ended by the daemon, soon; one that is over stays as it is."""
        return reading.job_answer(farm, farm.store.cancel(job))

    @router.get("/runs")
    def list_runs(limit: Limit = 50) -> list[RunAnswer]:
        """The turns of every schedule: those to come first, then what became of the past ones, newest first."""
        return runs(farm, limit)

    @router.get("/events")
    def list_events(request: Request, response: Response, limit: Limit = 50, offset: Offset = 0) -> list[EventAnswer]:
        """What happened, newest first."""
        return page(request, response, lambda count: reading.events(farm, count), limit, offset)

    return router
