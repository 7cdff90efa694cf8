"""Some of tomorrow's views go where today's mesh shows that too few looked."""

from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from scan.adapting import MOVED_MAX_SHARE, SeenMesh, adapt, read_mesh
from scan.viewpoints import Direction, directions
from trellis.errors import InputError
from trellis.folders import ScanFolder


def a_slit_open_to_one_side() -> SeenMesh:
    """A box of sheets, 8 cm wide, open towards +x only: its inside can be seen from slanting views at that side."""
    box = o3d.geometry.TriangleMesh.create_box(0.08, 0.08, 0.08).subdivide_midpoint(3)
    box.translate((-0.04, -0.04, 0.0))
    vertices, faces = np.asarray(box.vertices), np.asarray(box.triangles)
    open_side = (np.abs(vertices[faces][:, :, 0] - 0.04) < 1e-9).all(axis=1)
    return SeenMesh(vertices, faces[~open_side].astype(np.int64), np.array([0.0, 0.0, 0.04]))


def test_views_move_to_the_side_from_which_the_inside_is_seen() -> None:
    wishes = [Direction(way.tilt_rad, np.pi + 0.8 * (way.azimuth_rad - np.pi)) for way in directions(64, 1.2)]
    found = adapt(a_slit_open_to_one_side(), wishes, np.radians(72))
    assert found.after > found.before + 0.01
    assert 0 < len(found.moved) <= MOVED_MAX_SHARE * 64
    moved = [found.wishes[view].unit for view in found.moved]
    towards_opening = [way[0] for way in moved]
    assert np.mean(towards_opening) > 0.2
    kept = [view for view in range(64) if view not in found.moved]
    assert all(found.wishes[view] is wishes[view] for view in kept)


def test_a_scan_without_a_mesh_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the manifest"):
        read_mesh(ScanFolder(tmp_path))
