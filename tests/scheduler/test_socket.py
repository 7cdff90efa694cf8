"""The line to the daemon: stop, clear, state, and whatever strangers send."""

import json
import socket
import stat
import threading
from pathlib import Path

import pytest

from scheduler.socket import DaemonClient, NoDaemon, SocketServer
from trellis.errors import DeviceError


def _refuse() -> dict[str, object]:
    raise DeviceError("the lower left winch does not answer")


def test_an_action_is_done_and_answered(tmp_path: Path) -> None:
    done: list[str] = []
    actions = {"stop": lambda: done.append("stop") or {"stopped": True}}
    with SocketServer(tmp_path / "d.sock", actions):
        assert DaemonClient(tmp_path / "d.sock").stop() == {"ok": True, "stopped": True}
    assert done == ["stop"]


def test_only_the_owner_may_open_it(tmp_path: Path) -> None:
    with SocketServer(tmp_path / "d.sock", {}):
        assert stat.S_IMODE((tmp_path / "d.sock").stat().st_mode) == 0o600
    assert not (tmp_path / "d.sock").exists()


def test_an_error_reaches_the_asker_as_an_error(tmp_path: Path) -> None:
    with (
        SocketServer(tmp_path / "d.sock", {"clear": _refuse}),
        pytest.raises(DeviceError, match="lower left winch does not answer"),
    ):
        DaemonClient(tmp_path / "d.sock").clear()


@pytest.mark.parametrize("line", [b"", b"hello", b"[]", b'{"do": "dance"}', b'{"do": 3}', b"\xff\xfe", b"null"])
def test_nonsense_is_answered_with_what_is_allowed_and_the_line_stays_open(tmp_path: Path, line: bytes) -> None:
    with (
        SocketServer(tmp_path / "d.sock", {"state": lambda: {"fine": 1}}),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(str(tmp_path / "d.sock"))
        with client.makefile("rb") as answers:
            client.sendall(line + b'\n{"do": "state"}\n')
            refused, given = json.loads(answers.readline()), json.loads(answers.readline())
    assert refused["ok"] is False
    assert "one of state" in refused["error"]
    assert given == {"ok": True, "fine": 1}


def test_a_slow_action_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    asked, release = threading.Event(), threading.Event()

    def slow() -> dict[str, object]:
        asked.set()
        release.wait(30)
        return {}

    with SocketServer(tmp_path / "d.sock", {"state": slow, "stop": dict}):
        waiting = threading.Thread(target=DaemonClient(tmp_path / "d.sock", 30.0).state)
        waiting.start()
        assert asked.wait(30)
        assert DaemonClient(tmp_path / "d.sock").stop() == {"ok": True}
        release.set()
        waiting.join()


def test_no_daemon_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoDaemon, match=r"no daemon runs .*start one with `trellis daemon"):
        DaemonClient(tmp_path / "d.sock").state()


def test_the_socket_of_a_killed_daemon_is_no_daemon_and_can_be_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(NoDaemon):
        DaemonClient(path).state()
    with SocketServer(path, {"state": dict}):
        assert DaemonClient(path).state() == {"ok": True}


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("deeper" * 20)
    folder.mkdir(parents=True)
    with SocketServer(folder / "daemon.sock", {"state": dict}):
        assert DaemonClient(folder / "daemon.sock").state() == {"ok": True}
