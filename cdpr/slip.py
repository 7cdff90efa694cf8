"""A jump of one cable's length against what was commanded, told from noise and from the slow errors of a frame.

Four encoders and three degrees of freedom leave one combination of lengths that motion does not change, but noise of
1.8 mm hides a slip of 5 mm in it for longer than half a second, and a frame built to millimetres lets it wander by as
much. What was commanded says more: a slip makes a length jump, and keeps it there, within a tenth of a second, where
a frame's errors take as long as the carriage takes to get somewhere else.
"""

from collections import deque
from math import hypot

import numpy as np

from cdpr.robot import Array

#: The jump is the difference between means over these two spans, one right after the other.
_AFTER_S, _BEFORE_S = 0.24, 0.8
#: A jump of less is no slip: six standard deviations of noise at rest (0.6 mm), and as many of the errors of following
#: (about 4 mm at 1 m/s in one run of the diamonds), which grow with the speed. Independent, so their squares add.
_JUMP_M, _JUMP_S = 0.0034, 0.024


class SlipWatch:
    """Takes the difference between measured and commanded lengths at every step.

    Args:
        period_s: Between steps.
    """

    def __init__(self, period_s: float) -> None:
        self._after, self._before = max(round(_AFTER_S / period_s), 3), max(round(_BEFORE_S / period_s), 5)
        self._seen: deque[Array] = deque(maxlen=self._after + self._before)
        self._speeds: deque[float] = deque(maxlen=self._after + self._before)

    def look(self, off_m: Array, speed_m_s: float) -> tuple[int, float] | None:
        """The cable that jumped and by how much, or None.

        Args:
            off_m: Measured minus commanded, shape (4,); not a number where nothing was heard.
            speed_m_s: Of the fastest cable, as commanded.
        """
        if not np.isfinite(off_m).all():
            return None
        self._seen.append(off_m)
        self._speeds.append(speed_m_s)
        if len(self._seen) < self._after + self._before // 2:
            return None
        seen = np.array(self._seen)
        jump_m = seen[-self._after :].mean(axis=0) - seen[: -self._after].mean(axis=0)
        cable = int(np.argmax(np.abs(jump_m)))
        if abs(jump_m[cable]) < hypot(_JUMP_M, _JUMP_S * max(self._speeds)):
            return None
        return cable, float(jump_m[cable])
