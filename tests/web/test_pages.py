"""The dashboard in a real browser: it renders, asks no foreign host, stops the robot with one tap, shows ages."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from scheduler.store import Store
from tests.web.browser import CHROMIUM, Site, chromium, dashboard, free_port, watched
from tests.web.conftest import NOW, Robot, answering
from tests.web.farm_fixture import FAILED, REFUSED, fill, write_config
from web.secret import hashed

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed: the pages were NOT tested"),
    pytest.mark.xdist_group("browser"),
]


@dataclass
class Bench:
    """A dashboard on a filled farm, its database and the robot behind it."""

    site: Site
    store: Store
    robot: Robot


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    path = write_config(folder, port)
    fill(folder / "data", now=NOW, days=2, views=12, size=(324, 243))
    with (
        answering(path) as robot,
        dashboard(path, port) as site,
        Store(f"sqlite:///{folder / 'data' / 'trellis.db'}") as store,
    ):
        yield Bench(site, store, robot)


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize(
    "path", ["/", "/plant/p01", "/plant/p02", "/plant/p03", "/plant/p04", "/queue", "/calendar", "/system", "/api"]
)
def test_every_page_is_quiet_fits_its_width_and_asks_no_foreign_host(
    browser: Browser, bench: Bench, path: str, width: int
) -> None:
    with watched(browser, bench.site, width, dark=width == 360) as found:
        found.page.goto(path, wait_until="networkidle")
        expect(found.page.locator("#robot")).to_have_text("robot ready")
        expect(found.page.locator(".sheet section, .sheet table").first).to_be_visible()
        assert found.page.evaluate("document.documentElement.scrollWidth") == width
        assert found.page.locator("#stop").bounding_box()["height"] >= 44  # a thumb's width
        assert (found.complaints, found.foreign) == ([], [])


def test_one_tap_stops_the_robot_and_clearing_asks_first(browser: Browser, bench: Bench) -> None:
    bench.robot.asked.clear()
    with watched(browser, bench.site, 360) as found:
        page = found.page
        page.goto("/plant/p02")
        page.locator("#stop").click()
        expect(page.locator("#stop")).to_have_text("STOPPED")
        expect(page.locator(".banner.stop")).to_be_visible()
        assert bench.robot.asked == ["stop"]
        page.get_by_role("button", name="Clear stop").click()
        page.get_by_role("button", name="Leave it").click()
        assert bench.robot.asked == ["stop"]
        page.get_by_role("button", name="Clear stop").click()
        page.locator("#ask .yes").click()
        expect(page.locator(".banner.stop")).to_be_hidden()
        assert bench.robot.asked == ["stop", "clear"]


def test_the_stop_button_needs_none_of_the_pages_scripts_but_its_own(browser: Browser, bench: Bench) -> None:
    bench.robot.asked.clear()
    with watched(browser, bench.site) as found:
        found.page.route("**/_nicegui/**", lambda route: route.abort())
        found.page.goto("/", wait_until="domcontentloaded")
        found.page.locator("#stop").click()
        expect(found.page.locator("#stop")).to_have_text("STOPPED")
    assert bench.robot.asked == ["stop"]
    bench.robot.clear()


def test_a_key_stops_on_every_page_also_while_a_dialog_asks_or_a_photograph_is_open(
    browser: Browser, bench: Bench
) -> None:
    for path, opened in (("/", None), ("/queue", ".sheet [data-ask]"), ("/plant/p02", "a.shot")):
        bench.robot.asked.clear()
        with watched(browser, bench.site) as found:
            found.page.goto(path)
            expect(found.page.locator("#robot")).to_have_text("robot ready")
            if opened:
                found.page.locator(opened).first.click()
                expect(found.page.locator("dialog[open] button.stop")).to_be_visible()
            found.page.keyboard.press("s")
            expect(found.page.locator("#stop")).to_have_text("STOPPED")
        assert bench.robot.asked == ["stop"]
        bench.robot.clear()


def test_a_stop_passes_requests_that_the_browser_lets_wait(browser: Browser, bench: Bench) -> None:
    bench.robot.asked.clear()
    with watched(browser, bench.site) as found:
        found.page.goto("/")
        expect(found.page.locator("#robot")).to_have_text("robot ready")
        found.page.route("**/api/v1/robot/stop", lambda _route: None)  # a request that never gets its turn
        found.page.locator("#stop").click()
        expect(found.page.locator("#stop")).to_have_text("STOPPED")
    assert bench.robot.asked == ["stop"]
    bench.robot.clear()


def test_values_that_stop_coming_fade_and_say_how_old_they_are(browser: Browser, bench: Bench) -> None:
    database = sqlite3.connect(bench.site.folder / "data" / "trellis.db", isolation_level=None)
    with closing(database), watched(browser, bench.site) as found:
        found.page.goto("/")
        expect(found.page.locator(".banner.old")).to_be_hidden()
        database.execute("ALTER TABLE jobs RENAME TO jobs_away")
        try:
            expect(found.page.locator(".banner.old")).to_be_visible(timeout=30_000)
            expect(found.page.locator("#old-age")).to_have_text(re.compile(r"^\d+ s$"))
            expect(found.page.locator(".sheet")).to_have_css("opacity", "0.45")
        finally:
            database.execute("ALTER TABLE jobs_away RENAME TO jobs")
        expect(found.page.locator(".banner.old")).to_be_hidden()


def test_a_stop_that_was_not_confirmed_says_to_use_the_switch(browser: Browser, bench: Bench) -> None:
    bench.robot.broken = True
    try:
        with watched(browser, bench.site) as found:
            found.page.goto("/")
            expect(found.page.locator("#robot")).to_have_text("robot ready")
            found.page.locator("#stop").click()
            expect(found.page.locator("#toast")).to_contain_text("Use the switch at the robot")
            expect(found.page.locator("#stop")).to_have_text("STOP")
    finally:
        bench.robot.broken = False


def test_the_wall_follows_a_scan_without_being_loaded_again(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site) as found:
        found.page.goto("/")
        expect(found.page.locator(".now")).to_contain_text("8 of 12 photographs")
        running = next(scan for scan in bench.store.scans("p01") if scan.state == "running")
        bench.store.save_scan(type(running)(**(vars(running) | {"views_taken": 9})))
        expect(found.page.locator(".now")).to_contain_text("9 of 12 photographs")
        bench.store.save_scan(running)


def test_reasons_stand_on_the_plants_pages_and_markup_in_them_stays_text(browser: Browser, bench: Bench) -> None:
    bench.store.add_event("<img src=x onerror=alert(1)> happened", "error")
    with watched(browser, bench.site) as found:
        for plant, reason in (("p03", REFUSED), ("p04", FAILED)):
            found.page.goto(f"/plant/{plant}")
            expect(found.page.locator(".note").first).to_contain_text(reason)
        found.page.goto("/")
        expect(found.page.get_by_text("<img src=x onerror=alert(1)> happened")).to_be_visible()
        assert found.complaints == []


def test_the_mesh_is_drawn(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site) as found:
        found.page.goto("/plant/p02", wait_until="networkidle")
        canvas = found.page.locator(".mesh canvas")
        for _ in range(50):
            picture = cv2.imdecode(np.frombuffer(canvas.screenshot(), np.uint8), cv2.IMREAD_COLOR).astype(int)
            blue, green, red = np.moveaxis(picture, -1, 0)
            leafy = float(np.mean((green > 90) & (green > blue + 20) & (green >= red)))
            if leafy > 0.05:
                break
            found.page.wait_for_timeout(200)
        assert 0.05 < leafy < 0.8  # a head in the middle of a dark ground


def test_a_photograph_is_enlarged_and_the_arrow_goes_on(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site, 360) as found:
        found.page.goto("/plant/p02")
        found.page.locator("a.shot").nth(2).click()
        light = found.page.locator("#light img")
        expect(light).to_be_visible()
        assert "/views/2/photograph.jpg" in (light.get_attribute("src") or "")
        found.page.keyboard.press("ArrowRight")
        assert "/views/3/photograph.jpg" in (light.get_attribute("src") or "")
        found.page.keyboard.press("Escape")
        expect(light).to_be_hidden()


def test_a_scan_is_asked_for_and_cancelled_on_the_pages(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site) as found:
        found.page.goto("/plant/p03")
        found.page.get_by_role("button", name="Scan now").click()
        expect(found.page.locator(".sheet")).to_contain_text("1 waiting")
        job = bench.store.jobs(plant="p03", states=["queued"])[0]
        found.page.goto("/queue")
        found.page.locator(f'[data-post="/api/v1/jobs/{job.id}/cancel"]').click()
        expect(found.page.locator("#ask")).to_contain_text("Cancel: Scan of p03?")
        found.page.locator("#ask .yes").click()
        expect(found.page.locator(f'[data-post="/api/v1/jobs/{job.id}/cancel"]')).to_have_count(0)
        assert bench.store.job(job.id).state == "cancelled"


def test_the_queue_is_held_and_let_go_and_a_scan_is_paused_resumed_and_tried_again(
    browser: Browser, bench: Bench
) -> None:
    with watched(browser, bench.site) as found:
        page = found.page
        page.goto("/queue")
        page.get_by_role("button", name="Hold the queue").click()
        expect(page.locator(".note")).to_contain_text("The queue is held")
        page.get_by_role("button", name="Let the queue go on").click()
        expect(page.get_by_role("button", name="Hold the queue")).to_be_visible()
        assert not bench.store.held()
        page.get_by_role("button", name="Pause: Scan of p02").click()
        page.get_by_role("button", name="Resume: Scan of p02").click()
        expect(page.get_by_role("button", name="Pause: Scan of p02")).to_be_visible()
        page.get_by_role("button", name="Retry: Scan of p04").click()
        expect(page.get_by_role("button", name="First: Scan of p04")).to_be_visible()
        page.get_by_role("button", name="First: Scan of p04").click()
        expect(page.locator(".job.waits").first).to_contain_text("p04")
        (again,) = bench.store.jobs(plant="p04", states=["queued"])
        bench.store.cancel(again.id)


def test_the_calendar_says_what_was_missed_and_why_and_runs_it_now(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site) as found:
        found.page.goto("/calendar")
        expect(found.page.locator(".sheet")).to_contain_text("no daemon ran when it was due")
        expect(found.page.locator(".sheet")).to_contain_text("06:00 every day")
        found.page.get_by_role("button", name="Run it now").click()
        expect(found.page.locator("#toast")).to_have_text("2 in the queue")
        waiting = bench.store.jobs(states=["queued"])
        assert {"p03", "p04"} <= {job.plant for job in waiting}
        for job in waiting:
            if job.plant in ("p03", "p04"):
                bench.store.cancel(job.id)


def test_colours_tell_what_was_chosen(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site) as found:
        found.page.goto("/")
        found.page.get_by_role("link", name="Growth").click()
        # The fixture's leaf area grows by exp(0.16) a day and mass by its power 1.184: exp(0.18944) - 1 = 20.9 %.
        expect(found.page.locator("a.scanning .mass")).to_have_text("21 %/day")
        found.page.get_by_role("link", name="Health").click()
        expect(found.page.locator("a.failed .mass")).to_have_text("failed")
        assert found.complaints == []


def test_a_silent_daemon_and_a_lost_server_are_each_said_and_old_values_fade(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    path = write_config(tmp_path, port)
    fill(tmp_path / "data", now=NOW, days=1, views=4, size=(324, 243))
    with dashboard(path, port) as site, watched(browser, site) as found:
        page = found.page
        with answering(path):
            page.goto("/")
            expect(page.locator("#robot")).to_have_text("robot ready")
        expect(page.locator(".banner.silent")).to_contain_text(f"trellis daemon --config {path}")
        expect(page.locator(".now")).to_have_css("opacity", "0.35")
        site.process.terminate()
        expect(page.locator(".banner.lost")).to_be_visible()
        expect(page.locator(".sheet")).to_have_css("opacity", "0.45")


def test_an_empty_farm_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    path = tmp_path / "trellis.toml"
    path.write_text(f"[web]\nport = {port}\nrefresh_s = 0.5\n")
    with dashboard(path, port) as site, watched(browser, site) as found:
        found.page.goto("/")
        expect(found.page.locator(".sheet")).to_contain_text("No plant hangs on the wall yet")
        expect(found.page.locator(".sheet")).to_contain_text("Nothing runs")
        found.page.goto("/plant/nobody")
        expect(found.page.locator(".note")).to_contain_text("there is no plant 'nobody'")
        assert (found.complaints, found.foreign) == ([], [])


def test_the_stop_button_stands_even_where_there_is_no_page(browser: Browser, bench: Bench) -> None:
    bench.robot.asked.clear()
    with watched(browser, bench.site) as found:
        answer = found.page.goto("/nowhere")
        assert answer is not None
        assert answer.status == 404
        found.page.locator("#stop").click()
        expect(found.page.locator("#stop")).to_have_text("STOPPED")
    assert bench.robot.asked == ["stop"]
    bench.robot.clear()


def test_a_weighing_and_a_note_are_entered_on_the_plants_page(browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.site, 360, who="operator") as found:
        found.page.goto("/plant/p02")
        found.page.get_by_label("Fresh mass, g").fill("41.2")
        found.page.get_by_label("Harvested").check()
        found.page.get_by_role("button", name="Enter").click()
        expect(found.page.locator(".entered")).to_contain_text("41.2 g")
        (row,) = bench.store.weighings("p02")
        assert (row.fresh_mass_kg, row.harvested, row.entered_by) == (0.0412, True, "operator")
        found.page.get_by_label("Note").fill("<b>pale</b>")
        found.page.get_by_role("button", name="Write").click()
        expect(found.page.locator(".entered")).to_contain_text("<b>pale</b>")
        found.page.get_by_role("button", name="Take back").click()
        found.page.locator("#ask .yes").click()
        expect(found.page.locator(".entered")).to_contain_text("Not weighed yet")
        assert (found.complaints, found.foreign) == ([], [])


def test_a_key_is_made_on_the_page_and_its_secret_shown_once_and_a_viewer_sees_none(
    browser: Browser, bench: Bench
) -> None:
    with watched(browser, bench.site) as found:
        found.page.goto("/system")
        keys = found.page.locator("section", has=found.page.get_by_role("heading", name="Keys"))
        keys.get_by_label("Name").fill("logger")
        keys.get_by_role("button", name="Make a key").click()
        expect(keys.locator("output")).to_contain_text("told this once: trellis_")
        found.page.reload()
        expect(keys).to_contain_text("logger")
        expect(keys).not_to_contain_text("told this once")
    with watched(browser, bench.site, who="viewer") as found:
        found.page.goto("/system")
        expect(found.page.locator(".sheet")).to_contain_text("Health")
        expect(found.page.locator(".sheet")).not_to_contain_text("logger")


def test_who_is_not_signed_in_comes_to_the_door_and_from_there_to_where_they_wanted(
    browser: Browser, bench: Bench
) -> None:
    bench.store.add_user("anna", "viewer", hashed("correct horse"))
    with watched(browser, bench.site, 360, dark=True, who=None) as found:
        found.page.goto("/plant/p02")
        found.page.get_by_label("Name").fill("anna")
        found.page.get_by_label("Password").fill("correct horse")
        found.page.get_by_role("button", name="Sign in").click()
        expect(found.page.locator("h1")).to_have_text("p02")
        bench.robot.asked.clear()
        found.page.locator("#stop").click()  # a viewer stops
        expect(found.page.locator("#stop")).to_have_text("STOPPED")
        assert bench.robot.asked == ["stop"]
        bench.robot.clear()
        found.page.get_by_role("button", name="anna").click()
        expect(found.page.get_by_role("button", name="Sign in")).to_be_visible()
        assert (found.complaints, found.foreign) == ([], [])
