"""Doctor, systemd, metrics, retention and forecast: what keeps a farm going while nobody is there."""

import shutil
import socket
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from scheduler import systemd
from scheduler.config import MetricsTable, RetentionTable
from scheduler.disk import Disk
from scheduler.doctor import look
from scheduler.metrics import FarmCollector, metrics_served
from scheduler.retention import forecast, prune, sizes_of
from scheduler.rows import ScanRow
from trellis.clock import SystemClock
from trellis.config import load_configuration
from trellis.errors import PortUnavailable
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest


@pytest.fixture
def scan(farm: Any) -> ScanRow:
    """A scan with a model."""
    farm.store.request_scan("p01")
    farm.robot().do(farm.store.take_job("scan"))
    (row,) = farm.store.scans()
    models = farm.folder.path / row.folder / "reconstruction"
    models.mkdir()
    (models / "cloud.ply").write_bytes(b"x" * 5000)
    (models / "traits.json").write_bytes(b"{}")
    found: ScanRow = row
    return found


def _findings(farm: Any, more: str = "") -> dict[str, str]:
    path = farm.folder.path.parent / "farm.toml"
    path.write_text(f'[farm]\n{more}[cables]\nports = ["/dev/none-0", "/dev/none-1"]\n')
    return {finding.what: finding.verdict for finding in look(load_configuration(path))}


def test_the_doctor_names_what_is_bad_and_what_is_good(farm: Any) -> None:
    found = _findings(farm)
    assert (found["database"], found["port"], found["daemon"]) == ("good", "bad", "doubtful")


def test_the_doctor_finds_a_damaged_database(farm: Any) -> None:
    farm.store.close()
    farm.folder.database.write_bytes(b"no database at all")
    assert _findings(farm)["database"] == "bad"


def test_the_doctor_finds_a_full_disk(farm: Any) -> None:
    assert _findings(farm, "disk = { keep_free_bytes = 1_000_000_000_000_000 }\n")["disk"] == "bad"


def test_systemd_is_told_over_its_socket_and_nobody_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert systemd.tell("READY=1") is False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert systemd.tell("READY=1") is True
        assert line.recv(100) == b"READY=1"


def test_the_units_name_this_farm_and_are_accepted_by_systemd(tmp_path: Path) -> None:
    units = systemd.units("Farm", "nobody", Path("/bin/true"), tmp_path / "farm.toml", tmp_path)
    daemon = units["trellis-daemon.service"]
    assert f"ExecStart=/bin/true daemon --config {tmp_path / 'farm.toml'}" in daemon
    assert "Type=notify" in daemon
    assert "WatchdogSec=" in daemon
    if shutil.which("systemd-analyze"):
        for name, text in units.items():
            (tmp_path / name).write_text(text)
            command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)]
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr
            assert "Unknown" not in said
            assert "Failed to parse" not in said


def test_prometheus_reads_jobs_turns_and_disk(farm: Any, scan: ScanRow) -> None:
    farm.store.record_turn("daily", "p02", SystemClock().utc() - timedelta(hours=1), "missed", "nothing ran")
    collector = FarmCollector(farm.store, Disk(farm.store, farm.folder, 0), SystemClock().utc, lambda: True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with metrics_served(MetricsTable(port=port), collector) as served:
        lines = httpx.get(f"http://127.0.0.1:{served}/metrics").text.splitlines()
        with (
            pytest.raises(PortUnavailable, match="for the metrics"),
            metrics_served(MetricsTable(port=port), collector),
        ):
            pass
    assert 'trellis_jobs{kind="reconstruct",state="queued"} 1.0' in lines
    assert 'trellis_turns_last_day{state="missed"} 1.0' in lines
    assert "trellis_stopped 1.0" in lines
    with metrics_served(MetricsTable(), collector) as served:
        assert served is None


def test_nothing_goes_unless_its_days_are_over_and_numbers_never_do(farm: Any, scan: ScanRow) -> None:
    folder, now = ScanFolder(farm.folder.path / scan.folder), SystemClock().utc() + timedelta(days=10)
    before = sizes_of(folder)
    assert before.models == 5000
    assert list(prune(farm.folder, [scan], RetentionTable(), now, apply=True)) == []
    assert list(prune(farm.folder, [scan], RetentionTable(models_days=11), now, apply=True)) == []
    old = list(prune(farm.folder, [scan], RetentionTable(photographs_days=30, models_days=9), now, apply=True))
    assert [(tier, size) for _, tier, size in old] == [("models", 5000)]
    after = sizes_of(folder)
    assert (after.models, after.photographs) == (0, before.photographs)
    assert (folder.reconstruction / "traits.json").exists()
    assert read_manifest(folder.manifest).events[-1] == "models removed: older than 9 days ([farm.retention])"


def test_without_apply_nothing_is_removed(farm: Any, scan: ScanRow) -> None:
    now = SystemClock().utc() + timedelta(days=10)
    assert len(list(prune(farm.folder, [scan], RetentionTable(models_days=1), now, apply=False))) == 1
    assert sizes_of(ScanFolder(farm.folder.path / scan.folder)).models == 5000


def test_the_forecast_reckons_with_what_retention_takes_away(farm: Any, scan: ScanRow) -> None:
    now = SystemClock().utc()
    size = sizes_of(ScanFolder(farm.folder.path / scan.folder))
    found = forecast(farm.folder, [scan], RetentionTable(), 10 * size.total, now)
    assert found.bytes_a_day == pytest.approx(size.total)  # one scan, of less than a day ago
    assert found.days_left == pytest.approx(10)
    kept = RetentionTable(models_days=2)
    # Two days of everything, and then only what is not a model: the rest of the room lasts longer.
    rest = size.total - size.models
    assert forecast(farm.folder, [scan], kept, 10 * size.total, now).days_left == pytest.approx(
        2 + 8 * size.total / rest, rel=1e-3
    )
    assert forecast(farm.folder, [], RetentionTable(), 10**9, now).days_left is None
