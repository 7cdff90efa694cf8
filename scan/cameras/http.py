"""A camera behind a snapshot address: every GET answers with one fresh JPEG."""

import httpx

from scan.cameras.camera import Frame
from scan.cameras.jpeg import complete_jpeg
from trellis.clock import Clock
from trellis.errors import CameraError

#: More than any camera's photograph; a stream that never ends is cut here.
_BYTES_MAX = 64 * 1024 * 1024


class HttpCamera:
    """Any snapshot address: an ESP32, a phone, `mjpg-streamer`, an IP camera, the simulator.

    Args:
        url: Answers a GET with a JPEG.
        timeout_s: How long any step of a request may take, in real time.
        clock: Stamps the photographs, and bounds the whole request.
    """

    def __init__(self, url: str, timeout_s: float, clock: Clock) -> None:
        self._url, self._timeout_s, self._clock = url, timeout_s, clock
        self._client: httpx.Client | None = None

    def connect(self) -> None:
        """Take one photograph and throw it away, which shows that the camera is there."""
        # A camera stands in the farm's own network: a proxy from the environment has no part in it.
        self._client = httpx.Client(timeout=self._timeout_s, follow_redirects=True, trust_env=False)
        try:
            self.snapshot(self._clock.monotonic_s() + self._timeout_s)
        except CameraError:
            self.close()
            raise

    def snapshot(self, deadline_s: float) -> Frame:
        """See `Camera.snapshot`."""
        if self._client is None:
            raise CameraError(f"the camera at {self._url} is not connected; call connect() first")
        taken_at = self._clock.utc()
        try:
            with self._client.stream("GET", self._url, headers={"Cache-Control": "no-cache"}) as response:
                content = self._body(response, deadline_s)
        except httpx.TimeoutException as error:
            raise self._too_late() from error
        except httpx.InvalidURL as error:
            raise CameraError(f"[camera] url {self._url!r} is no address: {error}") from error
        except httpx.RemoteProtocolError as error:
            raise CameraError(f"the camera at {self._url} broke off its answer: {error}; try again") from error
        except httpx.HTTPError as error:
            raise CameraError(
                f"the camera at {self._url} does not answer: {error}; check that it is switched on and the address"
            ) from error
        return Frame(complete_jpeg(content, f"the camera at {self._url}"), taken_at)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _body(self, response: httpx.Response, deadline_s: float) -> bytes:
        if response.status_code != httpx.codes.OK:
            raise CameraError(
                f"the camera at {self._url} answered {response.status_code} {response.reason_phrase}, not 200; "
                "check the camera and the address"
            )
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if self._clock.monotonic_s() > deadline_s:
                raise self._too_late()
            if len(content) > _BYTES_MAX:
                raise CameraError(f"the camera at {self._url} sends without end; give an address of single snapshots")
        return bytes(content)

    def _too_late(self) -> CameraError:
        return CameraError(
            f"the camera at {self._url} gave no whole photograph within {self._timeout_s:g} s; "
            "check its network, or raise [camera] timeout_s"
        )
