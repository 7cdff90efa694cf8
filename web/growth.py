"""How fast each plant grows: from its newest mass and the newest one that is at least half a day older."""

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import log

from scheduler.rows import MeasurementRow
from scheduler.store import Store

_APART = timedelta(hours=12)  # nearer together, the error of two masses is more than what grew
_LOOKED_AT = 6
_ONE_BY_ONE_MAX = 20


class Growth:
    """Relative growth rates, read again only for plants that were measured since.

    Args:
        store: Where measurements are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, float | None]] = {}

    def rates_per_day(self, latest: Mapping[str, MeasurementRow]) -> dict[str, float | None]:
        """ln(m2 / m1) / (t2 - t1) in 1/day for each plant that has a measurement; None where masses are missing."""
        with self._lock:
            new = [name for name, row in latest.items() if self._known.get(name, ("",))[0] != row.scan]
            for name, rows in self._histories(new).items():
                self._known[name] = (latest[name].scan, rate_per_day(rows))
            return {name: self._known[name][1] for name in latest if name in self._known}

    def _histories(self, names: Sequence[str]) -> dict[str, list[MeasurementRow]]:
        if len(names) <= _ONE_BY_ONE_MAX:
            return {name: self._store.measurements(name, limit=_LOOKED_AT) for name in names}
        found: dict[str, list[MeasurementRow]] = {name: [] for name in names}
        for row in self._store.measurements(limit=_LOOKED_AT * len(names)):
            if row.plant in found:
                found[row.plant].append(row)
        return found


def rate_per_day(rows: Sequence[MeasurementRow]) -> float | None:
    """The relative growth rate of fresh mass, 1/day, from measurements of one plant, newest first."""
    weighed = [(row.measured_at, row.mass.fresh_mass_kg) for row in rows if row.mass.fresh_mass_kg]
    if not weighed or not rows or weighed[0][0] != rows[0].measured_at:
        return None
    newest_at, newest_kg = weighed[0]
    for at, mass_kg in weighed[1:]:
        if newest_at - at >= _APART and newest_kg and mass_kg:
            return log(newest_kg / mass_kg) / ((newest_at - at) / timedelta(days=1))
    return None
