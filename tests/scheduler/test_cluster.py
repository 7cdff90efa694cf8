"""Reconstructions on a Dask cluster of two workers, with a real PostgreSQL and a real S3 server, on the loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.worker_kill import results
from scheduler.cluster import Cluster, Work
from scheduler.cluster_names import SLOT
from scheduler.config import WorkersTable
from scheduler.rows import PlantRow, ScanRow
from scheduler.storage import Storage
from scheduler.store import Store
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
#: Stands in for `trellis reconstruct`: says the size of the photograph, after as many seconds as a file says.
CODE = """
import json, pathlib, sys, time
place = pathlib.Path(sys.argv[1]); out = place / 'reconstruction'; out.mkdir(exist_ok=True)
time.sleep(float((place / 'seconds').read_text()))
area = (place / 'images' / '000.jpg').stat().st_size / 20000
(out / 'traits.json').write_text(json.dumps({"images_given": 4, "images_registered": 4, "reprojection_error_px": 0.5,
    "scale_source": "poses", "leaf_area_m2": area, "leaf_area_std_m2": 0.004}))
(out / 'mass.json').write_text(json.dumps({'fresh_mass_kg': 2 * area, 'model': 'area'}))
(out / 'stages.json').write_text('{}')
"""
PATIENCE_S = 90


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_for(what: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until_s, "it never came to be"
        time.sleep(0.1)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


class Dask:
    """A scheduler and workers as processes of their own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._all: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start_scheduler()

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        self.scheduler = self._start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port),
                                     "--no-dashboard", "--no-show")  # fmt: skip
        wait_for(lambda: answers(self.port))
        return self.scheduler

    def start_worker(self) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-dashboard", "--memory-limit", "0", "--no-nanny", "--death-timeout", "120"]
        return self._start("distributed.cli.dask_worker", self.address, *options, "--resources", f"{SLOT}=1")

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, stdout=-3, stderr=-3)
        self._all.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self._all):
            process.kill()
            process.wait()


@pytest.fixture
def dask() -> Iterator[Dask]:
    made = Dask()
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of Debian's, on the loopback, with a database of its own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: it is not tested (apt-get install postgresql)")
    binaries, place, port = programs[-1].parent, tmp_path_factory.mktemp("postgres"), free_port()
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        place = Path("/tmp") / f"trellis-test-postgres-{os.getpid()}"
        place.mkdir()
        shutil.chown(place, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def do(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, stdout=-3, stderr=-3, cwd="/", timeout=PATIENCE_S)

    do(str(binaries / "initdb"), "-D", str(place / "data"), "-A", "trust", "-U", "trellis", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k {place} -c fsync=off"
    do(str(binaries / "pg_ctl"), "-D", str(place / "data"), "-w", "-o", options, "start")
    yield f"postgresql+psycopg://trellis@127.0.0.1:{port}/postgres"
    do(str(binaries / "pg_ctl"), "-D", str(place / "data"), "-m", "immediate", "stop")
    shutil.rmtree(place)


def farm(url: str, folder: DataFolder, scans: int, seconds: float) -> Store:
    store = Store(url)
    store.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
    for number in range(scans):
        name = f"{folder.path.name}-{number}"
        place = ScanFolder(folder.path / "plants/p01" / name)
        place.images.mkdir(parents=True)
        (place.images / "000.jpg").write_bytes(b"x" * (1000 + number))
        (place.path / "seconds").write_text(str(seconds))
        store.save_scan(ScanRow(name, "p01", "done", START, START, 1, 1, 0, f"plants/p01/{name}"))
        store.request_reconstruction("p01", name)
    return store


def work(url: str, folder: DataFolder, **more: object) -> Work:
    made = Work(url, str(folder.path), "", (sys.executable, "-c", CODE), limits=WorkersTable(lease_s=3))
    return replace(made, **more)  # type: ignore[arg-type]


class Serving:
    """The daemon's part of a cluster, in a thread."""

    def __init__(self, dask: Dask, store: Store, folder: DataFolder, work: Work) -> None:
        self.ending = threading.Event()
        self._thread = threading.Thread(target=Cluster(dask.address, store, folder, work, self.ending).serve)

    def __enter__(self) -> "Serving":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        self._thread.join()


def open_jobs(store: Store) -> int:
    return len(store.jobs(states=["queued", "running", "paused"], kind="reconstruct"))


def missed(store: Store) -> bool:
    return any("is waited for" in event.message or "failed" in event.message for event in store.events())


def running(store: Store) -> bool:
    return bool(store.jobs(states=["running"], kind="reconstruct"))


def check_each_ended_once(store: Store, scans: int) -> None:
    ended = store.jobs(states=["done"], kind="reconstruct", limit=1000)
    assert len(ended) == scans, [job.reason for job in store.jobs(kind="reconstruct")]
    done = [event.scan for event in store.events(1000) if event.message.startswith("reconstruct of p01 done")]
    assert len(done) == len(set(done)) == scans
    sizes = [round(row.traits.leaf_area_m2 * 20000) for row in store.measurements() if row.traits.leaf_area_m2]
    assert sorted(sizes) == [1000 + number for number in range(scans)]


def test_two_workers_do_every_job_and_losing_one_loses_none(dask: Dask, postgres: str, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "workers")
    with farm(postgres, folder, 6, 0.7) as store:
        first, _ = dask.start_worker(), dask.start_worker()
        with Serving(dask, store, folder, work(postgres, folder)):
            wait_for(lambda: running(store))
            first.send_signal(signal.SIGKILL)
            wait_for(lambda: open_jobs(store) == 0)
        check_each_ended_once(store, 6)
    with Store(postgres) as store:  # as an empty farm for the next
        for scan in store.scans():
            assert scan.state == "done"


@pytest.mark.slow
def test_losing_the_scheduler_loses_no_job(dask: Dask, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    url = f"sqlite:///{folder.database}"
    with farm(url, folder, 4, 0.7) as store:
        dask.start_worker()
        with Serving(dask, store, folder, work(url, folder)):
            wait_for(lambda: running(store))
            dask.scheduler.kill()
            dask.scheduler.wait()
            wait_for(lambda: missed(store) or open_jobs(store) == 0)
            dask.start_scheduler()
            dask.start_worker()
            wait_for(lambda: open_jobs(store) == 0)
        check_each_ended_once(store, 4)
    assert set(results(folder)) == {f"data-{number}" for number in range(4)}


@pytest.fixture
def bucket() -> Iterator[tuple[str, dict[str, str]]]:
    """A real S3 server on the loopback (moto's), with a bucket."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed: S3 storage is not tested")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    keys = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
    }
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"import urllib.request as u; u.urlopen(u.Request('http://{host}:{port}/farm', method='PUT'))",
        ],
        check=True,
    )
    yield "s3://farm", keys
    server.stop()


def test_photographs_travel_through_s3_to_workers_without_the_farms_disk(
    dask: Dask, bucket: tuple[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, keys = bucket
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    folder = DataFolder(tmp_path / "data")
    url = f"sqlite:///{folder.database}"
    with farm(url, folder, 2, 0.1) as store:
        dask.start_worker()
        elsewhere = DataFolder(tmp_path / "there-is-nothing-here")
        with Serving(dask, store, folder, work(url, elsewhere, storage_url=address)):
            wait_for(lambda: open_jobs(store) == 0)
            wait_for(lambda: (folder.path / "plants/p01/data-1/reconstruction/traits.json").exists())
        check_each_ended_once(store, 2)
    names = Storage(address).names("plants/p01/data-0")
    assert names["plants/p01/data-0/images/000.jpg"] == 1000
    assert "plants/p01/data-0/reconstruction/mass.json" in names


def test_a_storage_that_does_not_answer_or_has_not_the_scan_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="storage_url 'nonsense://x' cannot be used"):
        Storage("nonsense://x")
    (tmp_path / "bucket").mkdir()
    local = Storage(f"file://{tmp_path / 'bucket'}")
    with pytest.raises(InputError, match="there is no scan plants/p01/a"):
        local.download("plants/p01/a", ScanFolder(tmp_path / "a"))
