"""The section `[arm]`: lengths and limits of the arm, and the bus that its servos hang on."""

from math import radians
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from arm.model import JOINTS, Arm
from trellis.config import Section

Length = Annotated[float, Field(gt=0, lt=5)]
Interval = tuple[float, float]
ServoId = Annotated[int, Field(ge=0, le=253)]
Count = Annotated[float, Field(ge=0, le=1023)]


class ArmSection(Section):
    """A PhantomX/Trossen Pincher with four AX-12A servos.

    Four values stand in the order base, shoulder, elbow, wrist. `zero_counts` is each servo's position when its joint
    is at zero, `directions` whether its counts rise (1) or fall (-1) with the joint's angle. `parked_rad` is the
    posture in which the servos may let go and the carriage may travel: folded, so that the arm stays clear of plants.
    Lengths and limits are the published ones of this arm; of the two published for the wrist, 90 and 96 deg, the
    wider, because a real day's targets took it to 95.7 deg.
    """

    shoulder_height_m: float = Field(default=0.0803, ge=0, lt=5)
    upper_m: Length = 0.107
    fore_m: Length = 0.107
    mount_m: Length = 0.0265
    limits_rad: tuple[Interval, Interval, Interval, Interval] = (
        (-radians(150), radians(150)),
        (-radians(120), radians(120)),
        (-radians(137), radians(137)),
        (-radians(96), radians(96)),
    )
    speed_rad_s: float = Field(default=radians(50), gt=0, le=radians(360))
    port: str = "/dev/ttyUSB0"
    baudrate: int = Field(default=1_000_000, ge=7_812, le=1_000_000)
    servo_ids: tuple[ServoId, ServoId, ServoId, ServoId] = (1, 2, 3, 4)
    zero_counts: tuple[Count, Count, Count, Count] = (512, 512, 512, 512)
    directions: tuple[Literal[-1, 1], Literal[-1, 1], Literal[-1, 1], Literal[-1, 1]] = (1, 1, 1, 1)
    parked_rad: tuple[float, float, float, float] = (0.0, -radians(100), radians(130), radians(60))
    retries: int = Field(default=3, ge=0, le=20)
    temperature_max_c: float = Field(default=65, gt=0, le=85)
    voltage_min_v: float = Field(default=9.5, gt=0)
    voltage_max_v: float = Field(default=13.0, gt=0)

    @model_validator(mode="after")
    def _is_an_arm(self) -> "ArmSection":
        arm = self.arm()
        if len(set(self.servo_ids)) != len(JOINTS):
            raise ValueError(f"servo_ids must be four different ids, not {self.servo_ids}")
        if not arm.within_limits(self.parked_rad):
            raise ValueError(f"parked_rad {self.parked_rad} lies outside limits_rad")
        if self.voltage_min_v >= self.voltage_max_v:
            raise ValueError("voltage_min_v must lie below voltage_max_v")
        return self

    def arm(self) -> Arm:
        """The arm that this section describes."""
        limits_rad = np.array(self.limits_rad)
        return Arm(self.shoulder_height_m, self.upper_m, self.fore_m, self.mount_m, limits_rad)
