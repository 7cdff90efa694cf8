"""Driving by hand on the simulated farm through the real drivers: let go, or no longer heard of, it stands in 0.3 s."""

import socket
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from hardware_sim import inprocess
from scan.hardware import CellHardware
from scheduler.hand_moves import CellMoves
from scheduler.hands import Hands, Motion
from trellis.clock import SystemClock
from trellis.config import check_tables
from trellis.errors import Unreachable
from trellis.flight import told_nobody

#: A setpoint holds for as long.
PERIOD_S = 0.02


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CellHardware, CellMoves]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = check_tables(
        tmp_path_factory.mktemp("farm") / "farm.toml",
        {
            "cables": {"ports": ["sim://winches/0", "sim://winches/1"]},
            "arm": {"port": "sim://servos"},
            "camera": {"url": f"http://127.0.0.1:{port}/snapshot.jpg", "timeout_s": 60},
            "cell": {"clock": "sim", "clock_options": {"seed": 3, "errors": "calibrated", "camera_port": port}},
            "wall": {"plants": [{"name": "p01", "position_m": [0.72, 0.81], "radius_m": 0.09, "height_m": 0.08}]},
        },
    )
    hardware = CellHardware(configuration)
    with hardware:
        hardware.home()
        yield hardware, CellMoves(configuration, hardware, SystemClock())
    inprocess.switch_off()


def _hold(hardware: CellHardware, moves: CellMoves, motion: Motion, held_s: float, *, told: bool) -> float:
    """Hold a motion for so long, then say so (`told`) or fall silent; how long after the last word it was at rest."""
    clock, now_s, last_s, moved_s = hardware.clock, [0.0], [0.0], [0.0]

    def listen(topic: str, values: Mapping[str, Any]) -> None:
        if topic == "/carriage/setpoint" and np.abs(values["speeds_m_s"]).max() > 1e-6:
            moved_s[0] = clock.monotonic_s()

    hardware.listen(listen)
    hands = Hands(lambda: now_s[0])
    began_s: list[float] = []

    def held() -> bool:
        began_s.append(clock.monotonic_s())
        now_s[0] = clock.monotonic_s() - began_s[0]
        if now_s[0] <= held_s:
            hands.keep()
            last_s[0] = clock.monotonic_s()
        elif told:
            hands.release()
        return hands.held()

    hands.ask(motion)
    assert hands.take() == motion
    moves.do(motion, held)
    hands.ended(None)
    hardware.listen(told_nobody)
    ended_s = clock.monotonic_s() if motion.axis == "base" else moved_s[0] + PERIOD_S
    return ended_s - last_s[0]


def _stands(hardware: CellHardware) -> None:
    before = hardware.posture()
    hardware.clock.sleep(0.5)
    after = hardware.posture()
    assert np.hypot(after.x_m - before.x_m, after.y_m - before.y_m) < 0.002
    assert (
        np.abs(np.subtract(after.joints_rad, before.joints_rad)).max() < 0.02
    )  # four counts: a servo comes to rest elastically


@pytest.mark.parametrize("told", [True, False], ids=["released", "disconnected"])
@pytest.mark.parametrize("axis", ["x", "y", "base"])
def test_what_is_let_go_stands_within_300_ms(cell: tuple[CellHardware, CellMoves], axis: str, told: bool) -> None:
    hardware, moves = cell
    before = hardware.posture()
    took_s = _hold(hardware, moves, Motion("hold", axis, 1.0 if axis != "y" else -1.0), 0.8, told=told)
    after = hardware.posture()
    way = max(abs(after.x_m - before.x_m), abs(after.y_m - before.y_m),
              abs(after.joints_rad[0] - before.joints_rad[0]))  # fmt: skip
    assert way > 0.015, "it never moved"
    assert took_s <= 0.3, "the farm's own time, from the last word to rest"
    _stands(hardware)


def test_a_step_goes_as_far_as_it_says(cell: tuple[CellHardware, CellMoves]) -> None:
    hardware, moves = cell
    before = hardware.posture()
    moves.do(Motion("step", "x", -0.02), lambda: True)
    assert hardware.posture().x_m - before.x_m == pytest.approx(-0.02, abs=0.003)


def test_a_motion_into_the_frame_ends_before_it_and_a_step_out_of_it_is_refused(
    cell: tuple[CellHardware, CellMoves],
) -> None:
    hardware, moves = cell
    with pytest.raises(Unreachable, match="too near"):
        moves.do(Motion("step", "x", 3.0), lambda: True)
    moves.do(Motion("park"), lambda: True)
    assert hardware.posture().x_m == pytest.approx(hardware.cell.park.x_m, abs=0.01)
