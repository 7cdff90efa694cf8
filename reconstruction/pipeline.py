"""From a request to files: the stages of a reconstruction, one after the other, each timed, reported and kept.

What the stages do stands in `reconstruction/work.py`. The long ones are kept in the output folder by what they were
made from (`reconstruction/stages.py`) and taken from there by a later run.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile

from reconstruction.artefacts import open_output, room_for
from reconstruction.request import Request
from reconstruction.run import Run, Stage
from reconstruction.stages import KeptStages, copy_tree, digest, digest_of_code
from reconstruction.work import STAGES as _STAGES
from trellis.clock import Clock, SystemClock
from trellis.pose_file import CameraPose, poses_text

STAGES = tuple(_STAGES)


@dataclass(frozen=True)
class StageEvent:
    """How far a reconstruction is.

    Args:
        stage: One of `STAGES`.
        share: Of this stage, 0 to 1; exactly 1 once, when it is done.
        seconds: Since this stage began.
        message: A line for a person; may be empty.
    """

    stage: str
    share: float
    seconds: float
    message: str = ""

    def as_json(self) -> str:
        """One line, without its end."""
        return json.dumps(asdict(self))


def reconstruct(request: Request, clock: Clock | None = None) -> Iterator[StageEvent]:
    """Do all stages, and put the result in place at the end of the last; until then `request.out` stays as it was.

    Closing the iterator early throws away what the stage under way made; finished stages are kept, and taken up by the
    next run that asks for the same.

    Args:
        request: What to do.
        clock: Times the stages; the machine's own if None.

    Raises:
        InputError: A file or folder that the request names cannot be used.
        ReconstructionFailed: The photographs give no model to trust; the message says why.
        AlreadyRunning: Another reconstruction is writing to the same folder.
        OutOfSpace: The disk is full; an earlier result is as it was.
    """
    clock = clock or SystemClock()
    with room_for(request.out), open_output(request.out) as output:
        run = Run(request, output, KeptStages(output.stages))
        for name, stage in _STAGES.items():
            yield from _timed(name, stage, run, clock)


def _timed(name: str, stage: Stage, run: Run, clock: Clock) -> Iterator[StageEvent]:
    start_s = clock.monotonic_s()
    message = ""
    yield StageEvent(name, 0.0, 0.0)
    kept = _taken_up(name, stage, run)
    if kept is not None:
        run.seconds[name], message = kept
    else:
        for share, message in stage.work(run):
            yield StageEvent(name, min(share, 0.99), clock.monotonic_s() - start_s, message)
        run.seconds[name] = clock.monotonic_s() - start_s
        _keep(name, stage, run, message)
    if name == STAGES[-1]:
        _finish(run)
    yield StageEvent(name, 1.0, run.seconds[name], f"{message} (kept from an earlier run)" if kept else message)


def _taken_up(name: str, stage: Stage, run: Run) -> tuple[float, str] | None:
    """Seconds and message of a kept stage, whose results are then in `run` and in the output; None without one."""
    if stage.key is None or stage.read is None:
        return None
    run.keys[name] = digest(name, digest_of_code(), stage.key(run))
    folder = run.kept.find(name, run.keys[name])
    if folder is None:
        return None
    try:
        said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
        stage.read(run, folder)
        for artefact in stage.artefacts:
            copy_tree(folder / artefact, run.output.path(artefact))
        return float(said["seconds"]), str(said["message"])
    except (OSError, ValueError, KeyError, TypeError, BadZipFile):
        # Damaged by a person or a disk: the stage is simply done again.
        return None


def _keep(name: str, stage: Stage, run: Run, message: str) -> None:
    if stage.write is None:
        return
    write = stage.write

    def fill(folder: Path) -> None:
        write(run, folder)
        for artefact in stage.artefacts:
            copy_tree(run.output.path(artefact), folder / artefact)
        said = {"seconds": run.seconds[name], "message": message}
        (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")

    run.kept.keep(name, run.keys[name], fill)


def _finish(run: Run) -> None:
    seconds = {name: round(value, 2) for name, value in run.seconds.items()}
    run.output.path("stages.json").write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
    if run.model.metric and run.model.views:
        # Beside what was believed: what a cell learns from (scan.learning).
        found = [CameraPose(view.name, view.world_from_camera) for view in run.model.views]
        run.output.path("found_poses.csv").write_text(poses_text(found), encoding="utf-8")
    run.output.publish()
    if not run.request.options.keep_stages:
        run.kept.forget()
