"""The daemon's Unix socket, for what cannot wait: stop, clear, state. One JSON object a line, each way.

Request: `{"do": "stop"}`. Answer: `{"ok": true, ...}`, or `{"ok": false, "error": "one line"}`. Only the daemon's own
user may open it.
"""

import json
import os
import socket
import socketserver
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from trellis.errors import DeviceError, TrellisError

Answer = dict[str, Any]

#: The kernel keeps this many bytes for the address of a Unix socket, one of them for the end.
_ADDRESS_MAX = 107
_IDLE_S = 5.0
_LINE_MAX = 4096


class NoDaemon(TrellisError):
    """No daemon answers on the socket."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no daemon runs (nobody answers at {path}); start one with `trellis daemon --config CONFIG`")
        self.path = path


class DaemonClient:
    """Asks the daemon for what cannot wait; each call opens the socket anew.

    Args:
        path: `DataFolder.daemon_socket`.
        timeout_s: How long an answer may take.
    """

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self._path, self._timeout_s = path, timeout_s

    def stop(self) -> Answer:
        """Freeze all actuators now.

        Raises:
            NoDaemon: None runs.
            DeviceError: The daemon answered, and what it says is that a device could not be stopped.
        """
        return self._ask("stop")

    def clear(self) -> Answer:
        """Allow motion again; a scan that was stopped goes on. Raises as `stop` does."""
        return self._ask("clear")

    def state(self) -> Answer:
        """What goes on: `stopped`, `job` (with `age_s`, the seconds since its last sign of life) and `cell`.

        `cell` is `CellState.as_json()` with `cell_age_s`, or None with `cell_reason`. Raises as `stop` does.
        """
        return self._ask("state")

    def drive(self, request: Mapping[str, Any]) -> Answer:
        """By hand: `word` is `ask` (with `scheduler.hands.Motion`'s `kind`, `axis`, `by`), `keep`, `release`, `leave`.

        Answers `hands` as in the state. Raises as `stop` does; what is refused is a `DeviceError` too.
        """
        return self._ask("drive", request)

    def picture(self) -> bytes:
        """What the camera sees now, JPEG. Raises as `stop` does."""
        return b64decode(self._ask("picture")["jpeg"])

    def _ask(self, what: str, request: Mapping[str, Any] | None = None) -> Answer:
        try:
            with socket.socket(socket.AF_UNIX) as line, _address(self._path) as address:
                line.settimeout(self._timeout_s)
                line.connect(address)
                line.sendall(json.dumps({**(request or {}), "do": what}).encode() + b"\n")
                with line.makefile("rb") as answers:
                    text = answers.readline()
        except (FileNotFoundError, NotADirectoryError, ConnectionError) as error:
            raise NoDaemon(self._path) from error
        except PermissionError as error:
            raise DeviceError(f"{self._path} belongs to another user; run this as the daemon's user") from error
        except OSError as error:
            raise DeviceError(f"the daemon did not answer {what!r} within {self._timeout_s:g} s: {error}") from error
        if not text:
            raise NoDaemon(self._path)
        answer: Answer = json.loads(text)
        if not answer.get("ok"):
            raise DeviceError(str(answer.get("error", f"the daemon refused {what!r}")))
        return answer


class SocketServer:
    """Answers on the socket from threads of its own, so that nothing in the daemon can be in its way.

    Args:
        path: Where; a file that a killed daemon left there is replaced. The caller holds the daemon's lock.
        actions: What to do for each word; the answer is what they return. They may raise `TrellisError`.
        asked: The same for words that come with more: these get the request.
    """

    def __init__(
        self,
        path: Path,
        actions: dict[str, Callable[[], Answer]],
        asked: Mapping[str, Callable[[Answer], Answer]] | None = None,
    ) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        with _address(path) as address:
            before = os.umask(0o177)
            try:
                self._server = _Server(address, _Handler)
            finally:
                os.umask(before)
        self._server.actions, self._server.asked = actions, dict(asked or {})
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="socket")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = True
    request_queue_size = 64
    actions: dict[str, Callable[[], Answer]]
    asked: dict[str, Callable[[Answer], Answer]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(socketserver.StreamRequestHandler):
    timeout = _IDLE_S
    server: _Server

    def handle(self) -> None:
        try:
            while line := self.rfile.readline(_LINE_MAX):
                self.wfile.write(json.dumps(answer_to(line, self.server.actions, self.server.asked)).encode() + b"\n")
        except OSError:
            return  # the client is gone, or said nothing for too long


def answer_to(
    line: bytes, actions: dict[str, Callable[[], Answer]], asked: Mapping[str, Callable[[Answer], Answer]] | None = None
) -> Answer:
    """The answer to one line; whatever it holds, there is one."""
    try:
        request = json.loads(line)
        what = request.get("do") if isinstance(request, dict) else None
    except ValueError:
        what = None
    more = asked or {}
    if not isinstance(what, str) or (what not in actions and what not in more):
        return {
            "ok": False,
            "error": f'a request is {{"do": one of {", ".join(sorted({*actions, *more}))}}} on one line',
        }
    try:
        return {"ok": True, **(actions[what]() if what in actions else more[what](request))}
    except TrellisError as error:
        return {"ok": False, "error": str(error)}


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """A path that fits into a socket's address; a long one is reached through its folder's descriptor."""
    if len(os.fsencode(path)) <= _ADDRESS_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
