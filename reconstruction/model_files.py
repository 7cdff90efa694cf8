"""Clouds and meshes as files: PLY (binary, little endian) and GLB (glTF 2.0); in the model's frame and unit."""

import json
import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reconstruction.records import Cloud, Surface
from trellis.errors import InputError

Array = NDArray[np.float64]

_POSITION = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
_NORMAL = [("nx", "<f4"), ("ny", "<f4"), ("nz", "<f4")]
_COLOUR = [("red", "u1"), ("green", "u1"), ("blue", "u1")]
_PLY_TYPES = {"<f4": "float", "u1": "uchar"}

# glTF's own numbers.
_FLOAT, _UNSIGNED_INT, _UNSIGNED_SHORT = 5126, 5125, 5123
_VERTICES, _INDICES = 34962, 34963


def write_cloud_ply(path: Path, cloud: Cloud) -> None:
    """Points with normals, colours and `confidence` (photographs that agree, less those that contradict)."""
    fields = [*_POSITION, *_NORMAL, *_COLOUR, ("confidence", "<f4")]
    table = _table(fields, np.column_stack([cloud.points_m, cloud.normals]), cloud.colours)
    table["confidence"] = cloud.confidence
    path.write_bytes(_ply_header([("vertex", len(table), fields)]) + table.tobytes())


def read_cloud_ply(path: Path) -> Cloud:
    """A cloud that `write_cloud_ply` wrote.

    Raises:
        InputError: The file is missing, cut off, or of other columns.
    """
    fields = [*_POSITION, *_NORMAL, *_COLOUR, ("confidence", "<f4")]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the cloud: {error.strerror}") from error
    head, end, body = content.partition(b"end_header\n")
    count = re.search(rb"element vertex (\d+)", head)
    if not end or count is None or head + end != _ply_header([("vertex", int(count[1]), fields)]):
        raise InputError(f"{path}: not a cloud that Trellis wrote; run `trellis reconstruct` again")
    if len(body) != int(count[1]) * np.dtype(fields).itemsize:
        raise InputError(f"{path}: the cloud is cut off; run `trellis reconstruct` again")
    table = np.frombuffer(body, dtype=fields)

    def columns(names: tuple[str, ...]) -> np.ndarray:
        return np.column_stack([table[name] for name in names])

    return Cloud(
        columns(("x", "y", "z")).astype(float),
        columns(("nx", "ny", "nz")).astype(float),
        columns(("red", "green", "blue")),
        table["confidence"].copy(),
    )


def write_mesh_ply(path: Path, surface: Surface) -> None:
    """Triangles with normals and colours at their corners."""
    fields = [*_POSITION, *_NORMAL, *_COLOUR]
    table = _table(fields, np.column_stack([surface.vertices_m, surface.normals]), surface.colours)
    faces = np.empty(len(surface.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, faces_outwards(surface)
    header = _ply_header([("vertex", len(table), fields), ("face", len(faces), None)])
    path.write_bytes(header + table.tobytes() + faces.tobytes())


def write_mesh_glb(path: Path, surface: Surface) -> None:
    """The mesh as one glTF node; both sides of a face are drawn, colours are made linear as glTF wants them."""
    positions = surface.vertices_m.astype("<f4")
    arrays = [
        (positions, "VEC3", _FLOAT, _VERTICES),
        (surface.normals.astype("<f4"), "VEC3", _FLOAT, _VERTICES),
        (_linear_colours(surface.colours), "VEC4", _UNSIGNED_SHORT, _VERTICES),
        (faces_outwards(surface).astype("<u4").reshape(-1), "SCALAR", _UNSIGNED_INT, _INDICES),
    ]
    accessors, views, offset = [], [], 0
    for index, (array, kind, number, target) in enumerate(arrays):
        accessors.append({"bufferView": index, "componentType": number, "count": len(array), "type": kind})
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": target})
        offset += array.nbytes
    accessors[0] |= {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
    accessors[2]["normalized"] = True
    attributes = {"POSITION": 0, "NORMAL": 1, "COLOR_0": 2}
    document = {
        "asset": {"version": "2.0", "generator": "Trellis"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "plant"}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [{"doubleSided": True, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": offset}],
    }
    path.write_bytes(_glb(document, b"".join(array.tobytes() for array, *_ in arrays)))


def faces_outwards(surface: Surface) -> NDArray[np.int32]:
    """The faces, each ordered so that its normal agrees with those of its vertices, shape (f, 3)."""
    a, b, c = (surface.vertices_m[surface.faces[:, k]] for k in range(3))
    agree = (np.cross(b - a, c - a) * surface.normals[surface.faces].sum(axis=1)).sum(axis=1)
    return np.where((agree < 0)[:, None], surface.faces[:, ::-1], surface.faces)


def _table(fields: list[tuple[str, str]], numbers: Array, colours: NDArray[np.uint8]) -> np.ndarray:
    table = np.empty(len(numbers), dtype=fields)
    for index, name in enumerate(name for name, kind in fields if kind == "<f4" and name != "confidence"):
        table[name] = numbers[:, index]
    table["red"], table["green"], table["blue"] = colours.T
    return table


def _ply_header(elements: list[tuple[str, int, list[tuple[str, str]] | None]]) -> bytes:
    """`None` as fields means a face's list of corners."""
    lines = ["ply", "format binary_little_endian 1.0", "comment Trellis; metres, world frame, where there is scale"]
    for name, count, fields in elements:
        lines.append(f"element {name} {count}")
        if fields is None:
            lines.append("property list uchar int vertex_indices")
        else:
            lines += [f"property {_PLY_TYPES[kind]} {field}" for field, kind in fields]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _linear_colours(colours: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Red, green, blue and opacity from 0 to 65535, without sRGB's curve."""
    srgb = colours / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.column_stack([np.round(linear * 65535), np.full(len(colours), 65535)]).astype("<u2")


def _glb(document: dict, binary: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
