"""The farm on pseudo-terminals in real time, spoken to by the makers' own library and by plain pyserial."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
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


def test_the_official_sdk_drives_the_servos(ptys: PtyFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    # The SDK allows an adapter's latency twice, 34 ms of real time, which a busy machine may miss.
    monkeypatch.setattr("dynamixel_sdk.port_handler.LATENCY_TIMER", 10_000)
    port, packets = PortHandler(ptys.paths()["servos"]), PacketHandler(1.0)
    assert port.openPort()
    try:
        assert port.setBaudRate(1_000_000)
        for servo in (1, 2, 3, 4):
            assert packets.ping(port, servo) == (12, COMM_SUCCESS, 0)
        assert packets.write2ByteTxRx(port, 4, 32, 75) == (COMM_SUCCESS, 0)
        assert packets.read2ByteTxRx(port, 4, 32) == (75, COMM_SUCCESS, 0)
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


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_terminal_and_curl_are_enough(tmp_path: Path) -> None:
    """`trellis sim` as its own process, spoken to by the tools of a shell alone."""
    command = [sys.executable, "-m", "trellis", "sim", "--plants", "1", "--port", "0", "--links", str(tmp_path / "p")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as farm:
        try:
            assert farm.stdout is not None
            said = dict(line.split(maxsplit=1) for line in iter(farm.stdout.readline, "Ctrl-C ends it.\n"))
            board = tmp_path / "p" / "winches0"
            script = (
                f"exec 3<>{board}; stty -F {board} 115200 raw -echo; printf 'r fw_version_minor\\n' >&3; head -n 1 <&3"
            )
            answer = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
            assert answer.stdout == "5\n"  # of the line's own end, CR and LF, Python makes one
            address = said["faults"].strip().removesuffix("/faults.json")
            put = ["curl", "-s", "--noproxy", "*", "-X", "PUT", "-d", "5", f"{address}/faults/servos.late"]
            answer = subprocess.run(put, capture_output=True, text=True, timeout=60, check=True)
            assert answer.stdout == '{"servos.late": 5.0}'
        finally:
            farm.send_signal(signal.SIGINT)
        assert farm.wait(60) == 0
