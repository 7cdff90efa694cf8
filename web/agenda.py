"""The turns of the schedules: those to come, and what became of those that were."""

from datetime import UTC, datetime

from scheduler.agenda import next_due
from web.answers import RunAnswer, RunState
from web.farm import Farm


def runs(farm: Farm, limit: int) -> list[RunAnswer]:
    """The next turn of each schedule, soonest first, then past turns, newest first.

    Plants that share a turn and its fate share a row.
    """
    return (_to_come(farm) + _past(farm, limit))[:limit]


def _to_come(farm: Farm) -> list[RunAnswer]:
    now = datetime.now(UTC)
    everyone = tuple(plant.name for plant in farm.plants)
    found = []
    for schedule in farm.schedules:
        due_at = next_due(schedule, farm.zone, now)
        if due_at is not None:
            names = everyone if schedule.plants == "all" else tuple(schedule.plants)
            found.append(RunAnswer(schedule=schedule.name, due_at=due_at, state="due", plants=names, reason=None))
    return sorted(found, key=lambda run: run.due_at)


def _past(farm: Farm, limit: int) -> list[RunAnswer]:
    together: dict[tuple[datetime, str, RunState, str | None], list[str]] = {}
    for row in farm.store.occurrences(limit=limit * max(1, len(farm.plants))):
        together.setdefault((row.due_at, row.schedule, row.state, row.reason), []).append(row.plant)
    return [
        RunAnswer(schedule=schedule, due_at=due_at, state=state, plants=tuple(sorted(names)), reason=reason)
        for (due_at, schedule, state, reason), names in together.items()
    ]
