"""The headless daemon: owns the robot, follows the agenda, does jobs, and takes up what an earlier one left.

One thread for the robot, one for each reconstruction worker, some for the socket; the main thread keeps the agenda,
carries out durable commands and watches the others. A thread that fails for an unforeseen reason ends the daemon, so
that whoever supervises it starts it again; what was photographed is safe in the folders.
"""

import os
import socket
import threading
import time
from base64 import b64encode
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from scheduler import systemd
from scheduler.agenda_keeper import AgendaKeeper
from scheduler.backups import back_up_database, backups, old_backups
from scheduler.config import FarmSection
from scheduler.disk import Disk
from scheduler.hands import Motion
from scheduler.metrics import FarmCollector, metrics_served
from scheduler.rebuild import rebuild
from scheduler.recurrence import due_times
from scheduler.robot import Robot
from scheduler.room import when_there_is_room
from scheduler.rows import ATTEMPTS_MAX, CommandRow, JobRow
from scheduler.socket import Answer, SocketServer
from scheduler.store import Store
from scheduler.wall_clock import BELIEVED_FROM
from trellis.clock import Clock
from trellis.errors import InputError, OutOfSpace, TrellisError
from trellis.folders import DataFolder

log = structlog.get_logger("daemon")

_LOOP_S = 0.2
_BACKUP_EVERY = timedelta(hours=23)
_AGENDA_S = 5.0
#: A job that the disk had no room for is tried again once there is some, and not before this long.
_ROOM_PATIENCE_S = 30.0


class Workers(Protocol):
    """What does reconstructions: `scheduler.reconstructions`, or `scheduler.cluster` on other machines."""

    def serve(self) -> None: ...
    def cancel(self, job_id: int) -> None: ...


class Daemon:
    """Everything that runs; the caller holds the farm's lock (`scheduler.farm.only_daemon`).

    Args:
        farm: The farm's section.
        folder: Its data.
        store: Its database.
        robot: Does scans.
        reconstructions: Does the rest.
        clock: The calendar that the agenda lives by.
        ending: Set from a signal handler, say, to end it all.
        disk: The disk that the data lies on; if not given, as the farm's section has it.
    """

    def __init__(
        self,
        farm: FarmSection,
        folder: DataFolder,
        store: Store,
        robot: Robot,
        reconstructions: Workers,
        clock: Clock,
        ending: threading.Event,
        disk: Disk | None = None,
    ) -> None:
        self._disk = disk or Disk(store, folder, farm.disk.keep_free_bytes)
        self._farm, self._folder, self._store = farm, folder, store
        self._robot, self._reconstructions = robot, reconstructions
        self._clock, self._ending = clock, ending
        warn = partial(store.add_event, level="warning")
        self._agenda = AgendaKeeper(store, farm.schedules, farm.zone, warn, farm.hours)
        self._metrics = FarmCollector(store, self._disk, clock.utc, lambda: robot.stopped)
        self._started_at = clock.utc()
        self._stop_written = store.stopped()
        self._told_event = 0
        self._room_again_s = self._agenda_at_s = 0.0
        self._backed_up = self._disk_warned = BELIEVED_FROM

    def run(self) -> None:
        """Until `ending` is set, and then until everything is put away."""
        newest = self._store.events(1)
        self._told_event = newest[0].id if newest else 0
        when_there_is_room(lambda: take_up(self._store, self._folder), self._ending)
        actions = {"stop": self._do_stop, "clear": self._do_clear, "state": self._do_state, "picture": self._do_picture}
        count = 1 + (1 if self._farm.workers.scheduler else self._farm.workers.count)
        with (
            SocketServer(self._folder.daemon_socket, actions, {"drive": self._do_drive}),
            metrics_served(self._farm.metrics, self._metrics),
            ThreadPoolExecutor(count, thread_name_prefix="jobs") as threads,
        ):
            serving = [threads.submit(self._robot.serve)]
            serving += [threads.submit(self._reconstructions.serve) for _ in range(count - 1)]
            self._say("the daemon runs")
            systemd.tell("READY=1")
            try:
                self._loop(serving)
            finally:
                self._ending.set()
                systemd.tell("STOPPING=1")
        self._say("the daemon has ended")
        self._tell()

    def _say(self, line: str) -> None:
        with suppress(OutOfSpace):  # no reason not to run, or not to end
            self._store.add_event(line)

    def _loop(self, serving: list[Future[None]]) -> None:
        while not self._ending.wait(_LOOP_S):
            for future in serving:
                if future.done():
                    future.result()  # it ends only by failing: raises what it failed with
            systemd.tell("WATCHDOG=1")
            with suppress(OutOfSpace):  # only while the daemon ends
                when_there_is_room(self._look_after, self._ending)

    def _look_after(self) -> None:
        """Everything that is not the robot's or a worker's; done again from the start if the disk was full."""
        if time.monotonic() >= self._agenda_at_s:
            self._agenda.follow(self._clock.utc(), self._clock.monotonic_s())
            self._agenda_at_s = time.monotonic() + _AGENDA_S
            self._warn_of_the_disk()
        self._write_stop()
        self._carry_out()
        self._resume()
        self._back_up()
        self._tell()

    def _warn_of_the_disk(self) -> None:
        """Once a day, if the disk will not take what is due until tomorrow night."""
        now = self._clock.utc()
        if now < self._disk_warned + timedelta(hours=1) or self._agenda.doubt is not None:
            return
        self._disk_warned = now
        zone, plants = self._farm.zone, len(self._store.plants())
        tomorrow = (now.astimezone(zone) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
        tables = [table for table in self._farm.schedules if table.enabled]
        due = sum(
            len(due_times(table, zone, now, tomorrow)) * (plants if table.plants == "all" else len(table.plants))
            for table in tables
        )
        shortage = self._disk.shortage(due + len(self._store.queue()))
        if shortage is not None:
            self._store.add_event(shortage, "warning")
            self._disk_warned = now + timedelta(hours=23)

    def _back_up(self) -> None:
        """A copy of the database a day; old ones go by age."""
        now = self._clock.utc()
        if self._farm.database_url or now - self._backed_up < _BACKUP_EVERY or self._agenda.doubt is not None:
            return
        self._backed_up = now
        newest = backups(self._folder)[:1]
        if newest and now.timestamp() - newest[0].stat().st_mtime < _BACKUP_EVERY.total_seconds():
            return
        try:
            back_up_database(self._folder, now)
            for path in old_backups(backups(self._folder), now):
                path.unlink()
        except TrellisError as error:
            self._store.add_event(f"the daily copy of the database was not made: {error}", "error")

    def _carry_out(self) -> None:
        """Durable commands; a hold stays one until it is taken back."""
        pending = self._store.pending_commands()
        self._robot.hold(any(command.what == "hold" for command in pending))
        for command in pending:
            if command.what == "believe":
                self._agenda.judge.believe()
            elif command.job is not None:
                self._do(command, self._store.job(command.job))
            if command.what not in ("stop", "hold"):
                self._store.command_done(command.id)

    def _do(self, command: CommandRow, job: JobRow) -> None:
        """What a person asks of a job; what has ended meanwhile needs nothing."""
        if command.what == "cancel" and job.state == "running":
            (self._robot if job.kind == "scan" else self._reconstructions).cancel(job.id)
        elif command.what == "cancel":
            self._store.cancel(job.id)
        elif command.what == "skip" and command.view is not None:
            self._robot.skip(job.id, command.view)
        elif command.what == "pause" and job.state == "running":
            self._robot.pause(job.id)
        elif command.what == "pause" and not job.ended:
            self._store.pause_job(job.id)

    def _write_stop(self) -> None:
        """The stop itself never waits for the disk; its row follows here."""
        stopped = self._robot.stopped
        if stopped != self._stop_written:
            self._store.set_stopped(stopped)
            self._stop_written = stopped

    def _resume(self) -> None:
        """Queue again what was set aside, once what it waited for is over."""
        if self._robot.stopped or time.monotonic() < self._room_again_s:
            return
        if all(job.held for job in self._store.jobs(states=["paused"])):
            return
        self._room_again_s = time.monotonic() + _ROOM_PATIENCE_S
        if self._disk.room().lacking is None:
            self._store.resume_paused()

    def _tell(self) -> None:
        """New events into the log."""
        for event in reversed(self._store.events(1000, after_id=self._told_event)):
            about = {name: value for name in ("plant", "scan", "job") if (value := getattr(event, name)) is not None}
            getattr(log, event.level)(event.message, **about)
            self._told_event = event.id

    def _do_stop(self) -> Answer:
        self._robot.stop()
        return {"stopped": True}

    def _do_clear(self) -> Answer:
        self._robot.clear()
        self._room_again_s = 0.0
        return {"stopped": False}

    def _do_drive(self, request: Answer) -> Answer:
        word = request.get("word")
        if word == "ask":
            self._robot.drive(Motion.of(request))
        elif word in ("keep", "release", "leave"):
            getattr(self._robot.hands, word)()
        else:
            raise InputError(f"a word is ask, keep, release or leave, not {word!r}")
        return {"hands": self._robot.hands.as_json()}

    def _do_picture(self) -> Answer:
        return {"jpeg": b64encode(self._robot.picture()).decode()}

    def _do_state(self) -> Answer:
        cell, age_s, reason = self._robot.look()
        now = self._clock.utc()
        running = self._store.jobs(states=["running"], limit=20)
        jobs = [_shown(job, now) for job in sorted(running, key=lambda job: job.kind != "scan")]
        return {
            "stopped": self._robot.stopped,
            "held": self._store.held(),
            "hands": self._robot.hands.as_json(),
            "waits_for": self._robot.waits_for or self._agenda.doubt,
            "cell": cell,
            "cell_age_s": age_s,
            "cell_reason": reason,
            "job": jobs[0] if jobs else None,
            "jobs": jobs,
            "pid": os.getpid(),
            "started_at": self._started_at.isoformat(),
        }


def take_up(store: Store, folder: DataFolder) -> None:
    """Queue again what ran when an earlier daemon ended, and make rows follow the folders."""
    for job in store.jobs(states=["running"], limit=1000):
        if job.lease_owner is not None and not _of_this_machine(job.lease_owner):
            continue  # a worker elsewhere goes on with it, or its lease runs out
        if job.attempts >= ATTEMPTS_MAX:
            store.finish_job(job.id, "failed", f"was begun {job.attempts} times and never got further")
        else:
            store.requeue(job.id, "the daemon ended while it ran; it goes on")
    for line in rebuild(store, folder):
        store.add_event(line, "warning")


def _of_this_machine(owner: str) -> bool:
    """Whoever holds the farm's lock is the only daemon here, and workers die with theirs: such a lease is void."""
    return owner.split(":")[0] == socket.gethostname()


def _shown(job: JobRow, now: datetime) -> dict[str, Any]:
    """A job as JSON, with the seconds since its last sign of life."""
    values = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in vars(job).items()}
    values["age_s"] = None if job.heartbeat_at is None else (now - job.heartbeat_at).total_seconds()
    return values
