"""Faults by appointment, by the configuration and by hand over HTTP while the farm runs."""

import errno
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import serial

from hardware_sim import inprocess
from hardware_sim.faults import FAULTS
from hardware_sim.inprocess import SimulatedClock
from trellis.errors import InputError

Start = Callable[..., SimulatedClock]
PING = bytes.fromhex("FF FF 01 02 01 FB")


def _camera() -> httpx.Client:
    address = inprocess.camera_address()
    assert address is not None
    return httpx.Client(base_url=address, timeout=10, trust_env=False)


def test_a_fault_may_begin_and_end_at_a_time(farm: Start) -> None:
    clock = farm(faults={"servos.echo": {"value": 1, "at_s": 2.0, "for_s": 0.5}})
    seen = []
    for _ in range(6):
        clock.sleep(0.45)
        seen.append(clock.farm.faults["servos.echo"])
    # At 0.45, 0.9, 1.35, 1.8, 2.25 and 2.7 s.
    assert seen == [0, 0, 0, 0, 1, 0]


def test_a_fault_may_begin_after_so_many_packets_and_last_for_some(farm: Start) -> None:
    farm(faults={"servos.gone": {"after_events": 3, "for_events": 2}})
    port = serial.serial_for_url("sim://servos", 1_000_000, timeout=0.01)
    answered = []
    for _ in range(7):
        port.write(PING)
        answered.append(len(port.read(6)) == 6)
    assert answered == [True, True, True, False, False, True, True]


def test_a_camera_fault_counts_photographs(farm: Start) -> None:
    farm(faults={"camera.unplugged": [{"after_events": 1, "for_events": 1}, {"after_events": 3}]})
    with _camera() as camera:
        codes = [camera.get("/snapshot.jpg").status_code for _ in range(5)]
    assert codes == [200, 503, 200, 503, 503]


def test_an_event_that_happens_once_happens_at_its_time(farm: Start) -> None:
    clock = farm(faults={"winches.slip": {"value": 4, "at_s": 1.0}})
    clock.sleep(0.99)
    assert clock.farm.axes[3].turns == 0
    clock.sleep(0.02)
    assert clock.farm.axes[3].turns == 0.5


def test_appointments_are_made_and_seen_over_http(farm: Start) -> None:
    clock = farm()
    with _camera() as camera:
        answer = camera.put("/faults/servos.brownout", json={"value": 1, "at_s": 3})
        assert answer.json() == {"servos.brownout": 0.0}
        assert camera.get("/appointments.json").json() == [{"name": "servos.brownout", "value": 1.0, "at_s": 3.0}]
        assert camera.put("/faults/servos.brownout", json={"at": 3}).status_code == 400
        clock.sleep(3.1)
        assert camera.get("/appointments.json").json() == []
    assert clock.farm.faults["servos.brownout"] == 1


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"at_s": "soon"}, "no number"),
        ({"at": 3}, "there is no at; known are value, at_s"),
        ({"at_s": 1, "after_events": 1}, "not both"),
        ({"for_s": -1}, "not usable"),
    ],
)
def test_an_appointment_that_cannot_be_kept_is_refused(farm: Start, wanted: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        farm(faults={"servos.lost": wanted})


def test_a_full_disk_is_full_below_its_folder_only(farm: Start, tmp_path: Path) -> None:
    inside, outside = tmp_path / "data", tmp_path / "other"
    inside.mkdir()
    clock = farm(disk=str(inside), faults={"disk.full": 1})
    for write in (lambda: (inside / "a").write_bytes(b""), lambda: (inside / "b").mkdir()):
        with pytest.raises(OSError, match="No space left") as caught:
            write()
        assert caught.value.errno == errno.ENOSPC
    outside.write_bytes(b"x")
    clock.farm.faults.set("disk.full", 0)
    (inside / "a").write_bytes(b"y")
    assert (inside / "a").read_bytes() == b"y"
    clock.farm.faults.set("disk.full", 1)
    inprocess.switch_off()
    (inside / "b").mkdir()


def test_every_fault_has_a_line_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulated-devices.md").read_text(encoding="utf-8")
    for name in FAULTS:
        short = re.sub(r"^(winches[01]|servos)\.(?=lost|flipped|foreign|late|echo|gone)", "", name)
        assert f"`{short}`" in page, name
