"""What so many plants a day need, from what this farm's own scans and reconstructions took."""

from dataclasses import dataclass
from math import ceil
from statistics import median

DAY_S = 86_400.0
#: Of a day in which robot or machine does nothing useful: parking, faults, updates, the dark.
_IDLE_SHARE = 0.2


@dataclass(frozen=True)
class Measured:
    """Medians over what was measured.

    Args:
        scan_s: From the first photograph's planning to the last; of one robot.
        reconstruction_s: Of one worker.
        photographs_bytes: Of one scan, with its flight recording.
        models_bytes: As above.
        numbers_bytes: As above.
        scans: How many scans this rests on.
        reconstructions: How many reconstructions.
    """

    scan_s: float
    reconstruction_s: float
    photographs_bytes: float
    models_bytes: float
    numbers_bytes: float
    scans: int
    reconstructions: int

    @classmethod
    def of(cls, scans_s: list[float], reconstructions_s: list[float], sizes: list[tuple[int, int, int]]) -> "Measured":
        """Medians; all of them not empty."""
        photographs, models, numbers = (median(size[tier] for size in sizes) for tier in range(3))
        return cls(
            median(scans_s),
            median(reconstructions_s),
            photographs,
            models,
            numbers,
            len(scans_s),
            len(reconstructions_s),
        )


@dataclass(frozen=True)
class Need:
    """For `plants` scanned once a day, working `hours` of it.

    Bytes: `daily_bytes` are written each day; `kept_bytes` lie there once retention takes as much as comes.
    """

    plants: int
    robots: int
    workers: int
    daily_bytes: float
    kept_bytes: float
    network_bytes_s: float
    rows_a_day: int


def need(measured: Measured, plants: int, hours: float, photographs_days: int, models_days: int) -> Need:
    """What is needed; retention of 0 days counts as a year."""
    scans_a_robot = hours * 3600 * (1 - _IDLE_SHARE) / measured.scan_s
    jobs_a_worker = DAY_S * (1 - _IDLE_SHARE) / measured.reconstruction_s
    daily = plants * (measured.photographs_bytes + measured.models_bytes + measured.numbers_bytes)
    kept = plants * (
        measured.photographs_bytes * (photographs_days or 365)
        + measured.models_bytes * (models_days or 365)
        + measured.numbers_bytes * 365
    )
    # Photographs go to a worker, models and numbers come back.
    travels = daily / (hours * 3600)
    # A turn, a scan with its job and 3 events, a reconstruction with its job, measurement and 2 events.
    return Need(plants, ceil(plants / scans_a_robot), ceil(plants / jobs_a_worker), daily, kept, travels, plants * 10)
