"""The simulated farm inside a process: one farm, its clock, its `sim://` ports and its camera over HTTP.

A farm stays switched on as long as the process lives: asking again with the same options gives the same farm with its
carriage where it was left, other options switch the old one off and a new one on.
"""

import atexit
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import serial

from hardware_sim import full_disk
from hardware_sim.camera_server import CameraServer
from hardware_sim.farm import Farm
from hardware_sim.faults import Faults
from hardware_sim.optics import Camera
from hardware_sim.planting import plant_specs
from hardware_sim.world import build_world
from trellis.clock import Clock
from trellis.errors import InputError

_lock = threading.Lock()
_running: "tuple[dict[str, Any], SimulatedClock, CameraServer] | None" = None


class SimulatedClock:
    """The farm's time as a `Clock`: sleeping advances it, exactly and as fast as the computer can.

    Args:
        farm: Whose time it is.
        start: What a calendar says when the farm is switched on.
    """

    def __init__(self, farm: Farm, start: datetime) -> None:
        self.farm = farm
        self._start = start.astimezone(UTC)

    def monotonic_s(self) -> float:
        return self.farm.now_s

    def sleep(self, seconds: float) -> None:
        self.farm.sleep(seconds)

    def utc(self) -> datetime:
        return self._start + timedelta(seconds=self.farm.now_s)


def start_clock(
    *,
    seed: int = 1,
    errors: str = "calibrated",
    plants: Sequence[Mapping[str, Any]] = (),
    camera_port: int = 0,
    faults: Mapping[str, Any] | None = None,
    start: str = "",
    brakes: bool = False,
    camera: Mapping[str, float] | None = None,
    pulley_radius_m: float = 0.0,
    disk: str = "",
) -> Clock:
    """Switch the farm on, or find it on already, and return its clock; these are the `clock_options` of `[cell]`.

    Args:
        seed: Of world and plants; the same seed gives the same farm.
        errors: How far the true cell is off the nominal one: `none`, `calibrated` or `builder`.
        plants: Tables of `name`, `column` and `row` of the site (docs/frames.md), `day` since sowing,
            `cultivar`, `treatment` (docs/simulated-plants.md).
        camera_port: Where the camera listens on 127.0.0.1; 0 takes a free port.
        faults: Name to value, or to when it begins and ends (docs/simulated-devices.md).
        start: What the calendar says at first, ISO 8601; now when empty.
        brakes: The winches have brakes that close when a drive is idle.
        camera: Settings of the camera that differ from `hardware_sim.optics.Camera`'s.
        pulley_radius_m: Of the pulleys' wheels; at 0 every cable leaves the frame at a point.
        disk: The folder below which `disk.full` acts.

    Raises:
        InputError: An option is not usable.
        PortUnavailable: The camera's port is taken.
    """
    global _running
    options = {"seed": seed, "errors": errors, "plants": [dict(plant) for plant in plants], "camera_port": camera_port,
               "faults": dict(faults or {}), "start": start, "brakes": brakes,
               "camera": dict(camera or {}), "pulley_radius_m": pulley_radius_m, "disk": disk}  # fmt: skip
    with _lock:
        if _running is not None and _running[0] == options:
            return _running[1]
        _switch_off()
        world = build_world(seed, errors, pulley_radius_m=pulley_radius_m)
        farm = Farm(world, Faults(), brakes)
        farm.arrange(options["faults"])
        clock = SimulatedClock(farm, _moment(start))
        settings = Camera.of(options["camera"])
        server = CameraServer(farm, plant_specs(plants, seed), clock.utc, camera_port, seed, settings)
        server.start()
        if disk:
            full_disk.watch(Path(disk), farm.faults)
        if "hardware_sim" not in serial.protocol_handler_packages:
            serial.protocol_handler_packages.append("hardware_sim")
        _running = options, clock, server
        return clock


def running_farm() -> Farm | None:
    """The farm that this process has switched on."""
    return None if _running is None else _running[1].farm


def camera_address() -> str | None:
    """Where its camera answers, such as `http://127.0.0.1:8701`."""
    return None if _running is None else _running[2].address


def switch_off() -> None:
    """End the farm and its camera server; a new one may be started afterwards."""
    with _lock:
        _switch_off()


def _moment(text: str) -> datetime:
    """A moment from ISO 8601, in UTC where it names no zone; now when empty."""
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"start = {text!r} is no moment; write one such as '2026-06-01T06:00:00Z'") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _switch_off() -> None:
    global _running
    if _running is not None:
        _running[2].stop()
        full_disk.unwatch()
        _running = None


atexit.register(switch_off)
