"""What stands before the simulated camera: plants on the wall as one bag of triangles, and the lamps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hardware_sim.lettuce import Lettuce, grow
from hardware_sim.lettuce_contact import upward_normals
from hardware_sim.lettuce_kinds import STANDARD
from hardware_sim.lettuce_shape import LeafSheet, leaf_sheets
from hardware_sim.lettuce_skin import TEXEL_M, skin
from hardware_sim.rigid import Array, turn
from hardware_sim.wall import WALL_MAX_M, WALL_MIN_M, gutter_triangles, wall_picture

STATES = ("standing", "fallen", "missing")


@dataclass(frozen=True)
class PlantSpec:
    """A plant to put up: its name, its collar in the world, and what it is."""

    name: str
    position_m: tuple[float, float, float]
    day: float
    cultivar: str
    seed: int
    #: `standing`, `fallen` (hangs from its hole by the roots) or `missing`.
    state: str = field(default="standing", kw_only=True)
    treatment: str = field(default=STANDARD, kw_only=True)

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"a plant's state is one of {', '.join(STATES)}, not {self.state!r}")


@dataclass(frozen=True, eq=False)
class StandingPlant:
    """A plant in the scene; its leaves' sheets in the plant's own frame, and which faces of the scene are its own."""

    spec: PlantSpec
    lettuce: Lettuce
    sheets: list[LeafSheet]
    first_face: int
    last_face: int


@dataclass(frozen=True)
class Lamp:
    """A flat lamp: centre, two half edges (its light leaves along their cross product), and its strength."""

    centre_m: tuple[float, float, float]
    half_a_m: tuple[float, float, float]
    half_b_m: tuple[float, float, float]
    strength: float

    def points_m(self) -> Array:
        """Nine points that stand for the lamp, shape (9, 3)."""
        steps = [(a, b) for a in (-0.75, 0.05, 0.8) for b in (-0.8, -0.05, 0.75)]
        a, b = np.array(self.half_a_m), np.array(self.half_b_m)
        return np.array([np.array(self.centre_m) + s * a + t * b for s, t in steps])


#: A plant that has fallen points down, a little away from the wall.
FALLEN_RAD = np.radians(75.0)
#: Two long panels above and in front of the wall, one lower at the left, one weak at the right: metres, world.
LAMPS = (
    Lamp((0.50, 2.45, 0.85), (0.45, 0, 0), (0, 0.06, -0.10), 1.0),
    Lamp((1.70, 2.45, 0.85), (0.45, 0, 0), (0, 0.06, -0.10), 1.0),
    Lamp((-0.20, 1.00, 1.30), (0.0, 0.50, 0), (0.12, 0, 0.12), 0.75),
    Lamp((2.50, 0.90, 1.40), (0.0, 0.50, 0), (-0.12, 0, 0.12), 0.45),
)


@dataclass(frozen=True, eq=False)
class Scene:
    """Triangles of all leaves in the world, their pictures, and the wall's.

    Args:
        vertices_m: (n, 3). faces: (m, 3), the leaves' only; the wall is two more triangles behind them, and the gutters
            what comes after those.
        normals: (n, 3), smooth, towards the leaves' upper sides.
        texels: (n, 2), x and y of each vertex in its leaf's picture. leaf_of_face: (m,), into the three below.
        pictures: All leaves' pictures, flattened, four bytes an element; `starts`, `widths`, `heights` find each.
    """

    plants: tuple[StandingPlant, ...]
    vertices_m: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    texels: NDArray[np.float32]
    leaf_of_face: NDArray[np.int32]
    pictures: NDArray[np.uint8]
    starts: NDArray[np.int64]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]
    wall: NDArray[np.uint8]
    gutters: bool
    caster: o3d.t.geometry.RaycastingScene

    def distances_m(self, rays: Array) -> Array:
        """How far rays (n, 6), origin and direction, go to what they meet, in lengths of their directions."""
        return np.asarray(self.caster.cast_rays(o3d.core.Tensor(rays.astype(np.float32)))["t_hit"].numpy(), dtype=float)


def build_scene(specs: Sequence[PlantSpec], seed: int, texel_m: float = TEXEL_M, gutters: bool = False) -> Scene:
    """Grow the plants, put them on the wall, paint them."""
    plants: list[StandingPlant] = []
    vertices, faces, normals, texels, leaf_of_face, pictures, sizes = [], [], [], [], [], [], []
    vertex_count = face_count = 0
    for spec in specs:
        lettuce = grow(spec.seed, spec.day, spec.cultivar, spec.treatment)
        sheets = _as_it_is(spec.state, leaf_sheets(lettuce))
        first = face_count
        for sheet in sheets:
            picture = skin(lettuce, sheet.leaf, sheet.length_m, sheet.width_m, texel_m)
            own = sheet.faces()
            vertices.append(sheet.vertices_m.reshape(-1, 3) + np.array(spec.position_m))
            faces.append(own + vertex_count)
            normals.append(upward_normals(sheet.vertices_m).reshape(-1, 3))
            centre = np.array([picture.shape[1] / 2, 0.0])
            texels.append(sheet.flat_m.reshape(-1, 2) / texel_m + centre)
            leaf_of_face.append(np.full(len(own), len(pictures), np.int32))
            pictures.append(picture.reshape(-1))
            sizes.append(picture.shape[:2])
            vertex_count += len(vertices[-1])
            face_count += len(own)
        plants.append(StandingPlant(spec, lettuce, sheets, first, face_count))
    lengths = [len(picture) for picture in pictures]
    points = _stack(vertices, (0, 3), np.float32)
    triangles = _stack(faces, (0, 3), np.int32)
    return Scene(
        plants=tuple(plants),
        vertices_m=points,
        faces=triangles,
        normals=_stack(normals, (0, 3), np.float32),
        texels=_stack(texels, (0, 2), np.float32),
        leaf_of_face=_stack(leaf_of_face, (0,), np.int32),
        pictures=_stack(pictures, (0,), np.uint8),
        starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if lengths else np.zeros(0, np.int64),
        widths=np.array([size[1] for size in sizes], np.int32),
        heights=np.array([size[0] for size in sizes], np.int32),
        wall=wall_picture(seed, [np.array(spec.position_m) for spec in specs]),
        gutters=gutters,
        caster=_caster(points, triangles, gutters),
    )


def _as_it_is(state: str, sheets: list[LeafSheet]) -> list[LeafSheet]:
    """The leaves of a plant that stands, has fallen or is not there; one that has fallen hangs before the wall."""
    if state == "standing":
        return sheets
    if state == "missing":
        return []
    fallen = turn((FALLEN_RAD, 0, 0))
    hanging = [sheet.vertices_m @ fallen.T for sheet in sheets]
    before_wall_m = 0.002 - min((float(grid[..., 2].min()) for grid in hanging), default=0.0)
    away = np.array([0, 0, before_wall_m])
    return [replace(sheet, vertices_m=grid + away) for sheet, grid in zip(sheets, hanging, strict=True)]


def _stack(parts: list[Array], empty: tuple[int, ...], kind: type) -> NDArray:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(empty, kind)


def _caster(vertices: NDArray[np.float32], faces: NDArray[np.int32], gutters: bool) -> o3d.t.geometry.RaycastingScene:
    """Embree over leaves and wall; faces keep their numbers, the wall's two and the gutters' come after them."""
    (x0, y0), (x1, y1) = WALL_MIN_M, WALL_MAX_M
    corners = np.array([[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0]], np.float32)
    n = len(vertices)
    both = np.concatenate([vertices, corners])
    triangles = np.concatenate([faces, np.array([[n, n + 1, n + 2], [n, n + 2, n + 3]], np.int32)])
    if gutters:
        more, between = gutter_triangles()
        triangles = np.concatenate([triangles, between + len(both)])
        both = np.concatenate([both, more.astype(np.float32)])
    caster = o3d.t.geometry.RaycastingScene()
    caster.add_triangles(o3d.core.Tensor(both), o3d.core.Tensor(triangles.astype(np.uint32)))
    return caster
