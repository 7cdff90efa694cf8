"""From the numbers that a calibration found to the keys of the configuration that they replace, and back to a model."""

from math import degrees, pi
from typing import Any

import numpy as np

from arm.config import ArmSection
from arm.servo_table import COUNT_MAX, COUNT_RAD
from cdpr.config import CablesSection
from cdpr.kinematics import cable_lengths
from cdpr.yaw_map import yaw_map
from scan.calibrated_sections import CellRecord
from scan.camera_section import CameraSection
from scan.cell import Cell
from scan.cell_model import COUNT, DRUMS, HOME, SLACKS, ZEROS, CellModel
from scan.cell_section import CellSection
from trellis.config import Configuration
from trellis.geometry import Pose


def nominal_model(configuration: Configuration) -> CellModel:
    """The cell as configured, whatever calibration is in force, for the solver."""
    cables = configuration.section(CablesSection)
    cell = Cell.of_sections(
        cables,
        configuration.section(ArmSection),
        configuration.section(CameraSection),
        configuration.section(CellSection),
    )
    x, y = cables.home_m
    dock = np.array([x, y, float(yaw_map(cables).yaw_rad(x, y))])
    return CellModel(cell, 2 * pi * cables.drum_radius_m, cables.cable_stiffness_n, dock, np.zeros(COUNT))


def recorded_model(configuration: Configuration, record: CellRecord) -> CellModel:
    """The cell as a calibration found it."""
    return nominal_model(configuration).at(np.array(record.vector))


def sections_of(configuration: Configuration, model: CellModel) -> dict[str, dict[str, Any]]:
    """The keys that a calibration replaces, by section."""
    return {
        "cables": _cables(model),
        "calibration": _drums(model),
        "arm": _arm(configuration.section(ArmSection), model),
        "camera": {"lens": _lens(model)},
        "cell": {
            "plane_z_m": model.plane_z_m,
            "platform_from_base": _mount(model.platform_from_base),
            "tool_from_camera": _mount(model.tool_from_camera),
        },
    }


def _cables(model: CellModel) -> dict[str, Any]:
    robot, dock = model.robot, model.dock + model.vector[HOME]
    return {
        "pulleys_m": robot.pulleys_m.tolist(),
        "corners_m": robot.corners_m.tolist(),
        "home_m": [float(dock[0]), float(dock[1])],
    }


def _drums(model: CellModel) -> dict[str, Any]:
    """How the encoders count: true length = scale x reading, and the reading in the dock."""
    scales = 1 + model.vector[DRUMS]
    docked_m = cable_lengths(model.robot, model.dock + model.vector[HOME]) + model.vector[SLACKS]
    return {"scales": scales.tolist(), "offsets_m": [0.0] * 4, "dock_readings_m": (docked_m / scales).tolist()}


def _arm(section: ArmSection, model: CellModel) -> dict[str, Any]:
    """Links, the joints' zeros, and limits that the servos can still turn to."""
    column, upper, fore, mount = map(float, model.links_m)
    directions = np.array(section.directions)
    zeros = np.clip(np.array(section.zero_counts) - directions * model.vector[ZEROS] / COUNT_RAD, 0, COUNT_MAX)
    ends = (np.array([[0.0], [float(COUNT_MAX)]]) - zeros) * directions * COUNT_RAD
    low, high = np.array(section.limits_rad).T
    low, high = np.maximum(low, ends.min(axis=0)), np.minimum(high, ends.max(axis=0))
    return {
        "shoulder_height_m": column,
        "upper_m": upper,
        "fore_m": fore,
        "mount_m": mount,
        "zero_counts": zeros.tolist(),
        "limits_rad": np.column_stack([low, high]).tolist(),
    }


def _lens(model: CellModel) -> dict[str, Any]:
    lens = model.lens
    return {"model": lens.model, "width": lens.width_px, "height": lens.height_px, "params": list(lens.params)}


def _mount(pose: Pose) -> dict[str, Any]:
    return {
        "position_m": pose.translation_m.tolist(),
        "rotation_vector_deg": [degrees(float(angle)) for angle in pose.rotation_vector_rad],
    }
