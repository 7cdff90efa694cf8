"""Tags as points of the adjustment: seen to a tenth of a pixel by many photographs, they hold lens and scale.

A tag is one point, where its diagonals cross: that is so from every side, and the rounding of corners does not move it.
Why tags are repeated, and what it brings, stands in docs/decisions/0008.
"""

from collections.abc import Mapping

import numpy as np
import pycolmap

from reconstruction.model import Array
from reconstruction.tags import Corners, Sighting

#: A feature is good for about 0.6 px, the crossing of a tag's diagonals for 0.12 px: as many times more it counts.
#: COLMAP's adjustment has no weights, so an observation is told so many times.
REPEATS = 25

#: A sighting that is farther from where its tag should be is another thing, or half hidden.
_OUTLIER_PX = 10.0


def crossing(corners_px: Array) -> Array:
    """Where the diagonals of quadrangles (..., 4, 2) cross, shape (..., 2)."""
    a, b, c, d = np.moveaxis(np.asarray(corners_px, dtype=float), -2, 0)
    along, other, between = c - a, d - b, b - a
    share = _cross(between, other) / _cross(along, other)
    return np.asarray(a + share[..., None] * along)


def with_tags(
    found: pycolmap.Reconstruction, seen: Mapping[str, Sighting], tags: Corners, *, as_on_board: bool
) -> tuple[pycolmap.Reconstruction, list[int]]:
    """A copy of a reconstruction in which tags are points too, and their point ids; those of the others stay.

    Args:
        found: In the world frame already.
        seen: Corners in pixels by photograph.
        tags: Centres, as `Corners.centres` gives them.
        as_on_board: Place the points where the board has them, else where they were triangulated.
    """
    places = dict(zip(tags.tags.tolist(), tags.board_m if as_on_board else tags.found, strict=True))
    copy = pycolmap.Reconstruction()
    for camera in found.cameras.values():
        copy.add_camera_with_trivial_rig(camera)
    tracks: dict[int, list[tuple[int, int]]] = {tag: [] for tag in places}
    for image_id in sorted(found.reg_image_ids()):
        image = found.image(image_id)
        pixels = [point.xy for point in image.points2D]
        for tag, pixel in _fitting(image, seen.get(image.name, {}), places):
            tracks[tag] += [(image_id, len(pixels) + k) for k in range(REPEATS)]
            pixels += [pixel] * REPEATS
        twin = pycolmap.Image(image.name, np.array(pixels).reshape(-1, 2), camera_id=image.camera_id, image_id=image_id)
        copy.add_image_with_trivial_frame(twin, image.cam_from_world())
    for point_id, point in found.points3D.items():
        copy.add_point3D_with_id(point_id, pycolmap.Point3D(xyz=point.xyz, track=point.track))
    points = []
    for tag, elements in tracks.items():
        if len(elements) >= 2 * REPEATS:
            track = pycolmap.Track([pycolmap.TrackElement(*element) for element in elements])
            points.append(copy.add_point3D(places[tag], track, np.zeros(3, np.uint8)))
    return copy, points


def take_over(found: pycolmap.Reconstruction, adjusted: pycolmap.Reconstruction) -> None:
    """Bring what was adjusted in a copy back: lens, poses and points."""
    for camera_id, camera in adjusted.cameras.items():
        found.camera(camera_id).params = camera.params
    for image_id in adjusted.reg_image_ids():
        frame = found.frame(found.image(image_id).frame_id)
        frame.set_cam_from_world(found.image(image_id).camera_id, adjusted.image(image_id).cam_from_world())
    for point_id, point in found.points3D.items():
        point.xyz = adjusted.point3D(point_id).xyz


def _fitting(image: pycolmap.Image, sighting: Sighting, places: Mapping[int, Array]) -> list[tuple[int, Array]]:
    """Tags that a photograph sees about where they should be, each with the pixel where its diagonals cross."""
    tags = [tag for tag in sighting if tag in places]
    if not tags:
        return []
    pixels = crossing(np.array([sighting[tag] for tag in tags]))
    expected = [image.project_point(places[tag]) for tag in tags]
    return [
        (tag, pixel)
        for tag, pixel, where in zip(tags, pixels, expected, strict=True)
        if where is not None and np.linalg.norm(where - pixel) < _OUTLIER_PX
    ]


def _cross(a: Array, b: Array) -> Array:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
