"""A run that was killed goes on where it was, and a changed option does again only what depends on it."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconstruction.config import ReconstructionSection, SurfaceOptions
from reconstruction.pipeline import StageEvent, reconstruct
from reconstruction.request import Request
from reconstruction.stages import KeptStages, digest

RESULTS = ("cloud.ply", "plant.ply", "mesh.ply", "mesh.glb", "traits.json", "images.json", "sparse/points3D.bin")


@pytest.fixture(scope="module")
def once(small_set, tmp_path_factory: pytest.TempPathFactory) -> Request:
    """The small set reconstructed in one go; nobody writes into its output."""
    out = tmp_path_factory.mktemp("once") / "out"
    given = small_set.path
    request = Request(given / "images", out, given / "poses.csv", given / "camera.toml")
    for _ in reconstruct(request):
        pass
    return request


def _hashes(out: Path) -> dict[str, str]:
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in RESULTS}


def _taken_up(events: list[StageEvent]) -> list[str]:
    return [
        event.stage for event in events if event.share == 1 and event.message.endswith("(kept from an earlier run)")
    ]


def test_a_killed_run_goes_on_where_it_was_and_ends_as_one_that_was_not(once: Request, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [str(once.images), "--poses", str(once.poses), "--camera", str(once.camera), "-o", str(out)]
    command = [sys.executable, "-m", "trellis", "reconstruct", *arguments, "--progress", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if json.loads(line)["stage"] == "dense":
                process.kill()
                break
        process.stdout.close()
    assert process.wait() == -9
    assert not (out / "mesh.ply").exists()
    events = list(reconstruct(replace(once, out=out)))
    assert _taken_up(events) == ["sparse"]
    # The same photographs and the same seed give the same bytes, in another process and with a kill in between.
    assert _hashes(out) == _hashes(once.out)


def test_a_changed_option_does_again_only_what_depends_on_it(once: Request, tmp_path: Path) -> None:
    out = Path(shutil.copytree(once.out, tmp_path / "out"))
    coarser = ReconstructionSection(surface=SurfaceOptions(spacing_m=0.002))
    assert _taken_up(list(reconstruct(replace(once, out=out, options=coarser)))) == ["sparse", "dense", "plant"]
    assert (out / "mesh.ply").read_bytes() != (once.out / "mesh.ply").read_bytes()
    assert (out / "cloud.ply").read_bytes() == (once.out / "cloud.ply").read_bytes()


def test_nothing_changed_does_nothing_again_and_a_changed_photograph_everything(once: Request, tmp_path: Path) -> None:
    out = Path(shutil.copytree(once.out, tmp_path / "out"))
    images = Path(shutil.copytree(once.images, tmp_path / "images"))
    again = replace(once, out=out, images=images)
    assert _taken_up(list(reconstruct(again))) == ["sparse", "dense", "plant", "surface"]
    assert _hashes(out) == _hashes(once.out)
    (images / "003.jpg").write_bytes((images / "003.jpg").read_bytes() + b"edited")
    events = reconstruct(again)
    for event in events:
        if event.stage == "sparse" and event.message:
            assert not event.message.endswith("(kept from an earlier run)")
            break
    events.close()


def test_a_damaged_stage_is_done_again(once: Request, tmp_path: Path) -> None:
    out = Path(shutil.copytree(once.out, tmp_path / "out"))
    kept = out / ".stages" / "surface" / "surface.npz"
    kept.write_bytes(kept.read_bytes()[:100])
    assert _taken_up(list(reconstruct(replace(once, out=out)))) == ["sparse", "dense", "plant"]
    assert _hashes(out) == _hashes(once.out)


def test_kept_stages_can_be_forgotten_at_the_end(once: Request, tmp_path: Path) -> None:
    out = Path(shutil.copytree(once.out, tmp_path / "out"))
    options = ReconstructionSection(keep_stages=False)
    assert "surface" in _taken_up(list(reconstruct(replace(once, out=out, options=options))))
    assert not (out / ".stages").exists()


def test_a_stage_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    kept = KeptStages(tmp_path / "stages")

    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        kept.keep("dense", digest("a"), fails)
    assert kept.find("dense", digest("a")) is None
    kept.keep("dense", digest("a"), lambda folder: None)
    assert kept.find("dense", digest("a")) == tmp_path / "stages" / "dense"
    assert kept.find("dense", digest("b")) is None
