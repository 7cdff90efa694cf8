"""A data set of one simulated plant: photographs, poses true and believed, lens, tags, and the truth to judge by."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardware_sim.lettuce_kinds import STANDARD, check_growable
from hardware_sim.optics import Camera
from hardware_sim.photograph import Photographer
from hardware_sim.rigid import Array, motion, quaternion_wxyz
from hardware_sim.scene import PlantSpec
from hardware_sim.truth import PlantTruth, plant_truth
from hardware_sim.wall import SITE_PITCH_M, board, site_m
from hardware_sim.world import TrueLens, World, build_world
from trellis.board import board_text
from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.lens import Lens, lens_text

#: Site of the plant, and distance of the camera from the plant's middle.
COLUMN, ROW = 4, 2
DISTANCE_M = 0.31
#: Rings of views: angle from the wall's normal, share of the views.
RINGS = ((10.0, 0.08), (28.0, 0.17), (45.0, 0.23), (58.0, 0.26), (68.0, 0.26))
#: How far the believed poses are off, in each coordinate and about each axis.
POSITION_STD_M = 0.006
ROTATION_STD_RAD = float(np.radians(1.0))
POSE_COLUMNS = ("image", "x_m", "y_m", "z_m", "qw", "qx", "qy", "qz", "position_std_m", "rotation_std_rad")


@dataclass(frozen=True)
class Order:
    """What to photograph; an `InputError` where no such plant can be grown."""

    plant: str
    day: float
    cultivar: str
    views: int
    seed: int
    neighbours: bool
    camera: Camera = field(default_factory=Camera)
    treatment: str = STANDARD
    gutters: bool = False

    def __post_init__(self) -> None:
        check_growable(self.day, self.cultivar, self.treatment)


def write_dataset(order: Order, folder: Path) -> Iterator[str]:
    """Write the data set; yields the name of each photograph as it is there. The truth is written last.

    A folder that was broken off is gone on with: photographs that are there are kept, and would come out the same.

    Raises:
        InputError: The folder was begun with another order.
    """
    _same_order(order, folder)
    world = build_world(order.seed, "calibrated")
    photographer = Photographer(world, plants_of(order), order.seed, order.camera, order.gutters)
    subject = photographer.scene.plants[0]
    height_m = max(float(sheet.vertices_m[..., 2].max()) for sheet in subject.sheets)
    middle = site_m(COLUMN, ROW) + np.array([0, 0, height_m / 2])
    random = np.random.default_rng([order.seed, 0xDA7A])
    poses = ring_views(middle, order.views, random)
    names = [f"{k:03d}.jpg" for k in range(len(poses))]
    _write_texts(folder, world, names, poses, random)
    for frame, (name, pose) in enumerate(zip(names, poses, strict=True)):
        if not (folder / "images" / name).exists():
            write_durably(folder / "images" / name, photographer.jpeg(pose, frame))
        yield name
    truth = plant_truth(photographer.scene, subject, world.lens, poses)
    _write_truth(folder, photographer, truth)


def _same_order(order: Order, folder: Path) -> None:
    """Keep the order beside what it makes, and let no other one go on with it."""
    path, text = folder / "order.json", json.dumps(asdict(order), indent=1) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise InputError(f"{folder} was begun with another order ({path.name}); choose another folder or remove it")
    write_durably(path, text.encode())


def plants_of(order: Order) -> list[PlantSpec]:
    """The plant at its site and, if asked for, the eight about it, all of one age, cultivar and treatment."""
    x, y, _ = site_m(COLUMN, ROW)
    steps = [(i, j) for j in (-1, 0, 1) for i in (-1, 0, 1) if (i, j) != (0, 0)] if order.neighbours else []
    place = (float(x), float(y), 0.0)
    subject = PlantSpec(order.plant, place, order.day, order.cultivar, order.seed, treatment=order.treatment)
    around = [
        PlantSpec(
            f"{order.plant}-neighbour-{k}",
            (float(x) + i * SITE_PITCH_M, float(y) + j * SITE_PITCH_M, 0.0),
            order.day,
            order.cultivar,
            1000 * order.seed + k,
            treatment=order.treatment,
        )
        for k, (i, j) in enumerate(steps, start=1)
    ]
    return [subject, *around]


def ring_views(middle_m: Array, count: int, random: np.random.Generator) -> Array:
    """Camera poses (count, 4, 4) on rings about the plant's middle, nearly upright, aimed within 8 mm of it."""
    wanted = np.array([share for _, share in RINGS]) * count
    numbers = np.floor(wanted).astype(int)
    for k in np.argsort(numbers - wanted)[: count - numbers.sum()]:
        numbers[k] += 1
    poses = []
    for ring, ((tilt_deg, _), number) in enumerate(zip(RINGS, numbers, strict=True)):
        for k in range(number):
            azimuth = 2 * np.pi * (k + 0.5 * (ring % 2) + random.normal(0, 0.05)) / number
            tilt = np.radians(tilt_deg + random.normal(0, 1.0))
            outward = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
            eye = middle_m + (DISTANCE_M + random.normal(0, 0.004)) * outward
            # The outer rings look a little lower: at the plant's foot, where its leaves hide each other.
            target = middle_m * np.array([1, 1, 1 - 0.25 * (tilt_deg > 50)]) + random.normal(0, 0.008, 3)
            poses.append(looking(eye, target) @ motion((0, 0, random.normal(0, np.radians(4)))))
    return np.array(poses)


def looking(eye_m: Array, target_m: Array) -> Array:
    """A camera (4, 4) at `eye_m` that looks at `target_m`, its x axis level along the wall where that can be."""
    z = np.asarray(target_m, dtype=float) - eye_m
    z /= np.linalg.norm(z)
    up = np.array([0.0, 1.0, 0.0]) if abs(z[1]) < 0.97 else np.array([0.0, 0.0, 1.0])
    x = np.cross(z, up)
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z], 1)
    pose[:3, 3] = eye_m
    return pose


def _write_texts(folder: Path, world: World, names: list[str], poses: Array, random: np.random.Generator) -> None:
    believed = [
        pose @ motion(random.normal(0, ROTATION_STD_RAD, 3)) + _shift(random.normal(0, POSITION_STD_M, 3))
        for pose in poses
    ]
    lens = world.lens
    nominal = Lens("OPENCV", lens.width_px, lens.height_px, (1290.0, 1290.0, 648.0, 486.0, 0.0, 0.0, 0.0, 0.0))
    texts = {
        "poses.csv": poses_text(names, believed, (POSITION_STD_M, ROTATION_STD_RAD)),
        "true_poses.csv": poses_text(names, poses, None),
        "camera.toml": lens_text(nominal),
        "true_camera.toml": lens_text(_as_lens(lens)),
        "board.toml": board_text(board()),
    }
    for name, text in texts.items():
        write_durably(folder / name, text.encode())


def _shift(by_m: Array) -> Array:
    shift = np.zeros((4, 4))
    shift[:3, 3] = by_m
    return shift


def _as_lens(lens: TrueLens) -> Lens:
    params = (lens.fx_px, lens.fy_px, lens.cx_px, lens.cy_px, lens.k1, lens.k2, lens.p1, lens.p2)
    return Lens("OPENCV", lens.width_px, lens.height_px, params)


def poses_text(names: list[str], poses: Array | list[Array], stds: tuple[float, float] | None) -> str:
    """The public pose file, written by the simulator's own hand."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(POSE_COLUMNS if stds else POSE_COLUMNS[:8])
    for name, pose in zip(names, poses, strict=True):
        numbers = [*pose[:3, 3], *quaternion_wxyz(pose[:3, :3]), *(stds or ())]
        writer.writerow([name, *(f"{value:.9g}" for value in numbers)])
    return out.getvalue()


def _write_truth(folder: Path, photographer: Photographer, truth: PlantTruth) -> None:
    scene, plant = photographer.scene, truth.plant
    faces = scene.faces[plant.first_face : plant.last_face]
    first, last = int(faces.min()), int(faces.max()) + 1
    write_durably(folder / "truth_surface.ply", ply_bytes(scene.vertices_m[first:last], faces - first))
    for name, of_faces in (("truth_seen.npy", truth.seen), ("truth_leaves.npy", truth.leaf_of_face)):
        file = io.BytesIO()
        np.save(file, of_faces)
        write_durably(folder / name, file.getvalue())
    write_durably(folder / "truth.json", (json.dumps(truth.as_json(), indent=1) + "\n").encode())


def ply_bytes(vertices_m: NDArray[np.float32], faces: NDArray[np.int32]) -> bytes:
    """A binary PLY of triangles."""
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment leaf middle surfaces, world frame, metres\n"
        f"element vertex {len(vertices_m)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("corner", "<i4", 3)])
    rows["count"], rows["corner"] = 3, faces
    return header.encode() + vertices_m.astype("<f4").tobytes() + rows.tobytes()
