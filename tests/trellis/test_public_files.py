"""The public files are read strictly and come back as they were written."""

from pathlib import Path

import numpy as np
import pytest

from trellis.board import TagBoard, board_text, read_board
from trellis.errors import InputError
from trellis.geometry import Pose
from trellis.lens import Lens, lens_text, read_lens
from trellis.pose_file import CameraPose, poses_text, read_poses

HEADER = "image,x_m,y_m,z_m,qw,qx,qy,qz"


def _file(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    return path


def test_poses_come_back(tmp_path: Path) -> None:
    poses = [
        CameraPose("a.jpg", Pose.from_rotation_vector((0.1, 0.2, 0.3), (1, 2, 3)), 0.006, 0.017),
        CameraPose("b.jpg", Pose.identity()),
    ]
    back = read_poses(_file(tmp_path, poses_text(poses)))
    assert [pose.image for pose in back] == ["a.jpg", "b.jpg"]
    # Nine digits are written.
    np.testing.assert_allclose(back[0].world_from_camera.matrix, poses[0].world_from_camera.matrix, atol=1e-8)
    assert (back[0].position_std_m, back[0].rotation_std_rad) == (0.006, 0.017)
    assert back[1].position_std_m is None


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = _file(tmp_path, "qz,qy,qx,qw,z_m,y_m,x_m,image\n1,0,0,0,3,2,1,a.jpg\n")
    pose = read_poses(path)[0].world_from_camera
    np.testing.assert_array_equal(pose.translation_m, [1, 2, 3])
    np.testing.assert_allclose(pose.rotation, np.diag([-1, -1, 1]), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "missing"),
        (HEADER + "\n", "no pose"),
        (HEADER + ",speed\na.jpg,0,0,0,1,0,0,0,5\n", "speed"),
        (HEADER.replace("qz", "q_z") + "\na.jpg,0,0,0,1,0,0,0\n", "qz"),
        (HEADER + "\na.jpg,0,0,0,1,0,0\n", "line 2"),
        (HEADER + "\na.jpg,0,0,0,1,0,0,zero\n", "line 2"),
        (HEADER + "\na.jpg,nan,0,0,1,0,0,0\n", "line 2"),
        (HEADER + "\na.jpg,0,0,0,2,0,0,0\n", "length 1"),
        (HEADER + "\na.jpg,0,0,0,1,0,0,0\na.jpg,0,0,0,1,0,0,0\n", "twice"),
        (HEADER + ",position_std_m\na.jpg,0,0,0,1,0,0,0,-1\n", "standard deviation"),
    ],
)
def test_a_faulty_pose_file_is_refused_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_poses(_file(tmp_path, text))


def test_a_missing_pose_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        read_poses(tmp_path / "nowhere.csv")


def test_a_lens_comes_back(tmp_path: Path) -> None:
    lens = Lens("OPENCV", 1296, 972, (1290.0, 1291.5, 648.0, 486.0, -0.03, 0.01, 1e-4, -2e-4))
    assert read_lens(_file(tmp_path, lens_text(lens))) == lens


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('model = "OPENCV"\nwidth = 4\nheight = 4\nparams = [1, 2]\n', "takes 8 params"),
        ('model = "OPNCV"\nwidth = 4\nheight = 4\nparams = [1, 2, 3, 4]\n', "unknown"),
        ('model = "PINHOLE"\nwidth = 4\nheight = 4\nparam = [1, 2, 3, 4]\n', "param"),
        ('model = "PINHOLE"\nwidth = 0\nheight = 4\nparams = [1, 2, 3, 4]\n', "positive"),
        ("model = ", "camera file"),
    ],
)
def test_a_faulty_camera_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_lens(_file(tmp_path, text))


def test_a_board_comes_back(tmp_path: Path) -> None:
    square = np.array([[0, 0.04, 0], [0.04, 0.04, 0], [0.04, 0, 0], [0, 0, 0]])
    board = TagBoard("DICT_APRILTAG_36h11", 0.04, {7: square, 3: square + 0.1})
    back = read_board(_file(tmp_path, board_text(board)))
    assert (back.family, back.size_m, sorted(back.corners_world_m)) == ("DICT_APRILTAG_36h11", 0.04, [3, 7])
    np.testing.assert_array_equal(back.corners_world_m[3], square + 0.1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('family = "D"\nsize_m = 0.04\n[corners]\n', "at least one tag"),
        ('family = "D"\nsize_m = 0.04\n[corners]\n1 = [[0, 0, 0], [1, 0, 0], [1, 1, 0]]\n', "four corners"),
        ('family = "D"\nsize_m = 0.04\n[corners]\none = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]\n', "one"),
        ('family = "D"\n[corners]\n', "size_m"),
    ],
)
def test_a_faulty_board_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_board(_file(tmp_path, text))
