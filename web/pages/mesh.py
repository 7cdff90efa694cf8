"""A plant's mesh, to be turned by hand: the collar in the middle, the wall's normal upwards."""

from typing import Any

from nicegui import ui

_GROUND = "#1c201e"
_SCALE = 10.0  # the viewer's near plane lies 0.1 units before the eye; a head of lettuce is 0.2 m wide


class MeshView:
    """A 3-D view of one glTF file at a time, whose vertices are in the world frame, metres.

    Args:
        plant_position_m: The collar in the world frame.
        size_m: The plant's radius and how far it stands out of the wall, which decide how far away the eye is.
    """

    def __init__(self, plant_position_m: tuple[float, float, float], size_m: tuple[float, float]) -> None:
        self._position_m = plant_position_m
        radius_m, height_m = size_m
        reach = _SCALE * max(radius_m, height_m, 0.03)
        with ui.element("div").classes("mesh"):
            camera = ui.scene.perspective_camera(fov=35, near=0.05, far=200)
            self._scene = ui.scene(width=640, height=480, grid=False, camera=camera, background_color=_GROUND, fps=30)
            self._scene.move_camera(
                x=0.6 * reach,
                y=-3.0 * reach,
                z=2.6 * reach,
                look_at_x=0,
                look_at_y=0,
                look_at_z=_SCALE * height_m * 0.4,
                duration=0,
            )
        self._shown: Any = None

    def show(self, url: str) -> None:
        """Show the file at `url` in place of what was shown."""
        if self._shown is not None:
            self._shown.delete()
        x, y, z = self._position_m
        with self._scene:
            self._shown = self._scene.gltf(url).scale(_SCALE).move(-_SCALE * x, -_SCALE * y, -_SCALE * z)
