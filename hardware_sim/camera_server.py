"""The simulated camera over HTTP, and beside it what only a simulation can tell: the truth, the state and the faults.

`GET /snapshot.jpg`  a photograph of the true state at the present simulated time
`GET /truth/PLANT.json`  what the plant truly is, and how much of it the photographs taken so far could see
`GET /state.json`  true poses, joints and tensions
`GET /faults.json`, `PUT /faults/NAME`  every fault, and setting one to the number, or the appointment, in the body
`GET /appointments.json`  the faults that are still to begin or to end
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

from hardware_sim.farm import Farm
from hardware_sim.optics import Camera
from hardware_sim.photograph import Photographer, PlantSpec
from hardware_sim.physics import Physics
from hardware_sim.rigid import Array
from hardware_sim.scene import LAMPS
from trellis.errors import InputError, PortUnavailable

#: A hanging camera holds on to a request no longer than this, in seconds of the wall clock, so that a farm can end.
HUNG_S = 60.0
#: Where a plant counts as standing when photographs are told apart by plant: in the middle of a grown one.
MIDDLE_HEIGHT_M = 0.06


class CameraServer:
    """Serves one farm's camera on 127.0.0.1.

    Args:
        farm: What stands before the camera.
        plants: On the wall.
        utc: The simulated calendar.
        port: To listen on; 0 takes a free one.
        seed: Of the shot noise and of the drifts.
        camera: Its settings; the default ones where None.
    """

    def __init__(
        self,
        farm: Farm,
        plants: Sequence[PlantSpec],
        utc: Callable[[], datetime],
        port: int,
        seed: int,
        camera: Camera | None = None,
    ) -> None:
        self.farm, self.plants, self.utc, self.camera = farm, list(plants), utc, camera or Camera()
        self._seed = seed
        self._photographer: tuple[tuple[int, ...], Photographer] | None = None
        self._rendering = threading.Lock()
        self._ending = threading.Event()
        self._poses: dict[str, list[Array]] = {plant.name: [] for plant in plants}
        self._frame = 0
        self._last: tuple[bytes, dict[str, str]] | None = None
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        except OSError as error:
            raise PortUnavailable(f"127.0.0.1:{port}", str(error), "simulated camera") from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="sim-camera")

    @property
    def address(self) -> str:
        """Such as `http://127.0.0.1:8701`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; requests that hang are let go."""
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def snapshot(self) -> tuple[bytes, dict[str, str]]:
        """A photograph as the camera sends it now, faults of its content included, and its headers."""
        with self._rendering:
            faults = self.farm.faults
            if faults["camera.stale"] and self._last is not None:
                return self._last
            pose, twist = self.farm.look(camera_motion)
            taken_at, frame = self.utc(), self._frame
            jpeg = self._black(frame) if faults["camera.black"] else self._the_photographer().jpeg(pose, frame, twist)
            jpeg = _halved(jpeg) if faults["camera.size"] else jpeg
            self._frame += 1
            plant = nearest_plant(self.plants, pose)
            if plant is not None:
                self._poses[plant].append(pose)
            self._last = jpeg, {"X-Taken-At": taken_at.isoformat(), "X-Frame": str(frame)}
            return self._last

    def truth(self, name: str) -> dict[str, Any]:
        """What is true of a plant.

        Raises:
            KeyError: There is no such plant.
        """
        with self._rendering:
            poses = self._poses[name]
            if (
                self.plants[round(self.farm.faults["plant.missing"]) - 1].name == name
                and self.farm.faults["plant.missing"]
            ):
                raise KeyError(name)
            return self._the_photographer().truth(name, np.array(poses).reshape(-1, 4, 4))

    def state(self) -> dict[str, Any]:
        """The true state of everything that moves, and when."""
        return {"utc": self.utc().isoformat(), **self.farm.look(true_state)}

    def wait_hung(self) -> None:
        """Answer nothing for a long time."""
        self._ending.wait(HUNG_S)

    def _black(self, frame: int) -> bytes:
        """Darkness with a few hot pixels, elsewhere in every photograph: no real sensor repeats itself."""
        lens = self.farm.world.lens
        picture = np.zeros((lens.height_px, lens.width_px, 3), np.uint8)
        rows, columns = np.random.default_rng([self._seed, frame]).integers(0, picture.shape[:2], (20, 2)).T
        picture[rows, columns] = 60
        return cv2.imencode(".jpg", picture)[1].tobytes()

    def _the_photographer(self) -> Photographer:
        """Made at the first photograph, and again when a lamp or a plant has changed."""
        faults = self.farm.faults
        wrong = tuple(round(faults[name]) for name in ("lamps.out", "plant.fallen", "plant.missing"))
        if self._photographer is None or self._photographer[0] != wrong:
            lamp, fallen, missing = wrong
            states = {fallen: "fallen", missing: "missing"}
            plants = [
                replace(plant, state=states.get(number, "standing")) for number, plant in enumerate(self.plants, 1)
            ]
            made = Photographer(self.farm.world, plants, self._seed, self.camera)
            made.lamps = [one for number, one in enumerate(LAMPS, 1) if number != lamp]
            self._photographer = wrong, made
        return self._photographer[1]


def _halved(jpeg: bytes) -> bytes:
    """A photograph as a camera at half its resolution sends it."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".jpg", cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))[1].tobytes()


def camera_motion(physics: Physics) -> tuple[Array, Array]:
    """True camera pose (4, 4) and its velocity in its own frame, (6,): three of m/s, three of rad/s.

    By a central difference over the next and the last half millisecond at the present rates of carriage and servos.
    """
    step_s = 0.0005
    before, after = (
        physics.world.world_from_camera(
            physics.carriage + sign * step_s * physics.carriage_rate,
            physics.joints_rad + sign * step_s * np.array(physics.servos.rate),
        )
        for sign in (-1, 1)
    )
    now = physics.world_from_camera()
    velocity = now[:3, :3].T @ (after[:3, 3] - before[:3, 3]) / (2 * step_s)
    turned = before[:3, :3].T @ after[:3, :3]
    spin = np.array([turned[2, 1] - turned[1, 2], turned[0, 2] - turned[2, 0], turned[1, 0] - turned[0, 1]]) / 2
    return now, np.concatenate([velocity, spin / (2 * step_s)])


def nearest_plant(plants: Sequence[PlantSpec], world_from_camera: Array) -> str | None:
    """The plant nearest to the camera's middle ray; None where there are no plants."""
    origin, ray = world_from_camera[:3, 3], world_from_camera[:3, 2]

    def away_m(plant: PlantSpec) -> float:
        towards = np.asarray(plant.position_m) + np.array([0, 0, MIDDLE_HEIGHT_M]) - origin
        return float(np.linalg.norm(towards - max(towards @ ray, 0.0) * ray))

    return min(plants, key=away_m).name if plants else None


def true_state(physics: Physics) -> dict[str, Any]:
    """Pose, rates, joints, tensions, drums and camera, as numbers for JSON."""
    return {
        "time_s": physics.time_s,
        "carriage": {key: float(value) for key, value in zip(("x_m", "y_m", "yaw_rad"), physics.carriage, strict=True)},
        "carriage_rate": physics.carriage_rate.tolist(),
        "docked": bool(physics.body.docked[0]),
        "joints_rad": physics.joints_rad.tolist(),
        "tensions_n": physics.tensions_n.tolist(),
        "drum_turns": (physics.drives.angle / (2 * np.pi)).tolist(),
        "drives_on": (physics.drives.mode != 0).tolist(),
        "servos_on": (physics.servos.on != 0).tolist(),
        "world_from_camera": physics.world_from_camera().tolist(),
    }


def _spoken(text: str) -> object:
    """What a body says: JSON, or, where it is none, itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _handler(camera: CameraServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path == "/snapshot.jpg":
                self._snapshot()
            elif path == "/state.json":
                self._json(camera.state())
            elif path == "/faults.json":
                self._json(camera.farm.faults.table())
            elif path == "/appointments.json":
                self._json(camera.farm.appointed())
            elif path.startswith("/truth/") and path.endswith(".json"):
                self._truth(path.removeprefix("/truth/").removesuffix(".json"))
            else:
                self._complain(HTTPStatus.NOT_FOUND, f"nothing is at {path}")

        def do_PUT(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length).decode("utf-8", "replace").strip()
            if not self.path.startswith("/faults/"):
                self._complain(HTTPStatus.NOT_FOUND, f"nothing is to be put at {self.path}")
                return
            name = self.path.removeprefix("/faults/")
            try:
                camera.farm.arrange({name: _spoken(text)})
            except InputError as error:
                self._complain(HTTPStatus.BAD_REQUEST, str(error))
                return
            self._json({name: camera.farm.faults[name]})

        def _snapshot(self) -> None:
            camera.farm.asked()
            faults = camera.farm.faults
            if faults["camera.hung"]:
                camera.wait_hung()
                self.close_connection = True
                return
            if faults["camera.unplugged"]:
                self._complain(HTTPStatus.SERVICE_UNAVAILABLE, "the camera is unplugged")
                return
            jpeg, headers = camera.snapshot()
            sent = jpeg[: len(jpeg) // 2] if faults["camera.torn"] else jpeg
            self._send(HTTPStatus.OK, "image/jpeg", sent, headers, length=len(jpeg))
            self.close_connection = len(sent) < len(jpeg)

        def _truth(self, name: str) -> None:
            try:
                self._json(camera.truth(name))
            except KeyError:
                self._complain(HTTPStatus.NOT_FOUND, f"there is no plant {name!r}")

        def _json(self, value: object) -> None:
            self._send(HTTPStatus.OK, "application/json", json.dumps(value).encode(), {})

        def _complain(self, status: HTTPStatus, text: str) -> None:
            self._send(status, "text/plain; charset=utf-8", f"{text}\n".encode(), {})

        def _send(
            self, status: HTTPStatus, kind: str, body: bytes, headers: dict[str, str], length: int | None = None
        ) -> None:
            self.send_response(status)
            for key, value in {"Content-Type": kind, "Cache-Control": "no-store", **headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a scan asks thousands of times."""

    return Handler
