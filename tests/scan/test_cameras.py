"""Cameras give a whole photograph or say what is wrong; the HTTP server here is a script, not the simulator."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from scan.cameras import DRIVERS, Frame, HttpCamera, PicameraCamera, V4l2Camera, open_camera
from scan.cameras.gates import Gates
from scan.cameras.jpeg import complete_jpeg
from scan.config import CameraSection, LensTable
from trellis.clock import ManualClock
from trellis.errors import CameraError
from trellis.lens import Lens

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LENS = LensTable(width=64, height=48, params=(60, 60, 32, 24, 0, 0, 0, 0))
SECTION = CameraSection(lens=LENS)


def photograph(mean: int = 120, noise: float = 30, width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    random = np.random.default_rng(seed)
    picture = np.clip(mean + noise * random.standard_normal((height, width, 3)), 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


class ScriptedServer:
    """Answers every GET by `answer(handler)`."""

    def __init__(self) -> None:
        self.answer: Callable[[Any], None] = lambda handler: send(handler, photograph())
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/snapshot.jpg"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def send(handler: Any, body: bytes, status: int = 200, length: int | None = None) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    yield made
    made.close()


@pytest.fixture
def camera(server: ScriptedServer) -> Iterator[HttpCamera]:
    made = HttpCamera(server.url, 0.5, ManualClock(NOW))
    made.connect()
    yield made
    made.close()


def test_a_snapshot_is_the_cameras_own_bytes_and_stamped_by_our_clock(camera: HttpCamera) -> None:
    assert camera.snapshot(5.0) == Frame(photograph(), NOW)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda h: send(h, b"not here", 404), "answered 404 Not Found, not 200"),
        (lambda h: send(h, b"unplugged", 503), "answered 503"),
        (
            lambda h: send(h, b"<html>log in</html>"),
            r"19 bytes that are no JPEG \(they begin with '<html>log in</ht'\)",
        ),
        (lambda h: send(h, b""), "0 bytes that are no JPEG"),
        (lambda h: send(h, photograph()[:-500]), "torn JPEG: it breaks off after"),
        (lambda h: send(h, photograph()[:-500], length=len(photograph())), "broke off its answer"),
        (lambda h: send(h, photograph()[:100]), "torn JPEG"),
    ],
    ids=["404", "503", "a page", "nothing", "torn", "torn and cut off", "torn in its headers"],
)
def test_what_is_no_photograph_is_said_so(
    server: ScriptedServer, camera: HttpCamera, answer: Callable[[Any], None], message: str
) -> None:
    server.answer = answer
    with pytest.raises(CameraError, match=message):
        camera.snapshot(5.0)


def test_a_camera_that_hangs_ends_in_its_timeout(server: ScriptedServer, camera: HttpCamera) -> None:
    release = threading.Event()
    server.answer = lambda handler: (release.wait(10), None)[1]
    started_s = time.monotonic()
    with pytest.raises(CameraError, match=r"no whole photograph within 0.5 s"):
        camera.snapshot(5.0)
    # The timeout is half a second; the rest is for a busy machine.
    assert time.monotonic() - started_s < 5
    release.set()


def test_the_deadline_bounds_a_camera_that_dribbles(server: ScriptedServer) -> None:
    clock = ManualClock(NOW)

    def dribble(handler: Any) -> None:
        clock.sleep(1.0)
        send(handler, photograph())

    server.answer = lambda handler: send(handler, photograph())
    camera = HttpCamera(server.url, 0.5, clock)
    camera.connect()
    server.answer = dribble
    with pytest.raises(CameraError, match="no whole photograph"):
        camera.snapshot(0.5)
    camera.close()


def test_nobody_at_the_address_is_said_so() -> None:
    refused = HttpCamera("http://127.0.0.1:9/snapshot.jpg", 0.5, ManualClock(NOW))
    with pytest.raises(CameraError, match=r"does not answer.*switched on"):
        refused.connect()


def test_an_unconnected_camera_is_said_so() -> None:
    with pytest.raises(CameraError, match="connect"):
        HttpCamera("http://127.0.0.1:9/", 0.5, ManualClock(NOW)).snapshot(1.0)


def test_bytes_after_the_picture_are_cut_off() -> None:
    jpeg = photograph()
    assert complete_jpeg(jpeg + b"\0\0\r\n--boundary", "camera") == jpeg


def test_a_thumbnails_end_does_not_pass_for_the_pictures_end() -> None:
    jpeg = photograph()
    thumbnail = photograph(width=16, height=16)
    exif = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with_thumbnail = jpeg[:2] + exif + jpeg[2:]
    assert complete_jpeg(with_thumbnail, "camera") == with_thumbnail
    with pytest.raises(CameraError, match="torn"):
        complete_jpeg(with_thumbnail[:-400], "camera")


def test_a_good_photograph_passes_the_gates() -> None:
    Gates(SECTION).check(Frame(photograph(), NOW))


@pytest.mark.parametrize(
    ("jpeg", "message"),
    [
        (photograph(mean=5, noise=5), "too dark: its mean grey is [0-9]+, 15 to 245"),
        (photograph(mean=254, noise=2), "too bright"),
        (photograph(noise=0), "blurred: the variance of its Laplacian is 0.0, at least 5"),
        (photograph(width=48, height=64), "is 48 x 64, but the lens is described for 64 x 48"),
        (photograph()[:60] + b"\0" * 40, "cannot be decoded"),
    ],
    ids=["dark", "bright", "blurred", "wrong size", "rubbish"],
)
def test_the_gates_say_what_is_wrong(jpeg: bytes, message: str) -> None:
    with pytest.raises(CameraError, match=message):
        Gates(SECTION).check(Frame(jpeg, NOW))


def test_the_last_photograph_again_does_not_pass() -> None:
    gates = Gates(SECTION)
    gates.check(Frame(photograph(seed=1), NOW))
    with pytest.raises(CameraError, match="its last photograph again"):
        gates.check(Frame(photograph(seed=1), NOW))
    gates.check(Frame(photograph(seed=2), NOW))


def test_every_driver_of_the_configuration_is_in_the_table() -> None:
    allowed = CameraSection.model_fields["driver"].annotation.__args__  # type: ignore[union-attr]
    assert set(DRIVERS) == set(allowed)


def test_a_usb_camera_that_is_not_there_is_said_so() -> None:
    section = CameraSection(driver="v4l2", device="/dev/no-such-camera")
    with pytest.raises(CameraError, match="there is no camera at /dev/no-such-camera"):
        open_camera(section, ManualClock(NOW))


def test_a_file_that_is_no_camera_is_said_so(tmp_path: Path) -> None:
    no_camera = tmp_path / "video0"
    no_camera.write_bytes(b"")
    camera = V4l2Camera(str(no_camera), LENS.value(), ManualClock(NOW))
    with pytest.raises(CameraError, match="is no camera that gives pictures"):
        camera.connect()
    camera.close()


class ScriptedCapture:
    """OpenCV's capture with a driver that holds back four old frames."""

    size = (64, 48)

    def __init__(self, *_: object) -> None:
        self.held = [np.full((48, 64, 3), 10 * number, np.uint8) for number in range(4)]
        self.released = False

    def isOpened(self) -> bool:
        return True

    def set(self, *_: object) -> bool:
        return True

    def get(self, which: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: self.size[0], cv2.CAP_PROP_FRAME_HEIGHT: self.size[1]}[which]

    def grab(self) -> bool:
        self.held = self.held[1:]
        return True

    def read(self) -> tuple[bool, Any]:
        return True, self.held[0] if self.held else np.full((48, 64, 3), 200, np.uint8)

    def release(self) -> None:
        self.released = True


def _usb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lens: Lens, capture: type) -> V4l2Camera:
    device = tmp_path / "video0"
    device.touch()
    monkeypatch.setattr("cv2.VideoCapture", capture)
    return V4l2Camera(str(device), lens, ManualClock(NOW))


def test_a_usb_camera_gives_no_frame_that_was_waiting_already(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    camera = _usb(monkeypatch, tmp_path, LENS.value(), ScriptedCapture)
    camera.connect()
    frame = camera.snapshot(5.0)
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    # JPEG keeps an even grey to about a grey value.
    assert picture.mean() == pytest.approx(200, abs=2)
    assert frame.taken_at == NOW
    camera.close()


def test_a_usb_camera_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lens = Lens("SIMPLE_PINHOLE", 640, 480, (500, 320, 240))
    camera = _usb(monkeypatch, tmp_path, lens, ScriptedCapture)
    with pytest.raises(CameraError, match="gives 64 x 48 when asked for 640 x 480"):
        camera.connect()
    camera.close()


def test_a_usb_camera_that_hangs_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release = threading.Event()

    class Hanging(ScriptedCapture):
        def read(self) -> tuple[bool, Any]:
            release.wait(10)
            return super().read()

    camera = _usb(monkeypatch, tmp_path, LENS.value(), Hanging)
    camera.connect()
    with pytest.raises(CameraError, match="gave nothing in time"):
        camera.snapshot(0.05)
    release.set()
    camera.close()


class ScriptedPicamera:
    """picamera2's `Picamera2`: its frames are numbered; a flushed request begins after the call."""

    size = (64, 48)
    late = False
    content = photograph(seed=9)

    def __init__(self, index: int) -> None:
        if index:
            raise IndexError("list index out of range")
        self.options: dict[str, Any] = {}
        self.calls: list[str] = []

    def create_still_configuration(self, main: dict[str, Any]) -> dict[str, Any]:
        return {"main": main}

    def configure(self, configuration: dict[str, Any]) -> None: ...

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": {"size": self.size}}

    def start(self) -> None: ...

    def capture_request(self, wait: bool, flush: bool) -> "ScriptedPicamera":
        assert not wait
        assert flush, "without it a frame that waits already would be taken"
        return self

    def get_result(self, timeout: float) -> "ScriptedPicamera":
        if self.late:
            raise TimeoutError
        return self

    def save(self, name: str, file: Any, format: str) -> None:
        assert (name, format) == ("main", "jpeg")
        file.write(self.content)

    def release(self) -> None:
        self.calls.append("release")

    def cancel_all_and_flush(self) -> None:
        self.calls.append("cancel")

    def close(self) -> None:
        self.calls.append("close")


def _module(monkeypatch: pytest.MonkeyPatch, kind: Any, index: int = 0) -> PicameraCamera:
    monkeypatch.setattr("scan.cameras.picamera2.Picamera2", kind)
    return PicameraCamera(index, LENS.value(), ManualClock(NOW))


def test_a_camera_module_gives_its_own_jpeg_and_the_request_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ScriptedPicamera] = []
    camera = _module(monkeypatch, lambda index: made.append(ScriptedPicamera(index)) or made[0])
    camera.connect()
    assert camera.snapshot(5.0) == Frame(photograph(seed=9), NOW)
    camera.close()
    assert made[0].calls == ["release", "close"]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"late": True}, "gave no picture in time"),
        ({"content": photograph()[:-300]}, "torn JPEG"),
    ],
    ids=["late", "torn"],
)
def test_a_camera_modules_failure_is_said_so(
    monkeypatch: pytest.MonkeyPatch, attributes: dict[str, Any], message: str
) -> None:
    camera = _module(monkeypatch, type("Faulty", (ScriptedPicamera,), attributes))
    camera.connect()
    with pytest.raises(CameraError, match=message):
        camera.snapshot(5.0)
    camera.close()


def test_a_camera_module_that_cannot_be_had_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CameraError, match="picamera2 is not installed"):
        _module(monkeypatch, None).connect()
    with pytest.raises(CameraError, match=r"module 1: list index out of range.*list-cameras"):
        _module(monkeypatch, ScriptedPicamera, 1).connect()
    with pytest.raises(CameraError, match="gives 32 x 24 when asked for 64 x 48"):
        _module(monkeypatch, type("Small", (ScriptedPicamera,), {"size": (32, 24)})).connect()
