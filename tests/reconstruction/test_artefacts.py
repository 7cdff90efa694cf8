"""The output folder never holds half of anything."""

from pathlib import Path

import pytest

from reconstruction.artefacts import open_output
from trellis.errors import AlreadyRunning, InputError, ReconstructionFailed


def _make(out: Path, text: str, *names: str) -> None:
    with open_output(out) as output:
        for name in names:
            path = output.path(name)
            if name == "sparse":
                path.mkdir()
                path = path / "points3D.bin"
            path.write_text(text)
        output.publish()


def _fail(out: Path) -> None:
    with open_output(out) as output:
        output.path("traits.json").write_text("half")
        raise ReconstructionFailed("no")


def _content(out: Path) -> dict[str, str]:
    return {str(file.relative_to(out)): file.read_text() for file in out.rglob("*") if file.is_file()}


def test_nothing_can_be_seen_before_it_is_published(tmp_path: Path) -> None:
    with open_output(tmp_path / "out") as output:
        output.path("traits.json").write_text("{}")
        assert not (tmp_path / "out" / "traits.json").exists()
        output.publish()
        assert (tmp_path / "out" / "traits.json").read_text() == "{}"


def test_a_newer_result_replaces_the_older_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    _make(tmp_path, "old", "sparse", "traits.json", "mesh.ply")
    (tmp_path / "notes.txt").write_text("of a person")
    _make(tmp_path, "new", "sparse", "traits.json")
    assert _content(tmp_path) == {
        "sparse/points3D.bin": "new",
        "traits.json": "new",
        "notes.txt": "of a person",
    }
    assert sorted(file.name for file in tmp_path.iterdir()) == ["notes.txt", "sparse", "traits.json"]


def test_a_failure_leaves_the_older_result_as_it_was(tmp_path: Path) -> None:
    _make(tmp_path, "old", "sparse", "traits.json")
    with pytest.raises(ReconstructionFailed):
        _fail(tmp_path)
    assert _content(tmp_path) == {"sparse/points3D.bin": "old", "traits.json": "old"}


def test_a_failure_leaves_no_empty_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(ReconstructionFailed):
        _fail(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_a_killed_run_left_is_no_part_of_the_next(tmp_path: Path) -> None:
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "mesh.ply").write_text("half")
    _make(tmp_path, "new", "traits.json")
    assert _content(tmp_path) == {"traits.json": "new"}


def test_two_reconstructions_never_write_to_one_folder(tmp_path: Path) -> None:
    with open_output(tmp_path) as output:
        output.path("traits.json").write_text("first")
        with pytest.raises(AlreadyRunning, match="another reconstruction"), open_output(tmp_path):
            pass
        output.publish()
    assert _content(tmp_path) == {"traits.json": "first"}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"file/out: cannot write results there"),
        open_output(tmp_path / "file" / "out"),
    ):
        pass


def test_only_documented_artefacts_are_written(tmp_path: Path) -> None:
    with open_output(tmp_path) as output, pytest.raises(ValueError, match="no-such"):
        output.path("no-such.ply")
