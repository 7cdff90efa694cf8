"""The section `[cables]`: the cable robot's geometry, limits and drives. Defaults are the hydroponic robot's."""

from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from cdpr.drums import Drums
from cdpr.robot import CableRobot
from cdpr.workspace import Workspace
from trellis.config import Section

Pair = tuple[float, float]
Four = tuple[Pair, Pair, Pair, Pair]

_HALF = 0.22377 / 2


class CablesSection(Section):
    """Cables are ordered bottom right, top right, top left, bottom left. Defaults: Chen et al., ICRA 2023.

    `cable_stiffness_n` is the force that would double a cable's length: 50 N on 2 m of a 20 kN line stretch it by 5 mm.
    `slip_m` is how far one cable may disagree with the other three once the carriage is back at home, where all four
    were homed; beyond it an encoder has slipped, and the carriage must be docked and homed anew. `slack_m` is how much
    cable a drum may take up while homing puts the cables under tension; beyond it the carriage does not hang where it
    was taken to. `brakes`: the winches have brakes that hold when a drive has no power. `dock_assumed`: after a power
    loss away from the dock the carriage is taken to be docked, without a person's word (for simulated farms).
    A drum's friction is `static_friction_n_m` tanh(`friction_rate_s` rate) + `viscous_friction_n_m_s` rate, its rate
    in rad/s; that torque is told to the drives beforehand, as is what turns `drum_inertia_kg_m2`.
    With `pulley_radius_m` above 0 `pulleys_m` are the wheels' centres; a cable comes onto its wheel at the angle
    `pulley_entries_deg` and goes round it counter-clockwise (`pulley_turns` 1) or clockwise (-1): as given, it comes
    along the outer side of the frame. `drum_buildup_m` is how much a drum's squared radius grows for a metre wound on,
    about d²/(π w) for a cord of diameter d wound over a width w. `workspace_m` is a polygon, within the rectangle of
    `workspace_x_m` and `workspace_y_m`, that `trellis cdpr workspace` can find.
    """

    pulleys_m: Four = ((2.20, 0.0), (2.20, 2.00), (0.0, 2.00), (0.0, 0.0))
    corners_m: Four = ((_HALF, -_HALF), (_HALF, _HALF), (-_HALF, _HALF), (-_HALF, -_HALF))
    mass_kg: float = Field(default=3.55, gt=0, le=100)
    centre_of_mass_m: Pair = (0.0, 0.0)
    tension_min_n: float = Field(default=5.0, gt=0)
    tension_max_n: float = Field(default=140.0, gt=0)
    drum_radius_m: float = Field(default=0.0127, gt=0, lt=1)
    cable_stiffness_n: float = Field(default=20e3, gt=0)
    torque_constant_n_m_a: float = Field(default=0.0637, gt=0)
    speed_m_s: float = Field(default=0.1, gt=0, le=5)
    acceleration_m_s2: float = Field(default=1.0, gt=0)
    jerk_m_s3: float = Field(default=20.0, gt=0)
    workspace_x_m: Pair = (0.20, 2.00)
    workspace_y_m: Pair = (0.20, 1.70)
    home_m: Pair = (1.10, 1.00)
    ports: tuple[str, str] = ("/dev/trellis-winches0", "/dev/trellis-winches1")
    axes: tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]] = ((0, 0), (0, 1), (1, 0), (1, 1))
    baudrate: int = Field(default=115200, gt=0)
    control_period_s: float = Field(default=0.02, ge=0.005, le=0.1)
    dock_radius_m: float = Field(default=0.02, gt=0, le=0.5)
    slip_m: float = Field(default=0.003, gt=0, le=0.5)
    slack_m: float = Field(default=0.04, gt=0, le=0.5)
    brakes: bool = False
    dock_assumed: bool = False
    static_friction_n_m: float = Field(default=0.12, ge=0)
    friction_rate_s: float = Field(default=0.19, gt=0)
    viscous_friction_n_m_s: float = Field(default=0.002, ge=0)
    drum_inertia_kg_m2: float = Field(default=2e-4, ge=0)
    pulley_radius_m: float = Field(default=0.0, ge=0, lt=0.5)
    pulley_entries_deg: tuple[float, float, float, float] = (0.0, 0.0, 180.0, 180.0)
    pulley_turns: tuple[Literal[-1, 1], Literal[-1, 1], Literal[-1, 1], Literal[-1, 1]] = (-1, 1, -1, 1)
    drum_buildup_m: float = Field(default=0.0, ge=0, lt=1e-3)
    cable_kg_m: float = Field(default=0.001, ge=0, lt=1)
    workspace_m: tuple[Pair, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.tension_max_n <= self.tension_min_n:
            raise ValueError(f"tension_max_n must be above tension_min_n ({self.tension_min_n})")
        for name, (low, high), home in (
            ("workspace_x_m", self.workspace_x_m, self.home_m[0]),
            ("workspace_y_m", self.workspace_y_m, self.home_m[1]),
        ):
            if not low <= home <= high:
                raise ValueError(f"home_m {self.home_m} lies outside {name} {low, high}")
        if len(set(self.axes)) != 4 or any(port not in (0, 1) or axis not in (0, 1) for port, axis in self.axes):
            raise ValueError("axes must be four different pairs [port 0 or 1, axis 0 or 1]")
        space = self.workspace()
        (left, right), (low, high) = space.x_m, space.y_m
        (least_x, most_x), (least_y, most_y) = self.workspace_x_m, self.workspace_y_m
        if not (least_x <= left and right <= most_x and least_y <= low and high <= most_y):
            raise ValueError("workspace_m must lie between workspace_x_m and workspace_y_m")
        if not space.holds(*self.home_m):
            raise ValueError(f"home_m {self.home_m} lies outside workspace_m")
        return self

    def robot(self) -> CableRobot:
        """The robot that this section describes."""
        return CableRobot(
            pulleys_m=np.array(self.pulleys_m),
            corners_m=np.array(self.corners_m),
            mass_kg=self.mass_kg,
            centre_of_mass_m=np.array(self.centre_of_mass_m),
            tension_min_n=self.tension_min_n,
            tension_max_n=self.tension_max_n,
            pulley_radii_m=np.array([self.pulley_radius_m]),
            pulley_entries_rad=np.radians(self.pulley_entries_deg),
            pulley_turns=np.array(self.pulley_turns, dtype=float),
            cable_stiffness_n=self.cable_stiffness_n,
            cable_kg_m=self.cable_kg_m,
        )

    def workspace(self) -> Workspace:
        """Where the carriage's centre may go: `workspace_m`, or the rectangle where no polygon is given."""
        if self.workspace_m:
            return Workspace(np.array(self.workspace_m))
        return Workspace.rectangle(self.workspace_x_m, self.workspace_y_m)

    def drums(self, scales: ArrayLike = (1.0, 1.0, 1.0, 1.0)) -> Drums:
        """The drums, each paying out so many times what its nominal radius says (`[calibration] scales`)."""
        return Drums(self.drum_radius_m * np.asarray(scales, dtype=float), np.array([self.drum_buildup_m]))


class CalibrationSection(Section):
    """How the cable robot's encoders count, found by `trellis cdpr calibrate` (docs/calibration.md); without it, true.

    A cable's length is `scales` × (reading + `delay_s` × rate of the reading) + `offsets_m`. `yaw_mean_rad` and
    `yaw_std_rad` are the carriage's yaw as the fixes showed it. `covariance` is of the pulleys (8), scales (4), offsets
    (4), delay and, where they were estimated too, corners (8), in SI; it is what `trellis cdpr locate` computes its
    standard deviations from. `dock_readings_m` is what the encoders read in the dock, in the log's own counting; from
    it the winches, which count from the dock, know its true lengths.
    """

    scales: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    offsets_m: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    delay_s: float = Field(default=0.0, ge=-1, le=1)
    reading_std_m: float = Field(default=0.0018, gt=0)
    yaw_mean_rad: float = Field(default=0.0, ge=-3.15, le=3.15)
    yaw_std_rad: float = Field(default=0.05, gt=0)
    covariance: tuple[tuple[float, ...], ...] = ()
    dock_readings_m: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.covariance)
        if size not in (0, 17, 25) or any(len(row) != size for row in self.covariance):
            raise ValueError("covariance must be a square of 17 rows, or of 25 with corners")
        if len(self.dock_readings_m) not in (0, 4):
            raise ValueError("dock_readings_m must be four numbers, one for each cable")
        if min(self.scales) <= 0:
            raise ValueError("scales must be positive")
        return self
