"""Forecast, strip and leaves of a plant, over the API and on its page."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest

from reconstruction.growth.batch import fit_batch
from reconstruction.growth.curve import SIZES
from reconstruction.growth.forecast import course, forecast
from reconstruction.growth.looks import looks
from reconstruction.growth.state_space import Smoothed, smooth
from scheduler.rows import MeasurementRow, PlantRow, ScanRow
from scheduler.store import Store
from tests.web.farm_fixture import STAGES_S, mass_of, traits_of
from web import reading
from web.pages.colours import colouring


def _weighed(store: Store, name: str, days: int, start_kg: float) -> None:
    """A plant that grows by 16 % a day from day 20 on."""
    sown = datetime(2026, 10, 1, tzinfo=UTC)
    store.remember_plant(PlantRow(name, (0.1, 0.1, 0.0), "lugano", sown.date()))
    for day in range(days):
        at = datetime.fromtimestamp(sown.timestamp() + 86400 * (20 + day), UTC)
        scan = f"{name}-{day:02d}"
        store.save_scan(ScanRow(scan, name, "done", at, at, 8, 8, 0, f"plants/{name}/{scan}", None))
        kg = start_kg * float(np.exp(0.15 * day))
        interval = {"fresh_mass_kg": kg, "fresh_mass_low_kg": 0.8 * kg, "fresh_mass_high_kg": 1.2 * kg}
        mass = mass_of(0.2).model_copy(update=interval)
        store.save_measurement(MeasurementRow(scan, name, at, traits_of(0.2, 8), mass, STAGES_S))


def test_the_forecast_goes_on_where_the_plant_is_and_says_when_it_is_ready(own: Path, own_api: httpx.Client) -> None:
    with Store(f"sqlite:///{own.parent / 'data' / 'trellis.db'}") as store:
        for index, name in enumerate(("l1", "l2", "l3")):
            _weighed(store, name, 8, 0.02 + 0.002 * index)
    said = own_api.get("/api/v1/plants/l1/forecast?target_kg=0.15", timeout=60).json()
    seen = [point for point in said["course"] if not point["ahead"]]
    ahead = [point for point in said["course"] if point["ahead"]]
    assert (len(seen), len(ahead), said["plants"], said["reached"]) == (8, 21, 3, False)
    assert all(point["low_kg"] < point["mass_kg"] < point["high_kg"] for point in said["course"])
    assert ahead[0]["mass_kg"] > seen[-1]["mass_kg"] > 0.04
    assert said["ready_low_at"] < said["ready_at"] < said["ready_high_at"]
    crossed = next(point["at"] for point in ahead if point["mass_kg"] >= 0.15)
    days = (datetime.fromisoformat(crossed) - datetime.fromisoformat(said["ready_at"])).total_seconds() / 86400
    assert abs(days) < 2, "the middle of the band reaches the target about when half of the futures do"
    assert own_api.get("/api/v1/plants/l1/forecast?target_kg=0.01").json()["reached"] is True


def test_a_plant_that_nothing_can_be_told_of_says_why(own_api: httpx.Client) -> None:
    refused = own_api.get("/api/v1/plants/p04/forecast")
    assert (refused.status_code, refused.json()["error"]) == (
        409,
        "p04 has fewer than three masses; a forecast needs three",
    )
    assert own_api.get("/api/v1/plants/p04/leaves").status_code == 404
    assert own_api.get("/api/v1/plants/nobody/strip.png").status_code == 404


def test_the_strip_is_a_picture_and_is_kept(own_api: httpx.Client) -> None:
    first = own_api.get("/api/v1/plants/p02/strip.png", timeout=60)
    assert first.headers["content-type"] == "image/png"
    assert first.content.startswith(b"\x89PNG")
    assert own_api.get("/api/v1/plants/p02/strip.png").content == first.content


def test_the_course_of_a_forecast_crosses_the_target_when_it_says(growing: tuple[object, Smoothed]) -> None:
    curve, smoothed = growing
    said = forecast(curve, smoothed, 19.0, 150.0)  # type: ignore[arg-type]
    sizes = course(curve, smoothed, 19.0, 60)[:, 0, 1]  # type: ignore[arg-type]
    assert 19.0 + float(np.argmax(sizes >= 150.0)) == pytest.approx(said.day[0], abs=1.5)
    assert sizes[0] == pytest.approx(float(np.exp(smoothed.log_size[0, -1])), rel=0.05)


@pytest.fixture
def growing() -> tuple[object, Smoothed]:
    days = np.arange(10, 20)
    grams = np.log(np.array([20.0, 22.0])[:, None] * np.exp(0.15 * (days - 10)))
    seen = looks(SIZES["fresh_mass_g"], ("a", "b"), days, grams, np.full(grams.shape, 0.05))
    curve = fit_batch(seen)
    return curve, smooth(seen, curve)


def test_the_wall_is_coloured_by_how_much_of_a_plant_was_seen(own_api: httpx.Client) -> None:
    farm = own_api.farm  # type: ignore[attr-defined]
    painted = colouring("coverage", reading.plants(farm))
    assert painted.paints["p02"].text.endswith(" %")
    assert painted.paints["p04"].text == ""
