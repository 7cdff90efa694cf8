"""Who is told what: errors once, no scan today, no daemon; over apprise to a loopback server, over MQTT to a broker."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from scheduler.config import FarmSection, MqttTable, ScheduleTable
from scheduler.home_assistant import ENTITIES, messages, publish
from scheduler.notices import Seen, Told, notices, why_no_scan
from scheduler.notify_command import look
from scheduler.rows import EventRow, ScanRow
from scheduler.systemd import units
from trellis.config import load_configuration
from trellis.errors import InputError, PortUnavailable

FARM = FarmSection(name="Farm", timezone="Europe/Berlin", schedules=(ScheduleTable(daily_at="05:00"),))
FIVE = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)  # 05:00 in Berlin


#: One of its plug-ins imports what Python 3.13 has no more.
APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def _event(number: int, level: Any = "error") -> EventRow:
    return EventRow(number, FIVE, level, f"event {number}")


def _scan(at: datetime, state: Any = "done") -> ScanRow:
    return ScanRow("s", "p01", state, at, at + timedelta(minutes=10), 64, 64, 0, "plants/p01/s")


def test_an_error_is_told_once_and_a_warning_is_not() -> None:
    found, told = notices(FARM, Seen([_event(3), _event(2, "warning"), _event(1)]), Told(), FIVE)
    assert [notice.body for notice in found] == ["05:00 event 1\n05:00 event 3"]
    assert notices(FARM, Seen([_event(3)]), told, FIVE)[0] == []


def test_a_flood_of_errors_is_one_message() -> None:
    found, _ = notices(FARM, Seen([_event(number) for number in range(300, 0, -1)]), Told(), FIVE)
    assert len(found) == 1
    assert found[0].body.endswith("... and 280 more")


@pytest.mark.parametrize(
    ("hours", "scans", "told"),
    [
        (2.9, [], False),  # not yet
        (3.1, [], True),
        (3.1, [_scan(FIVE - timedelta(hours=2))], True),  # before today's turn
        (3.1, [_scan(FIVE, "failed")], True),
        (3.1, [_scan(FIVE + timedelta(hours=1))], False),
        (-1.0, [], False),  # nothing was due today
    ],
)
def test_no_scan_today_is_told_some_hours_after_the_first_turn(hours: float, scans: list[ScanRow], told: bool) -> None:
    assert (why_no_scan(FARM, Seen(scans=scans), FIVE + timedelta(hours=hours)) is not None) == told


def test_no_scan_today_is_told_once_a_day() -> None:
    late = FIVE + timedelta(hours=4)
    found, told = notices(FARM, Seen(), Told(), late)
    assert [notice.title for notice in found] == ["Farm: no scan today"]
    assert notices(FARM, Seen(), told, late + timedelta(hours=1))[0] == []
    assert len(notices(FARM, Seen(), told, late + timedelta(days=1))[0]) == 1


def test_a_daemon_that_is_gone_and_one_that_is_back_are_told() -> None:
    found, told = notices(FARM, Seen(daemon=False), Told(), FIVE)
    assert [notice.title for notice in found] == ["Farm: the daemon does not run"]
    assert notices(FARM, Seen(daemon=False), told, FIVE)[0] == []
    assert [notice.title for notice in notices(FARM, Seen(), told, FIVE)[0]] == ["Farm: the daemon runs again"]


class _Mailbox:
    """Takes what apprise posts."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def mailbox() -> Iterator[_Mailbox]:
    made = _Mailbox()
    yield made
    made.close()


def _configuration(farm: Any, more: str) -> Any:
    path = farm.folder.path.parent / "farm.toml"
    path.write_text(f'[farm]\nname = "Farm"\n{more}')
    return load_configuration(path)


@APPRISE
def test_apprise_delivers_what_the_farm_says_from_outside_the_daemon_and_again_if_it_did_not_arrive(
    farm: Any, mailbox: _Mailbox
) -> None:
    url = f"json://127.0.0.1:{mailbox.server.server_address[1]}"
    configuration = _configuration(farm, f'[farm.notices]\nurls = ["{url}"]\n')
    farm.store.add_event("long ago", "error")
    look(configuration, FIVE)  # the first look: no daemon runs; what lies before it is no news
    assert [message["title"] for message in mailbox.taken] == ["Farm: the daemon does not run"]
    farm.store.add_event("winch 2 reports: motor failed", "error")
    mailbox.status = 500
    with pytest.raises(InputError, match=r"URL 1 \(json\) did not take the message"):
        look(configuration, FIVE)
    mailbox.status = 200
    look(configuration, FIVE)
    look(configuration, FIVE)
    assert [message["message"].endswith("winch 2 reports: motor failed") for message in mailbox.taken[1:]] == [
        True,
        True,
    ]


@APPRISE
def test_a_url_that_apprise_does_not_know_is_refused_without_showing_it(farm: Any) -> None:
    configuration = _configuration(farm, '[farm.notices]\nurls = ["nonsense://user:secret@host"]\n')
    with pytest.raises(InputError, match=r"URL 1 \(nonsense\) is none that apprise knows") as caught:
        look(configuration, FIVE)
    assert "secret" not in str(caught.value)


def test_home_assistant_is_told_one_device_with_all_its_sensors() -> None:
    told = dict(messages(MqttTable(host="x"), "My Farm", "0.1", {"daemon": True, "stopped": False, "disk_free": 12.5}))
    config = json.loads(told["homeassistant/binary_sensor/trellis_my_farm/daemon/config"])
    assert config["device"]["identifiers"] == ["trellis_my_farm"]
    assert told[config["state_topic"]] == "ON"
    assert told["trellis/my_farm/stopped"] == "OFF"
    assert told["trellis/my_farm/disk_free"] == "12.5"
    assert len([topic for topic in told if topic.endswith("/config")]) == len(ENTITIES)
    assert "trellis/my_farm/last_scan" not in told  # not known


def test_nobody_at_the_brokers_address_is_said_so() -> None:
    with pytest.raises(PortUnavailable, match="MQTT"):
        publish(MqttTable(host="127.0.0.1", port=9), "", [("a", "b")])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Debian's mosquitto, on a free port of the loopback."""
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        pytest.skip("mosquitto is not installed: the MQTT broker is not tested (apt-get install mosquitto)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with subprocess.Popen([program, "-c", str(conf)], stdout=-3, stderr=-3) as process:
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            except OSError:
                assert process.poll() is None
                threading.Event().wait(0.02)
        yield port
        process.terminate()


def test_a_real_broker_keeps_discovery_and_values_for_who_comes_later(farm: Any, broker: int) -> None:
    configuration = _configuration(farm, f'[farm.mqtt]\nhost = "127.0.0.1"\nport = {broker}\n')
    look(configuration, FIVE, tell=lambda configuration, notice: None)
    heard: dict[str, str] = {}
    complete = threading.Event()

    def take(client: Any, data: Any, message: Any) -> None:
        heard[message.topic] = message.payload.decode()
        if "trellis/farm/disk_free" in heard and sum(topic.endswith("/config") for topic in heard) == len(ENTITIES):
            complete.set()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_message = take
    client.connect("127.0.0.1", broker)
    client.subscribe("#")
    client.loop_start()
    assert complete.wait(20)
    client.disconnect()
    client.loop_stop()
    assert heard["trellis/farm/daemon"] == "OFF"
    assert heard["trellis/farm/no_scan_today"] == "OFF"


def test_a_timer_looks_from_outside_the_daemon(tmp_path: Path) -> None:
    made = units("Farm", "nobody", Path("/bin/true"), tmp_path / "farm.toml", tmp_path)
    assert "ExecStart=/bin/true notify" in made["trellis-notify.service"]
    assert "OnUnitActiveSec=10min" in made["trellis-notify.timer"]
