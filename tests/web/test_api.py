"""The REST API over a real store: what it tells, what it refuses, and that a stop reaches the daemon's socket."""

import hashlib
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from tests.web.conftest import Robot
from tests.web.farm_fixture import FAILED, REFUSED

_P02 = "p02-20261123T083500Z"  # yesterday's scan of p02, 25 minutes before NOW's time of day


def test_the_wall_lists_every_plant_with_its_state_and_latest_mass(api: httpx.Client) -> None:
    plants = {plant["name"]: plant for plant in api.get("/api/v1/plants").raise_for_status().json()}
    states = {name: plant["state"] for name, plant in plants.items()}
    assert states == {"p01": "scanning", "p02": "queued", "p03": "refused", "p04": "failed"}
    # 0.0143 LA^1.184 with LA = 300 cm2 * exp(0.16) = 352.05 cm2: 14.81 g by hand, to its last figure.
    assert plants["p02"]["measurement"]["mass"]["fresh_mass_kg"] == pytest.approx(0.01482, abs=2e-5)
    assert plants["p03"]["reason"] == REFUSED
    assert plants["p04"]["reason"] == FAILED
    assert plants["p04"]["measurement"] is None


def test_a_plant_comes_with_its_scans_and_measurements_newest_first(api: httpx.Client) -> None:
    plant = api.get("/api/v1/plants/p02").raise_for_status().json()
    assert [scan["started_at"][:10] for scan in plant["scans"]] == ["2026-11-23", "2026-11-22"]
    assert [one["scan"] for one in plant["measurements"]] == [scan["id"] for scan in plant["scans"]]
    assert "mesh.glb" in plant["scans"][0]["artefacts"]
    assert "mesh.ply" not in plant["scans"][0]["artefacts"]


def test_an_unknown_plant_is_a_404_that_suggests_the_nearest(api: httpx.Client) -> None:
    answer = api.get("/api/v1/plants/p0")
    assert answer.status_code == 404
    assert "did you mean 'p0" in answer.json()["error"]


def test_a_photograph_answers_ranges_and_knows_itself_by_its_hash(api: httpx.Client) -> None:
    url = f"/api/v1/scans/{_P02}/views/3/photograph.jpg"
    whole = api.get(url)
    assert whole.headers["content-type"] == "image/jpeg"
    assert whole.headers["etag"] == f'"{hashlib.sha256(whole.content).hexdigest()}"'
    part = api.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    again = api.get(url, headers={"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = api.head(url)
    assert (head.headers["content-length"], head.content) == (str(len(whole.content)), b"")
    assert api.get(url, headers={"range": "bytes=99999999-"}).status_code == 416


def test_only_an_address_with_the_hash_may_be_kept_for_good(api: httpx.Client) -> None:
    url = f"/api/v1/scans/{_P02}/views/3/photograph.jpg"
    sha256 = api.get(url).headers["etag"].strip('"')
    assert "immutable" not in api.get(url).headers["cache-control"]
    assert "immutable" in api.get(f"{url}?v={sha256[:16]}").headers["cache-control"]
    assert "immutable" not in api.get(f"{url}?v={'0' * 16}").headers["cache-control"]


def test_a_thumbnail_is_the_same_picture_small(api: httpx.Client) -> None:
    base = f"/api/v1/scans/{_P02}/views/3"
    small, whole = (
        cv2.imdecode(np.frombuffer(api.get(f"{base}/{name}.jpg").content, np.uint8), cv2.IMREAD_COLOR)
        for name in ("thumbnail", "photograph")
    )
    assert small.shape[:2] == (180, 240)
    # Two ways of making it small differ by a few grey values of 255.
    expected = cv2.resize(whole, (240, 180), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 12


def test_a_view_that_was_not_taken_has_no_photograph_and_says_why(api: httpx.Client) -> None:
    scan = api.get("/api/v1/plants/p04").json()["scans"][0]["id"]
    answer = api.get(f"/api/v1/scans/{scan}/views/3/photograph.jpg")
    assert answer.status_code == 404
    assert "failed: mean grey 2" in answer.json()["error"]
    assert api.get(f"/api/v1/scans/{scan}/views/99/photograph.jpg").status_code == 404


@pytest.mark.parametrize("path", ["../trellis.toml", "..%2Ftrellis.toml", "%2e%2e/%2e%2e/trellis.toml", "scan.json"])
def test_no_path_leads_out_of_the_listed_artefacts(api: httpx.Client, path: str) -> None:
    for start in (f"/api/v1/scans/{_P02}", "/api/v1/scans", f"/api/v1/scans/{_P02}/views/0"):
        answer = api.get(f"{start}/{path}")
        assert answer.status_code in (404, 405, 422)
        assert b"pulleys" not in answer.content
        assert b"data_folder" not in answer.content


def test_the_mesh_and_the_report_are_served_and_the_report_may_fetch_nothing(api: httpx.Client) -> None:
    mesh = api.get(f"/api/v1/scans/{_P02}/mesh.glb")
    assert mesh.content[:4] == b"glTF"
    assert mesh.headers["content-type"] == "model/gltf-binary"
    report = api.get(f"/api/v1/scans/{_P02}/report.html")
    assert "default-src 'none'" in report.headers["content-security-policy"]
    cloud = api.get(f"/api/v1/scans/{_P02}/cloud.ply")
    assert f"p02-{_P02}-cloud.ply" in cloud.headers["content-disposition"]
    assert api.get(f"/api/v1/scans/{_P02}/mesh.ply").status_code == 404


def test_views_tell_where_each_camera_was(api: httpx.Client) -> None:
    found = api.get(f"/api/v1/scans/{_P02}/views").json()
    assert len(found["views"]) == 12
    for view in found["views"]:
        away = np.subtract(view["position_m"], found["plant_position_m"])
        assert np.linalg.norm(away) == pytest.approx(0.3, abs=1e-9)  # the fixture's cameras stand 0.3 m away


def test_asking_for_a_scan_twice_gives_one_job_and_cancelling_ends_it(own_api: httpx.Client) -> None:
    first = own_api.post("/api/v1/plants/p03/scans")
    assert first.status_code == 202
    job = first.json()["id"]
    assert own_api.post("/api/v1/plants/p03/scans").json()["id"] == job
    assert own_api.post(f"/api/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert own_api.get(f"/api/v1/jobs/{job}").json()["state"] == "cancelled"
    assert own_api.post("/api/v1/jobs/99999/cancel").status_code == 404
    assert own_api.post("/api/v1/plants/nobody/scans").status_code == 404


def test_jobs_events_and_runs_come_newest_first(api: httpx.Client) -> None:
    jobs = api.get("/api/v1/jobs").json()
    assert [job["id"] for job in jobs] == sorted((job["id"] for job in jobs), reverse=True)
    running = next(job for job in jobs if job["state"] == "running")
    assert (running["plant"], running["views_taken"], running["views_planned"]) == ("p01", 8, 12)
    assert {job["state"] for job in api.get("/api/v1/jobs?open=true").json()} == {"running", "queued"}
    events = api.get("/api/v1/events?limit=5").json()
    assert len(events) == 5
    assert events[0]["at"] >= events[-1]["at"]
    runs = api.get("/api/v1/runs").json()
    assert [run["state"] for run in runs] == ["due", "missed"]
    assert runs[1]["plants"] == ["p03", "p04"]


def test_a_stop_reaches_the_daemon_and_is_seen_at_once(own_api: httpx.Client, robot: Robot) -> None:
    before = own_api.get("/api/v1/robot").json()
    assert (before["reachable"], before["stopped"], before["x_m"]) == (True, False, 0.9)
    assert own_api.post("/api/v1/robot/stop").json()["stopped"] is True
    assert own_api.get("/api/v1/robot").json()["stopped"] is True
    assert own_api.post("/api/v1/robot/clear").json()["stopped"] is False
    assert robot.asked == ["stop", "clear"]


def test_a_stop_that_was_not_confirmed_is_never_called_stopped(own_api: httpx.Client, robot: Robot) -> None:
    robot.broken = True
    answer = own_api.post("/api/v1/robot/stop")
    assert answer.status_code == 503
    assert "lower winches did not confirm" in answer.json()["error"]


def test_without_a_daemon_the_robot_is_unreachable_and_a_stop_says_so(api: httpx.Client) -> None:
    assert api.get("/api/v1/robot").json()["reachable"] is False
    answer = api.post("/api/v1/robot/stop")
    assert answer.status_code == 503
    assert "no daemon runs" in answer.json()["error"]
    health = api.get("/api/v1/health").json()
    assert (health["database"], health["daemon"]) == (True, False)


def test_a_strangers_page_may_not_command_the_robot(own_api: httpx.Client, robot: Robot) -> None:
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"host": "evil.example"}):
        answer = own_api.post("/api/v1/robot/clear", headers=headers)
        assert answer.status_code == 403
        assert set(answer.json()) == {"error"}
    assert robot.asked == []
    own = str(own_api.base_url).rstrip("/")
    assert own_api.post("/api/v1/robot/clear", headers={"origin": own}).status_code == 200


def test_wrong_questions_get_one_line_each(api: httpx.Client) -> None:
    for url, status in (("/api/v1/jobs?limit=0", 422), ("/api/v1/jobs/x", 422), ("/api/v1/nothing", 404)):
        answer = api.get(url)
        assert answer.status_code == status
        assert set(answer.json()) == {"error"}
        assert "\n" not in answer.json()["error"]


def test_openapi_describes_every_route_and_no_documentation_page_needs_the_internet(api: httpx.Client) -> None:
    schema = api.get("/api/v1/openapi.json").json()
    assert {"/api/v1/plants", "/api/v1/robot/stop", "/api/v1/scans/{scan}/{artefact}"} <= set(schema["paths"])
    ids = [operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    assert api.get("/docs").status_code == 404


def test_a_manifest_that_is_torn_is_said_to_be(own_api: httpx.Client, own: Path) -> None:
    scan = own_api.get("/api/v1/plants/p02").json()["scans"][0]["id"]
    (own.parent / "data" / "plants" / "p02" / scan / "scan.json").write_text("{")
    answer = own_api.get(f"/api/v1/scans/{scan}/views")
    assert answer.status_code == 503
    assert "scan.json" in answer.json()["error"]
