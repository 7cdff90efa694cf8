"""A plant's meshes through the days: a slider that goes from scan to scan, and a second one beside it."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from web.answers import PlantDetailAnswer, ScanAnswer
from web.farm import Farm
from web.pages.mesh import MeshView
from web.words import grams, when


def models(farm: Farm, plant: PlantDetailAnswer, shown: ScanAnswer | None) -> None:
    """The mesh of the scan that is shown, a slider over all that have one, and another day beside it on request."""
    scans = [scan for scan in reversed(plant.scans) if "mesh.glb" in scan.artefacts]
    if not scans:
        ui.html('<p class="empty">No mesh has been made of this plant yet.</p>', sanitize=False)
        return
    at = next((index for index, scan in enumerate(scans) if shown and scan.id == shown.id), len(scans) - 1)
    with ui.element("div").classes("beside-models"):
        _model(farm, plant, scans, at)
        if len(scans) > 1:
            second = ui.element("div")
            second.set_visibility(False)
    if len(scans) > 1:
        _beside(second, lambda: _model(farm, plant, scans, 0))


def _beside(place: ui.element, fill: Callable[[], None]) -> None:
    filled = False

    def show() -> None:
        nonlocal filled
        if not filled:
            filled = True
            with place:
                fill()
        place.set_visibility(not place.visible)
        button.set_text("One day alone" if place.visible else "Another day beside it")

    button = ui.button("Another day beside it", on_click=show, color=None).props("flat no-caps").classes("button plain")


def _model(farm: Farm, plant: PlantDetailAnswer, scans: list[ScanAnswer], at: int) -> None:
    with ui.element("div"):
        view = MeshView(plant.position_m, _size(plant, scans[-1]))
        view.show(f"/api/v1/scans/{scans[at].id}/mesh.glb")
        caption = ui.html(_caption(farm, plant, scans[at]), sanitize=False)
        if len(scans) == 1:
            return

        def move(index: int) -> None:
            view.show(f"/api/v1/scans/{scans[index].id}/mesh.glb")
            caption.set_content(_caption(farm, plant, scans[index]))

        slider = ui.slider(min=0, max=len(scans) - 1, value=at, on_change=lambda event: move(int(event.value)))
        slider.props('aria-label="Day of the model" markers').classes("days")


def _size(plant: PlantDetailAnswer, newest: ScanAnswer) -> tuple[float, float]:
    """Radius and height of the largest day, so that growth is seen as growth."""
    sizes = [one.traits for one in plant.measurements]
    radius_m = max((one.diameter_m / 2 for one in sizes if one.diameter_m), default=0.15)
    return radius_m, max((one.height_m for one in sizes if one.height_m), default=radius_m)


def _caption(farm: Farm, plant: PlantDetailAnswer, scan: ScanAnswer) -> str:
    measured = next((one for one in plant.measurements if one.scan == scan.id), None)
    mass = f", {grams(measured.mass.fresh_mass_kg)}" if measured and measured.mass.fresh_mass_kg else ""
    return f'<p class="soft more">{escape(when(scan.started_at, farm.zone))}{mass}</p>'
