"""What is likely to come: the queue in its order with likely times, and the next turns of all schedules."""

from datetime import UTC, datetime

from scheduler.forecast import Durations, Slot, lay_out
from scheduler.preview import coming_turns
from scheduler.rows import JobRow
from web import reading
from web.answers import ComingAnswer, QueueAnswer, QueuedAnswer
from web.farm import Farm

_SCANS_LOOKED_AT = 500
_HOLDS_S = 30.0


def queue(farm: Farm, limit: int = 60, offset: int = 0) -> QueueAnswer:
    """Scans that run and wait, in the order in which they are done, and when each is likely to begin and end."""
    jobs = farm.store.queue()
    slots = _slots(farm, jobs, _durations(farm), datetime.now(UTC))
    return QueueAnswer(
        held=farm.store.held(),
        total=len(jobs),
        ends_at=max((slot.ends_at for slot in slots.values() if slot), default=None),
        jobs=tuple(_queued(farm, job, slots[job.id]) for job in jobs[offset : offset + limit]),
    )


def coming(farm: Farm, count: int) -> list[ComingAnswer]:
    """The next turns in the order in which they are due, after what is in the queue now, and what is in their way.

    Laid out anew when the queue or the newest scan has changed, and every half minute.
    """
    now, jobs, newest = datetime.now(UTC), farm.store.queue(), farm.store.scans(limit=1)
    key = count, now.timestamp() // _HOLDS_S, [(job.id, job.state, job.rank) for job in jobs], newest
    known = farm.remembered.get("coming")
    if known is None or known[0] != key:
        known = farm.remembered["coming"] = key, _coming(farm, count, now, jobs)
    return list(known[1])


def _coming(farm: Farm, count: int, now: datetime, jobs: list[JobRow]) -> list[ComingAnswer]:
    durations = _durations(farm)
    slots = _slots(farm, jobs, durations, now)
    ends = {job.plant: slot.ends_at for job in jobs if (slot := slots.get(job.id)) is not None}
    turns = coming_turns(
        farm.schedules,
        farm.zone,
        farm.hours,
        durations,
        [plant.name for plant in farm.plants],
        now,
        busy_until=max(ends.values(), default=now),
        waiting=ends,
        count=count,
    )
    return [ComingAnswer(**vars(turn)) for turn in turns]


def _durations(farm: Farm) -> Durations:
    return Durations.of(farm.store.scans(limit=_SCANS_LOOKED_AT), farm.views_count)


def _slots(farm: Farm, jobs: list[JobRow], durations: Durations, now: datetime) -> dict[int, Slot | None]:
    return lay_out(jobs, durations, farm.hours, now)


def _queued(farm: Farm, job: JobRow, slot: Slot | None) -> QueuedAnswer:
    return QueuedAnswer(
        **dict(reading.job_answer(farm, job)),
        held=job.held,
        asked_by=job.asked_by,
        begins_at=slot.begins_at if slot else None,
        ends_at=slot.ends_at if slot else None,
    )
