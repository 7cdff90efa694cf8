"""The farm inside a process: simulated time, sim:// ports, faults, and the camera over loopback HTTP."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
import serial

from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock
from trellis.clock import clock_named
from trellis.errors import InputError, PortUnavailable

Start = Callable[..., SimulatedClock]
PLANTS = [
    {"name": "p01", "column": 2, "row": 2, "day": 16, "cultivar": "butterhead"},
    {"name": "p02", "column": 6, "row": 3, "day": 26},
]
MILLISECOND = timedelta(milliseconds=1)
PING = bytes.fromhex("FF FF 01 02 01 FB")


def _port(name: str, timeout_s: float | None = 0.1) -> serial.SerialBase:
    return serial.serial_for_url(name, 1_000_000 if "servos" in name else 115200, timeout=timeout_s)


def _camera() -> httpx.Client:
    address = inprocess.camera_address()
    assert address is not None
    return httpx.Client(base_url=address, timeout=10)


def test_the_clock_is_found_by_its_name(farm: Start) -> None:
    farm()
    clock = clock_named("sim", {"seed": 3, "start": "2026-06-01T06:00:00Z"})
    clock.sleep(90.5)
    assert clock.monotonic_s() == pytest.approx(90.5, abs=1e-6)
    assert clock.utc() == pytest.approx(datetime(2026, 6, 1, 6, 1, 30, 500000, UTC), abs=MILLISECOND)


def test_the_same_options_find_the_same_farm_and_others_a_new_one(farm: Start) -> None:
    first = farm()
    first.sleep(1.0)
    assert farm() is first
    second = farm(seed=4)
    assert second is not first
    assert second.monotonic_s() == 0
    assert inprocess.running_farm() is second.farm


def test_two_who_sleep_at_once_sleep_side_by_side(farm: Start) -> None:
    clock = farm()
    both = threading.Barrier(2)

    def sleep() -> None:
        both.wait()
        clock.sleep(2.0)

    other = threading.Thread(target=sleep)
    other.start()
    sleep()
    other.join()
    # Each asks for two seconds from when it asks; they ask within a few slices of 5 ms of each other, or, should the
    # second be held up by a busy machine, one after the other.
    assert 2.0 <= clock.monotonic_s() <= 4.0


def test_bytes_take_the_time_of_their_line(farm: Start) -> None:
    clock = farm()
    port = _port("sim://winches/0")
    port.write(b"r fw_version_minor\n")
    assert port.read_until(b"\n") == b"5\r\n"
    # 19 bytes there, 3 back, ten bits each at 115200 baud, and half a millisecond of thought.
    assert clock.monotonic_s() == pytest.approx((19 + 3) * 10 / 115200 + 0.0005, abs=2e-4)


def test_a_read_without_an_answer_takes_its_timeout_of_simulated_time(farm: Start) -> None:
    clock = farm()
    port = _port("sim://winches/1", timeout_s=3.0)
    assert port.read(4) == b""
    assert clock.monotonic_s() == pytest.approx(3.0, abs=1e-3)


def test_polling_without_sleeping_gets_there(farm: Start) -> None:
    farm()
    port = _port("sim://servos", timeout_s=0)
    port.write(PING)
    while port.in_waiting < 6:
        pass
    assert port.read(6) == bytes.fromhex("FF FF 01 02 00 FC")


def test_the_input_can_be_thrown_away(farm: Start) -> None:
    clock = farm()
    port = _port("sim://servos")
    port.write(PING)
    clock.sleep(0.01)
    port.reset_input_buffer()
    assert port.in_waiting == 0


def test_a_host_at_another_rate_is_not_understood(farm: Start) -> None:
    farm()
    port = _port("sim://servos")
    port.baudrate = 57600
    port.write(PING)
    assert port.read(6) == b""
    port.baudrate = 1_000_000
    port.write(PING)
    assert len(port.read(6)) == 6


def test_a_port_that_is_not_there_is_said_so(farm: Start) -> None:
    farm()
    with pytest.raises(serial.SerialException, match="no simulated port"):
        _port("sim://winches/2")


def test_without_a_farm_there_is_no_port(farm: Start) -> None:
    farm()
    inprocess.switch_off()
    with pytest.raises(serial.SerialException, match="no simulated farm"):
        _port("sim://servos")


@pytest.mark.parametrize("fault", ["lost", "flipped", "foreign"])
def test_a_bad_line_spoils_some_answers_the_same_for_the_same_seed(farm: Start, fault: str) -> None:
    def answers() -> list[bytes]:
        farm(faults={f"servos.{fault}": 0.03})
        port = _port("sim://servos", timeout_s=0.005)
        heard = []
        for _ in range(60):
            port.reset_input_buffer()
            port.write(PING)
            heard.append(port.read(40))
        inprocess.switch_off()
        return heard

    heard = answers()
    good = heard.count(bytes.fromhex("FF FF 01 02 00 FC"))
    # 12 bytes with 3 % each leave about 70 % of the exchanges whole; and noise that the parser skips does no harm.
    assert 20 < good < 60
    assert answers() == heard


def test_an_echo_comes_before_the_answer(farm: Start) -> None:
    farm(faults={"servos.echo": 1})
    port = _port("sim://servos")
    port.write(PING)
    assert port.read(12) == PING + bytes.fromhex("FF FF 01 02 00 FC")


def test_a_late_line_is_late_by_that_much(farm: Start) -> None:
    clock = farm(faults={"winches0.late": 0.2})
    port = _port("sim://winches/0", timeout_s=1.0)
    port.write(b"r fw_version_minor\n")
    assert port.read_until(b"\n") == b"5\r\n"
    assert clock.monotonic_s() == pytest.approx(0.2 + 22 * 10 / 115200 + 0.0005, abs=1e-3)


def test_a_slipped_drum_reads_half_a_turn_off(farm: Start) -> None:
    clock = farm()
    clock.farm.faults.set("winches.slip", 4)
    port = _port("sim://winches/1")
    port.write(b"f 1\n")
    assert port.read_until(b"\n") == b"0.500000 0.000000\r\n"


def test_a_fault_that_does_not_exist_is_refused(farm: Start) -> None:
    with pytest.raises(InputError, match=r"no fault 'servos\.los'"):
        farm(faults={"servos.los": 1})
    with pytest.raises(InputError, match="not usable"):
        farm(faults={"servos.lost": -1})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"errors": "sloppy"}, "none, calibrated, builder"),
        ({"start": "soon"}, "no moment"),
        ({"plants": [{"name": "p", "column": 9, "row": 0, "day": 20}]}, "does not exist"),
        ({"plants": [{"name": "p", "day": 20}]}, "has name, column, row, day"),
        ({"plants": [PLANTS[0], PLANTS[0]]}, "different names"),
    ],
)
def test_an_option_that_is_not_usable_is_said_so(farm: Start, change: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        farm(**change)


def test_a_taken_camera_port_is_said_so(farm: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortUnavailable, match="simulated camera"):
            farm(camera_port=other.getsockname()[1])


def test_the_same_seed_gives_the_same_world_and_plants(farm: Start) -> None:
    first = farm(plants=PLANTS, seed=7).farm.world
    second = farm(plants=PLANTS, seed=8).farm.world
    third = farm(plants=PLANTS, seed=7).farm.world
    assert (first.pulleys_m == third.pulleys_m).all()
    assert not (first.pulleys_m == second.pulleys_m).all()


def test_a_snapshot_says_when_it_was_taken_and_its_number(farm: Start) -> None:
    clock = farm(plants=PLANTS)
    clock.sleep(10.0)
    with _camera() as camera:
        first, second = camera.get("/snapshot.jpg"), camera.get("/snapshot.jpg")
    assert first.headers["content-type"] == "image/jpeg"
    assert [first.headers["x-frame"], second.headers["x-frame"]] == ["0", "1"]
    assert abs((datetime.fromisoformat(first.headers["x-taken-at"]) - clock.utc()).total_seconds()) < 1e-3
    assert clock.utc().hour == 6


def test_the_truth_counts_the_photographs_of_each_plant(farm: Start) -> None:
    clock = farm(plants=PLANTS)
    with _camera() as camera:
        camera.get("/snapshot.jpg")
        truths = [camera.get(f"/truth/{name}.json").json() for name in ("p01", "p02")]
        missing = camera.get("/truth/p03.json")
    # Docked at x 1.10 m, the camera is 0.38 m from either in x; in y p02 stands at its own height.
    assert [truth["views"] for truth in truths] == [0, 1]
    assert missing.status_code == 404
    assert clock.monotonic_s() == 0


def test_the_state_is_the_truth(farm: Start) -> None:
    clock = farm(errors="none")
    with _camera() as camera:
        state = camera.get("/state.json").json()
    assert (state["carriage"]["x_m"], state["carriage"]["y_m"]) == (1.1, 1.0)
    assert state["docked"] is True
    np.testing.assert_allclose(state["world_from_camera"], clock.farm.physics.world_from_camera())


def test_faults_are_set_over_http(farm: Start) -> None:
    clock = farm(plants=PLANTS)
    with _camera() as camera:
        assert camera.put("/faults/camera.unplugged", content="1").status_code == 200
        assert camera.get("/snapshot.jpg").status_code == 503
        assert camera.put("/faults/camera.unplugged", content="0").json() == {"camera.unplugged": 0.0}
        assert camera.get("/snapshot.jpg").status_code == 200
        assert camera.put("/faults/camera.unplugged", content="often").status_code == 400
        assert camera.put("/faults/weather", content="1").status_code == 400
        table = camera.get("/faults.json").json()
    assert table["servos.brownout"]["meaning"].startswith("1:")
    assert clock.farm.faults["camera.unplugged"] == 0


def test_a_stale_camera_repeats_itself_and_a_torn_one_breaks_off(farm: Start) -> None:
    farm(plants=PLANTS)
    with _camera() as camera:
        first = camera.get("/snapshot.jpg")
        camera.put("/faults/camera.stale", content="1")
        assert camera.get("/snapshot.jpg").content == first.content
        camera.put("/faults/camera.stale", content="0")
        camera.put("/faults/camera.torn", content="1")
        with pytest.raises(httpx.RemoteProtocolError):
            camera.get("/snapshot.jpg")


def test_a_hanging_camera_lets_go_when_the_farm_ends(farm: Start) -> None:
    farm(faults={"camera.hung": 1})
    with _camera() as camera, pytest.raises(httpx.ReadTimeout):
        camera.get("/snapshot.jpg", timeout=0.2)
    inprocess.switch_off()


def test_a_black_camera_is_black(farm: Start) -> None:
    farm(faults={"camera.black": 1}, plants=PLANTS)
    with _camera() as camera:
        photograph = camera.get("/snapshot.jpg").content
    assert photograph.startswith(b"\xff\xd8")
    # 1.26 million black pixels shrink to some kilobytes.
    assert len(photograph) < 30_000
