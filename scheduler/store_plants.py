"""The store's part about plants: the wall's names, kept even after a plant has gone."""

import difflib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from scheduler.rows import PlantRow
from scheduler.store_base import StoreBase
from scheduler.tables import plants
from trellis.errors import InputError


class PlantStore(StoreBase):
    """Plants by name."""

    def plants(self, *, active_only: bool = True) -> list[PlantRow]:
        """Plants by name; those that the wall no longer names only with `active_only=False`."""
        query = select(plants).order_by(plants.c.name)
        return [_plant(row) for row in self._rows(query.where(plants.c.active) if active_only else query)]

    def plant(self, name: str) -> PlantRow:
        """One plant.

        Raises:
            InputError: There is none of that name; the nearest is suggested.
        """
        known = {plant.name: plant for plant in self.plants(active_only=False)}
        if name not in known:
            raise no_such_plant(name, [plant.name for plant in known.values() if plant.active])
        return known[name]

    def sync_plants(self, wall: Iterable[PlantRow]) -> None:
        """Make the active plants exactly these; others stay, inactive, with all that was measured on them."""
        with self._write() as connection:
            connection.execute(plants.update().values(active=False))
            for plant in wall:
                _save(connection, plant)

    def remember_plant(self, plant: PlantRow) -> None:
        """Add a plant that only an old scan knows; one that is known stays as it is."""
        with self._write() as connection:
            known = connection.execute(select(plants.c.name).where(plants.c.name == plant.name)).first()
            if known is None:
                connection.execute(plants.insert().values(_values(plant)))


def no_such_plant(name: str, known: list[str]) -> InputError:
    """The error for a name that the wall does not hold."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    told = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none; add them to [wall]'}"
    return InputError(f"there is no plant {name!r} on the wall; {told}")


def _save(connection: Connection, plant: PlantRow) -> None:
    values = _values(plant)
    if connection.execute(plants.update().where(plants.c.name == plant.name).values(values)).rowcount == 0:
        connection.execute(plants.insert().values(values))


def _values(plant: PlantRow) -> dict[str, Any]:
    x_m, y_m, z_m = plant.position_m
    return {
        "name": plant.name,
        "x_m": x_m,
        "y_m": y_m,
        "z_m": z_m,
        "cultivar": plant.cultivar,
        "sown": plant.sown,
        "active": plant.active,
    }


def _plant(row: RowMapping) -> PlantRow:
    position_m = (row["x_m"], row["y_m"], row["z_m"])
    return PlantRow(row["name"], position_m, row["cultivar"], row["sown"], row["active"])
