"""Every fault of the simulated farm and what the real stack makes of it (the table in docs/simulated-devices.md).

Drivers, cell and capture are the real ones; photographs are quick noise, since nothing here looks at plants. Not
repeated: an overload that is cleared, a stale camera in a real scan (test_scan_on_simulated_farm), overloads that last
(tests/arm), a full disk at every write (tests/scan/test_capture).
"""

import socket
from collections.abc import Callable, Iterator
from math import pi
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hardware_sim import full_disk, inprocess
from hardware_sim.farm import Farm
from scan.capture import capture
from scan.cell import CellPosture
from scan.hardware import CellHardware
from scan.plan import Plan, PlannedView
from trellis.config import Configuration, check_tables
from trellis.errors import DeviceError, DeviceFault, OutOfSpace, ProtocolError
from trellis.folders import ScanFolder
from trellis.manifest import Outcome, read_manifest

HOME_M = np.array([1.1, 1.0])
#: Places to drive to with the arm folded, as (x, y).
PLACES_M = ((0.9, 0.9), (1.3, 0.9))
FAR_M = (1.35, 1.15)


class Noise:
    """A photographer whose pictures are bright enough, sharp, and never twice the same."""

    def __init__(self, *_: Any) -> None:
        pass

    def jpeg(self, world_from_camera: np.ndarray, frame: int, twist: np.ndarray | None = None) -> bytes:
        noise = np.random.default_rng(frame).integers(0, 255, (61, 81), dtype=np.uint8)
        picture = cv2.resize(noise, (1296, 972), interpolation=cv2.INTER_NEAREST)
        return cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return check_tables(
        tmp_path_factory.mktemp("farm") / "farm.toml",
        {
            "cables": {"ports": ["sim://winches/0", "sim://winches/1"]},
            "arm": {"port": "sim://servos"},
            # Long enough for a busy machine to draw noise, short enough to wait for a camera that hangs.
            "camera": {"url": f"http://127.0.0.1:{port}/snapshot.jpg", "timeout_s": 1.5, "attempts": 2},
            "cell": {"clock": "sim", "clock_options": {"seed": 3, "errors": "calibrated", "camera_port": port}},
        },
    )


@pytest.fixture
def hardware(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> Iterator[CellHardware]:
    monkeypatch.setattr("hardware_sim.camera_server.Photographer", Noise)
    inprocess.switch_off()
    with CellHardware(configuration) as made:
        made.home()
        yield made
    inprocess.switch_off()


@pytest.fixture
def farm(hardware: CellHardware) -> Farm:
    running = inprocess.running_farm()
    assert running is not None
    return running


def _at(hardware: CellHardware, place_m: tuple[float, float]) -> CellPosture:
    return hardware.cell.posture(*place_m, hardware.cell.park.joints_rad)


def _after(farm: Farm, calls: int, name: str, value: float) -> Callable[..., None]:
    """A `Farm.write` that switches a fault on once the drivers have written so often."""
    write, left = farm.write, [calls]

    def counting(port: str, data: bytes) -> None:
        left[0] -= 1
        if left[0] == 0:
            farm.faults.set(name, value)
        write(port, data)

    return counting


def _true_m(farm: Farm) -> np.ndarray:
    return np.array(farm.physics.carriage[:2])


@pytest.mark.parametrize(
    ("fault", "value"),
    # One byte in 2000 spoils several packets of a drive; 5 ms late is ten times what a board takes to think.
    [("lost", 0.0005), ("flipped", 0.0005), ("foreign", 0.0005), ("late", 0.005), ("echo", 1)],
)
def test_a_bad_line_does_not_end_a_drive(hardware: CellHardware, farm: Farm, fault: str, value: float) -> None:
    for line in ("winches0", "winches1", "servos"):
        farm.faults.set(f"{line}.{fault}", value)
    hardware.go(_at(hardware, FAR_M))
    # What a calibration leaves, as everywhere: 15 mm.
    assert np.abs(_true_m(farm) - FAR_M).max() < 0.015


@pytest.mark.parametrize("line", ["winches1", "servos"])
def test_a_board_that_goes_is_named_and_one_that_is_back_is_used_again(
    hardware: CellHardware, farm: Farm, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(farm, "write", _after(farm, 300, f"{line}.gone", 1))
    named = {"winches1": "sim://winches/1", "servos": "sim://servos"}[line]
    with pytest.raises(ProtocolError, match=f"{named}.*check"):
        hardware.go(_at(hardware, FAR_M))
    hardware.clock.sleep(2.0)
    held_m = _true_m(farm)
    hardware.clock.sleep(5.0)
    # The board that nobody hears still holds its last setpoints.
    assert np.abs(_true_m(farm) - held_m).max() < 0.001
    farm.faults.set(f"{line}.gone", 0)
    hardware.close()
    hardware.connect()
    hardware.go(_at(hardware, PLACES_M[0]))
    assert np.abs(_true_m(farm) - PLACES_M[0]).max() < 0.015


@pytest.mark.parametrize(
    ("fault", "said", "cable", "port", "axis"),
    [("watchdog", "watchdog expired", 0, 0, 0), ("hot", "motor failed", 2, 1, 0)],
    ids=["watchdog of a lower drive", "hot upper motor"],
)
def test_a_drive_that_gives_up_is_named_and_the_rest_is_frozen(
    hardware: CellHardware,
    farm: Farm,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    said: str,
    cable: int,
    port: int,
    axis: int,
) -> None:
    monkeypatch.setattr(farm, "write", _after(farm, 300, f"winches.{fault}", 1 + cable))
    with pytest.raises(DeviceFault, match=f"sim://winches/{port}: axis {axis} reports: {said}; clear the cause"):
        hardware.go(_at(hardware, FAR_M))
    modes = [int(mode) for mode in farm.physics.drives.mode]
    # Idle is 0; the others hold their position (3), the lower ones too.
    assert modes == [0 if number == cable else 3 for number in range(4)]
    assert all(farm.physics.servos.on)
    hardware.clock.sleep(3.0)
    held_rad = farm.physics.joints_rad.copy()
    hardware.clock.sleep(1.0)
    # A held servo may sink by 0.7 deg/s at most.
    assert np.abs(farm.physics.joints_rad - held_rad).max() < np.radians(0.8)


@pytest.mark.parametrize("cable", [0, 1], ids=["lower", "upper"])
def test_a_slip_of_five_millimetres_ends_the_next_move_and_nothing_moves_until_homed(
    hardware: CellHardware, farm: Farm, cable: int
) -> None:
    hardware.go(_at(hardware, FAR_M))
    hardware.park()  # without a slip nothing is wrong
    hardware.go(_at(hardware, FAR_M))
    farm.axes[cable].drive.slip += 0.005 / (2 * pi * 0.0127)
    with pytest.raises(DeviceFault, match=r"cable's length jumped by .* a drum or an encoder has slipped") as first:
        hardware.park()
    with pytest.raises(DeviceFault, match="dock the carriage and home again") as second:
        hardware.go(_at(hardware, PLACES_M[0]))
    assert str(second.value) == str(first.value)
    with pytest.raises(DeviceFault):
        hardware.disarm()


@pytest.mark.parametrize("cable", [0, 1], ids=["lower", "upper"])
def test_a_knocked_frame_is_noticed_when_the_carriage_is_parked(hardware: CellHardware, farm: Farm, cable: int) -> None:
    hardware.go(_at(hardware, FAR_M))
    farm.faults.set("frame.knocked", 1 + cable)
    hardware.clock.sleep(1.0)
    # A knock may show at once as a jump; at the latest it does when the carriage is parked.

    def go_and_park() -> None:
        hardware.go(_at(hardware, PLACES_M[0]))
        hardware.park()

    with pytest.raises(DeviceFault, match=r"one cable disagrees with the others|cable's length jumped"):
        go_and_park()
    with pytest.raises(DeviceFault, match="dock the carriage and home again"):
        hardware.go(_at(hardware, FAR_M))


@pytest.mark.parametrize("cable", [0, 1], ids=["lower", "upper"])
def test_a_slack_cable_is_noticed_at_the_next_stop(hardware: CellHardware, farm: Farm, cable: int) -> None:
    hardware.go(_at(hardware, PLACES_M[0]))
    farm.faults.set("winches.slack", 1 + cable)
    with pytest.raises(DeviceError, match=r"did not come to rest where it was sent|the .* (cable|winch)"):
        hardware.go(_at(hardware, PLACES_M[1]))


def test_a_full_disk_ends_the_scan_and_it_goes_on_once_there_is_room(
    hardware: CellHardware, farm: Farm, tmp_path: Path
) -> None:
    folder = ScanFolder(tmp_path / "s1")
    full_disk.watch(tmp_path, farm.faults)  # what `disk` in the clock's options does
    farm.arrange({"disk.full": {"after_events": 1}})
    with pytest.raises(OutOfSpace, match=r"no room to write.*001\.jpg"):
        list(capture(hardware, _plan(hardware), folder, scan="s1"))
    assert [view.view for view in read_manifest(folder.manifest).taken] == [0]
    farm.faults.set("disk.full", 0)
    assert [record.outcome for record in capture(hardware, _plan(hardware), folder, scan="s1")] == [Outcome.TAKEN]
    assert len(read_manifest(folder.manifest).taken) == 2


def test_a_scan_is_the_same_bytes_for_the_same_seed(configuration: Configuration, tmp_path: Path) -> None:
    def heard(name: str) -> list[str]:
        inprocess.switch_off()
        lines: list[str] = []
        with CellHardware(configuration) as hardware:
            farm = inprocess.running_farm()
            assert farm is not None
            farm.listen(lines.append)
            farm.arrange({"servos.lost": 0.001, "winches0.flipped": {"value": 0.001, "at_s": 5.0}})
            hardware.home()
            list(capture(hardware, _plan(hardware), ScanFolder(tmp_path / name), scan="s1"))
            hardware.park()
        inprocess.switch_off()
        return lines

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("hardware_sim.camera_server.Photographer", Noise)
        first, second = heard("first"), heard("second")
    assert len(first) > 3000
    assert first == second


@pytest.mark.parametrize("cable", [0, 1], ids=["lower", "upper"])
def test_half_a_turn_of_slip_is_noticed_on_the_next_move(hardware: CellHardware, farm: Farm, cable: int) -> None:
    hardware.go(_at(hardware, PLACES_M[0]))
    farm.faults.set("winches.slip", 1 + cable)
    with pytest.raises(DeviceFault, match=r"the .* (cable's length jumped|winch runs)"):
        hardware.go(_at(hardware, PLACES_M[1]))


def test_a_brown_out_ends_the_move_and_the_next_one_is_made_at_the_allowed_speed(
    hardware: CellHardware, farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, shoulder, elbow, wrist = hardware.cell.park.joints_rad
    away = CellPosture(*map(float, HOME_M), 0.0, (base + 0.6, shoulder, elbow, wrist))
    speeds_rad_s, sent = [], bytearray()
    counting = _after(farm, 120, "servos.brownout", 1)

    def watching(port: str, data: bytes) -> None:
        counting(port, data)
        servos = farm.physics.servos
        speeds_rad_s.append(float(np.abs(servos.rate * (servos.on != 0)).max()))
        if port == "servos":
            sent.extend(data)

    monkeypatch.setattr(farm, "write", watching)
    # For a third of a second nobody answers, which is longer than a lost packet is asked for again.
    with pytest.raises(ProtocolError, match=r"sim://servos: servo \d gave no good answer.*that it is powered"):
        hardware.go(away)
    hardware.clock.sleep(1.0)
    hardware.go(away)
    assert hardware.state().health.recoveries >= 1
    assert abs(farm.physics.joints_rad[0] - away.joints_rad[0]) < np.radians(4)
    # A servo wakes up with speed 0, which is not rest but as fast as it can: 6 rad/s; 0.87 rad/s are allowed.
    assert max(speeds_rad_s) < 1.5
    assert min(_speeds_sent(bytes(sent))) >= 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("hung", "gave no whole photograph within 1.5 s"),
        ("black", "too dark: its mean grey is 0"),
        ("stale", "its last photograph again"),
        ("torn", "broke off its answer|torn JPEG"),
        ("size", "is 648 x 486, but the lens is described for 1296 x 972"),
        ("unplugged", "answered 503"),
    ],
)
def test_a_bad_photograph_is_retaken_or_its_view_fails_with_the_reason_and_is_never_stored(
    hardware: CellHardware, farm: Farm, tmp_path: Path, fault: str, said: str
) -> None:
    hardware.photograph()  # so that a stale camera has one to repeat
    # The next three that are asked for: both attempts at the first view, and the first at the second.
    farm.arrange({f"camera.{fault}": {"value": 1, "after_events": 0, "for_events": 3}})
    folder = ScanFolder(tmp_path / "s1")
    failed, retaken = capture(hardware, _plan(hardware), folder, scan="s1")
    assert (failed.outcome, failed.image) == (Outcome.FAILED, None)
    assert failed.reason is not None
    assert any(part in failed.reason for part in said.split("|")), failed.reason
    assert (retaken.outcome, retaken.attempts) == (Outcome.TAKEN, 2)
    assert [path.name for path in folder.images.iterdir()] == ["001.jpg"]
    assert len(read_manifest(folder.manifest).taken) == 1


def _speeds_sent(data: bytes) -> list[int]:
    """Every value that was written to a servo's speed (32, 33), by protocol 1.0 and not by our driver."""
    speeds, at = [], 0
    while at < len(data):
        assert data[at : at + 2] == b"\xff\xff"
        length, instruction, body = data[at + 3], data[at + 4], data[at + 5 : at + 3 + data[at + 3]]
        if instruction == 0x03:
            speeds += _speed_in(body[0], body[1:])
        elif instruction == 0x83:
            address, size = body[0], body[1]
            for start in range(2, len(body), size + 1):
                speeds += _speed_in(address, body[start + 1 : start + 1 + size])
        at += 4 + length
    return speeds


def _speed_in(address: int, values: bytes) -> list[int]:
    if address <= 32 and address + len(values) >= 34:
        return [int.from_bytes(values[32 - address : 34 - address], "little")]
    return []


def _plan(hardware: CellHardware) -> Plan:
    """Two views with the arm folded."""
    stops = []
    for view, place_m in enumerate(PLACES_M):
        posture = _at(hardware, place_m)
        stops.append(PlannedView(view, hardware.cell.world_from_camera(posture), posture, ()))
    return Plan("p01", (1.1, 1.0, 0.0), 0.1, 0.1, tuple(stops), (), 0.0)
