"""When what is scheduled may run: while the lights are on, and not in quiet hours; local spans of the day."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from scheduler.recurrence import instant_of

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Span:
    """From a local time of day up to another, which does not count; over midnight where it is the earlier one."""

    begins: time
    ends: time

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises `ValueError` for what is no span."""
        found = _SPAN.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"a span of the day is HH:MM-HH:MM, such as '06:00-22:00', and not {text!r}")
        begins, ends = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if begins == ends:
            raise ValueError(f"a span of the day ends at another time than it begins: {text!r}")
        return cls(begins, ends)

    def holds(self, at: time) -> bool:
        """Whether a local time of day lies in it."""
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


@dataclass(frozen=True)
class Hours:
    """The farm's hours; without a span of light it is never dark.

    Args:
        lights_on: Spans in which what is scheduled may run.
        quiet: Spans in which it may not, whatever the lights do.
        zone: The zone of both.
    """

    lights_on: tuple[Span, ...]
    quiet: tuple[Span, ...]
    zone: ZoneInfo

    @classmethod
    def of(cls, lights_on: Iterable[str], quiet: Iterable[str], zone: ZoneInfo) -> Self:
        """From the texts of the configuration."""
        return cls(tuple(map(Span.of, lights_on)), tuple(map(Span.of, quiet)), zone)

    def why_closed(self, at: datetime) -> str | None:
        """Why nothing that is scheduled may run at an instant, or None."""
        local = at.astimezone(self.zone).time()
        for span in self.quiet:
            if span.holds(local):
                return f"quiet hours until {span.ends:%H:%M}"
        if self.lights_on and not any(span.holds(local) for span in self.lights_on):
            return "the lights are off"
        return None

    def opens(self, at: datetime) -> datetime | None:
        """The first instant, not before `at`, at which it may run; None if it never may."""
        if self.why_closed(at) is None:
            return at
        return next((edge for edge in self._edges(at) if self.why_closed(edge) is None), None)

    def closes(self, at: datetime) -> datetime | None:
        """The first instant after `at` at which it may not run; None if it always may."""
        return next((edge for edge in self._edges(at) if self.why_closed(edge) is not None), None)

    def _edges(self, at: datetime) -> list[datetime]:
        """The instants after `at` at which a span begins or ends, of two days."""
        day = at.astimezone(self.zone).date()
        times = {edge for span in (*self.lights_on, *self.quiet) for edge in (span.begins, span.ends)}
        days = [day + timedelta(days=number) for number in range(-1, 4)]
        found = {instant_of(datetime.combine(one, edge), self.zone) for one in days for edge in times}
        return sorted(instant.astimezone(UTC) for instant in found if instant > at)
