"""The farm for Prometheus: jobs, turns, scans, disk, and how old the last good scan is, on a port of the daemon's."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from scheduler.config import MetricsTable
from scheduler.disk import Disk
from scheduler.store import Store
from trellis.errors import PortUnavailable, TrellisError

_DAY = timedelta(days=1)


class FarmCollector(Collector):
    """Reads the store whenever Prometheus asks.

    Args:
        store: The farm's.
        disk: Its disk.
        now: What the calendar says.
        stopped: Whether a stop is in force.
    """

    def __init__(self, store: Store, disk: Disk, now: Callable[[], datetime], stopped: Callable[[], bool]) -> None:
        self._store, self._disk, self._now, self._stopped = store, disk, now, stopped

    def collect(self) -> Iterable[Metric]:
        """Every figure; `trellis_store_readable` 0 alone if the store cannot be read."""
        readable = GaugeMetricFamily("trellis_store_readable", "1 if the database can be read", 1.0)
        try:
            found = list(self._read())
        except TrellisError:
            yield GaugeMetricFamily("trellis_store_readable", "1 if the database can be read", 0.0)
            return
        yield readable
        yield from found

    def _read(self) -> Iterator[Metric]:
        now = self._now()
        jobs = GaugeMetricFamily("trellis_jobs", "Jobs that have not ended", labels=["kind", "state"])
        waiting = Counter(
            (job.kind, job.state) for job in self._store.jobs(states=["queued", "running", "paused"], limit=10_000)
        )
        for kind in ("scan", "reconstruct"):
            for state in ("queued", "running", "paused"):
                jobs.add_metric([kind, state], waiting[kind, state])
        yield jobs
        turns = GaugeMetricFamily(
            "trellis_turns_last_day", "Turns due in the last 24 h by their fate", labels=["state"]
        )
        fates = Counter(turn.state for turn in self._store.occurrences(since=now - _DAY, until=now, limit=100_000))
        for state in ("started", "done", "failed", "missed", "skipped"):
            turns.add_metric([state], fates[state])
        yield turns
        done = [scan for scan in self._store.scans(limit=200) if scan.state == "done"]
        age_s = (now - done[0].started_at).total_seconds() if done else float("nan")
        yield GaugeMetricFamily("trellis_last_scan_age_seconds", "Since the newest good scan began", age_s)
        room = self._disk.room()
        yield GaugeMetricFamily("trellis_disk_free_bytes", "Free below the data folder", room.free_bytes)
        yield GaugeMetricFamily("trellis_disk_scans_left", "Scans that the disk still takes", room.scans_left())
        yield GaugeMetricFamily("trellis_stopped", "1 while a stop is in force", float(self._stopped()))


@contextmanager
def metrics_served(table: MetricsTable, collector: Collector) -> Iterator[int | None]:
    """Serve them until the end of the block; the port, or None where none is configured.

    Raises:
        PortUnavailable: The port is taken.
    """
    if table.port == 0:
        yield None
        return
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(table.port, table.address, registry)
    except OSError as error:
        raise PortUnavailable(f"{table.address}:{table.port}", str(error), "metrics") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
