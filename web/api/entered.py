"""`/api/v1/weighings` and `/notes`: what people enter, and tables of everything to take away."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, Field

from scheduler.rows_people import NoteRow, WeighingRow
from web.answers import Answer, Asked
from web.api.asked import Asker
from web.api.errors import NOT_FOUND, REFUSED, Refused, Responses
from web.farm import Farm
from web.tables import fit_table, measurement_table

_HEAVIEST_KG = 5.0
_CSV: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
Mass = Annotated[float | None, Field(gt=0, le=_HEAVIEST_KG)]


class WeighingAnswer(Answer):
    """A mass read from a balance; `harvested` says that the plant was cut for it."""

    id: int
    plant: str
    weighed_at: datetime
    fresh_mass_kg: float | None
    dry_mass_kg: float | None
    harvested: bool
    entered_by: str
    entered_at: datetime


class NewWeighing(Asked):
    """A weighing to enter: a fresh mass, a dry mass or both. Without a time it was just now."""

    fresh_mass_kg: Mass = None
    dry_mass_kg: Mass = None
    harvested: bool = False
    weighed_at: AwareDatetime | None = None


class NoteAnswer(Answer):
    """A line that somebody wrote about a plant."""

    id: int
    plant: str
    at: datetime
    text: str
    entered_by: str


class NewNote(Asked):
    """A line to write."""

    text: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]


def routes(farm: Farm) -> APIRouter:
    """The routes about what people enter, and the tables."""
    router = APIRouter(tags=["entered"])

    @router.get("/plants/{plant}/weighings", responses=NOT_FOUND)
    def list_weighings(plant: str) -> list[WeighingAnswer]:
        """What balances said of a plant, newest first."""
        return [_weighing(row) for row in farm.store.weighings(farm.store.plant(plant).name)]

    @router.post("/plants/{plant}/weighings", status_code=201, responses=NOT_FOUND | REFUSED)
    def add_weighing(plant: str, new: NewWeighing, who: Asker) -> WeighingAnswer:
        """Enter a weighing."""
        now = datetime.now(UTC)
        at = _at(new.weighed_at, now)
        if new.fresh_mass_kg is None and new.dry_mass_kg is None:
            raise Refused("a weighing holds a fresh mass, a dry mass or both; give one")
        if new.fresh_mass_kg and new.dry_mass_kg and new.dry_mass_kg > new.fresh_mass_kg:
            raise Refused("nothing is heavier dry than fresh; look whether the two masses were changed over")
        name = farm.store.plant(plant).name
        row = farm.store.add_weighing(name, at, new.fresh_mass_kg, new.dry_mass_kg, new.harvested, who.name)
        return _weighing(row)

    @router.delete("/weighings/{weighing}", status_code=204, responses=NOT_FOUND)
    def remove_weighing(weighing: Annotated[int, Path(ge=1, le=2**31)]) -> Response:
        """Take back a weighing that was a mistake."""
        farm.store.remove_weighing(weighing)
        return Response(status_code=204)

    @router.get("/plants/{plant}/notes", responses=NOT_FOUND)
    def list_notes(plant: str) -> list[NoteAnswer]:
        """What was written about a plant, newest first."""
        return [_note(row) for row in farm.store.notes_about(farm.store.plant(plant).name)]

    @router.post("/plants/{plant}/notes", status_code=201, responses=NOT_FOUND)
    def add_note(plant: str, new: NewNote, who: Asker) -> NoteAnswer:
        """Write a line about a plant."""
        return _note(farm.store.write_note(farm.store.plant(plant).name, new.text.strip(), who.name))

    @router.get("/export/measurements.csv", response_class=Response, responses=_CSV | NOT_FOUND)
    def export_measurements(
        plant: str | None = None, limit: Annotated[int, Query(ge=1, le=1_000_000)] = 100_000
    ) -> Response:
        """Every measurement of a plant or of all, newest first, one a line; what was refused stays empty, with why."""
        if plant is not None:
            plant = farm.store.plant(plant).name
        return _csv("measurements", lambda: measurement_table(farm, farm.store.measurements(plant, limit=limit)))

    @router.get("/export/weighings.csv", response_class=Response, responses=_CSV)
    def export_weighings() -> Response:
        """Weighings beside the traits measured nearest to them, within two days: the table of `trellis mass fit`."""
        return _csv("weighings", lambda: fit_table(farm))

    return router


def _csv(name: str, make: Callable[[], str]) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(make(), media_type="text/csv; charset=utf-8", headers=headers)


def _at(asked: datetime | None, now: datetime) -> datetime:
    """When it was weighed, in UTC; not in the future, and not before there were farms like this one."""
    if asked is None:
        return now
    if not 2000 <= asked.year <= 9000:
        raise Refused(f"{asked:%Y} is no year to have weighed a plant in; give the time as 2026-11-24T09:30:00+01:00")
    at = asked.astimezone(UTC)
    if at > now + timedelta(minutes=5):
        raise Refused(f"{asked.isoformat()} lies in the future; give the time at which it was weighed")
    return at


def _weighing(row: WeighingRow) -> WeighingAnswer:
    return WeighingAnswer(**vars(row))


def _note(row: NoteRow) -> NoteAnswer:
    return NoteAnswer(**vars(row))
