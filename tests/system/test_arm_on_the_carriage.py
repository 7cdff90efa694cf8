"""The arm's weight is in the tensions where the arm is: the simulated carriage hangs as commanded, arm out or not."""

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cdpr.load import Load
from cdpr.tension import distribute
from hardware_sim import inprocess
from scan.hardware import CellHardware
from trellis.config import Configuration, check_tables

#: Carriage and base yaw: at base 0 and 145 deg the arm, laid flat, reaches right and left.
STANDS = ((1.1, 1.0, 0.0), (1.6, 1.3, 145.0))


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"seed": 3, "errors": "none", "camera_port": port, "start": "2026-06-01T06:00:00Z"}
    return check_tables(
        tmp_path / "farm.toml",
        {
            "cables": {"ports": ["sim://winches/0", "sim://winches/1"]},
            "arm": {"port": "sim://servos"},
            "camera": {"url": f"http://127.0.0.1:{port}/snapshot.jpg", "timeout_s": 60},
            "cell": {"clock": "sim", "clock_options": options},
        },
    )


@pytest.fixture(autouse=True)
def _farm_ends() -> Iterator[None]:
    inprocess.switch_off()
    yield
    inprocess.switch_off()


def _off(configuration: Configuration) -> np.ndarray:
    """At each stand: what a tension misses at most of those that hold the true carriage (N), x, y (mm), yaw (deg)."""
    rows = []
    with CellHardware(configuration) as hardware:
        hardware.home()
        for x_m, y_m, base_deg in STANDS:
            posture = hardware.cell.posture(x_m, y_m, np.radians([base_deg, -90, 0, 0]))
            hardware.go(posture)
            hardware.clock.sleep(1.0)
            farm = inprocess.running_farm()
            assert farm is not None
            physics, body = farm.physics, farm.physics.body[0]
            # By the simulator's own masses: what would hold the carriage where it was to be.
            robot = Load(float(body.arm_mass), np.array([[body.arm_x, body.arm_y]])).on(hardware.cell.robot)
            pose = np.array([x_m, y_m, posture.yaw_rad])
            missed_n = np.abs(physics.tensions_n - distribute(robot, pose)).max()
            rows.append([missed_n, *np.abs(physics.carriage - pose) * (1e3, 1e3, 180 / np.pi)])
    return np.array(rows)


def test_tensions_and_yaw_are_right_with_the_arm_stretched_out(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = _off(configuration)
    assert off[:, 0].max() < 2.0
    assert off[:, 1:3].max() < 0.3
    assert off[:, 3].max() < 0.05
    inprocess.switch_off()
    # The same farm with the arm's weight put where it is convenient: what it costs, and that the test sees it.
    at_the_centre = Load(0.3, np.zeros((1, 2)))
    monkeypatch.setattr("scan.hardware.carried", lambda *_: at_the_centre)
    off = _off(configuration)
    assert off[:, 0].min() > 8.0
    assert off[:, 3].min() > 0.4
