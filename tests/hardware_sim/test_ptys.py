"""The farm on pseudo-terminals in real time, spoken to by the makers' own library and by plain pyserial."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import serial
from dynamixel_sdk import COMM_SUCCESS, PacketHandler, PortHandler

from hardware_sim.farm import Farm
from hardware_sim.ptys import PtyFarm
from hardware_sim.world import build_world


@pytest.fixture
def ptys(tmp_path: Path) -> Iterator[PtyFarm]:
    with PtyFarm(Farm(build_world(1, "none")), tmp_path / "ports") as ptys:
        yield ptys


def _patiently(ask: Callable[[], object], expected: object) -> bool:
    """The SDK allows an answer 34 ms of real time, which a busy machine may miss; a late answer then trips it."""
    for _ in range(20):
        with suppress(IndexError):
            if ask() == expected:
                return True
    return False


def test_the_official_sdk_drives_the_servos(ptys: PtyFarm) -> None:
    port, packets = PortHandler(ptys.paths()["servos"]), PacketHandler(1.0)
    assert port.openPort()
    try:
        assert port.setBaudRate(1_000_000)
        for servo in (1, 2, 3, 4):
            assert _patiently(lambda servo=servo: packets.ping(port, servo), (12, COMM_SUCCESS, 0))
        assert _patiently(lambda: packets.write2ByteTxRx(port, 4, 32, 75), (COMM_SUCCESS, 0))
        assert _patiently(lambda: packets.read2ByteTxRx(port, 4, 32), (75, COMM_SUCCESS, 0))
    finally:
        port.closePort()


def test_a_winch_board_answers_and_time_goes_on(ptys: PtyFarm) -> None:
    with serial.Serial(ptys.paths()["winches1"], 115200, timeout=5) as port:
        port.write(b"r vbus_voltage *93\n")
        assert port.read_until(b"\n") == b"24.000000*40\r\n"
        begun_s = ptys.farm.now_s
        port.timeout = 0.1
        assert port.read(1) == b""
        assert ptys.farm.now_s - begun_s > 0.05


def test_the_links_go_with_the_farm(tmp_path: Path) -> None:
    with PtyFarm(Farm(build_world(1, "none")), tmp_path) as ptys:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["servos", "winches0", "winches1"]
        assert Path(ptys.paths()["servos"]).exists()
    assert list(tmp_path.iterdir()) == []
    assert not any(thread.name == "sim-ptys" for thread in threading.enumerate())
