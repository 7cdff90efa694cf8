"""PLY and GLB as another program reads them: Open3D's own readers, which know nothing of ours."""

import json
import struct
from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from reconstruction.model_files import faces_outwards, write_cloud_ply, write_mesh_glb, write_mesh_ply
from reconstruction.records import Cloud, Surface


@pytest.fixture
def cloud() -> Cloud:
    random = np.random.default_rng(0)
    normals = random.standard_normal((50, 3))
    return Cloud(
        points_m=random.random((50, 3)),
        normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        colours=random.integers(0, 256, (50, 3), dtype=np.uint8),
        confidence=random.random(50).astype(np.float32),
    )


@pytest.fixture
def square() -> Surface:
    """1 m by 1 m in the plane z = 2, facing +z; its second face is listed the wrong way round."""
    return Surface(
        vertices_m=np.array([[0, 0, 2], [1, 0, 2], [1, 1, 2], [0, 1, 2]], dtype=float),
        normals=np.tile([0.0, 0.0, 1.0], (4, 1)),
        colours=np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]], dtype=np.uint8),
        faces=np.array([[0, 1, 2], [0, 3, 2]], dtype=np.int32),
    )


def test_a_cloud_comes_back(cloud: Cloud, tmp_path: Path) -> None:
    write_cloud_ply(tmp_path / "cloud.ply", cloud)
    read = o3d.t.io.read_point_cloud(str(tmp_path / "cloud.ply"))
    # 32-bit floats keep 7 digits.
    np.testing.assert_allclose(read.point["positions"].numpy(), cloud.points_m, rtol=1e-6)
    np.testing.assert_allclose(read.point["normals"].numpy(), cloud.normals, atol=1e-6)
    np.testing.assert_array_equal(read.point["colors"].numpy(), cloud.colours)
    np.testing.assert_array_equal(read.point["confidence"].numpy()[:, 0], cloud.confidence)


def test_a_cloud_without_points_is_still_a_file(cloud: Cloud, tmp_path: Path) -> None:
    write_cloud_ply(tmp_path / "cloud.ply", cloud.chosen(np.zeros(50, dtype=bool)))
    assert b"element vertex 0" in (tmp_path / "cloud.ply").read_bytes()


def test_faces_are_turned_to_where_their_normals_point(square: Surface) -> None:
    assert faces_outwards(square).tolist() == [[0, 1, 2], [2, 3, 0]]


@pytest.mark.parametrize("write", [write_mesh_ply, write_mesh_glb])
def test_a_mesh_comes_back(square: Surface, tmp_path: Path, write) -> None:
    path = tmp_path / ("mesh.ply" if write is write_mesh_ply else "mesh.glb")
    write(path, square)
    read = o3d.io.read_triangle_mesh(str(path))
    assert read.get_surface_area() == pytest.approx(1.0)
    np.testing.assert_allclose(np.sort(np.asarray(read.vertices), axis=0), np.sort(square.vertices_m, axis=0))
    read.compute_triangle_normals()
    np.testing.assert_allclose(np.asarray(read.triangle_normals), [[0, 0, 1], [0, 0, 1]], atol=1e-6)


def test_ply_keeps_the_colours(square: Surface, tmp_path: Path) -> None:
    write_mesh_ply(tmp_path / "mesh.ply", square)
    read = o3d.io.read_triangle_mesh(str(tmp_path / "mesh.ply"))
    np.testing.assert_allclose(np.asarray(read.vertex_colors) * 255, square.colours)


def test_glb_says_its_length_and_keeps_linear_colours(square: Surface, tmp_path: Path) -> None:
    write_mesh_glb(tmp_path / "mesh.glb", square)
    content = (tmp_path / "mesh.glb").read_bytes()
    magic, version, length, text_length, kind = struct.unpack_from("<4sIIII", content)
    assert (magic, version, length, kind) == (b"glTF", 2, len(content), 0x4E4F534A)
    document = json.loads(content[20 : 20 + text_length])
    colours = document["bufferViews"][document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]]
    start = 20 + text_length + 8 + colours["byteOffset"]
    grey = np.frombuffer(content, "<u2", 16, start).reshape(4, 4)[3]
    # The standard's own number: sRGB 128 is 21.586 % of full light.
    assert grey[0] / 65535 == pytest.approx(0.21586, abs=1e-4)
    assert all(view["byteOffset"] % 4 == 0 for view in document["bufferViews"])
