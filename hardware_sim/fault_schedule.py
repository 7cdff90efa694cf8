"""Faults by appointment: at a simulated time or after so many events, for a while or for good."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf, isfinite
from typing import Any

from trellis.errors import InputError


@dataclass(frozen=True)
class Appointment:
    """When a fault begins and ends; without a beginning it begins at once, without an end it stays.

    Events are, for a line and the device on it, what the host writes there; for winches and frame, on both lines of
    the drives; for the rest, the photographs that are asked for.

    Args:
        value: Of the fault while it stands.
        at_s: Begins at this simulated time.
        after_events: Or after so many events more.
        for_s: Ends after so many simulated seconds.
        for_events: Or after so many events, the one with which it began counted.
    """

    value: float = 1.0
    at_s: float | None = None
    after_events: float | None = None
    for_s: float | None = None
    for_events: float | None = None


@dataclass(eq=False)
class _Due:
    """What is to be set once a time has come, or no event is left before it."""

    name: str
    appointment: Appointment
    value: float
    time_s: float = inf
    events: float = inf


class FaultSchedule:
    """The appointments that are still to come."""

    def __init__(self) -> None:
        self._dues: list[_Due] = []
        #: When the next one comes by the time; infinity if none does.
        self.next_s = inf

    def add(self, name: str, appointment: Appointment) -> None:
        """Take an appointment that has a beginning."""
        events = inf if appointment.after_events is None else appointment.after_events
        time_s = inf if appointment.at_s is None else appointment.at_s
        self._put(_Due(name, appointment, appointment.value, time_s, events))

    def end(self, name: str, appointment: Appointment, now_s: float) -> None:
        """Take the end of one that begins now, if it has any."""
        if appointment.for_s is not None:
            self._put(_Due(name, appointment, 0.0, time_s=now_s + appointment.for_s))
        elif appointment.for_events is not None:
            self._put(_Due(name, appointment, 0.0, events=max(appointment.for_events - 1, 0)))

    def pass_to(self, now_s: float) -> list[tuple[str, float]]:
        """What is to be set now that it is so late, as (name, value)."""
        return self._take([due for due in self._dues if due.time_s <= now_s], now_s)

    def happen(self, source: str, now_s: float) -> list[tuple[str, float]]:
        """An event is about to happen: what is to be set before it does."""
        here = [due for due in self._dues if due.events < inf and source in sources(due.name)]
        ready = [due for due in here if due.events <= 0]
        for due in here:
            due.events -= 1
        return self._take(ready, now_s)

    def table(self) -> list[dict[str, Any]]:
        """What is still to come, for JSON."""
        return [
            {"name": due.name, "value": due.value}
            | ({"at_s": due.time_s} if due.time_s < inf else {"after_events": due.events})
            for due in self._dues
        ]

    def _take(self, ready: list[_Due], now_s: float) -> list[tuple[str, float]]:
        self._dues = [due for due in self._dues if due not in ready]
        for due in ready:
            if due.value:
                self.end(due.name, due.appointment, now_s)
        self._note_next()
        return [(due.name, due.value) for due in ready]

    def _put(self, due: _Due) -> None:
        self._dues.append(due)
        self._note_next()

    def _note_next(self) -> None:
        self.next_s = min((due.time_s for due in self._dues), default=inf)


def sources(name: str) -> tuple[str, ...]:
    """Whose events a fault counts by: a line's name, or `camera`."""
    head = name.split(".")[0]
    if head in ("winches0", "winches1", "servos"):
        return (head,)
    return ("winches0", "winches1") if head in ("winches", "frame") else ("camera",)


def appointments(name: str, wanted: object) -> list[Appointment]:
    """What a configuration or a request says about one fault: a number, a table, or a list of tables.

    Raises:
        InputError: It is none of these, or a table has an unknown key, a value that is no number, or two beginnings.
    """
    if isinstance(wanted, list | tuple):
        return [one for each in wanted for one in appointments(name, each)]
    if not isinstance(wanted, Mapping):
        return [Appointment(value=_number(name, "value", wanted))]
    known = [field.name for field in fields(Appointment)]
    unknown = set(wanted) - set(known)
    if unknown:
        raise InputError(f"fault {name}: there is no {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    made = Appointment(**{key: _number(name, key, value) for key, value in wanted.items()})
    if None not in (made.at_s, made.after_events) or None not in (made.for_s, made.for_events):
        raise InputError(f"fault {name}: it begins at_s or after_events, and ends after for_s or for_events, not both")
    return [made]


def _number(name: str, key: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"fault {name}: {key} = {value!r} is no number") from error
    if not (isfinite(number) and number >= 0):
        raise InputError(f"fault {name}: {key} = {number} is not usable; 0 or more is needed")
    return number
