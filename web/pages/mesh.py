"""A plant's mesh, to be turned by hand: the collar in the middle, the wall's normal upwards."""

from nicegui import ui

from web.answers import ViewsAnswer

_GROUND = "#1c201e"
_SCALE = 10.0  # the viewer's near plane lies 0.1 units before the eye; a head of lettuce is 0.2 m wide


def mesh_view(url: str, plant_position_m: tuple[float, float, float], radius_m: float, height_m: float) -> None:
    """A 3-D view of the glTF file at `url`, whose vertices are in the world frame, metres.

    Args:
        url: Where the browser fetches it.
        plant_position_m: The collar in the world frame.
        radius_m: The plant's radius, which decides how far away the eye is.
        height_m: How far the plant stands out of the wall.
    """
    x, y, z = plant_position_m
    reach = _SCALE * max(radius_m, height_m, 0.03)
    with ui.element("div").classes("mesh"):
        camera = ui.scene.perspective_camera(fov=35, near=0.05, far=200)
        with ui.scene(width=640, height=480, grid=False, camera=camera, background_color=_GROUND, fps=30) as scene:
            scene.gltf(url).scale(_SCALE).move(-_SCALE * x, -_SCALE * y, -_SCALE * z)
        scene.move_camera(
            x=0.6 * reach,
            y=-3.0 * reach,
            z=2.6 * reach,
            look_at_x=0,
            look_at_y=0,
            look_at_z=_SCALE * height_m * 0.4,
            duration=0,
        )


def size_of(found: ViewsAnswer | None, diameter_m: float | None, height_m: float | None) -> tuple[float, float]:
    """Radius and height for the view: as measured, else as planned for, else a grown plant's."""
    planned = found.plant_radius_m if found else 0.15
    return (diameter_m / 2 if diameter_m else planned), (height_m or planned)
