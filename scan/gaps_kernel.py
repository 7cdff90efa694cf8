"""The distances of `scan.clearance`, compiled: a planner asks them some millions of times for a wall.

One posture at a time, without any array in between: joint angles to joint points, balls along the links, their least
distances to wall, plants, carriage and the arm itself. What the numbers mean stands in `scan.clearance`.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_jit = numba.njit(cache=True, fastmath=False)


@_jit  # type: ignore[untyped-decorator]
def table_at(xs: Array, ys: Array, table: Array, x: float, y: float) -> float:
    """Linear between the entries of an evenly spaced table, and at its edge outside of it."""
    u = min(max((x - xs[0]) / (xs[1] - xs[0]), 0.0), len(xs) - 1.000001)
    v = min(max((y - ys[0]) / (ys[1] - ys[0]), 0.0), len(ys) - 1.000001)
    i, j = int(u), int(v)
    a, b = u - i, v - j
    low = table[i, j] * (1 - a) + table[i + 1, j] * a
    high = table[i, j + 1] * (1 - a) + table[i + 1, j + 1] * a
    return float(low * (1 - b) + high * b)


@_jit  # type: ignore[untyped-decorator]
def posture_gaps(
    shape: Array,
    rotation: Array,
    translation: Array,
    plants: Array,
    balls: Array,
    x: float,
    y: float,
    yaw: float,
    q0: float,
    q1: float,
    q2: float,
    q3: float,
    enough: float,
) -> tuple[float, float, float]:
    """Gaps to wall, plants and itself; stops looking at plants once one is nearer than `enough`.

    `shape`: shoulder height, three links, link radius, camera radius, carriage's half sides and depth, plane's height.
    `plants`: x, y, z, radius, height in rows. `balls`: numbers along upper arm, forearm, mount; those of the shoulder.
    """
    shoulder, link_radius, camera_radius = shape[0], shape[4], shape[5]
    half_x, half_y, depth, plane = shape[6], shape[7], shape[8], shape[9]
    c0, s0, cy, sy = math.cos(q0), math.sin(q0), math.cos(yaw), math.sin(yaw)
    # Radius and height of shoulder, elbow, wrist, tool in the plane of the base's yaw.
    r0, h0 = 0.0, shoulder
    a1 = math.pi / 2 + q1
    r1, h1 = r0 + shape[1] * math.cos(a1), h0 + shape[1] * math.sin(a1)
    a2 = a1 + q2
    r2, h2 = r1 + shape[2] * math.cos(a2), h1 + shape[2] * math.sin(a2)
    a3 = a2 + q3
    r3, h3 = r2 + shape[3] * math.cos(a3), h2 + shape[3] * math.sin(a3)
    wall, near, own = math.inf, math.inf, math.inf
    count = 0
    for link in range(3):
        if link == 0:
            ra, ha, rb, hb = r0, h0, r1, h1
        elif link == 1:
            ra, ha, rb, hb = r1, h1, r2, h2
        else:
            ra, ha, rb, hb = r2, h2, r3, h3
        radius = camera_radius if link == 2 else link_radius
        number = int(balls[link])
        for k in range(number):
            share = k / (number - 1.0) if link == 0 else (k + 1.0) / number
            r, h = ra + share * (rb - ra), ha + share * (hb - ha)
            bx, by = r * c0, r * s0
            px = rotation[0, 0] * bx + rotation[0, 1] * by + rotation[0, 2] * h + translation[0]
            py = rotation[1, 0] * bx + rotation[1, 1] * by + rotation[1, 2] * h + translation[1]
            pz = rotation[2, 0] * bx + rotation[2, 1] * by + rotation[2, 2] * h + translation[2]
            if count >= balls[3]:
                ox, oy, oz = abs(px) - half_x, abs(py) - half_y, -depth - pz
                mx, my, mz = max(ox, 0.0), max(oy, 0.0), max(oz, 0.0)
                away = math.sqrt(mx * mx + my * my + mz * mz) + min(max(ox, max(oy, oz)), 0.0)
                own = min(own, away - radius)
            wx, wy, wz = cy * px - sy * py + x, sy * px + cy * py + y, pz + plane
            wall = min(wall, wz - radius)
            if near >= enough:
                for p in range(len(plants)):
                    over = wz - plants[p, 2] - plants[p, 4]
                    if over - radius > near:
                        continue
                    dx, dy = wx - plants[p, 0], wy - plants[p, 1]
                    aside = math.sqrt(dx * dx + dy * dy) - plants[p, 3]
                    ma, mo = max(aside, 0.0), max(over, 0.0)
                    near = min(near, math.sqrt(ma * ma + mo * mo) + min(max(aside, over), 0.0) - radius)
            count += 1
    # The arm's plane holds all of it, so its own distances are flat.
    own = min(own, _to_segment(r3, h3, r0, h0, r1, h1) - link_radius - camera_radius)
    own = min(own, _to_segment(r3, h3, 0.0, 0.0, r0, h0) - link_radius - camera_radius)
    own = min(own, _to_segment(r2, h2, 0.0, 0.0, r0, h0) - 2 * link_radius)
    return wall, near, own


@_jit  # type: ignore[untyped-decorator]
def _to_segment(r: float, h: float, ra: float, ha: float, rb: float, hb: float) -> float:
    dr, dh = rb - ra, hb - ha
    share = ((r - ra) * dr + (h - ha) * dh) / max(dr * dr + dh * dh, 1e-12)
    share = min(max(share, 0.0), 1.0)
    return math.hypot(r - ra - share * dr, h - ha - share * dh)


@_jit  # type: ignore[untyped-decorator]
def many_gaps(
    shape: Array,
    rotation: Array,
    translation: Array,
    plants: Array,
    balls: Array,
    xs: Array,
    ys: Array,
    yaws: Array,
    postures: Array,
) -> Array:
    """Gaps of postures (n, 6): x, y and four joints, at the table's yaw; shape (n, 3)."""
    found = np.empty((len(postures), 3))
    for i in range(len(postures)):
        p = postures[i]
        yaw = table_at(xs, ys, yaws, p[0], p[1])
        wall, near, own = posture_gaps(shape, rotation, translation, plants, balls, p[0], p[1], yaw, p[2], p[3], p[4],
                                       p[5], -math.inf)  # fmt: skip
        found[i, 0], found[i, 1], found[i, 2] = wall, near, own
    return found


@_jit  # type: ignore[untyped-decorator]
def move_is_clear(
    shape: Array,
    rotation: Array,
    translation: Array,
    plants: Array,
    balls: Array,
    xs: Array,
    ys: Array,
    yaws: Array,
    start: Array,
    goal: Array,
    shares: int,
    clearance: float,
    own_gap: float,
) -> bool:
    """Whether every share of the carriage's way is clear with every share of the joints'.

    The middle comes first: where a move is not clear at all, that is where it shows.
    """
    for a in range(shares):
        s = _from_the_middle(a, shares)
        x, y = start[0] + s * (goal[0] - start[0]), start[1] + s * (goal[1] - start[1])
        yaw = table_at(xs, ys, yaws, x, y)
        for b in range(shares):
            t = _from_the_middle(b, shares)
            wall, near, own = posture_gaps(
                shape, rotation, translation, plants, balls, x, y, yaw,
                start[2] + t * (goal[2] - start[2]), start[3] + t * (goal[3] - start[3]),
                start[4] + t * (goal[4] - start[4]), start[5] + t * (goal[5] - start[5]), clearance,
            )  # fmt: skip
            if wall < clearance or near < clearance or own < own_gap:
                return False
    return True


@_jit  # type: ignore[untyped-decorator]
def _from_the_middle(index: int, shares: int) -> float:
    """0, 1, 2 ... of an odd number of shares as places between 0 and 1, the middle first."""
    half = (shares - 1) / 2
    step = (index + 1) // 2
    return (half + step * (1 - 2 * (index % 2))) / (shares - 1)


@_jit  # type: ignore[untyped-decorator]
def moves_are_clear(
    shape: Array,
    rotation: Array,
    translation: Array,
    plants: Array,
    balls: Array,
    xs: Array,
    ys: Array,
    yaws: Array,
    starts: Array,
    goals: Array,
    shares: int,
    clearance: float,
    own_gap: float,
) -> NDArray[np.bool_]:
    """`move_is_clear` from each of n postures (n, 6) to each of m (m, 6), shape (n, m)."""
    found = np.empty((len(starts), len(goals)), np.bool_)
    for i in range(len(starts)):
        for j in range(len(goals)):
            found[i, j] = move_is_clear(shape, rotation, translation, plants, balls, xs, ys, yaws, starts[i], goals[j],
                                        shares, clearance, own_gap)  # fmt: skip
    return found
