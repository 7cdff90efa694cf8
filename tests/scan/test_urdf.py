"""The exported URDF, loaded by MuJoCo: another program's kinematics agree with ours."""

import mujoco
import numpy as np
import pytest
from typer.testing import CliRunner

from arm.config import ArmSection
from cdpr.config import CablesSection
from scan.cell import Cell, CellPosture
from scan.config import CameraSection, CellSection, MountTable
from scan.urdf import cell_urdf
from trellis.cli import program
from trellis.presets import preset


def loaded(text: str) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_string(text)
    spec.compiler.fusestatic = False
    return spec.compile()


@pytest.fixture(scope="module")
def crooked() -> Cell:
    """A cell whose mounts are off in every direction, as a calibration finds it."""
    section = CellSection(
        platform_from_base=MountTable(position_m=(0.004, -0.006, -0.031), rotation_vector_deg=(179.0, 1.5, -2.0)),
        tool_from_camera=MountTable(position_m=(0.003, -0.002, 0.004), rotation_vector_deg=(2.0, -3.0, 4.0)),
    )
    return Cell.of_sections(CablesSection(), ArmSection(), CameraSection(), section)


def test_mujoco_puts_the_camera_where_the_cell_does(crooked: Cell) -> None:
    model = loaded(cell_urdf(crooked))
    data = mujoco.MjData(model)
    names = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_JOINT, i) for i in range(model.njnt)]
    assert names == ["carriage_x", "carriage_y", "carriage_yaw", "base", "shoulder", "elbow", "wrist"]
    camera = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, "camera")
    rng = np.random.default_rng(6)
    for _ in range(50):
        joints = rng.uniform(*crooked.arm.limits_rad.T)
        x, y, yaw = rng.uniform((0.3, 0.3, -0.2), (1.9, 1.6, 0.2))
        data.qpos[:] = (x, y, yaw, *joints)
        mujoco.mj_kinematics(model, data)
        ours = crooked.world_from_camera(CellPosture(x, y, yaw, tuple(joints)))
        # Twelve digits are written.
        assert data.xpos[camera] == pytest.approx(ours.translation_m, abs=1e-10)
        assert data.xmat[camera].reshape(3, 3) == pytest.approx(ours.rotation, abs=1e-10)


def test_limits_and_masses_are_the_cells(crooked: Cell) -> None:
    model = loaded(cell_urdf(crooked))
    assert model.jnt_range[3:] == pytest.approx(crooked.arm.limits_rad, abs=1e-10)
    assert model.jnt_range[0] == pytest.approx(crooked.workspace.x_m)
    assert model.body_mass.sum() == pytest.approx(crooked.robot.mass_kg, abs=0.01)  # slides and tool are 1 g each


def test_the_command_writes_a_file_that_loads(tmp_path) -> None:
    out = tmp_path / "cell.urdf"
    shown = CliRunner().invoke(program, ["cell", "urdf", "-c", str(preset("hydroponic")), "-o", str(out)])
    assert shown.exit_code == 0, shown.output
    assert loaded(out.read_text()).njnt == 7
