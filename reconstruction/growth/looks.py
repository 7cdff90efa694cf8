"""What was measured, plant by day: the values that smoothing, forecasts and findings start from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reconstruction.growth.curve import Array, Size


@dataclass(frozen=True)
class Looks:
    """One size of the plants of one batch on whole days; a gap is NaN.

    Args:
        size: Which size.
        plants: Names, n.
        days: Whole days, one after the other without a gap, (T,).
        log_size: ln of what was measured, (n, T).
        log_std: Its standard deviation, (n, T); finite wherever `log_size` is.
        time_days: When exactly, within half a day of `days`, (n, T).
        jumps: Where a plant's size may have jumped since the day before, (n, T); its past no longer tells its level.
        absent: Where a plant was looked for and not there, (n, T).
    """

    size: Size
    plants: tuple[str, ...]
    days: NDArray[np.int64]
    log_size: Array
    log_std: Array
    time_days: Array
    jumps: NDArray[np.bool_]
    absent: NDArray[np.bool_]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Where there is a measurement, (n, T)."""
        return np.isfinite(self.log_size)

    def until(self, count: int) -> "Looks":
        """The first `count` days alone: what was known on the last of them."""
        cut = {name: getattr(self, name)[:, :count] for name in ("log_size", "log_std", "time_days", "jumps", "absent")}
        return replace(self, days=self.days[:count], **cut)


def looks(size: Size, plants: tuple[str, ...], days: NDArray[np.int64], log_size: Array, log_std: Array) -> Looks:
    """Looks at whole days, without jumps or absences."""
    times = np.broadcast_to(days.astype(float), log_size.shape)
    return Looks(size, plants, days, log_size, log_std, times, *(np.zeros(log_size.shape, dtype=bool),) * 2)
