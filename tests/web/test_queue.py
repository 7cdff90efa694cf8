"""The queue, the schedules and the disk over the API: order, pause, retry, running what was missed, days left."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from scheduler.config import ScheduleTable
from scheduler.rows import MeasurementRow
from tests.web.farm_fixture import mass_of, traits_of
from trellis.records import MassEstimate
from web.disk import scans_a_day
from web.growth import rate_per_day

_UTC = ZoneInfo("UTC")
_NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _waiting(api: httpx.Client) -> list[str]:
    jobs = api.get("/api/v1/queue").raise_for_status().json()["jobs"]
    return [job["plant"] for job in jobs if job["state"] != "running"]


def test_the_queue_comes_in_its_order_and_the_order_can_be_changed(own_api: httpx.Client) -> None:
    job = own_api.post("/api/v1/plants/p03/scans").json()["id"]
    assert _waiting(own_api) == ["p02", "p03"]
    assert own_api.post(f"/api/v1/jobs/{job}/first").status_code == 202
    assert _waiting(own_api) == ["p03", "p02"]
    own_api.post(f"/api/v1/jobs/{job}/last")
    assert _waiting(own_api) == ["p02", "p03"]
    found = own_api.get("/api/v1/queue?limit=1&offset=1").json()
    assert (found["total"], [one["plant"] for one in found["jobs"]]) == (3, ["p02"])
    ends = [one["ends_at"] for one in own_api.get("/api/v1/queue").json()["jobs"]]
    assert ends == sorted(ends)


def test_a_job_is_paused_resumed_and_tried_again_and_what_does_not_fit_is_a_409(own_api: httpx.Client) -> None:
    job = own_api.post("/api/v1/plants/p03/scans").json()["id"]
    assert own_api.post(f"/api/v1/jobs/{job}/pause").json()["state"] == "paused"
    assert own_api.post(f"/api/v1/jobs/{job}/resume").json()["state"] == "queued"
    refused = own_api.post(f"/api/v1/jobs/{job}/retry")
    assert refused.status_code == 409
    assert "what failed or was cancelled can be tried again" in refused.json()["error"]
    own_api.post(f"/api/v1/jobs/{job}/cancel")
    again = own_api.post(f"/api/v1/jobs/{job}/retry").json()
    assert (again["plant"], again["state"]) == ("p03", "queued")
    assert again["id"] != job
    assert own_api.post("/api/v1/jobs/99999/pause").status_code == 404


def test_the_queue_is_held_until_it_is_let_go(own_api: httpx.Client) -> None:
    assert own_api.post("/api/v1/queue/pause").json()["held"] is True
    assert own_api.get("/api/v1/queue").json()["held"] is True
    assert own_api.post("/api/v1/queue/resume").json()["held"] is False


def test_a_missed_run_is_run_for_those_that_missed_it(own_api: httpx.Client) -> None:
    missed = next(run for run in own_api.get("/api/v1/runs").json() if run["state"] == "missed")
    asked = own_api.post("/api/v1/schedules/daily/run", params={"due_at": missed["due_at"]}).json()
    assert [job["plant"] for job in asked] == ["p03", "p04"]
    everyone = own_api.post("/api/v1/schedules/daily/run").json()
    assert [job["plant"] for job in everyone] == ["p01", "p02", "p03", "p04"]
    assert own_api.post("/api/v1/schedules/nightly/run").status_code == 404
    assert own_api.post("/api/v1/schedules/daily/run?due_at=2026-11-24T05:00:00").status_code == 409


def test_what_comes_next_is_due_at_six_and_takes_its_scans(api: httpx.Client) -> None:
    first, second = api.get("/api/v1/coming?limit=2").json()
    assert first["due_at"][11:16] == second["due_at"][11:16] == "06:00"
    assert first["plants"] == ["p01", "p02", "p03", "p04"]
    assert first["begins_at"] < first["ends_at"]


def test_the_disk_lasts_as_long_as_its_scans_at_four_a_day(api: httpx.Client) -> None:
    disk = api.get("/api/v1/disk").json()
    assert disk["scans_a_day"] == 4  # four plants, once a day
    assert disk["days_left"] == pytest.approx(disk["scans_left"] / 4)
    assert disk["scans_left"] == (disk["free_bytes"] - disk["keep_bytes"]) // disk["scan_bytes"]


def test_scans_a_day_count_days_of_the_week_and_leave_out_what_is_not_enabled() -> None:
    weekdays = ScheduleTable(name="a", daily_at="06:00", days=("mon", "thu"), plants=("p01",))
    off = ScheduleTable(name="b", enabled=False)
    assert scans_a_day([weekdays, off], 10, _UTC, _NOW) == pytest.approx(2 / 7)


def test_growth_is_that_of_the_newest_masses_half_a_day_apart() -> None:
    def row(hours_ago: float, mass: MassEstimate) -> MeasurementRow:
        return MeasurementRow("s", "p01", _NOW - timedelta(hours=hours_ago), traits_of(0.03, 64), mass, {})

    weighed = [row(0, mass_of(0.04)), row(2, mass_of(0.01)), row(48, mass_of(0.03))]
    # ln((0.04 / 0.03) ** 1.184) / 2 days = 0.17031; the one of two hours ago is too near.
    assert rate_per_day(weighed) == pytest.approx(0.17031, abs=1e-5)
    assert rate_per_day(weighed[:2]) is None
    assert rate_per_day([row(0, MassEstimate(model="m", refused_reason="too large")), *weighed[2:]]) is None
