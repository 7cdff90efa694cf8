"""One axis of a simulated ODrive v3: its state machine, its watchdog, its settings, and the drive it commands.

Numbers of states, modes and error bits are those of firmware 0.5 (FACTS of the field, section 4; the error words below
it, motor and controller, from ODrive's published enumerations).
"""

from dataclasses import dataclass
from math import copysign, floor, inf, pi, sqrt

from hardware_sim import kernel
from hardware_sim.fields import Row

UNDEFINED, IDLE_STATE, FULL_CALIBRATION, CLOSED_LOOP = 0, 1, 3, 8
INVALID_STATE, MOTOR_FAILED, ENCODER_FAILED, CONTROLLER_FAILED = 0x1, 1 << 6, 1 << 8, 1 << 9
WATCHDOG_EXPIRED = 1 << 11
OVERSPEED, INVALID_INPUT_MODE = 0x1, 0x2
FET_OVER_TEMPERATURE = 0x40000
CALIBRATION_S = 12.0
COUNTS_PER_TURN = 8192


@dataclass
class Settings:
    """What `ss` saves; the builder of the farm has set the motor up already."""

    enable_watchdog: bool = False
    watchdog_timeout: float = 0.0
    #: The published robot pulls up to 140 N on its 12.7 mm drums, which is 28 A.
    current_lim: float = 30.0
    torque_constant: float = 0.0637
    torque_lim: float = inf
    pole_pairs: int = 7
    cpr: int = COUNTS_PER_TURN
    control_mode: int = kernel.POSITION
    input_mode: int = kernel.PASSTHROUGH
    pos_gain: float = 20.0
    #: Tuned by the builder. In torque control the drive gives no more than (vel_limit - speed) times vel_gain: the
    #: factory's 1/6 would end at 66 N.
    vel_gain: float = 0.4
    vel_integrator_gain: float = 2.0
    vel_limit: float = 5.0
    vel_limit_tolerance: float = 1.2
    vel_ramp_rate: float = 1.0
    input_filter_bandwidth: float = 2.0
    trap_vel_limit: float = 2.0
    trap_accel_limit: float = 0.5
    trap_decel_limit: float = 0.5


class Axis:
    """An axis and the record of its drive in the physics, which is written in place."""

    def __init__(self, drive: Row) -> None:
        self.drive = drive
        self.settings = Settings()
        self.state = IDLE_STATE
        self.error = self.motor_error = self.encoder_error = self.controller_error = 0
        self.hot = False
        self._watchdog_left_s = 0.0
        self._ticked_s = 0.0
        self._calibrated_s = inf
        self.apply()

    @property
    def turns(self) -> float:
        """Position as the encoder resolves it."""
        d = self.drive
        return floor((d.angle / (2 * pi) + d.slip + d.noise_turns) * COUNTS_PER_TURN) / COUNTS_PER_TURN

    @property
    def turn_rate(self) -> float:
        return float(self.drive.rate) / (2 * pi) + float(self.drive.noise_rate)

    @property
    def current_a(self) -> float:
        return float(self.drive.torque) / self.settings.torque_constant

    def apply(self) -> None:
        """Bring the drive in line with state and settings."""
        d, s = self.drive, self.settings
        d.mode = s.control_mode if self.state == CLOSED_LOOP else kernel.IDLE
        d.input_mode = s.input_mode
        d.pos_gain, d.vel_gain, d.vel_integrator_gain = s.pos_gain, s.vel_gain, s.vel_integrator_gain
        d.vel_limit, d.vel_tolerance = s.vel_limit, s.vel_limit_tolerance
        d.torque_limit = min(s.torque_lim, s.current_lim * s.torque_constant)
        d.ramp, d.bandwidth = s.vel_ramp_rate, s.input_filter_bandwidth

    def request(self, state: int) -> None:
        """Ask for a state; what cannot be entered leaves the axis idle, with an error where there is one to name."""
        if state == UNDEFINED:
            return
        self._go_idle()
        if state == IDLE_STATE or self.error:
            return
        if state == FULL_CALIBRATION:
            self.state, self._calibrated_s = FULL_CALIBRATION, self._ticked_s + CALIBRATION_S
        elif state != CLOSED_LOOP:
            self.error |= INVALID_STATE
        elif self.settings.input_mode not in (1, 2, 3, 5):
            self.controller_error |= INVALID_INPUT_MODE
            self.fail(CONTROLLER_FAILED)
        else:
            self._close_loop()

    def input_position(self, turns: float) -> None:
        """A new goal; in trapezoidal mode it is planned from where the setpoint is."""
        self.drive.input_pos = turns
        if self.settings.input_mode == kernel.TRAPEZOID:
            self._plan(turns)

    def feed(self) -> None:
        """Feed the watchdog."""
        self._watchdog_left_s = max(self.settings.watchdog_timeout, 0.0)

    def fail(self, bit: int) -> None:
        """Raise an error bit and let go."""
        self.error |= bit
        self._go_idle()

    def trip_watchdog(self) -> None:
        """What an expired watchdog does."""
        self._watchdog_left_s = 0.0
        self.fail(WATCHDOG_EXPIRED)

    def clear(self) -> None:
        """Forget errors; those with a cause that lasts come back with the next tick."""
        self.error = self.motor_error = self.encoder_error = self.controller_error = 0
        self.drive.overspeed = 0.0

    def set_count(self, count: int) -> None:
        """Say which count the encoder stands at."""
        self.drive.slip = count / COUNTS_PER_TURN - self.drive.angle / (2 * pi)

    def power_up(self, settings: Settings) -> None:
        """Start again: idle, no errors, settings as saved, and the incremental encoder counts from 0."""
        self.settings = settings
        self.clear()
        self._go_idle()
        self.set_count(0)
        self.apply()

    def tick(self, now_s: float) -> None:
        """Let time pass: watchdog, calibration, and what the drive has met on its way."""
        elapsed_s, self._ticked_s = now_s - self._ticked_s, now_s
        if self.settings.enable_watchdog:
            self._watchdog_left_s -= elapsed_s
            if self._watchdog_left_s <= 1e-9:
                self.trip_watchdog()
        if self.hot:
            self.motor_error |= FET_OVER_TEMPERATURE
            self.fail(MOTOR_FAILED)
        if self.drive.overspeed:
            self.controller_error |= OVERSPEED
            self.drive.overspeed = 0.0
            self.fail(CONTROLLER_FAILED)
        if now_s >= self._calibrated_s:
            self._go_idle()

    def next_event_s(self, now_s: float) -> float:
        """When the watchdog or the calibration will next come due."""
        watchdog_s = inf
        if self.settings.enable_watchdog and not self.error & WATCHDOG_EXPIRED:
            watchdog_s = now_s + self._watchdog_left_s
        return min(watchdog_s, self._calibrated_s)

    def _go_idle(self) -> None:
        self.state, self._calibrated_s = IDLE_STATE, inf
        self.drive.mode, self.drive.torque = kernel.IDLE, 0.0

    def _close_loop(self) -> None:
        """Enter closed loop: the controller starts afresh, and position control from where the axis is."""
        d = self.drive
        d.integrator = d.vel_sp = d.torque_sp = 0.0
        if self.settings.control_mode >= kernel.POSITION:
            d.pos_sp = d.input_pos = self.turns
            self._plan(float(d.input_pos))
        self.state = CLOSED_LOOP
        self.apply()

    def _plan(self, goal: float) -> None:
        """A trapezoid from the present setpoint and speed to a goal (Biagiotti & Melchiorri, section 3.2)."""
        d, s = self.drive, self.settings
        start, speed = float(d.pos_sp), float(d.vel_sp)
        top, up, down = s.trap_vel_limit, s.trap_accel_limit, s.trap_decel_limit
        stop = copysign(speed * speed / (2 * down), speed)
        sign = 1.0 if goal >= start + stop else -1.0
        accel, decel, cruise = sign * up, -sign * down, sign * top
        if sign * speed > top:
            accel = -accel
        t_up, t_down = (cruise - speed) / accel, -cruise / decel
        left = (goal - start) - t_up * (cruise + speed) / 2 - t_down * cruise / 2
        t_flat = left / cruise
        if sign * left < 0:
            square = max((decel * speed * speed + 2 * accel * decel * (goal - start)) / (decel - accel), 0.0)
            cruise = sign * sqrt(square)
            t_up, t_down, t_flat = max((cruise - speed) / accel, 0.0), max(-cruise / decel, 0.0), 0.0
        d.plan_t, d.plan_from, d.plan_to, d.plan_v0, d.plan_vr = 0.0, start, goal, speed, cruise
        d.plan_ar, d.plan_dr, d.plan_ta, d.plan_tv, d.plan_td = accel, decel, t_up, t_flat, t_down
