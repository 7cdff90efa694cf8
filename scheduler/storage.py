"""Scans in S3-compatible storage, for workers on machines that do not share the farm's disk.

An object's name is the file's path below the data folder. A photograph that comes back must have the hash that the
manifest says; the manifest goes up last, so that a scan that is there is there whole. The farm's own disk stays the
first place: nothing is removed from it because it was copied.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import from_url

from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest


class Storage:
    """A bucket, or a folder in one.

    Args:
        url: `s3://bucket/folder`, or any that obstore knows; keys stand in the environment (`AWS_ACCESS_KEY_ID`,
            `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL` for a server of one's own), never in the URL.
        options: More for obstore, such as `endpoint`.

    Raises:
        InputError: The URL is none that obstore knows.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        try:
            self._store: Any = from_url(url, **options)
        except (BaseError, ValueError) as error:
            raise InputError(f"[farm.workers] storage_url {url!r} cannot be used: {_line(error)}") from error

    def upload(self, folder: ScanFolder, name: str) -> int:
        """Copy what of a scan is not there yet, the manifest last; how many files. Raises `InputError`."""
        there = self.names(name)
        files = [path for path in sorted(folder.path.rglob("*")) if path.is_file() and not path.name.startswith(".")]
        files.sort(key=lambda path: path == folder.manifest)
        sent = 0
        for path in files:
            key = f"{name}/{path.relative_to(folder.path).as_posix()}"
            if there.get(key) != path.stat().st_size or path == folder.manifest:
                self._put(key, path)
                sent += 1
        return sent

    def download(self, name: str, folder: ScanFolder, only: Iterable[str] = ()) -> int:
        """Copy a scan here, or those of its files whose paths begin with one of `only`; how many.

        Raises:
            InputError: It is not there, or a photograph is not the one that the manifest speaks of.
        """
        keys = [key for key in self.names(name) if not only or key.removeprefix(f"{name}/").startswith(tuple(only))]
        if not keys:
            raise InputError(f"{self._url}: there is no scan {name}; `trellis doctor` sees whether the storage answers")
        for key in keys:
            write_durably(folder.path / key.removeprefix(f"{name}/"), self._get(key))
        self._check(folder)
        return len(keys)

    def names(self, name: str) -> dict[str, int]:
        """The objects of a scan, with their sizes."""
        try:
            return {one["path"]: one["size"] for batch in self._store.list(f"{name}/") for one in batch}
        except BaseError as error:
            raise self._failed(name, error) from error

    def _put(self, key: str, path: Path) -> None:
        try:
            self._store.put(key, path.read_bytes())
        except BaseError as error:
            raise self._failed(key, error) from error

    def _get(self, key: str) -> bytes:
        try:
            return bytes(self._store.get(key).bytes())
        except BaseError as error:
            raise self._failed(key, error) from error

    def _check(self, folder: ScanFolder) -> None:
        if not folder.manifest.exists():
            return
        for view in read_manifest(folder.manifest).taken:
            path = folder.images / str(view.image)
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != view.sha256:
                raise InputError(f"{self._url}: {path.name} of {folder.path.name} is not what its manifest recorded")

    def _failed(self, what: str, error: BaseError) -> InputError:
        return InputError(f"{self._url}: {what}: {_line(error)}; check address, keys and that the server runs")


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0][:300]
