"""A simulated ODrive v3 board by its ASCII protocol, letter by letter, quirks included.

Source: FACTS of the field, section 4, and ODrive's documentation of the ASCII protocol, firmware 0.5. A line ends at
`\\n`, `\\r` or `!`; an empty line is an unknown command; a wrong checksum is ignored in silence; values read are cut to
nine characters, lines to 256.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from operator import xor

from hardware_sim.odrive_axis import Axis, Settings

MAX_LINE = 256
MAX_VALUE = 9
ANSWER_S = 0.0005
REBOOT_S = 0.5
_PATTERNS = {
    "u": re.compile(r"\s*([+-]?\d+)"),
    "f": re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf|nan)"),
}


@dataclass(frozen=True)
class _Property:
    kind: type
    read: Callable[[], float]
    write: Callable[[float], None] | None = None


class Board:
    """Two axes and the protocol in front of them.

    Args:
        axes: Axis 0 and axis 1.
        serial_number: What `i` and `r serial_number` tell.
    """

    #: Over USB the rate means nothing.
    baud = 0

    def __init__(self, axes: tuple[Axis, Axis], serial_number: int) -> None:
        self.axes = axes
        self._serial_number = serial_number
        self._line = bytearray()
        self._saved = [deepcopy(axis.settings) for axis in axes]
        self._silent_until_s = 0.0
        self._now_s = 0.0
        self._properties = self._tree()

    def receive(self, data: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """Take bytes; every finished line is obeyed, and answered where it asks for an answer."""
        self._now_s = now_s
        if now_s < self._silent_until_s:
            return []
        answers = []
        for byte in data:
            if byte in b"\n\r!":
                answer = self._obey(bytes(self._line[:MAX_LINE]))
                self._line.clear()
                if answer:
                    answers.append((ANSWER_S, answer))
            else:
                self._line.append(byte)
        return answers

    def tick(self, now_s: float) -> None:
        for axis in self.axes:
            axis.tick(now_s)

    def next_event_s(self, now_s: float) -> float:
        return min(axis.next_event_s(now_s) for axis in self.axes)

    def reboot(self, settings: list[Settings]) -> None:
        """Start again with these settings, and say nothing while starting."""
        for axis, saved in zip(self.axes, settings, strict=True):
            axis.power_up(deepcopy(saved))
        self._silent_until_s = self._now_s + REBOOT_S

    def _obey(self, line: bytes) -> bytes:
        """The answer to one line, ready to send; empty where there is none."""
        text = line.decode("latin-1").split(";", 1)[0]
        body, star, check = text.partition("*")
        if star:
            found = _PATTERNS["u"].match(check)
            if not found or int(found[1]) != reduce(xor, body.encode("latin-1"), 0):
                return b""
        answer = self._answer(body)
        if answer and star:
            answer = "\r\n".join(f"{part}*{reduce(xor, part.encode('latin-1'), 0)}" for part in answer.split("\r\n"))
        return f"{answer}\r\n".encode("latin-1") if answer else b""

    def _answer(self, text: str) -> str:
        commands = {"p": self._position, "q": self._position_limited, "v": self._velocity, "c": self._torque,
                    "t": self._trapezoid, "f": self._feedback, "u": self._feed, "e": self._encoder, "r": self._read,
                    "w": self._write, "s": self._system, "i": self._info, "h": self._help}  # fmt: skip
        command = commands.get(text[:1])
        return command(text[1:]) if command else "unknown command"

    def _axis(self, numbers: list[float], least: int) -> Axis | str:
        """The axis that a command names, or the complaint."""
        if len(numbers) < least:
            return "invalid command format"
        index = int(numbers[0]) % (1 << 32)
        return self.axes[index] if index < len(self.axes) else f"invalid motor {index}"

    def _setpoint(self, axis: Axis, control_mode: int) -> str:
        axis.settings.control_mode = control_mode
        axis.apply()
        axis.feed()
        return ""

    def _position(self, rest: str) -> str:
        numbers = scan(rest, "ufff")
        axis = self._axis(numbers, 2)
        if isinstance(axis, str):
            return axis
        # What is not said keeps its last value, velocity feed-forward included.
        if len(numbers) > 2:
            axis.drive.input_vel = numbers[2]
        if len(numbers) > 3:
            axis.drive.input_torque = numbers[3]
        axis.settings.control_mode = 3
        axis.input_position(numbers[1])
        return self._setpoint(axis, 3)

    def _position_limited(self, rest: str) -> str:
        numbers = scan(rest, "ufff")
        axis = self._axis(numbers, 2)
        if isinstance(axis, str):
            return axis
        if len(numbers) > 2:
            axis.settings.vel_limit = numbers[2]
        if len(numbers) > 3:
            axis.settings.torque_lim = numbers[3]
        axis.input_position(numbers[1])
        return self._setpoint(axis, 3)

    def _velocity(self, rest: str) -> str:
        numbers = scan(rest, "uff")
        axis = self._axis(numbers, 2)
        if isinstance(axis, str):
            return axis
        axis.drive.input_vel = numbers[1]
        if len(numbers) > 2:
            axis.drive.input_torque = numbers[2]
        return self._setpoint(axis, 2)

    def _torque(self, rest: str) -> str:
        numbers = scan(rest, "uf")
        axis = self._axis(numbers, 2)
        if isinstance(axis, str):
            return axis
        axis.drive.input_torque = numbers[1]
        return self._setpoint(axis, 1)

    def _trapezoid(self, rest: str) -> str:
        numbers = scan(rest, "uf")
        axis = self._axis(numbers, 2)
        if isinstance(axis, str):
            return axis
        axis.settings.input_mode = 5
        axis.input_position(numbers[1])
        return self._setpoint(axis, 3)

    def _feedback(self, rest: str) -> str:
        axis = self._axis(scan(rest, "u"), 1)
        return axis if isinstance(axis, str) else f"{axis.turns:.6f} {axis.turn_rate:.6f}"

    def _feed(self, rest: str) -> str:
        axis = self._axis(scan(rest, "u"), 1)
        if isinstance(axis, str):
            return axis
        axis.feed()
        return ""

    def _encoder(self, rest: str) -> str:
        numbers = scan(rest[2:], "uu") if rest.startswith("sl") else []
        axis = self._axis(numbers, 2)
        if isinstance(axis, str):
            return axis
        axis.set_count(int(numbers[1]))
        axis.feed()
        return f"encoder set to {int(numbers[1])}"

    def _read(self, rest: str) -> str:
        words = rest.split()
        if not words:
            return "invalid command format"
        found = self._properties.get(words[0])
        if found is None:
            return "invalid property"
        value = found.read()
        return (f"{value:f}" if found.kind is float else str(int(value)))[:MAX_VALUE]

    def _write(self, rest: str) -> str:
        words = rest.split()
        if not words:
            return "invalid command format"
        found = self._properties.get(words[0])
        if found is None:
            return "invalid property"
        numbers = scan(words[1], "f" if found.kind is float else "u") if len(words) > 1 else []
        if found.write is None or not numbers:
            return "not implemented"
        found.write(numbers[0])
        return ""

    def _system(self, rest: str) -> str:
        if rest[:1] == "s":
            self._saved = [deepcopy(axis.settings) for axis in self.axes]
        elif rest[:1] == "e":
            self._saved = [Settings() for _ in self.axes]
            self.reboot(self._saved)
        elif rest[:1] == "r":
            self.reboot(self._saved)
        elif rest[:1] == "c":
            for axis in self.axes:
                axis.clear()
        return ""

    def _info(self, rest: str) -> str:
        return f"Hardware version: 3.6-24V\r\nFirmware version: 0.5.1\r\nSerial number: {self._serial_number:012X}"

    def _help(self, rest: str) -> str:
        return "Please see documentation for more details\r\nAvailable commands: p q v c t f u esl r w ss se sr sc i"

    def _tree(self) -> dict[str, _Property]:
        """Every property by its path."""
        constants = {"fw_version_major": 0, "fw_version_minor": 5, "fw_version_revision": 1, "hw_version_major": 3,
                     "hw_version_minor": 6, "hw_version_variant": 24, "serial_number": self._serial_number}  # fmt: skip
        tree = {name: _Property(int, lambda value=value: value) for name, value in constants.items()}
        tree["vbus_voltage"] = _Property(float, lambda: 24.0 - 0.05 * sum(abs(axis.current_a) for axis in self.axes))
        tree["ibus"] = _Property(float, lambda: sum(axis.drive.torque * axis.drive.rate for axis in self.axes) / 24.0)
        for number, axis in enumerate(self.axes):
            tree |= {f"axis{number}.{name}": value for name, value in _axis_tree(axis).items()}
        return tree


def scan(text: str, kinds: str) -> list[float]:
    """Numbers at the start of a text as C's sscanf finds them: `u` whole, `f` any; it stops at the first that fails."""
    numbers: list[float] = []
    at = 0
    for kind in kinds:
        found = _PATTERNS[kind].match(text, at)
        if not found:
            break
        numbers.append(float(found[1]))
        at = found.end()
    return numbers


def _axis_tree(axis: Axis) -> dict[str, _Property]:
    """Properties of one axis by their path below it."""
    d = axis.drive
    tree = {
        "current_state": _Property(int, lambda: axis.state),
        "requested_state": _Property(int, lambda: 0, lambda value: axis.request(int(value))),
        "motor.is_calibrated": _Property(bool, lambda: 1),
        "motor.is_armed": _Property(bool, lambda: axis.drive.mode != 0),
        "motor.current_control.Iq_measured": _Property(float, lambda: axis.current_a),
        "motor.current_control.Iq_setpoint": _Property(float, lambda: axis.current_a),
        "fet_thermistor.temperature": _Property(float, lambda: 110.0 if axis.hot else 31.5),
        "motor.fet_thermistor.temperature": _Property(float, lambda: 110.0 if axis.hot else 31.5),
        "encoder.is_ready": _Property(bool, lambda: 1),
        "encoder.shadow_count": _Property(int, lambda: round(axis.turns * axis.settings.cpr)),
        "encoder.count_in_cpr": _Property(int, lambda: round(axis.turns * axis.settings.cpr) % axis.settings.cpr),
        "encoder.pos_estimate": _Property(float, lambda: axis.turns),
        "encoder.vel_estimate": _Property(float, lambda: axis.turn_rate),
        "controller.input_pos": _Property(float, lambda: d.input_pos, axis.input_position),
        "controller.input_vel": _Property(float, lambda: d.input_vel, lambda value: _put(d, "input_vel", value)),
        "controller.input_torque": _Property(
            float, lambda: d.input_torque, lambda value: _put(d, "input_torque", value)
        ),
        "controller.pos_setpoint": _Property(float, lambda: d.pos_sp),
        "controller.vel_setpoint": _Property(float, lambda: d.vel_sp),
        "controller.torque_setpoint": _Property(float, lambda: d.torque_sp),
        "controller.vel_integrator_torque": _Property(
            float, lambda: d.integrator, lambda value: _put(d, "integrator", value)
        ),
        "controller.trajectory_done": _Property(bool, lambda: d.plan_t >= d.plan_ta + d.plan_tv + d.plan_td),
    }
    tree |= {name: _error(axis, field) for name, field in _ERRORS.items()}
    tree |= {name: _setting(axis, field) for name, field in _SETTINGS.items()}
    return tree


def _put(record: object, field: str, value: float) -> None:
    setattr(record, field, value)


def _error(axis: Axis, field: str) -> _Property:
    return _Property(int, lambda: getattr(axis, field), lambda value: setattr(axis, field, int(value)))


def _setting(axis: Axis, field: str) -> _Property:
    kind = type(getattr(axis.settings, field))

    def write(value: float) -> None:
        setattr(axis.settings, field, kind(value))
        if field == "watchdog_timeout":
            # The firmware feeds here, so that a new timeout does not trip at once.
            axis.feed()
        axis.apply()

    return _Property(kind, lambda: getattr(axis.settings, field), write)


_ERRORS = {
    "error": "error",
    "motor.error": "motor_error",
    "encoder.error": "encoder_error",
    "controller.error": "controller_error",
}
_SETTINGS = {
    "config.enable_watchdog": "enable_watchdog",
    "config.watchdog_timeout": "watchdog_timeout",
    "motor.config.current_lim": "current_lim",
    "motor.config.torque_constant": "torque_constant",
    "motor.config.torque_lim": "torque_lim",
    "motor.config.pole_pairs": "pole_pairs",
    "encoder.config.cpr": "cpr",
    "controller.config.control_mode": "control_mode",
    "controller.config.input_mode": "input_mode",
    "controller.config.pos_gain": "pos_gain",
    "controller.config.vel_gain": "vel_gain",
    "controller.config.vel_integrator_gain": "vel_integrator_gain",
    "controller.config.vel_limit": "vel_limit",
    "controller.config.vel_limit_tolerance": "vel_limit_tolerance",
    "controller.config.vel_ramp_rate": "vel_ramp_rate",
    "controller.config.input_filter_bandwidth": "input_filter_bandwidth",
    "trap_traj.config.vel_limit": "trap_vel_limit",
    "trap_traj.config.accel_limit": "trap_accel_limit",
    "trap_traj.config.decel_limit": "trap_decel_limit",
}
