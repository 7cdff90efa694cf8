"""The cell's devices open together or not at all, and an unopened cell says so. The ports are the simulated farm's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware_sim import inprocess
from scan.hardware import CellHardware
from trellis.config import check_tables
from trellis.errors import CameraError, DeviceError, PortUnavailable, ProtocolError, Stopped


@pytest.fixture(autouse=True)
def _farm_ends() -> Iterator[None]:
    yield
    inprocess.switch_off()


def _hardware(tmp_path: Path, servos: str = "sim://servos") -> CellHardware:
    tables = {
        "cables": {"ports": ["sim://winches/0", "sim://winches/1"]},
        "arm": {"port": servos},
        "camera": {"url": "http://127.0.0.1:9/snapshot.jpg", "timeout_s": 1},
        "cell": {"clock": "sim", "clock_options": {"seed": 5}},
    }
    return CellHardware(check_tables(tmp_path / "farm.toml", tables))


def test_a_camera_that_is_not_there_closes_the_others_and_is_named(tmp_path: Path) -> None:
    hardware = _hardware(tmp_path)
    with pytest.raises(CameraError, match=r"camera at http://127\.0\.0\.1:9/snapshot\.jpg"):
        hardware.connect()
    with pytest.raises(ProtocolError, match="not open"):
        hardware.state()


def test_a_servo_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PortUnavailable, match=r"/dev/no-such-port for the arm's servos"):
        _hardware(tmp_path, "/dev/no-such-port").connect()


def test_an_unopened_cell_says_so_and_takes_a_stop(tmp_path: Path) -> None:
    hardware = _hardware(tmp_path)
    with pytest.raises(DeviceError, match="connect"):
        hardware.home()
    hardware.stop()
    with pytest.raises(Stopped):
        hardware.photograph()
