"""One step of the farm's mechanics, compiled: carriage on four elastic cables, drums, drive loops, arm servos.

Symplectic Euler at 0.25 ms: the stiffest mode (carriage on its cables, about 20 Hz; a drum on its cable, about 25 Hz)
turns less than 0.05 rad a step, so the step neither damps nor feeds it noticeably. Source of the drive loop: ODrive's
controller as its documentation draws it; friction: FACTS of the field (static 0.12 N m as tanh(0.19 s/rad), viscous
0.002 N m s).
"""

import math

import numba
import numpy as np

STEP_S = 0.00025
GRAVITY_M_S2 = 9.81

IDLE, TORQUE, VELOCITY, POSITION = 0, 1, 2, 3
PASSTHROUGH, VELOCITY_RAMP, POSITION_FILTER, TRAPEZOID = 1, 2, 3, 5

#: One drive with its drum. Angles of the drum in radians, setpoints in turns as the drive counts; all in double.
DRIVE = np.dtype(
    [(name, np.float64) for name in (
        "angle", "rate", "mode", "input_mode", "input_pos", "input_vel", "input_torque",
        "pos_sp", "vel_sp", "torque_sp", "integrator", "torque", "overspeed", "slip",
        "pos_gain", "vel_gain", "vel_integrator_gain", "vel_limit", "vel_tolerance", "torque_limit", "ramp",
        "bandwidth",
        "plan_t", "plan_from", "plan_v0", "plan_vr", "plan_ar", "plan_dr", "plan_ta", "plan_tv", "plan_td", "plan_to",
        "noise_turns", "noise_rate", "noise_torque",
    )]
)  # fmt: skip

#: One cable with its drum's radius, and its pulley: centre of the wheel, its radius, the world angle at which the cable
#: comes on, and which way round it goes (1 is counter-clockwise). With a wheel of radius 0 it leaves at a point. While
#: `shifts` last, the pulley moves at each step.
CABLE = np.dtype(
    [(name, np.float64) for name in (
        "px", "py", "cx", "cy", "radius", "rest", "tension", "length", "ux", "uy", "wheel", "entry", "way",
        "shift_x", "shift_y", "shifts",
    )]
)  # fmt: skip

#: One servo: angles at its horn in radians from its centre; `joint` is the true angle of the arm's joint.
SERVO = np.dtype(
    [(name, np.float64) for name in (
        "angle", "rate", "goal", "profile", "speed", "on", "limit", "slope", "margin", "punch", "drive",
        "zero", "joint", "load", "stuck",
    )]
)  # fmt: skip

#: What the mechanics are made of; one record.
BODY = np.dtype(
    [(name, np.float64) for name in (
        "x", "y", "yaw", "vx", "vy", "w", "mass", "inertia", "arm_mass", "arm_x", "arm_y", "stiffness", "damping",
        "drum_inertia", "static_friction", "viscous_friction", "coulomb_rate", "braked",
        "docked", "floor_y", "floor_stiffness", "floor_damping",
        "shoulder", "upper", "fore", "mount", "elbow_mass", "wrist_mass", "camera_mass", "foot_mass",
        "gx", "gy", "gz", "play", "flex", "stall", "no_load", "gear_friction",
    )]
)  # fmt: skip

_jit = numba.njit(cache=True, fastmath=False)


@_jit
def run(body, cables, drives, servos, rotation, translation, first, count):  # type: ignore[no-untyped-def]
    """Advance everything by `count` steps; `first` is the number of steps taken since the start.

    In how many pieces a time is run makes no difference.
    """
    for step in range(first, first + count):
        if step % 4 == 0:
            hang_arm(body, servos, rotation, translation)
        for i in range(4):
            _drive(drives[i])
            _servo(body, servos[i])
        _pull(body, cables, drives)
        _move(body, cables, drives)


@_jit
def hang_arm(body, servos, rotation, translation):  # type: ignore[no-untyped-def]
    """Gravity on every joint, its play and flex, and where the arm's weight acts on the carriage."""
    b = body[0]
    cos, sin = math.cos(b.yaw), math.sin(b.yaw)
    # Gravity (0, -g, 0) of the world in the platform's frame, then in the arm's base.
    px, py = -GRAVITY_M_S2 * sin, -GRAVITY_M_S2 * cos
    b.gx = rotation[0, 0] * px + rotation[1, 0] * py
    b.gy = rotation[0, 1] * px + rotation[1, 1] * py
    b.gz = rotation[0, 2] * px + rotation[1, 2] * py
    q0 = servos[0].joint
    c0, s0 = math.cos(q0), math.sin(q0)
    outward = b.gx * c0 + b.gy * s0
    sideways = -b.gx * s0 + b.gy * c0
    r, h, angle = 0.0, b.shoulder, math.pi / 2
    radii, heights = np.zeros(4), np.zeros(4)
    lengths = (b.upper, b.fore, b.mount)
    masses = (b.elbow_mass, b.wrist_mass, b.camera_mass)
    heights[0] = h
    for k in range(3):
        angle += servos[k + 1].joint
        r += lengths[k] * math.cos(angle)
        h += lengths[k] * math.sin(angle)
        radii[k + 1], heights[k + 1] = r, h
    loads = np.zeros(4)
    mr, mh, total = 0.0, b.foot_mass * 0.03, b.foot_mass
    for k in range(3):
        m = masses[k]
        mr, mh, total = mr + m * radii[k + 1], mh + m * heights[k + 1], total + m
        loads[0] += m * radii[k + 1] * sideways
        for j in range(k + 1):
            dr, dh = -(heights[k + 1] - heights[j]), radii[k + 1] - radii[j]
            loads[j + 1] += m * (dr * outward + dh * b.gz)
    b.arm_mass = total
    bx, by, bz = mr / total * c0, mr / total * s0, mh / total
    b.arm_x = rotation[0, 0] * bx + rotation[0, 1] * by + rotation[0, 2] * bz + translation[0]
    b.arm_y = rotation[1, 0] * bx + rotation[1, 1] * by + rotation[1, 2] * bz + translation[1]
    for j in range(4):
        servos[j].load = loads[j]
        give = 0.5 * b.play * math.tanh(loads[j] / 0.02) + b.flex * loads[j]
        servos[j].joint = servos[j].angle + servos[j].zero + give


@_jit
def _servo(body, s):  # type: ignore[no-untyped-def]
    """An AX-12: a proportional loop with a dead margin and a torque limit on a motor with friction and back-EMF."""
    b = body[0]
    if s.on == 0.0:
        s.profile = s.angle
        s.drive = 0.0
    else:
        way = s.speed * STEP_S
        gap = s.goal - s.profile
        s.profile = s.goal if abs(gap) <= way else s.profile + math.copysign(way, gap)
        error = s.profile - s.angle
        size = abs(error)
        share = 0.0
        if size > s.margin:
            share = min(max((size - s.margin) / s.slope, s.punch), 1.0)
        s.drive = math.copysign(min(share, s.limit), error)
    push = s.drive * b.stall + s.load
    if s.stuck != 0.0 or abs(push) <= b.gear_friction:
        s.rate = 0.0
    else:
        s.rate = math.copysign(abs(push) - b.gear_friction, push) / (b.stall / b.no_load)
    s.angle += s.rate * STEP_S
    s.angle = min(max(s.angle, -2.6269), 2.6269)


@_jit
def _drive(d):  # type: ignore[no-untyped-def]
    """The drive's loop: position over velocity over torque, each with its limits; leaves `torque`."""
    if d.mode == IDLE:
        d.torque = 0.0
        return
    pos, vel = d.angle / (2 * math.pi) + d.slip + d.noise_turns, d.rate / (2 * math.pi) + d.noise_rate
    _input(d)
    wanted = d.vel_sp
    if d.mode == POSITION:
        wanted += d.pos_gain * (d.pos_sp - pos)
    wanted = min(max(wanted, -d.vel_limit), d.vel_limit)
    if abs(vel) > d.vel_tolerance * d.vel_limit:
        # It lets go at once; the axis finds out when it is next looked at.
        d.overspeed, d.mode, d.torque = 1.0, IDLE, 0.0
        return
    torque = d.torque_sp
    if d.mode == TORQUE:
        low, high = (-d.vel_limit - vel) * d.vel_gain, (d.vel_limit - vel) * d.vel_gain
        torque = min(max(torque, low), high)
    else:
        torque += d.vel_gain * (wanted - vel) + d.integrator
    limited = min(max(torque, -d.torque_limit), d.torque_limit)
    if d.mode != TORQUE:
        if limited != torque:
            d.integrator *= 0.995
        else:
            d.integrator += d.vel_integrator_gain * STEP_S * (wanted - vel)
    d.torque = limited


@_jit
def _input(d):  # type: ignore[no-untyped-def]
    """From what was sent to the setpoints of this step, by the input mode."""
    if d.input_mode == TRAPEZOID and d.mode == POSITION:
        _trapezoid(d)
    elif d.input_mode == VELOCITY_RAMP and d.mode == VELOCITY:
        way = d.ramp * STEP_S
        d.vel_sp += min(max(d.input_vel - d.vel_sp, -way), way)
        d.torque_sp = d.input_torque
    elif d.input_mode == POSITION_FILTER and d.mode == POSITION:
        k = 2 * d.bandwidth
        pull = k * k / 4 * (d.input_pos - d.pos_sp) + k * (d.input_vel - d.vel_sp)
        d.vel_sp += STEP_S * pull
        d.pos_sp += STEP_S * d.vel_sp
        d.torque_sp = d.input_torque
    else:
        d.torque_sp = d.input_torque
        d.vel_sp = d.input_vel if d.mode != TORQUE else 0.0
        d.pos_sp = d.input_pos


@_jit
def _trapezoid(d):  # type: ignore[no-untyped-def]
    """The planned trapezoidal move, at the time since it was planned."""
    d.plan_t += STEP_S
    t, ta, tv, td = d.plan_t, d.plan_ta, d.plan_tv, d.plan_td
    if t < ta:
        d.pos_sp = d.plan_from + t * (d.plan_v0 + d.plan_ar * t / 2)
        d.vel_sp = d.plan_v0 + d.plan_ar * t
    elif t < ta + tv:
        d.pos_sp = d.plan_from + ta * (d.plan_v0 + d.plan_vr) / 2 + d.plan_vr * (t - ta)
        d.vel_sp = d.plan_vr
    elif t < ta + tv + td:
        left = ta + tv + td - t
        d.pos_sp = d.plan_to + d.plan_dr * left * left / 2
        d.vel_sp = -d.plan_dr * left
    else:
        d.pos_sp, d.vel_sp = d.plan_to, 0.0
    d.torque_sp = 0.0


@_jit
def measure(body, cables):  # type: ignore[no-untyped-def]
    """Length of every cable, from where it comes onto its wheel to the carriage, and the way in which it pulls."""
    b = body[0]
    cos, sin = math.cos(b.yaw), math.sin(b.yaw)
    for i in range(4):
        c = cables[i]
        # From the tie to the wheel's centre, then to where the cable touches the wheel.
        dx = c.px - b.x - (cos * c.cx - sin * c.cy)
        dy = c.py - b.y - (sin * c.cx + cos * c.cy)
        if c.wheel == 0.0:
            c.length = math.sqrt(dx * dx + dy * dy)
            c.ux, c.uy = dx / c.length, dy / c.length
            continue
        free = math.sqrt(max(dx * dx + dy * dy - c.wheel * c.wheel, 1e-12))
        leaves = math.atan2(-dy, -dx) - c.way * math.atan2(free, c.wheel)
        on = c.way * (leaves - c.entry)
        on -= 2 * math.pi * math.floor((on + math.pi / 2) / (2 * math.pi))
        c.length = free + c.wheel * on
        c.ux, c.uy = (dx + c.wheel * math.cos(leaves)) / free, (dy + c.wheel * math.sin(leaves)) / free


@_jit
def _pull(body, cables, drives):  # type: ignore[no-untyped-def]
    """Tension of every cable; it cannot push."""
    for i in range(4):
        c = cables[i]
        if c.shifts > 0.0:
            c.px, c.py, c.shifts = c.px + c.shift_x, c.py + c.shift_y, c.shifts - 1.0
    measure(body, cables)
    b = body[0]
    cos, sin = math.cos(b.yaw), math.sin(b.yaw)
    for i in range(4):
        c, d = cables[i], drives[i]
        ox, oy = cos * c.cx - sin * c.cy, sin * c.cx + cos * c.cy
        growth = -(c.ux * (b.vx - b.w * oy) + c.uy * (b.vy + b.w * ox))
        paid = c.rest + c.radius * d.angle
        stretch = c.length - paid
        c.tension = 0.0
        if stretch > 0.0:
            c.tension = max(b.stiffness / paid * stretch + b.damping * (growth - c.radius * d.rate), 0.0)


@_jit
def _move(body, cables, drives):  # type: ignore[no-untyped-def]
    """Forces to accelerations to rates to places: the carriage with the arm's weight on it, and the four drums."""
    b = body[0]
    cos, sin = math.cos(b.yaw), math.sin(b.yaw)
    ax, ay = cos * b.arm_x - sin * b.arm_y, sin * b.arm_x + cos * b.arm_y
    total = b.mass + b.arm_mass
    fx, fy = b.arm_mass * b.w * b.w * ax, b.arm_mass * b.w * b.w * ay - total * GRAVITY_M_S2
    moment = -ax * b.arm_mass * GRAVITY_M_S2
    for i in range(4):
        c, d = cables[i], drives[i]
        ox, oy = cos * c.cx - sin * c.cy, sin * c.cx + cos * c.cy
        fx += c.tension * c.ux
        fy += c.tension * c.uy
        moment += c.tension * (ox * c.uy - oy * c.ux)
        if d.mode == IDLE and b.braked != 0.0:
            d.rate = 0.0
        else:
            ripple = d.noise_torque if d.mode != IDLE else 0.0  # without current a motor does not pull at all
            drag = b.static_friction * math.tanh(b.coulomb_rate * d.rate) + b.viscous_friction * d.rate
            d.rate += STEP_S * (d.torque + ripple + c.tension * c.radius - drag) / b.drum_inertia
        d.angle += STEP_S * d.rate
    if b.docked != 0.0:
        b.vx, b.vy, b.w = 0.0, 0.0, 0.0
        return
    if b.y < b.floor_y:
        fy += b.floor_stiffness * (b.floor_y - b.y) - b.floor_damping * b.vy
    # [total, 0, -m ay; 0, total, m ax; -m ay, m ax, I] [x'', y'', yaw''] = [fx, fy, moment], m the arm's mass.
    m = b.arm_mass
    turning = b.inertia + m * (ax * ax + ay * ay) - m * m * (ax * ax + ay * ay) / total
    spin = (moment + m * ay * fx / total - m * ax * fy / total) / turning
    b.vx += STEP_S * (fx + m * ay * spin) / total
    b.vy += STEP_S * (fy - m * ax * spin) / total
    b.w += STEP_S * spin
    b.x += STEP_S * b.vx
    b.y += STEP_S * b.vy
    b.yaw += STEP_S * b.w
