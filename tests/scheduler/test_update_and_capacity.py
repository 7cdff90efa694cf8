"""An update is refused during a scan, and taken back when the farm is not well; capacity is seconds times plants."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scheduler.capacity import Measured, need
from scheduler.store import Store
from scheduler.update_command import update_to
from trellis.config import load_configuration
from trellis.errors import InputError


class Machine:
    """Runs commands on paper; the new version's migration leaves a row in the database."""

    def __init__(self, farm: Any, failing: str = "") -> None:
        self.ran: list[str] = []
        self._farm, self._failing = farm, failing

    def __call__(self, command: Sequence[str]) -> int:
        self.ran.append(" ".join(command[3:] if "pip" in command else command))
        if command[-1] == "trellis-farm==9":
            with Store(f"sqlite:///{self._farm.folder.database}") as store:
                store.add_event("the new version was here")
        return int(bool(self._failing) and self._failing in self.ran[-1])


@pytest.fixture
def configuration(farm: Any) -> Any:
    path = Path(farm.folder.path.parent / "farm.toml")
    path.write_text(
        '[[wall.plants]]\nname = "p01"\nposition_m = [0.7, 0.8, 0.0]\n'
        '[[wall.plants]]\nname = "p02"\nposition_m = [1.4, 1.0, 0.0]\n'
    )
    return load_configuration(path)


def _events(farm: Any) -> list[str]:
    with Store(f"sqlite:///{farm.folder.database}") as store:
        return [event.message for event in store.events()]


def test_an_update_during_a_scan_is_refused_and_changes_nothing(farm: Any, configuration: Any) -> None:
    farm.store.request_scan("p01")
    farm.store.take_job("scan")
    machine = Machine(farm)
    with pytest.raises(InputError, match="a scan of p01 runs"):
        update_to("trellis-farm==9", configuration, machine, lambda _: None)
    assert machine.ran == []


def test_an_update_that_is_well_stays(farm: Any, configuration: Any) -> None:
    machine = Machine(farm)
    update_to("trellis-farm==9", configuration, machine, lambda _: None)
    assert [line.split()[-1] for line in machine.ran] == ["trellis-farm==9", "trellis-web.service"]
    assert "the new version was here" in _events(farm)


def test_an_update_that_is_not_well_is_taken_back_with_its_database(farm: Any, configuration: Any) -> None:
    farm.store.add_event("before")
    farm.store.close()
    machine = Machine(farm)
    with pytest.raises(InputError, match=r"was taken back, 0\.1\.0 runs again: the daemon does not answer"):
        update_to("trellis-farm==9", configuration, machine, lambda _: "the daemon does not answer")
    assert "trellis-farm==0.1.0" in machine.ran[2]
    assert machine.ran[3:] == [
        "systemctl stop trellis-daemon.service trellis-web.service",
        "systemctl restart trellis-daemon.service trellis-web.service",
    ]
    assert "the new version was here" not in _events(farm)
    assert "before" in _events(farm)
    assert len(list(farm.folder.path.glob("trellis.db.of-*"))) == 1  # what the new version wrote is put aside


def test_a_version_that_cannot_be_installed_is_taken_back(farm: Any, configuration: Any) -> None:
    with pytest.raises(InputError, match="pip could not install"):
        update_to("trellis-farm==9", configuration, Machine(farm, "trellis-farm==9"), lambda _: None)


def test_what_a_thousand_plants_need_is_measured_seconds_and_bytes_times_plants() -> None:
    measured = Measured.of([540.0, 600.0, 660.0], [300.0], [(20_000_000, 40_000_000, 1_000_000)])
    found = need(measured, 1000, 16.0, 30, 7)
    # 16 h less a fifth are 46,080 s: 76.8 scans of 600 s a robot; 69,120 s of a day: 230.4 reconstructions a worker.
    assert (found.robots, found.workers) == (14, 5)
    assert found.daily_bytes == pytest.approx(61e9)
    assert found.kept_bytes == pytest.approx(1000 * (20e6 * 30 + 40e6 * 7 + 1e6 * 365))
    assert need(measured, 100_000, 16.0, 30, 7).robots == 1303
