"""A disk that forgets: what it holds after power fails, given what was asked of it until then.

Only what was flushed is sure: a file's bytes once the file was flushed, a name in a folder once the folder was. What
else survives is up to the disk: nothing (`gone`), or any part of it (`some`), a write also torn at a sector's edge.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from benchmarks.quick.traced import Step

Mode = Literal["gone", "some"]
_SECTOR = 512


@dataclass
class _File:
    now: bytearray = field(default_factory=bytearray)
    sure: bytes = b""
    unsure: list[tuple[int, bytes]] = field(default_factory=list)  # (offset, data), or (size, b"") for a truncation

    def write(self, at: int, data: bytes) -> None:
        at = len(self.now) if at < 0 else at
        _put(self.now, at, data)
        self.unsure.append((at, data))

    def truncate(self, size: int) -> None:
        _cut(self.now, size)
        self.unsure.append((size, b""))

    def flush(self) -> None:
        self.sure, self.unsure = bytes(self.now), []

    def after(self, mode: Mode, chance: random.Random) -> bytes:
        content = bytearray(self.sure)
        for at, data in self.unsure if mode == "some" else ():
            kept = chance.choice((0.0, 0.5, 1.0))
            if data:
                _put(content, at, data[: len(data) if kept == 1.0 else int(kept * len(data)) // _SECTOR * _SECTOR])
            elif kept:
                _cut(content, at)
        return bytes(content)


class ForgetfulDisk:
    """Follows steps below a folder that was there, and flushed, before.

    Args:
        folder: Where the steps happened.
        before: What was there: path to bytes.
    """

    def __init__(self, folder: Path, before: dict[str, bytes]) -> None:
        self._root = str(folder)
        self._now: dict[str, _File | None] = {self._root: None}  # None: a folder
        self._sure: dict[str, _File | None] = {self._root: None}
        for path, content in before.items():
            self._now[path] = self._sure[path] = _File(bytearray(content), content)

    def do(self, step: Step) -> None:
        """Follow one step."""
        path = step.path
        if step.what == "folder":
            self._now[path] = None
        elif step.what == "made":
            file = self._now.setdefault(path, _File())
            if step.to == "anew" and file is not None and file.now:
                file.truncate(0)
        elif step.what == "renamed":
            self._now[step.to] = self._now.pop(path)
        elif step.what == "removed":
            self._now.pop(path, None)
        elif step.what == "flushed":
            self._flush(path)
        elif step.what in ("written", "truncated") and (file := self._now.get(path)) is not None:
            file.write(step.at, step.data) if step.what == "written" else file.truncate(step.at)

    def after_power_cut(self, where: Path, mode: Mode, chance: random.Random) -> None:
        """Write down what is left."""
        names = dict(self._sure)
        if mode == "some":  # a folder's changes since it was flushed, each or not
            for path in sorted(set(self._now) | set(self._sure)):
                changed = (path in self._now) != (path in self._sure) or self._now.get(path) is not self._sure.get(path)
                if changed and chance.random() < 0.5:
                    if path in self._now:
                        names[path] = self._now[path]
                    else:
                        names.pop(path, None)
        for path in sorted(names):
            target = where / PurePosixPath(path).relative_to(self._root)
            above = str(PurePosixPath(path).parent)
            if path != self._root and names.get(above, "none") is not None:
                continue  # its folder is gone
            content = names[path]
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.write_bytes(content.after(mode, chance))

    def _flush(self, path: str) -> None:
        file = self._now.get(path)
        if file is not None:
            file.flush()
            return
        if path in self._now:
            self._names_of(path)

    def _names_of(self, folder: str) -> None:
        """A folder was flushed: the names in it are as they are now."""
        inside = lambda one: str(PurePosixPath(one).parent) == folder and one != folder  # noqa: E731
        for path in [one for one in self._sure if inside(one) and one not in self._now]:
            del self._sure[path]
        for path, file in self._now.items():
            if inside(path):
                self._sure[path] = file


def _put(content: bytearray, at: int, data: bytes) -> None:
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _cut(content: bytearray, size: int) -> None:
    if len(content) > size:
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
