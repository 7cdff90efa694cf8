"""Noise on all three serial lines while carriage and arm drive about: is anything moved wrongly, is anything given up?

python -m benchmarks.serial_noise [--commands 10000] [--seed 1] [-o benchmarks/results/serial_noise.json]    4 minutes

On the simulated farm, in its own time: bits turned with 1e-4, both ways; 1 % of replies lost; 5 % late by 30 ms, three
control periods. Replies later than the 40 ms that a setpoint waits are worse than lost ones, for they hold up what
comes behind: `later` shows how far the same drive gets with 50 ms, where supervision ends it once an encoder was not
heard for 0.25 s. The drive judged is the true one: how far the carriage leaves the straight line to its goal, how fast
it gets, and how far joints leave the range between where they were and where they go, beside the same drive without
noise. Then the share of all three is raised to 10 % in the middle of a move: how long until all stands, by itself
or by `stop`.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.quick.result import write_result
from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock
from scan.cell import CellPosture
from scan.hardware import CellHardware
from trellis.config import check_tables
from trellis.errors import TrellisError

LINES = ("winches0", "winches1", "servos")
#: Three control periods; what comes within 40 ms is still waited for.
LATE_S = 0.03
#: Carriage standing: slower than this; the noise of a winch that holds is a tenth of it.
STANDING_M_S, STANDING_RAD_S = 0.005, 0.05


@dataclass(frozen=True)
class Noise:
    """Shares: of bits turned, of replies lost, of replies late."""

    bits: float = 1e-4
    lost: float = 0.01
    late: float = 0.05
    late_s: float = LATE_S


class NoisyDevice:
    """Stands between a wire and its device, and loses or delays whole replies."""

    def __init__(self, device: Any, noise: Noise, seed: int) -> None:
        self._device, self.noise = device, noise
        self._random = np.random.default_rng(seed)
        self.replies = self.lost = self.late = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def receive(self, data: bytes, now_s: float) -> list[tuple[float, bytes]]:
        out = []
        for delay_s, answer in self._device.receive(data, now_s):
            self.replies += 1
            if self._random.random() < self.noise.lost:
                self.lost += 1
                continue
            late = self._random.random() < self.noise.late
            self.late += late
            out.append((delay_s + self.noise.late_s * late, answer))
        return out


@dataclass
class Witness:
    """Looks at the true cell at every step of the simulation."""

    clock: SimulatedClock
    begin: np.ndarray = field(default_factory=lambda: np.zeros(2))
    goal: np.ndarray = field(default_factory=lambda: np.zeros(2))
    joints: tuple[np.ndarray, np.ndarray] = field(default_factory=lambda: (np.zeros(4), np.zeros(4)))
    off_path_m: float = 0.0
    speed_m_s: float = 0.0
    joints_off_rad: float = 0.0

    def watch(self) -> None:
        """From now on."""
        step = self.clock.farm._step

        def look_too(time_s: float) -> None:
            step(time_s)
            self._look()

        self.clock.farm._step = look_too  # type: ignore[method-assign]

    def leg(self, begin: CellPosture, goal: CellPosture) -> None:
        """What is right from now on."""
        self.begin, self.goal = np.array([begin.x_m, begin.y_m]), np.array([goal.x_m, goal.y_m])
        ends = np.array([begin.joints_rad, goal.joints_rad])
        self.joints = ends.min(axis=0), ends.max(axis=0)

    def _look(self) -> None:
        physics = self.clock.farm.physics
        way, off = self.goal - self.begin, physics.carriage[:2] - self.begin
        along = np.clip(off @ way / max(way @ way, 1e-12), 0, 1)
        self.off_path_m = max(self.off_path_m, float(np.linalg.norm(off - along * way)))
        self.speed_m_s = max(self.speed_m_s, float(np.linalg.norm(physics.carriage_rate[:2])))
        low, high = self.joints
        outside = np.maximum(low - physics.joints_rad, physics.joints_rad - high).max()
        self.joints_off_rad = max(self.joints_off_rad, float(outside))


def main(
    commands: int = 10_000,
    seed: int = 1,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/serial_noise.json"),
) -> None:
    """Drive; fails if a move is given up, or differs from one without noise."""
    begun_s = time.monotonic()
    quiet = drive(min(commands, 2000), seed, Noise(0, 0, 0))
    noisy = drive(commands, seed, Noise())
    later = [drive(commands, seed + number, Noise(late_s=0.05)) for number in range(2)]
    stops = [worse(seed + number) for number in range(5)]
    figures = {
        "quiet": quiet,
        "noisy": noisy,
        "later": later,
        "at_ten_percent": stops,
        "wall_s": round(time.monotonic() - begun_s),
    }
    write_result(out, f"python -m benchmarks.serial_noise --commands {commands} --seed {seed}", figures)
    check(quiet, noisy)
    assert all(stop["standing_after_s"] <= 2.0 for stop in stops)


def check(quiet: dict[str, Any], noisy: dict[str, Any]) -> None:
    """Nothing given up, and the drive the same as without noise, but for a few millimetres of following."""
    assert noisy["given_up"] == [], noisy["given_up"]
    assert noisy["off_path_mm"] <= quiet["off_path_mm"] + 5
    assert noisy["speed_m_s"] <= 1.1 * quiet["speed_m_s"]
    assert noisy["joints_off_deg"] <= quiet["joints_off_deg"] + 1


def drive(commands: int, seed: int, noise: Noise) -> dict[str, Any]:
    """To and fro until so many lines were sent; moves that were given up are told and tried again from there."""
    with cell(seed) as (hardware, clock):
        witness = Witness(clock)
        given_up: list[str] = []
        moves = 0
        places = postures(hardware, seed)
        at = next(places)
        hardware.approach(at)
        devices = make_noisy(clock, noise, seed)
        witness.leg(at, at)
        witness.watch()
        before = sent(hardware)
        while sent(hardware) - before < commands:
            goal = next(places)
            witness.leg(at, goal)
            try:
                hardware.go(goal)
            except TrellisError as error:
                given_up.append(str(error))
                break
            at, moves = goal, moves + 1
        lines = hardware._need()[1]._drives.boards
        heard = [board.statistics for board in lines]
        return {
            "commands": sent(hardware) - before,
            "moves": moves,
            "replies": sum(device.replies for device in devices),
            "replies_lost": sum(device.lost for device in devices),
            "replies_late": sum(device.late for device in devices),
            "noticed_by_the_winches": sum(line.lost_replies + line.bad_replies for line in heard),
            "off_path_mm": round(1000 * witness.off_path_m, 2),
            "speed_m_s": round(witness.speed_m_s, 3),
            "joints_off_deg": round(float(np.degrees(witness.joints_off_rad)), 2),
            "given_up": given_up,
        }


def worse(seed: int) -> dict[str, Any]:
    """A tenth of everything, from the middle of a move on; a person stops after a second, if it did not by itself."""
    with cell(seed) as (hardware, clock):
        places = postures(hardware, seed)
        hardware.approach(next(places))
        devices = make_noisy(clock, Noise(0, 0, 0), seed)
        goal = next(places)
        witness = Witness(clock)
        witness.leg(hardware.posture(), goal)
        begun_s = clock.monotonic_s()
        stood: list[float] = []
        stop = stopper(hardware, clock, devices, begun_s + 1.0, stood)
        said = None
        try:
            hardware.go(goal)
            hardware.go(next(places))
        except TrellisError as error:
            said = str(error)
        until_s = clock.monotonic_s() + 3.0
        while not stood and clock.monotonic_s() < until_s:
            clock.sleep(0.01)
        return {"said": said, "asked_to_stop": stop(), "standing_after_s": round(stood[0], 2) if stood else 99.0}


def stopper(
    hardware: CellHardware, clock: SimulatedClock, devices: list[NoisyDevice], at_s: float, stood: list[float]
) -> Any:
    """Noise from `at_s` on, a stop a second later; when everything stands is put into `stood`, counted from the noise.

    The stop comes from the winches' own control step, as it comes from another thread in life, but always at the same
    simulated time.
    """
    farm, asked = clock.farm, [False]
    step, follower = farm._step, hardware._need()[1]._follower
    original = follower._wait

    def look_too(time_s: float) -> None:
        step(time_s)
        if farm.now_s >= at_s and not devices[0].noise.lost:
            for device in devices:
                device.noise = Noise(0.1, 0.1, 0.1)
            for name in LINES:
                farm.faults.note(f"{name}.flipped", 0.1)
        physics = farm.physics
        moving = np.linalg.norm(physics.carriage_rate[:2]) > STANDING_M_S
        if moving:
            stood.clear()
        elif farm.now_s > at_s and not stood:
            stood.append(farm.now_s - at_s)

    def wait() -> None:
        original()
        if not asked[0] and farm.now_s >= at_s + 1.0:
            asked[0] = True
            hardware.stop()

    farm._step = look_too  # type: ignore[method-assign]
    follower._wait = wait  # type: ignore[method-assign]
    return lambda: asked[0]


@contextmanager
def cell(seed: int) -> Iterator[tuple[CellHardware, SimulatedClock]]:
    """A homed cell on a farm without errors of its frame: what differs from the path is the drive's doing."""
    inprocess.switch_off()
    options = {"seed": seed, "errors": "none", "start": "2026-06-01T06:00:00Z"}
    clock = inprocess.start_clock(**options)
    assert isinstance(clock, SimulatedClock)
    tables = {
        "cables": {"ports": ["sim://winches/0", "sim://winches/1"]},
        "arm": {"port": "sim://servos"},
        "camera": {"url": f"{inprocess.camera_address()}/snapshot.jpg", "timeout_s": 60},
        "cell": {"clock": "sim", "clock_options": options},
    }
    with (
        tempfile.TemporaryDirectory() as place,
        CellHardware(check_tables(Path(place) / "farm.toml", tables)) as hardware,
    ):
        hardware.home()
        yield hardware, clock
    inprocess.switch_off()


def make_noisy(clock: SimulatedClock, noise: Noise, seed: int) -> list[NoisyDevice]:
    """Put noise on every line; a byte of eight bits has eight chances."""
    devices = []
    for number, name in enumerate(LINES):
        wire = clock.farm._wires[name]
        wire.device = NoisyDevice(wire.device, noise, 100 * seed + number)
        devices.append(wire.device)
        clock.farm.faults.set(f"{name}.flipped", 8 * noise.bits)
    return devices


def postures(hardware: CellHardware, seed: int) -> Iterator[CellPosture]:
    """Places in the middle of the wall, with the arm folded and turned."""
    random = np.random.default_rng(seed)
    park = hardware.cell.park.joints_rad
    while True:
        x_m, y_m, turn = random.uniform(0.8, 1.4), random.uniform(0.8, 1.2), random.uniform(-0.6, 0.6)
        yield hardware.cell.posture(float(x_m), float(y_m), (float(park[0] + turn), *park[1:]))


def sent(hardware: CellHardware) -> int:
    """Lines and packets that the host has sent."""
    _, winches, servos = hardware._need()
    return sum(board.statistics.requests for board in winches._drives.boards) + servos._bus.statistics.requests


if __name__ == "__main__":
    typer.run(main)
