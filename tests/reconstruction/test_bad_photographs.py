"""Photographs that are not what they should be: sizes, turns, texture, colour; a full disk; folders that fail."""

import errno
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import reconstruction.artefacts as artefacts
from reconstruction.artefacts import room_for
from reconstruction.images import read_folder
from reconstruction.pipeline import reconstruct
from reconstruction.request import Request
from reconstruction.stored import read_traits
from trellis.errors import OutOfSpace, ReconstructionFailed

EXAMPLE = Path(__file__).parents[2] / "examples" / "reconstruct_in_ten_lines.py"


def _copy(small_set, to: Path, change: Callable[[np.ndarray], np.ndarray]) -> Request:
    """The small set with every photograph changed."""
    shutil.copytree(small_set.path, to, ignore=shutil.ignore_patterns("reconstruction"))
    for file in (to / "images").iterdir():
        cv2.imwrite(str(file), change(cv2.imread(str(file))))
    return replace(Request.of_folder(to), out=to / "out")


def _turned_by_exif(jpeg: bytes) -> bytes:
    """The same file with an EXIF block that asks viewers to turn it by 90 deg (orientation 6, tag 0x0112)."""
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    block = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def _measured(request: Request) -> float:
    for _ in reconstruct(request):
        pass
    traits = read_traits(request.out / "traits.json")
    assert traits.images_registered == traits.images_given
    return traits.leaf_area_m2


@pytest.fixture(scope="module")
def plain_m2(small_set, tmp_path_factory: pytest.TempPathFactory) -> float:
    return _measured(replace(Request.of_folder(small_set.path), out=tmp_path_factory.mktemp("plain") / "out"))


def test_a_turn_that_exif_asks_for_is_not_made_by_some_and_left_by_others(
    small_set, tmp_path: Path, plain_m2: float
) -> None:
    request = _copy(small_set, tmp_path / "set", lambda picture: picture)
    for file in sorted((tmp_path / "set" / "images").iterdir()):
        file.write_bytes(_turned_by_exif(file.read_bytes()))
    # OpenCV turns such a file unless told not to: the block is a real one.
    assert cv2.imread(str(file)).shape[0] > cv2.imread(str(file)).shape[1]
    # The photographs were compressed a second time; what that changes is far below one in a hundred.
    assert _measured(request) == pytest.approx(plain_m2, rel=0.02)


def test_a_warm_lamp_changes_no_area(small_set, tmp_path: Path, plain_m2: float) -> None:
    warm = np.array([0.55, 0.8, 1.0])
    request = _copy(small_set, tmp_path / "set", lambda picture: (picture * warm).astype(np.uint8))
    assert _measured(request) == pytest.approx(plain_m2, rel=0.03)


def test_a_photograph_of_another_size_is_named_and_left_out(small_set, tmp_path: Path) -> None:
    _copy(small_set, tmp_path / "set", lambda picture: picture)
    other = tmp_path / "set" / "images" / small_set.names[3]
    cv2.imwrite(str(other), cv2.resize(cv2.imread(str(other)), (640, 480)))
    folder = read_folder(tmp_path / "set" / "images")
    assert [item.name for item in folder.left_out] == [small_set.names[3]]
    assert "640x480" in folder.left_out[0].reason
    assert len(folder.names) == len(small_set.names) - 1


def test_photographs_without_texture_are_refused_with_what_they_lack(small_set, tmp_path: Path) -> None:
    def shade(picture: np.ndarray) -> np.ndarray:
        across = np.linspace(60, 190, picture.shape[1])[None, :, None]
        return np.broadcast_to(across, picture.shape).astype(np.uint8)

    request = _copy(small_set, tmp_path / "set", shade)
    for number, file in enumerate(sorted((tmp_path / "set" / "images").iterdir())):
        # Alike, but no two the same: a frame that came twice is left out before anything is sought in it.
        cv2.imwrite(str(file), np.roll(cv2.imread(str(file)), 7 * number, axis=0) + np.uint8(2 * number))
    with pytest.raises(ReconstructionFailed, match="texture"):
        for _ in reconstruct(request):
            pass
    assert not (request.out / "traits.json").exists()


def test_a_full_disk_is_one_line_whoever_finds_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutOfSpace, match="no room"), room_for(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    # SQLite and COLMAP say it in words of their own; then the disk is asked.
    monkeypatch.setattr(artefacts, "_free_bytes", lambda out: 0)
    with pytest.raises(OutOfSpace, match="--out"), room_for(tmp_path):
        raise RuntimeError("database or disk is full")


def test_an_error_on_a_disk_with_room_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="something else"), room_for(tmp_path):
        raise RuntimeError("something else")


def test_a_folder_that_fails_does_not_take_another_along(small_set, tmp_path: Path) -> None:
    _copy(small_set, tmp_path / "good", lambda picture: picture)
    (tmp_path / "bad" / "images").mkdir(parents=True)
    call = [sys.executable, "-m", "trellis", "reconstruct", "good", "bad", "--jobs", "2", "--out", "results"]
    done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "good: done" in done.stdout
    assert "bad: " in done.stderr
    assert "no photograph in it" in done.stderr
    assert (tmp_path / "results" / "good" / "traits.json").is_file()


def test_ten_lines_of_python_are_enough(
    small_set, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _copy(small_set, tmp_path / "set", lambda picture: picture)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(tmp_path / "set")])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert "cm2 on 1 leaves; scale from poses" in capsys.readouterr().out
