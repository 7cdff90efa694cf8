"""The pose that explains lengths best, searched for row by row in compiled code, one row or a million.

Newton's method on the squared errors with the exact second derivatives, damped (Levenberg-Marquardt) and with limited
steps. numpy would call some forty small array operations a step, each of which costs more than its arithmetic; and of
many rows together the slowest would hold up all. Formulas: docs/cable-robot.md, sections 2 and 5.

Compiled when first called, and kept on disk; `cdpr.yaw_map` has that done before anything moves.
"""

import math

import numpy as np
from numba import njit

#: Metres and radians; rounding in lengths of some metres moves yaw, the weakest of the three, by less.
_STEP_MIN = 1e-9
#: A longer step could turn the carriage over: beyond half a turn there is another minimum.
_STEP_MAX_M, _STEP_MAX_RAD = 0.5, 0.1
_STEPS_LEVEL, _STEPS_MAX = 12, 200
#: Yaw is so weakly seen that a long step in x and y may turn the carriage over: first go there nearly level.
_LEVEL = 1 / 0.02**2
#: Lengths often have a second minimum, some millimetres worse, with the carriage leaning to the other side. Where the
#: squared errors that remain are more than one standard deviation, it is looked for so many radians to either side.
_PLAUSIBLE, _TILT = 1.0, 0.35
_STRAIGHT_MIN_M2 = 1e-8


@njit(cache=True, nogil=True, error_model="numpy")
def search(geometry, lengths, stds, starts, means, weights, poses, normals, arrived):  # type: ignore[no-untyped-def]
    """Search every row.

    Args:
        geometry: Of each cable: pulley x, y, corner x, y, wheel's radius, turn, cosine and sine of its entry; (m, 8).
        lengths: Measured, shape (n, m).
        stds: Their standard deviations, shape (m,).
        starts: Shape (n, 3).
        means: Of the prior, shape (3,).
        weights: Its inverse covariance, shape (3, 3).
        poses: Result, shape (n, 3).
        normals: Result: inverse covariances there, shape (n, 3, 3).
        arrived: Result: whether a minimum was found, shape (n,).
    """
    level, start, pose, normal = np.zeros((3, 3)), np.zeros(3), np.zeros(3), np.zeros((3, 3))
    level[2, 2] = _LEVEL
    for row in range(len(lengths)):
        arrived[row], best = False, np.inf
        for attempt in range(3):
            if arrived[row] and best < _PLAUSIBLE:
                break
            start[:] = starts[row] if attempt == 0 else poses[row]
            start[2] += (0.0, -_TILT, _TILT)[attempt]
            pose[:] = start
            found = False
            for newton in (False, True):
                around, sure = (means, weights) if newton else (start, level)
                found = _descend(geometry, lengths[row], stds, around, sure, pose, normal, newton)
            cost = _cost(geometry, lengths[row], stds, means, weights, pose[0], pose[1], pose[2])
            if attempt == 0 or (found and (cost < best or not arrived[row])):
                arrived[row], best = found, cost
                poses[row], normals[row] = pose, normal


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(geometry, lengths, stds, mean, weights, pose, normal, newton):  # type: ignore[no-untyped-def]
    """Walk `pose` down to a minimum; whether one was reached. `normal` is left as it is there."""
    damping = 1e-4
    x, y, yaw = pose[0], pose[1], pose[2]
    for _ in range(_STEPS_MAX if newton else _STEPS_LEVEL):
        cost, slope, matrix, bend = _equations(geometry, lengths, stds, mean, weights, x, y, yaw)
        n00, n01, n02, n11, n12, n22 = matrix
        h00, h01, h02, h11, h12, h22 = matrix
        if newton:
            h00, h01, h02, h11, h12, h22 = (
                h00 + bend[0], h01 + bend[1], h02 + bend[2], h11 + bend[3], h12 + bend[4], h22 + bend[5]
            )  # fmt: skip
        falls, dx, dy, dyaw = False, 0.0, 0.0, 0.0
        while not falls:  # near a saddle more damping is needed before the step leads down
            a, b, c = h00 + damping * n00, h11 + damping * n11, h22 + damping * n22
            falls, dx, dy, dyaw = _solve(a, h01, h02, b, h12, c, -slope[0], -slope[1], -slope[2])
            if not falls:
                damping = max(4 * damping, 1e-3)
        shorter = min(1.0, _STEP_MAX_M / max(abs(dx), abs(dy), 1e-30), _STEP_MAX_RAD / max(abs(dyaw), 1e-30))
        dx, dy, dyaw = dx * shorter, dy * shorter, dyaw * shorter
        gain = cost - _cost(geometry, lengths, stds, mean, weights, x + dx, y + dy, yaw + dyaw)
        bent = (
            h00 * dx * dx + h11 * dy * dy + h22 * dyaw * dyaw + 2 * (h01 * dx * dy + h02 * dx * dyaw + h12 * dy * dyaw)
        )
        promised = -2 * (slope[0] * dx + slope[1] * dy + slope[2] * dyaw) - bent
        if gain > 0:
            x, y, yaw = x + dx, y + dy, yaw + dyaw
        kept = gain / max(promised, 1e-12)
        damping = max(damping * (0.1 if kept > 0.75 else 1.0 if kept > 0.25 else 10.0), 1e-9)
        pose[0], pose[1], pose[2] = x, y, yaw
        # A step below rounding, taken or refused, means that this is the minimum.
        if max(abs(dx), abs(dy), abs(dyaw)) < _STEP_MIN:
            normal[0, 0], normal[1, 1], normal[2, 2] = n00, n11, n22
            normal[0, 1] = normal[1, 0] = n01
            normal[0, 2] = normal[2, 0] = n02
            normal[1, 2] = normal[2, 1] = n12
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _cable(geometry, cable, x, y, cos, sin):  # type: ignore[no-untyped-def]
    """Length, straight part, its direction, and the corner's turned lever."""
    px, py, cx, cy, radius, turn, entry_cos, entry_sin = geometry[cable]
    lever_x, lever_y = cos * cx - sin * cy, sin * cx + cos * cy
    arm_x, arm_y = x + lever_x - px, y + lever_y - py
    square = arm_x * arm_x + arm_y * arm_y
    if radius == 0.0:
        straight = math.sqrt(max(square, _STRAIGHT_MIN_M2))
        return straight, straight, arm_x / straight, arm_y / straight, lever_x, lever_y
    straight = math.sqrt(max(square - radius * radius, _STRAIGHT_MIN_M2))
    along, across = straight / square, turn * radius / square
    right, up = arm_x * entry_cos + arm_y * entry_sin, turn * (arm_y * entry_cos - arm_x * entry_sin)
    angle = math.atan2(radius * up - straight * right, radius * right + straight * up)
    if angle < -0.5 * math.pi:
        angle += 2 * math.pi
    unit_x, unit_y = along * arm_x - across * arm_y, along * arm_y + across * arm_x
    return straight + radius * angle, straight, unit_x, unit_y, lever_x, lever_y


@njit(cache=True, nogil=True, error_model="numpy")
def _equations(geometry, lengths, stds, mean, weights, x, y, yaw):  # type: ignore[no-untyped-def]
    """Squared errors, half their slope, Gauss-Newton's matrix and what curvature adds to it (upper triangles)."""
    e0, e1, e2 = x - mean[0], y - mean[1], yaw - mean[2]
    g0 = weights[0, 0] * e0 + weights[0, 1] * e1 + weights[0, 2] * e2
    g1 = weights[1, 0] * e0 + weights[1, 1] * e1 + weights[1, 2] * e2
    g2 = weights[2, 0] * e0 + weights[2, 1] * e1 + weights[2, 2] * e2
    cost = e0 * g0 + e1 * g1 + e2 * g2
    n00, n01, n02 = weights[0, 0], weights[0, 1], weights[0, 2]
    n11, n12, n22 = weights[1, 1], weights[1, 2], weights[2, 2]
    b00 = b01 = b02 = b11 = b12 = b22 = 0.0
    cos, sin = math.cos(yaw), math.sin(yaw)
    for cable in range(len(geometry)):
        length, straight, ux, uy, lever_x, lever_y = _cable(geometry, cable, x, y, cos, sin)
        weight = 1 / (stds[cable] * stds[cable])
        error = length - lengths[cable]
        by_yaw = uy * lever_x - ux * lever_y
        cost += weight * error * error
        pull = weight * error
        g0, g1, g2 = g0 + pull * ux, g1 + pull * uy, g2 + pull * by_yaw
        n00, n01, n02 = n00 + weight * ux * ux, n01 + weight * ux * uy, n02 + weight * ux * by_yaw
        n11, n12, n22 = n11 + weight * uy * uy, n12 + weight * uy * by_yaw, n22 + weight * by_yaw * by_yaw
        along = ux * lever_x + uy * lever_y
        bend = pull / straight
        b00, b01, b02 = b00 + bend * uy * uy, b01 - bend * ux * uy, b02 - bend * uy * along
        b11, b12, b22 = b11 + bend * ux * ux, b12 + bend * ux * along, b22 + bend * along * along - pull * along
    return cost, (g0, g1, g2), (n00, n01, n02, n11, n12, n22), (b00, b01, b02, b11, b12, b22)


@njit(cache=True, nogil=True, error_model="numpy")
def _cost(geometry, lengths, stds, mean, weights, x, y, yaw):  # type: ignore[no-untyped-def]
    """Squared errors."""
    off = (x - mean[0], y - mean[1], yaw - mean[2])
    cost = 0.0
    for i in range(3):
        for j in range(3):
            cost += off[i] * weights[i, j] * off[j]
    cos, sin = math.cos(yaw), math.sin(yaw)
    for cable in range(len(geometry)):
        error = (_cable(geometry, cable, x, y, cos, sin)[0] - lengths[cable]) / stds[cable]
        cost += error * error
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(a, b, c, d, e, f, r0, r1, r2):  # type: ignore[no-untyped-def]
    """Solve the symmetric [[a, b, c], [b, d, e], [c, e, f]] by Cholesky: whether it is positive, and the solution."""
    if not a > 0:
        return False, 0.0, 0.0, 0.0
    l10, l20 = b / a, c / a
    d1 = d - l10 * b
    if not d1 > 0:
        return False, 0.0, 0.0, 0.0
    l21 = (e - l20 * b) / d1
    d2 = f - l20 * c - l21 * (e - l20 * b)
    if not d2 > 0:
        return False, 0.0, 0.0, 0.0
    y1 = r1 - l10 * r0
    y2 = r2 - l20 * r0 - l21 * y1
    z = y2 / d2
    y = y1 / d1 - l21 * z
    return True, r0 / a - l10 * y - l20 * z, y, z
