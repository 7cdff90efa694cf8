"""What the API answers, and what the pages draw: one set of values, units in the names."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from trellis.records import MassEstimate, Traits

PlantState = Literal["never scanned", "queued", "scanning", "reconstructing", "measured", "refused", "failed"]
ScanState = Literal["running", "paused", "done", "failed", "cancelled"]
RunState = Literal["due", "started", "done", "failed", "missed", "skipped"]
JobKind = Literal["scan", "reconstruct"]
JobState = Literal["queued", "running", "paused", "done", "failed", "cancelled"]


class Answer(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """Base of everything that is sent to us: a field that is not known is a slip, and told."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorAnswer(Answer):
    """What went wrong, in one line that names the fix."""

    error: str


class MeasurementAnswer(Answer):
    """What one scan said about its plant. `stages_s` are the seconds that each stage of reconstruction took."""

    scan: str
    plant: str
    measured_at: datetime
    traits: Traits
    mass: MassEstimate
    stages_s: dict[str, float]


class ScanAnswer(Answer):
    """One scan of one plant. `artefacts` names the files that can be fetched under it now."""

    id: str
    plant: str
    state: ScanState
    started_at: datetime
    finished_at: datetime | None
    views_planned: int
    views_taken: int
    views_failed: int
    reason: str | None
    artefacts: tuple[str, ...]


class JobAnswer(Answer):
    """Something to do, being done, or done.

    `share` runs from 0 to 1; `run_s` is how long it has run; `silent_s`, while it runs, how long ago its
    last sign of life was; views are counted for scans that are not over.
    """

    id: int
    kind: JobKind
    plant: str
    scan: str | None
    state: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None
    stage: str | None
    share: float
    attempts: int
    heartbeat_at: datetime | None
    silent_s: float | None
    run_s: float | None
    views_taken: int | None
    views_planned: int | None


class PlantAnswer(Answer):
    """A plant, where it hangs, what it is doing, and the latest that is known about it.

    `growth_per_day` is the relative growth rate of fresh mass, from two measurements half a day or more apart.
    """

    name: str
    on_wall: bool
    cultivar: str | None
    position_m: tuple[float, float, float]
    age_days: float | None
    state: PlantState
    reason: str | None
    measurement: MeasurementAnswer | None
    growth_per_day: float | None
    last_scan: ScanAnswer | None


class PlantDetailAnswer(PlantAnswer):
    """A plant with everything that was ever measured on it, newest first."""

    scans: tuple[ScanAnswer, ...]
    measurements: tuple[MeasurementAnswer, ...]


class ViewAnswer(Answer):
    """One viewpoint of a scan: what came of it, and where the camera was (taken) or was meant to be (else)."""

    view: int
    outcome: Literal["pending", "taken", "failed"]
    attempts: int
    taken_at: datetime | None
    reason: str | None
    position_m: tuple[float, float, float]
    quaternion_wxyz: tuple[float, float, float, float]
    bytes: int | None
    sha256: str | None


class ViewsAnswer(Answer):
    """The viewpoints of one scan and the plant that they look at."""

    scan: str
    plant: str
    plant_position_m: tuple[float, float, float]
    plant_radius_m: float
    views: tuple[ViewAnswer, ...]


class RunAnswer(Answer):
    """A turn of a schedule: when it was or is due, and what became of it for these plants (`due`: still to come)."""

    schedule: str
    due_at: datetime
    state: RunState
    plants: tuple[str, ...]
    reason: str | None


class ComingAnswer(Answer):
    """A turn that is to come: when it is likely to begin and end (None: nothing of it runs), and what is in its way."""

    schedule: str
    due_at: datetime
    plants: tuple[str, ...]
    begins_at: datetime | None
    ends_at: datetime | None
    conflicts: tuple[str, ...]


class QueuedAnswer(JobAnswer):
    """A scan that runs or waits, and when it is likely to begin and end; `held` says that a person paused it."""

    held: bool
    asked_by: Literal["person", "agenda"]
    begins_at: datetime | None
    ends_at: datetime | None


class QueueAnswer(Answer):
    """The robot's queue in the order in which it is done. `held`: nothing begins until it is let go.

    `total` counts all that run and wait, of which `jobs` may be a part; `ends_at` is when the last is likely to end.
    """

    held: bool
    total: int
    ends_at: datetime | None
    jobs: tuple[QueuedAnswer, ...]


class DiskAnswer(Answer):
    """Bytes free, to stay free and taken by a scan; how many scans fit, and for how many days that lasts.

    `scans_a_day` is what the schedules ask for; without one `days_left` is None. `lacking` says that no scan fits.
    """

    free_bytes: int
    keep_bytes: int
    scan_bytes: int
    scans_left: int
    scans_a_day: float
    days_left: float | None
    lacking: str | None


class EventAnswer(Answer):
    """Something that happened, in a line for a person."""

    at: datetime
    level: Literal["info", "warning", "error"]
    message: str
    plant: str | None
    scan: str | None
    job: int | None


class RobotAnswer(Answer):
    """The robot as the daemon last reported it.

    `reachable` is False when the daemon does not answer, and `reason` says so; the other values are then None.
    `summary` is a few words for a person; `age_s` is how old the values from the cell are. The position is that of
    the carriage, `camera_m` that of the camera, both in the world frame; joints, lengths and tensions stand in the
    order of the devices. `driven` says that hands are on it, `motion` what they want now, `refusal` why the last motion
    by hand was not done or ended early, `told` how far it is.
    """

    reachable: bool
    reason: str | None = None
    stopped: bool | None = None
    summary: str | None = None
    age_s: float | None = None
    x_m: float | None = None
    y_m: float | None = None
    yaw_rad: float | None = None
    joints_rad: tuple[float, ...] | None = None
    lengths_m: tuple[float, ...] | None = None
    tensions_n: tuple[float, ...] | None = None
    camera_m: tuple[float, ...] | None = None
    driven: bool | None = None
    motion: Literal["home", "park", "step", "hold", "calibrate"] | None = None
    refusal: str | None = None
    told: str | None = None


class HealthAnswer(Answer):
    """Whether the parts that this process depends on answer; `pid` is this process's number."""

    farm: str
    pid: int
    version: str
    database: bool
    daemon: bool
    reason: str | None
