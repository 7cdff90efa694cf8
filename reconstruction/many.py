"""Many folders, some at a time, each in a process of its own: one that fails or dies does not take the others along."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FolderEnd:
    """How one folder ended: `problem` is None, or a line for a person."""

    folder: Path
    problem: str | None


def each_of(folders: Sequence[Path], options: Sequence[str], out: Path | None, jobs: int) -> Iterator[FolderEnd]:
    """Reconstruct folders; yields each as it ends.

    Args:
        folders: As `trellis reconstruct` takes one.
        options: Passed on to each as they are.
        out: Results go into a folder of each one's name inside it; None puts each beside its photographs.
        jobs: How many at a time; they share the machine's cores evenly.
    """
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}
    names = result_names(folders)
    with ThreadPoolExecutor(jobs) as pool:
        running = {
            pool.submit(_one, folder, options, None if out is None else out / names[folder], environment): folder
            for folder in folders
        }
        for ended in as_completed(running):
            yield FolderEnd(running[ended], ended.result())


def result_names(folders: Sequence[Path]) -> dict[Path, str]:
    """A name for each folder's result that no other has: its own, or with those above it where that is needed."""
    parts = {folder: folder.absolute().parts[1:] for folder in folders}
    names: dict[Path, str] = {}
    for folder, own in parts.items():
        depth = 1
        while depth < len(own) and any(other[-depth:] == own[-depth:] for key, other in parts.items() if key != folder):
            depth += 1
        names[folder] = "_".join(own[-depth:])
    return names


def _one(folder: Path, options: Sequence[str], out: Path | None, environment: dict[str, str]) -> str | None:
    where = [] if out is None else ["--out", str(out)]
    command = [sys.executable, "-m", "trellis", "reconstruct", str(folder), *options, *where, "--progress", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"its process ended with status {done.returncode}"
