"""The pictures of a report: a photograph beside the mesh from the same place, the form, the cloud, the cameras."""

from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from reconstruction.leaves import Leaves
from reconstruction.model import Model, View
from reconstruction.pictures import (
    Colour,
    Eye,
    Picture,
    draw_frusta,
    draw_mesh,
    draw_mesh_as_photographed,
    draw_points,
)
from reconstruction.records import Cloud, Surface
from reconstruction.report_scene import Stage

_SIZE_PX = (640, 480)
_GOOD, _WRONG = (70, 150, 82), (214, 92, 30)

#: A cloud is drawn with so many points at most; more cannot be told apart in a picture.
_MOST_POINTS = 400_000


class Shown(Protocol):
    """What the pictures are made of."""

    @property
    def model(self) -> Model: ...
    @property
    def cloud(self) -> Cloud: ...
    @property
    def plant(self) -> NDArray[np.bool_]: ...
    @property
    def surface(self) -> Surface: ...
    @property
    def leaves(self) -> Leaves: ...


def pictures(stage: Stage, shown: Shown) -> Iterator[tuple[Picture, str]]:
    """Each with its caption; RGB for photographs, RGB and opacity for drawings."""
    view = _straightest(stage, shown.model)
    photograph = _photograph(view)
    yield photograph, f"Photograph {view.name}"
    drawn = draw_mesh_as_photographed(shown.surface, view.world_from_camera, shown.model.lens, _SIZE_PX[0])
    yield drawn, "The plant's mesh from the same place, through the same lens"
    up = stage.axes[1]
    slant = Eye.around(stage.centre, 0.97 * stage.radius, stage.direction(0.45, stage.tilt_rad), up, _SIZE_PX)
    yield draw_mesh(shown.surface, slant, coloured=False), "The mesh's form, from where most cameras were"
    yield draw_mesh(by_leaf(shown.surface, shown.leaves), slant), f"{len(shown.leaves)} leaves told apart"
    flat = Eye.around(stage.centre, 0.97 * stage.radius, stage.direction(-0.5, 1.35), stage.axes[2], _SIZE_PX)
    yield draw_mesh(shown.surface, flat), "The mesh along the ground that the plant stands on"
    wide = Eye.around(stage.centre, 1.4 * stage.radius, stage.direction(0.45, stage.tilt_rad), up, _SIZE_PX)
    few = _some(len(shown.cloud))
    yield draw_points(shown.cloud.points_m[few], shown.cloud.colours[few], wide), "The whole cloud around the plant"
    yield _cameras(stage, shown), _cameras_caption(shown.model)


def by_leaf(surface: Surface, leaves: Leaves) -> Surface:
    """The surface with a colour for each leaf; what belongs to none is grey."""
    hue = (np.arange(len(leaves)) * 0.381966 % 1 * 180).astype(np.uint8)
    hsv = np.column_stack([hue, np.full(len(hue), 165, np.uint8), np.full(len(hue), 235, np.uint8)])
    colours = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0] if len(hue) else np.zeros((0, 3), np.uint8)
    table = np.vstack([colours, np.full((1, 3), 150, np.uint8)])
    # Faces get corners of their own, so that colours end where leaves do.
    corners = surface.faces.reshape(-1)
    return Surface(
        surface.vertices_m[corners],
        surface.normals[corners],
        np.repeat(table[leaves.of_face], 3, axis=0),
        np.arange(len(corners), dtype=np.int32).reshape(-1, 3),
    )


def _straightest(stage: Stage, model: Model) -> View:
    """The view whose line of sight is nearest to straight at the plant from in front."""

    def misses(view: View) -> float:
        away = view.world_from_camera.translation_m - stage.centre
        away = away / np.linalg.norm(away)
        return float(-away @ stage.axes[2] - 2 * (-away @ view.world_from_camera.rotation[:, 2]))

    return min(model.views, key=misses)


def _photograph(view: View) -> NDArray[np.uint8]:
    picture = cv2.imread(str(view.path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    height_px = round(_SIZE_PX[0] * picture.shape[0] / picture.shape[1])
    small = cv2.resize(picture, (_SIZE_PX[0], height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _cameras(stage: Stage, shown: Shown) -> Picture:
    radius = 1.1 * stage.camera_radius
    eye = Eye.around(stage.centre, radius, stage.direction(0.45, 0.95), stage.axes[2], _SIZE_PX)
    few = _some(len(shown.cloud))
    picture = draw_points(shown.cloud.points_m[few], shown.cloud.colours[few], eye, size_px=1)
    wrong = {residual.name for residual in shown.model.residuals if residual.wrong}
    cameras: list[tuple[Colour, View]] = [(_WRONG if v.name in wrong else _GOOD, v) for v in shown.model.views]
    draw_frusta(picture, eye, [(v.world_from_camera, colour) for colour, v in cameras], 0.09 * stage.camera_radius)
    return picture


def _cameras_caption(model: Model) -> str:
    wrong = sum(residual.wrong for residual in model.residuals)
    return f"The {len(model.views)} cameras" + (f"; {wrong} with a wrong belief in orange" if wrong else "")


def _some(count: int) -> NDArray[np.int64]:
    return np.arange(0, count, max(1, count // _MOST_POINTS))
