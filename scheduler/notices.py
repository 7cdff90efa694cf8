"""What somebody should be told now: events, no scan today, a daemon that is gone. Each is told once.

It is asked by a process of its own (`trellis notify`, started by a timer), which lives although the daemon does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from scheduler.config import FarmSection
from scheduler.recurrence import due_times
from scheduler.rows import EventRow, ScanRow

#: Of a flood of events so many are told in words.
_LINES_MAX = 20


@dataclass(frozen=True)
class Told:
    """What has been told already; kept in `notices.json` between two runs."""

    event: int = 0
    no_scan_on: str = ""
    daemon_gone: bool = False


@dataclass(frozen=True)
class Seen:
    """What there is to see of a farm.

    Args:
        events: Newest first.
        scans: Newest first.
        daemon: Whether one answers.
    """

    events: list[EventRow] = field(default_factory=list)
    scans: list[ScanRow] = field(default_factory=list)
    daemon: bool = True


@dataclass(frozen=True)
class Notice:
    """A message for a person."""

    title: str
    body: str


def notices(farm: FarmSection, seen: Seen, told: Told, now: datetime) -> tuple[list[Notice], Told]:
    """What is to be told now, and what will have been told then."""
    found = [*_events(farm, seen, told), *_daemon(farm, seen, told), *_no_scan(farm, seen, told, now)]
    newest = max([told.event, *(event.id for event in seen.events)])
    after = replace(told, event=newest, daemon_gone=not seen.daemon)
    if why_no_scan(farm, seen, now) is not None:
        after = replace(after, no_scan_on=_day(farm, now))
    return found, after


def why_no_scan(farm: FarmSection, seen: Seen, now: datetime) -> str | None:
    """Why somebody should look that no scan has been done today, or None while all is well."""
    midnight = datetime.fromisoformat(f"{_day(farm, now)}T00:00:00").replace(tzinfo=farm.zone)
    enabled = [table for table in farm.schedules if table.enabled]
    due = sorted(at for table in enabled for at in due_times(table, farm.zone, midnight - timedelta(seconds=1), now))
    patience = timedelta(hours=farm.notices.no_scan_after_hours)
    if not due or now - due[0] < patience:
        return None
    if any(scan.state == "done" and scan.finished_at is not None and scan.finished_at >= due[0] for scan in seen.scans):
        return None
    last = next((scan for scan in seen.scans if scan.state == "done"), None)
    before = (
        "there never was one"
        if last is None
        else f"the last was {last.started_at.astimezone(farm.zone):%Y-%m-%d %H:%M}"
    )
    return f"{len(due)} turns have been due since {due[0].astimezone(farm.zone):%H:%M}, and no scan was done; {before}"


def _no_scan(farm: FarmSection, seen: Seen, told: Told, now: datetime) -> Iterator[Notice]:
    why = why_no_scan(farm, seen, now)
    if why is not None and told.no_scan_on != _day(farm, now):
        yield Notice(f"{farm.name}: no scan today", f"{why}. `trellis status` and `trellis doctor` say more.")


def _events(farm: FarmSection, seen: Seen, told: Told) -> Iterator[Notice]:
    new = [event for event in reversed(seen.events) if event.id > told.event and event.level in farm.notices.levels]
    if new:
        lines = [f"{event.at.astimezone(farm.zone):%H:%M} {event.message}" for event in new]
        more = [f"... and {len(lines) - _LINES_MAX} more"] if len(lines) > _LINES_MAX else []
        yield Notice(f"{farm.name}: {len(new)} event{'s' * (len(new) > 1)}", "\n".join([*lines[:_LINES_MAX], *more]))


def _daemon(farm: FarmSection, seen: Seen, told: Told) -> Iterator[Notice]:
    if not seen.daemon and not told.daemon_gone:
        yield Notice(f"{farm.name}: the daemon does not run", "Nothing is scanned. `systemctl status trellis-daemon`")
    if seen.daemon and told.daemon_gone:
        yield Notice(f"{farm.name}: the daemon runs again", "What was due meanwhile is in `trellis agenda --past`.")


def _day(farm: FarmSection, now: datetime) -> str:
    return f"{now.astimezone(farm.zone):%Y-%m-%d}"
