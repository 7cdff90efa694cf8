"""The flight recorder: what a scan told its devices and heard from them, in one MCAP file beside its photographs.

Messages are JSON with a JSON schema, which Foxglove and Lichtblick plot without a plug-in; poses and events are
Foxglove's own `PoseInFrame` and `Log`. Whoever has something to tell only puts it into a queue. A thread writes chunks,
each flushed to the disk within `CHUNK_S`, so that after a power cut the file can be read up to the last of them. A scan
that goes on does so in the same file: what was readable is written anew in front. A recorder that cannot write says so
once in the log and drops the rest: it never costs a photograph.
"""

import json
import os
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import structlog
from mcap.writer import CompressionType, Writer

from scheduler.flight_reader import read_flight
from scheduler.flight_schemas import schema_of
from trellis.clock import Clock

log = structlog.get_logger("flight")

#: So much may be lost to a power cut.
CHUNK_S = 2.0
#: A second of a cell is some 100 messages; more than ten minutes of them waiting means that the disk hangs.
_WAITING_MAX = 60_000


@dataclass(frozen=True)
class _Told:
    topic: str
    time_ns: int
    values: Mapping[str, object]


class FlightRecorder:
    """Records into `path` while it is entered; `note` may be called from any thread.

    Args:
        path: `ScanFolder.flight`; if there is one, it goes on.
        clock: Stamps messages: the calendar when it was entered, and from then on the monotonic clock.
        flush: Called with the file after each chunk; makes it durable, if not given.
    """

    def __init__(self, path: Path, clock: Clock, flush: Callable[[int], None] = os.fsync) -> None:
        self._path, self._clock, self._flush = path, clock, flush
        self._told: queue.Queue[_Told | None] = queue.Queue(_WAITING_MAX)
        self._thread = threading.Thread(target=self._serve, name="flight")
        self._channels: dict[str, int] = {}
        self.dropped = 0

    def __enter__(self) -> Self:
        self._start_ns = int(self._clock.utc().timestamp() * 1e9)
        self._start_s = self._clock.monotonic_s()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._told.put(None)
        self._thread.join()

    def note(self, topic: str, values: Mapping[str, object]) -> None:
        """Record a message; see `trellis.flight.Listener`."""
        time_ns = self._start_ns + int((self._clock.monotonic_s() - self._start_s) * 1e9)
        try:
            self._told.put_nowait(_Told(topic, time_ns, values))
        except queue.Full:
            self.dropped += 1

    def _serve(self) -> None:
        try:
            self._write()
        except OSError as error:
            log.error("the flight recorder ends; the scan does not", path=str(self._path), reason=str(error))
            while self._told.get() is not None:
                self.dropped += 1

    def _write(self) -> None:
        """A file under another name until all that an earlier one held is in it, and on the disk."""
        earlier = read_flight(self._path) if self._path.exists() else []
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f".{self._path.name}.part")
        with part.open("wb") as file:
            writer = Writer(file, compression=CompressionType.ZSTD)
            writer.start(profile="", library="trellis")
            for message in earlier:
                self._add(writer, message.topic, message.time_ns, message.values)
            self._end_chunk(writer, file)
            part.replace(self._path)
            self._take_down(writer, file)
            writer.finish()
            file.flush()
            self._flush(file.fileno())

    def _take_down(self, writer: Writer, file: IO[bytes]) -> None:
        """What comes, until None does."""
        due_s = monotonic() + CHUNK_S
        while True:
            with suppress(queue.Empty):
                told = self._told.get(timeout=max(due_s - monotonic(), 0.01))
                if told is None:
                    return
                self._add(writer, told.topic, told.time_ns, told.values)
            if monotonic() >= due_s:
                self._end_chunk(writer, file)
                due_s = monotonic() + CHUNK_S

    def _end_chunk(self, writer: Writer, file: IO[bytes]) -> None:
        writer.flush()
        self._flush(file.fileno())

    def _add(self, writer: Writer, topic: str, time_ns: int, values: Mapping[str, object]) -> None:
        name, schema = schema_of(topic)
        if topic not in self._channels:
            number = writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
            self._channels[topic] = writer.register_channel(topic, "json", number)
        if name.startswith("foxglove."):
            values = {"timestamp": {"sec": time_ns // 10**9, "nsec": time_ns % 10**9}, **values}
        data = json.dumps(_plain(values)).encode()
        writer.add_message(self._channels[topic], log_time=time_ns, data=data, publish_time=time_ns)


def _plain(value: Any) -> Any:
    """As JSON can hold it: arrays as lists, what is no number as null, what it does not know as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)
