"""The whole cell as URDF, for any other robot program: carriage, arm and camera as links, cables' plane as two slides.

Links and joints carry the names of docs/frames.md. A cable robot is no tree, so what the cables do is written as three
joints, `carriage_x`, `carriage_y` and `carriage_yaw`; the frame of cables stands in the file as `world`.
"""

import xml.etree.ElementTree as ET

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from arm.model import JOINTS
from scan.cell import Cell
from trellis.geometry import Pose

#: Of the arm's 0.55 kg: foot with two servos, upper arm, forearm, last link with the camera. Four AX-12A of 55 g, the
#: brackets and a small camera; the carriage has what is left of `[cables] mass_kg`.
ARM_MASSES_KG = (0.25, 0.11, 0.11, 0.08)
#: Torque of an AX-12A at 12 V, N m; stands in the file because URDF demands an effort limit.
_STALL_N_M = 1.5
_CABLE_FORCE_N = 280.0


def cell_urdf(cell: Cell, name: str = "trellis_cell") -> str:
    """The cell as URDF text: metres, radians, kilograms; the joints' order is that of `[x, y, yaw, *joints]`."""
    robot = ET.Element("robot", name=name)
    carriage_kg = max(cell.robot.mass_kg - sum(ARM_MASSES_KG), 0.1)
    width, height = 2 * np.abs(cell.robot.corners_m).max(axis=0)
    plate = (float(width), float(height), 0.01)
    _link(robot, "world")
    _link(robot, "slide_x", 1e-3)
    _link(robot, "slide_y", 1e-3)
    _link(robot, "platform", carriage_kg, box=plate)
    _link(robot, "base", ARM_MASSES_KG[0], cylinder=(cell.bodies.link_radius_m, cell.arm.shoulder_height_m))
    (left, right), (low, high) = cell.workspace.x_m, cell.workspace.y_m
    speed_m_s = cell.pace.speed_m_s
    plane = Pose(np.eye(3), np.array([0.0, 0.0, cell.plane_z_m]))
    _joint(robot, "carriage_x", "prismatic", "world", "slide_x", plane, (1, 0, 0), (left, right, speed_m_s))
    _joint(robot, "carriage_y", "prismatic", "slide_x", "slide_y", None, (0, 1, 0), (low, high, speed_m_s))
    _joint(robot, "carriage_yaw", "revolute", "slide_y", "platform", None, (0, 0, 1), (-0.4, 0.4, 1.0))
    _joint(robot, "foot", "fixed", "platform", "base", cell.platform_from_base)
    _arm(robot, cell)
    _link(robot, "camera", 1e-3)
    _joint(robot, "camera_mount", "fixed", "tool", "camera", cell.tool_from_camera)
    ET.indent(robot)
    return '<?xml version="1.0"?>\n' + ET.tostring(robot, encoding="unicode") + "\n"


def _arm(robot: ET.Element, cell: Cell) -> None:
    """Column, three links and the tool. A positive bend leans away from where the base faces: it turns about -y."""
    arm, speed_rad_s = cell.arm, cell.pace.joint_speed_rad_s
    lengths_m = (0.0, arm.shoulder_height_m, arm.upper_m, arm.fore_m)
    links = ("column", "upper_arm", "forearm", "hand")
    sizes_m = (arm.shoulder_height_m, arm.upper_m, arm.fore_m, arm.mount_m)
    parent = "base"
    for index, (joint, link) in enumerate(zip(JOINTS, links, strict=True)):
        mass_kg = ARM_MASSES_KG[index] if index else 1e-3
        _link(robot, link, mass_kg, cylinder=(cell.bodies.link_radius_m, sizes_m[index]))
        axis = (0, 0, 1) if index == 0 else (0, -1, 0)
        at = Pose(np.eye(3), np.array([0.0, 0.0, lengths_m[index]]))
        low, high = map(float, arm.limits_rad[index])
        _joint(robot, joint, "revolute", parent, link, at, axis, (low, high, speed_rad_s), _STALL_N_M)
        parent = link
    _link(robot, "tool", 1e-3)
    tip = Pose.from_rotation_vector((0.0, 0.0, -np.pi / 2), (0.0, 0.0, arm.mount_m))
    _joint(robot, "tip", "fixed", parent, "tool", tip)


def _link(
    robot: ET.Element,
    name: str,
    mass_kg: float | None = None,
    box: tuple[float, float, float] | None = None,
    cylinder: tuple[float, float] | None = None,
) -> None:
    """A link with its mass, and a shape: a box about its origin, or a cylinder (radius, length) up its z."""
    link = ET.SubElement(robot, "link", name=name)
    middle_m = cylinder[1] / 2 if cylinder else 0.0
    if mass_kg is not None:
        inertial = ET.SubElement(link, "inertial")
        ET.SubElement(inertial, "origin", xyz=_text((0.0, 0.0, middle_m)))
        ET.SubElement(inertial, "mass", value=_text([mass_kg]))
        inertia = ET.SubElement(inertial, "inertia", ixy="0", ixz="0", iyz="0")
        for key, value in zip(("ixx", "iyy", "izz"), _inertia(mass_kg, box), strict=True):
            inertia.set(key, _text([value]))
    for kind in ("visual", "collision") if box or cylinder else ():
        shape = ET.SubElement(link, kind)
        ET.SubElement(shape, "origin", xyz=_text((0.0, 0.0, middle_m)))
        geometry = ET.SubElement(shape, "geometry")
        if box:
            ET.SubElement(geometry, "box", size=_text(box))
        elif cylinder:
            ET.SubElement(geometry, "cylinder", radius=_text([cylinder[0]]), length=_text([cylinder[1]]))


def _inertia(mass_kg: float, box: tuple[float, float, float] | None) -> tuple[float, float, float]:
    """Of a uniform plate, or of a ball of 2 cm: the published inertias contradict each other."""
    if box is None:
        ball = 0.4 * mass_kg * 0.02**2
        return ball, ball, ball
    x, y, z = box
    return mass_kg * (y * y + z * z) / 12, mass_kg * (x * x + z * z) / 12, mass_kg * (x * x + y * y) / 12


def _joint(
    robot: ET.Element,
    name: str,
    kind: str,
    parent: str,
    child: str,
    at: Pose | None = None,
    axis: tuple[float, float, float] | None = None,
    limits: tuple[float, float, float] | None = None,
    effort: float = _CABLE_FORCE_N,
) -> None:
    """A joint at a pose in its parent's frame; limits are lowest, highest and speed."""
    joint = ET.SubElement(robot, "joint", name=name, type=kind)
    pose = at or Pose.identity()
    # URDF's roll, pitch, yaw turn about the parent's fixed axes, in this order.
    rpy = Rotation.from_matrix(pose.rotation).as_euler("xyz")
    ET.SubElement(joint, "origin", xyz=_text(pose.translation_m), rpy=_text(rpy))
    ET.SubElement(joint, "parent", link=parent)
    ET.SubElement(joint, "child", link=child)
    if axis and limits:
        ET.SubElement(joint, "axis", xyz=_text(axis))
        low, high, speed = (_text([value]) for value in limits)
        ET.SubElement(joint, "limit", lower=low, upper=high, velocity=speed, effort=_text([effort]))


def _text(values: ArrayLike) -> str:
    return " ".join(f"{float(value):.12g}" for value in np.asarray(values, dtype=float))
