"""The mechanics of the farm as an object: true state, set-up from a world, and stepping (hardware_sim.kernel).

What is not modelled, on purpose and stated: motion out of the wall's plane, sag of the light cables, drum build-up,
the reaction of the arm's acceleration (its weight and inertia do act) and electrical dynamics of the motors.
"""

from math import hypot

import numpy as np

from hardware_sim import kernel
from hardware_sim.fields import Row
from hardware_sim.rigid import Array
from hardware_sim.world import HALF_SIDE_M, World

#: A servo's own full stall torque, no-load speed and one count of its position.
STALL_N_M, NO_LOAD_RAD_S = 1.5, 59 * 2 * np.pi / 60
COUNT_RAD = np.radians(300 / 1023)

CARRIAGE_MASS_KG = 3.0
#: Of the arm's 0.55 kg: foot with base servo and shoulder, elbow, wrist, camera.
ARM_MASSES_KG = {"foot_mass": 0.25, "elbow_mass": 0.11, "wrist_mass": 0.11, "camera_mass": 0.08}
CABLE_STIFFNESS_N = 20e3
#: Where a cable comes onto its wheel (world angle) and which way round it goes: along the outer side of the frame,
#: then over the wheel towards the carriage. Matters only to pulleys with a radius.
ENTRIES_RAD, WAYS = (0.0, 0.0, np.pi, np.pi), (-1.0, 1.0, -1.0, 1.0)
KNOCK_S = 0.1
DOCK_RADIUS_M, DOCK_YAW_RAD = 0.02, np.radians(5)


#: Noise keeps a value for 10 ms, as a controller at 100 Hz would see it.
NOISE_STEPS = round(0.01 / kernel.STEP_S)


class DriveNoise:
    """Independent normal noise of every drive's encoder and motor; the drives' own loops see it, too.

    Args:
        length_m, rate_m_s: Of an encoder's position and speed, as cable on a 12.7 mm drum.
        torque_n_m: Of a motor.
        seed: Of the noise.
    """

    def __init__(self, length_m: float, rate_m_s: float, torque_n_m: float, seed: int) -> None:
        a_turn_m = 2 * np.pi * 0.0127
        self._stds = np.array([length_m / a_turn_m, rate_m_s / a_turn_m, torque_n_m])
        self._random = np.random.default_rng([seed, 0x2015E])

    def draw(self, drives: np.recarray) -> None:
        """New values for all four."""
        turns, rates, torques = self._stds[:, None] * self._random.standard_normal((3, 4))
        drives.noise_turns, drives.noise_rate, drives.noise_torque = turns, rates, torques


class Physics:
    """True state of carriage, drums and joints, and its motion in steps of `kernel.STEP_S`.

    Args:
        world: Geometry as it truly is.
        brakes: Each winch has a brake that closes when its drive is idle; without, an idle winch turns freely.
        stiffness_n: Force that would double a cable's length (EA).
        damping_n_s_m: Of a taut cable along itself; about 2 % of critical for the carriage on one cable.
    """

    def __init__(
        self,
        world: World,
        brakes: bool = False,
        stiffness_n: float = CABLE_STIFFNESS_N,
        damping_n_s_m: float = 20.0,
    ) -> None:
        self.world = world
        self.steps = 0
        self._noise: DriveNoise | None = None
        self.body = np.zeros(1, kernel.BODY).view(np.recarray)
        self.cables = np.zeros(4, kernel.CABLE).view(np.recarray)
        self.drives = np.zeros(4, kernel.DRIVE).view(np.recarray)
        self.servos = np.zeros(4, kernel.SERVO).view(np.recarray)
        #: The same, one by one, for those who ask often.
        self.drive_rows = tuple(Row(self.drives, number) for number in range(4))
        self.servo_rows = tuple(Row(self.servos, number) for number in range(4))
        self._body_row = Row(self.body, 0)
        self._moving = tuple(table.view(np.ndarray) for table in (self.body, self.cables, self.drives, self.servos))
        self._rotation = np.ascontiguousarray(world.platform_from_base[:3, :3])
        self._translation = np.ascontiguousarray(world.platform_from_base[:3, 3])
        self._build_body(brakes, stiffness_n, damping_n_s_m)
        self._build_arm()
        self._build_cables()
        kernel.hang_arm(self._moving[0], self._moving[3], self._rotation, self._translation)
        self._run(0)  # compiles, if that is still to be done, before anybody waits for a reply

    def _build_body(self, brakes: bool, stiffness_n: float, damping_n_s_m: float) -> None:
        body = self.body
        body.x, body.y, body.yaw = self.world.home_m
        body.mass = CARRIAGE_MASS_KG
        # A uniform square plate; the published inertias contradict each other.
        body.inertia = CARRIAGE_MASS_KG * (2 * HALF_SIDE_M) ** 2 / 6
        body.stiffness, body.damping = stiffness_n, damping_n_s_m
        body.drum_inertia = 2e-4
        body.static_friction, body.coulomb_rate, body.viscous_friction = 0.12, 0.19, 0.002
        body.braked, body.docked = float(brakes), 1.0
        body.floor_y, body.floor_stiffness, body.floor_damping = HALF_SIDE_M, 2e4, 200.0
        body.play, body.flex = np.radians(0.15), np.radians(0.3)
        body.stall, body.no_load, body.gear_friction = STALL_N_M, NO_LOAD_RAD_S, 0.08
        for name, mass_kg in ARM_MASSES_KG.items():
            body[name] = mass_kg

    def _build_arm(self) -> None:
        body, servos = self.body, self.servos
        body.shoulder, body.upper, body.fore, body.mount = self.world.links_m
        servos.zero = self.world.joint_zeros_rad
        servos.angle = self.world.folded_rad
        servos.goal = servos.profile = servos.angle
        servos.joint = servos.angle + servos.zero
        servos.limit, servos.speed = 1.0, np.inf
        servos.slope, servos.margin, servos.punch = 32 * COUNT_RAD, COUNT_RAD, 32 / 1023

    def _build_cables(self) -> None:
        cables = self.cables
        cables.px, cables.py = self.world.pulleys_m.T
        cables.cx, cables.cy = self.world.corners_m.T
        cables.radius = self.world.drum_radii_m
        cables.wheel, cables.entry, cables.way = self.world.wheel_radii_m, ENTRIES_RAD, WAYS
        # Switched on in its dock, every cable just taut and every encoder at 0.
        cables.rest = self.lengths_m()
        self.drives.vel_tolerance, self.drives.vel_limit = 1.2, 5.0

    @property
    def time_s(self) -> float:
        return self.steps * kernel.STEP_S

    def run_to(self, time_s: float) -> None:
        """Advance to the last step that ends at or before a time; going back does nothing."""
        count = int(time_s / kernel.STEP_S + 1e-6) - self.steps
        if count <= 0:
            return
        self._latch()
        while self._noise is not None and count > 0:
            part = min(count, NOISE_STEPS - self.steps % NOISE_STEPS)
            self._run(part)
            count -= part
            if self.steps % NOISE_STEPS == 0:
                self._noise.draw(self.drives)
        self._run(count)

    def set_noise(self, noise: "DriveNoise | None") -> None:
        """Make the drives' encoders and motors noisy from now on."""
        self._noise = noise
        if noise is None:
            self.drives.noise_turns = self.drives.noise_rate = self.drives.noise_torque = 0.0

    def _run(self, count: int) -> None:
        kernel.run(*self._moving, self._rotation, self._translation, self.steps, count)
        self.steps += count

    def _latch(self) -> None:
        """The dock's latch drops in when no drive is powered and the carriage stands at home; else it is open."""
        body, (x, y, yaw) = self._body_row, self.world.home_m
        idle = all(drive.mode == kernel.IDLE for drive in self.drive_rows)
        near = idle and hypot(body.x - x, body.y - y) <= DOCK_RADIUS_M and abs(body.yaw - yaw) <= DOCK_YAW_RAD
        body.docked = float(near)

    @property
    def carriage(self) -> Array:
        """True x, y (m) and yaw (rad), shape (3,)."""
        body = self._body_row
        return np.array([body.x, body.y, body.yaw])

    @property
    def carriage_rate(self) -> Array:
        """True rates of x, y (m/s) and yaw (rad/s), shape (3,)."""
        body = self._body_row
        return np.array([body.vx, body.vy, body.w])

    @property
    def joints_rad(self) -> Array:
        """True joint angles with play and flex, shape (4,)."""
        return np.array(self.servos.joint)

    @property
    def tensions_n(self) -> Array:
        """True tensions, shape (4,), order bottom right, top right, top left, bottom left."""
        return np.array(self.cables.tension)

    def lengths_m(self) -> Array:
        """Of every cable from where it comes onto its pulley to the carriage, stretched as it is, shape (4,)."""
        kernel.measure(self._moving[0], self._moving[1])
        return np.array(self.cables.length)

    def knock(self, cable: int, shift_m: Array) -> None:
        """Move a pulley by x and y, shape (2,), within `KNOCK_S`, as a push against the frame does."""
        self.cables.shifts[cable] = shifts = round(KNOCK_S / kernel.STEP_S)
        self.cables.shift_x[cable], self.cables.shift_y[cable] = shift_m / shifts

    def corners_world_m(self) -> Array:
        """Where the cables are tied, in the world, shape (4, 2)."""
        x, y, yaw = self.carriage
        turned = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        return np.asarray(self.world.corners_m @ turned.T + (x, y))

    def world_from_camera(self) -> Array:
        """True camera pose now, (4, 4), OpenCV axes."""
        return self.world.world_from_camera(self.carriage, self.joints_rad)

    def energy_j(self) -> float:
        """Of carriage, arm, drums and stretched cables, with gravity from y = 0; nothing else stores energy."""
        b, c, d = self.body[0], self.cables, self.drives
        cos, sin = np.cos(b.yaw), np.sin(b.yaw)
        ax, ay = cos * b.arm_x - sin * b.arm_y, sin * b.arm_x + cos * b.arm_y
        arm_speed2 = (b.vx - b.w * ay) ** 2 + (b.vy + b.w * ax) ** 2
        moving = b.mass * (b.vx**2 + b.vy**2) + b.inertia * b.w**2 + b.arm_mass * arm_speed2
        drums = b.drum_inertia * float((d.rate**2).sum())
        paid = c.rest + c.radius * d.angle
        stretch = np.maximum(self.lengths_m() - paid, 0)
        springs = float((b.stiffness / paid * stretch**2).sum())
        height = b.mass * b.y + b.arm_mass * (b.y + ay)
        return float((moving + drums + springs) / 2 + kernel.GRAVITY_M_S2 * height)
