"""Reading a flight recording, whole or broken off: everything up to the last chunk that is all there."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.records import Channel
from mcap.records import Message as Record
from mcap.stream_reader import StreamReader
from zstandard import ZstdError

from trellis.errors import InputError, reason_of

#: No record of ours comes near; a length beyond it is what a torn file says.
_RECORD_BYTES_MAX = 64 << 20


@dataclass(frozen=True)
class Message:
    """What was told, and when: nanoseconds since 1970, UTC."""

    topic: str
    time_ns: int
    values: dict[str, Any]


def read_flight(path: Path) -> list[Message]:
    """Every message, in the order of its time.

    Raises:
        InputError: There is no such file, or it cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            reader = StreamReader(file, validate_crcs=True, record_size_limit=_RECORD_BYTES_MAX)
            return sorted(_messages(reader), key=lambda message: message.time_ns)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason_of(error)}; scans before this version have none") from error


def _messages(reader: StreamReader) -> Iterator[Message]:
    topics: dict[int, str] = {}
    records = iter(reader.records)
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except (McapError, ZstdError, struct.error, ValueError):
            return  # the end is torn: what came before it stands
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Record) and record.channel_id in topics:
            yield Message(topics[record.channel_id], record.log_time, json.loads(record.data))
