"""Drawings that stand in for photographs and meshes where their content does not matter."""

import json
import math
import struct

import cv2
import numpy as np

Size = tuple[int, int]


def photograph(plant: str, view: int, views: int, size: Size) -> bytes:
    """A drawing of leaves over a board of squares, different for every plant and view."""
    width, height = size
    random = np.random.default_rng([sum(plant.encode()), 7])
    picture = np.full((height, width, 3), 205, np.uint8)
    turn = view * 2.4
    tilt = 0.55 * math.sqrt(view / views)
    step = width // 9
    for column in range(-1, 10):
        for row in range(-1, 8):
            corner = (column * step + int(20 * math.cos(turn)), row * step + int(20 * math.sin(turn)))
            cv2.rectangle(picture, corner, (corner[0] + step // 2, corner[1] + step // 2), (40, 40, 40), -1)
    leaves = {"p01": 9, "p02": 22, "p03": 26, "p04": 7}[plant]
    for leaf in range(leaves):
        share = 1 - leaf / leaves
        reach = height * (0.08 + 0.27 * share)
        angle = 2.399 * leaf + turn
        centre = (
            int(width / 2 + reach * math.cos(angle) * 0.8 + 60 * tilt * math.cos(turn)),
            int(height / 2 + reach * math.sin(angle) * (1 - tilt) * 0.8 + 60 * tilt * math.sin(turn)),
        )
        green = (60 + int(40 * (1 - share)), 120 + int(70 * (1 - share)) + int(random.integers(-12, 12)), 70)
        axes = (int(height * (0.1 + 0.12 * share)), int(height * (0.07 + 0.09 * share) * (1 - tilt / 2)))
        cv2.ellipse(picture, centre, axes, math.degrees(angle), 0, 360, green, -1, cv2.LINE_AA)
        tip = (int(centre[0] + axes[0] * math.cos(angle)), int(centre[1] + axes[0] * math.sin(angle)))
        cv2.line(picture, (width // 2, height // 2), tip, (120, 200, 150), 2, cv2.LINE_AA)
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return bytes(jpeg)


def rosette_glb(plant_m: tuple[float, float, float], diameter_m: float, height_m: float) -> bytes:
    """A head of curved leaves as a binary glTF, vertices in the world frame, a colour for each vertex."""
    points, colours, faces = [], [], []
    for leaf in range(18):
        angle, share = 2.399 * leaf, (leaf + 1) / 18
        base = len(points)
        for along in np.linspace(0, 1, 9):
            for across in np.linspace(-1, 1, 7):
                reach = diameter_m / 2 * (0.3 + 0.7 * share) * along
                half = 0.32 * diameter_m * math.sin(math.pi * min(along * 0.9 + 0.08, 1)) * (0.4 + 0.6 * share)
                wave = 0.004 * math.sin(9 * across + 5 * leaf) * along
                up = height_m * (1.15 - share) * along + 0.35 * height_m * across**2 * along + wave
                x, y = reach, across * half
                points.append((plant_m[0] + x * math.cos(angle) - y * math.sin(angle),
                               plant_m[1] + x * math.sin(angle) + y * math.cos(angle), plant_m[2] + up))  # fmt: skip
                rib = math.exp(-40 * across**2)
                colours.append((0.22 + 0.3 * rib + 0.12 * (1 - share), 0.48 + 0.25 * rib, 0.16 + 0.2 * rib))
        for row in range(8):
            for column in range(6):
                at = base + 7 * row + column
                faces += [(at, at + 1, at + 7), (at + 1, at + 8, at + 7)]
    return glb(np.array(points, np.float32), np.array(colours, np.float32), np.array(faces, np.uint32))


_ATTRIBUTES = {"POSITION": 0, "NORMAL": 1, "COLOR_0": 2}


_ATTRIBUTES = {"POSITION": 0, "NORMAL": 1, "COLOR_0": 2}


def glb(points_m: np.ndarray, colours: np.ndarray, faces: np.ndarray) -> bytes:
    """The least binary glTF 2.0 of one coloured mesh, seen from both sides (Khronos glTF 2.0, section 4)."""
    across = np.cross(points_m[faces[:, 1]] - points_m[faces[:, 0]], points_m[faces[:, 2]] - points_m[faces[:, 0]])
    normals = np.zeros_like(points_m)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    arrays = (points_m, normals.astype(np.float32), colours, faces.astype(np.uint32))
    parts = [array.tobytes() for array in arrays]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).tolist()
    count = len(points_m)
    extent = {"min": points_m.min(0).tolist(), "max": points_m.max(0).tolist()}
    vectors = [{"bufferView": view, "componentType": 5126, "count": count, "type": "VEC3"} for view in range(3)]
    vectors[0] |= extent
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": _ATTRIBUTES, "indices": 3, "material": 0}]}],
        "materials": [{"doubleSided": True, "pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 0.8}}],
        "buffers": [{"byteLength": offsets[-1]}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": offsets[part], "byteLength": len(parts[part])} for part in range(4)
        ],
        "accessors": [*vectors, {"bufferView": 3, "componentType": 5125, "count": faces.size, "type": "SCALAR"}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary = b"".join(parts)
    total = 12 + 8 + len(text) + 8 + len(binary)
    return (
        struct.pack("<4sII", b"glTF", 2, total)
        + struct.pack("<I4s", len(text), b"JSON") + text
        + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )  # fmt: skip
