"""The store's part about what people enter: weighings and notes; and the web hooks that are told of events."""

from datetime import datetime

from sqlalchemy import delete, func, select

from scheduler.rows_people import HookRow, NoteRow, WeighingRow
from scheduler.store_base import StoreBase
from scheduler.tables import events, hooks, notes, weighings
from trellis.errors import InputError


class EnteredStore(StoreBase):
    """Weighings, notes, hooks."""

    def weighings(self, plant: str | None = None) -> list[WeighingRow]:
        """What balances said, newest first, of one plant or of all."""
        query = select(weighings).order_by(weighings.c.weighed_at.desc(), weighings.c.id.desc())
        rows = self._rows(query if plant is None else query.where(weighings.c.plant == plant))
        return [WeighingRow(**row) for row in rows]

    def add_weighing(
        self,
        plant: str,
        weighed_at: datetime,
        fresh_mass_kg: float | None,
        dry_mass_kg: float | None,
        harvested: bool,
        entered_by: str,
    ) -> WeighingRow:
        """Write down a weighing of a plant that the store knows."""
        row = {
            "plant": plant,
            "weighed_at": weighed_at,
            "fresh_mass_kg": fresh_mass_kg,
            "dry_mass_kg": dry_mass_kg,
            "harvested": harvested,
            "entered_by": entered_by,
            "entered_at": self._now(),
        }
        with self._write() as connection:
            number = connection.execute(weighings.insert().values(row)).inserted_primary_key[0]
            self._tell(connection, f"{plant} was weighed", plant=plant)
        return WeighingRow(id=number, **row)  # type: ignore[arg-type]

    def remove_weighing(self, number: int) -> None:
        """Take back a weighing that was a mistake.

        Raises:
            InputError: There is none of that number.
        """
        with self._write() as connection:
            plant = connection.execute(select(weighings.c.plant).where(weighings.c.id == number)).scalar()
            if connection.execute(delete(weighings).where(weighings.c.id == number)).rowcount == 0:
                raise InputError(f"there is no weighing {number}")
            self._tell(connection, f"a weighing of {plant} was taken back", plant=plant)

    def notes_about(self, plant: str) -> list[NoteRow]:
        """What was written about a plant, newest first."""
        query = select(notes).where(notes.c.plant == plant).order_by(notes.c.id.desc())
        return [NoteRow(**row) for row in self._rows(query)]

    def write_note(self, plant: str, text: str, entered_by: str) -> NoteRow:
        """Write a line about a plant that the store knows."""
        row = {"plant": plant, "at": self._now(), "text": text, "entered_by": entered_by}
        with self._write() as connection:
            number = connection.execute(notes.insert().values(row)).inserted_primary_key[0]
        return NoteRow(id=number, **row)  # type: ignore[arg-type]

    def hooks(self) -> list[HookRow]:
        """Every address that is told of events."""
        return [
            HookRow(**{**row, "kinds": tuple(row["kinds"])}) for row in self._rows(select(hooks).order_by(hooks.c.id))
        ]

    def add_hook(self, url: str, secret: str, kinds: tuple[str, ...]) -> HookRow:
        """Tell an address of what happens from now on."""
        with self._write() as connection:
            newest = connection.execute(select(func.max(events.c.id))).scalar() or 0
            row = {"url": url, "secret": secret, "kinds": list(kinds), "created_at": self._now(), "told_until": newest}
            number = connection.execute(hooks.insert().values(row)).inserted_primary_key[0]
        return HookRow(number, url, secret, kinds, row["created_at"], newest, None)  # type: ignore[arg-type]

    def hook_told(self, number: int, until: int, answered: str) -> None:
        """Note how far a hook was told, and what it answered last."""
        with self._write() as connection:
            mine = hooks.c.id == number
            connection.execute(hooks.update().where(mine).values(told_until=until, answered=answered))

    def remove_hook(self, number: int) -> None:
        """Tell an address nothing more.

        Raises:
            InputError: There is none of that number.
        """
        with self._write() as connection:
            if connection.execute(delete(hooks).where(hooks.c.id == number)).rowcount == 0:
                raise InputError(f"there is no hook {number}")
