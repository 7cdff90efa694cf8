"""What the store remembers, as frozen values: plants, scans, jobs, occurrences, measurements, events, commands.

Every time is timezone-aware and in UTC. A reason is one line for a person.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, Self

from trellis.records import MassEstimate, Traits

JobKind = Literal["scan", "reconstruct"]
JobState = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
ScanState = Literal["running", "paused", "done", "failed", "cancelled"]
OccurrenceState = Literal["started", "done", "failed", "missed", "skipped"]
EventLevel = Literal["info", "warning", "error"]
AskedBy = Literal["person", "agenda"]
CommandName = Literal["cancel", "stop", "pause", "skip", "hold", "believe"]

#: A job in one of these states will change no more.
ENDED: frozenset[str] = frozenset({"done", "failed", "cancelled"})

#: A job that was begun so often and never ended takes the daemon down with it: it is given up.
ATTEMPTS_MAX = 5
#: Why a job went back into the queue that the daemon itself put there on its way out.
ENDING = "the daemon was asked to end"


@dataclass(frozen=True)
class PlantRow:
    """A plant: `position_m` is its collar in the world frame. `active` says that the wall still names it."""

    name: str
    position_m: tuple[float, float, float]
    cultivar: str | None = None
    sown: date | None = None
    active: bool = True


@dataclass(frozen=True)
class ScanRow:
    """A scan of a plant, as its manifest tells it; `folder` is relative to the data folder, with forward slashes."""

    id: str
    plant: str
    state: ScanState
    started_at: datetime
    finished_at: datetime | None
    views_planned: int
    views_taken: int
    views_failed: int
    folder: str
    reason: str | None = None


@dataclass(frozen=True)
class JobRow:
    """Something to do, being done, or done. `share` is how much of it, 0 to 1; `stage` names what happens now.

    `attempts` counts how often it was started. `heartbeat_at` is the last sign of life of whatever does it. `rank`
    orders the queue, lowest first, and then by age. `held` says that a person paused it, and only a person lets it go
    on. `tries_left` is how often it is asked for again if it fails. `lease_owner` does it and may until `lease_until`,
    unless it renews that; then it is anybody's again. `furthest` is the largest share at which a stage of it ended.
    """

    id: int
    kind: JobKind
    plant: str
    scan: str | None
    state: JobState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str | None = None
    stage: str | None = None
    share: float = 0.0
    worker_pid: int | None = None
    attempts: int = 0
    heartbeat_at: datetime | None = None
    asked_by: AskedBy = "person"
    rank: int = 0
    held: bool = False
    tries_left: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    furthest: float = 0.0

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Lease:
    """Who does a job, `HOST:PROCESS:NUMBER`, and for how long without renewing it."""

    owner: str
    seconds: float


@dataclass(frozen=True)
class OccurrenceRow:
    """A plant's turn in a schedule: `due_at`, and what became of it, with the reason where it did not happen."""

    id: int
    schedule: str
    plant: str
    due_at: datetime
    state: OccurrenceState
    job: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class NewTurn:
    """A plant's turn that is to be written down; `started` also queues its scan, `retries` times more if it fails."""

    schedule: str
    plant: str
    due_at: datetime
    state: OccurrenceState
    reason: str | None = None
    retries: int = 0

    def instead(self, state: OccurrenceState, reason: str | None) -> Self:
        """The same turn with another fate."""
        return replace(self, state=state, reason=reason)


@dataclass(frozen=True)
class MeasurementRow:
    """What reconstruction said about a scan. `measured_at` is when the plant was photographed."""

    scan: str
    plant: str
    measured_at: datetime
    traits: Traits
    mass: MassEstimate
    stage_seconds: dict[str, float]


@dataclass(frozen=True)
class EventRow:
    """A line for a person to read."""

    id: int
    at: datetime
    level: EventLevel
    message: str
    plant: str | None = None
    scan: str | None = None
    job: int | None = None


@dataclass(frozen=True)
class CommandRow:
    """A durable command that is in force.

    `cancel` or `pause` a job, or `skip` a `view` of it; `stop`: nobody has cleared the stop; `hold`: nothing new
    begins; `believe`: the clock is right.
    """

    id: int
    what: CommandName
    job: int | None
    asked_at: datetime
    view: int | None = None
