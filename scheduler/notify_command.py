"""`trellis notify`: tell people and the broker what they should know; run by a timer, outside of the daemon."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import apprise
import structlog
import typer

from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.disk import Disk
from scheduler.farm import open_store
from scheduler.home_assistant import messages, publish
from scheduler.logs import log_to_stderr
from scheduler.notices import Notice, Seen, Told, notices, why_no_scan
from scheduler.socket import DaemonClient
from scheduler.store import Store
from trellis.clock import SystemClock
from trellis.config import Configuration, load_configuration
from trellis.durable import write_durably
from trellis.errors import InputError, TrellisError

log = structlog.get_logger("notify")


def notify(
    config: ConfigPath = DEFAULT_CONFIG,
    every_s: Annotated[float, typer.Option("--every", help="Look again after so many seconds; 0: once.")] = 0.0,
    test: Annotated[bool, typer.Option("--test", help="Send a message to everybody, to see that it arrives.")] = False,
) -> None:
    """Tell by mail, phone or chat (apprise) and MQTT what people should know: errors, no scan today, no daemon."""
    log_to_stderr()
    configuration = load_configuration(config)
    if test:
        send(configuration, Notice("Trellis", "This is a test; whatever the farm has to say comes here."))
        return
    while True:
        look(configuration, SystemClock().utc())
        if not every_s:
            return
        time.sleep(every_s)


def look(
    configuration: Configuration,
    now: datetime,
    tell: Callable[[Configuration, Notice], None] | None = None,
) -> list[Notice]:
    """Look once, and tell what is new.

    What could not be delivered is told again the next time.

    Raises:
        TrellisError: Somebody could not be told; everybody else was.
    """
    farm, folder = configuration.section(FarmSection), data_folder(configuration)
    kept = folder.path / "notices.json"
    told, faults = _told(kept), []
    running, stopped = _daemon(configuration)
    try:
        with open_store(configuration) as store:
            first = not kept.exists()  # what happened before anybody was to be told is no news
            seen = Seen(store.events(1000, after_id=told.event), store.scans(limit=200), running)
            values = _values(configuration, store, seen, now) | {"daemon": running, "stopped": stopped}
        told = Told(event=max([0, *(event.id for event in seen.events)])) if first else told
        found, after = notices(farm, seen, told, now)
    except TrellisError as error:
        found, after, values = (
            [Notice(f"{farm.name}: the database cannot be read", str(error))],
            told,
            {"daemon": running},
        )
    try:
        for notice in found:
            (tell or send)(configuration, notice)
        write_durably(kept, (json.dumps(asdict(after)) + "\n").encode())
    except TrellisError as error:
        faults.append(error)
    if farm.mqtt.host:
        try:
            password = os.environ.get("TRELLIS_MQTT_PASSWORD", "")
            publish(farm.mqtt, password, messages(farm.mqtt, farm.name, version("trellis-farm"), values))
        except TrellisError as error:
            faults.append(error)
    if faults:
        raise faults[0]
    return found


def send(configuration: Configuration, notice: Notice) -> None:
    """One message to every URL. Raises `InputError` if one is none, or did not take it."""
    urls = [*configuration.section(FarmSection).notices.urls, *os.environ.get("TRELLIS_NOTICE_URLS", "").split()]
    if not urls:
        log.warning("nobody is to be told: [farm.notices] urls is empty", title=notice.title, body=notice.body)
        return
    for number, url in enumerate(urls, start=1):
        one = apprise.Apprise()
        # Never the URL itself: it holds a password.
        if not one.add(url):
            raise InputError(
                f"[farm.notices] URL {number} ({url.split(':')[0]}) is none that apprise knows; see its docs"
            )
        if not one.notify(title=notice.title, body=notice.body):
            raise InputError(f"[farm.notices] URL {number} ({url.split(':')[0]}) did not take the message; check it")


def _told(path: Path) -> Told:
    try:
        return Told(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return Told()


def _daemon(configuration: Configuration) -> tuple[bool, bool | None]:
    """Whether it runs, and whether it is stopped."""
    try:
        return True, bool(DaemonClient(data_folder(configuration).daemon_socket).state()["stopped"])
    except TrellisError:
        return False, None


def _values(configuration: Configuration, store: Store, seen: Seen, now: datetime) -> dict[str, Any]:
    farm, folder = configuration.section(FarmSection), data_folder(configuration)
    done = next((scan for scan in seen.scans if scan.state == "done"), None)
    day_ago = now - timedelta(days=1)
    return {
        "no_scan_today": why_no_scan(farm, seen, now) is not None,
        "last_scan": None if done is None else done.started_at.isoformat(),
        "scans_waiting": len(store.queue()),
        "reconstructions_waiting": len(store.jobs(states=["queued", "running"], kind="reconstruct", limit=100_000)),
        "failed_today": sum(scan.state == "failed" and scan.started_at > day_ago for scan in seen.scans),
        "disk_free": round(Disk(store, folder, 0).room().free_bytes / 1e9, 1),
    }
