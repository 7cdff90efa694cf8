"""Sending a file: ranges, a strong ETag where its content's hash is known, and 304 for who has it already."""

from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from web.api.errors import NotThere

_ONE_YEAR_S = 31_536_000
#: A report draws itself from what it carries; it may fetch nothing and reach no page of ours.
_LOCKED = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; sandbox allow-scripts"
)


def send(
    request: Request, path: Path, media_type: str, *, sha256: str | None = None, name: str | None = None
) -> Response:
    """A file under a route, with ranges and ETag.

    Args:
        request: The request, for its conditions.
        path: A file that our own code chose; never made from what the request says.
        media_type: What it is.
        sha256: The hash of its content, where it is known; else its size and time stand for it.
        name: File name to save it under; None to show it.

    Raises:
        NotThere: The file is not there.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise NotThere(f"{path.name} is not there; it may not have been made yet, or was moved away") from error
    etag = f'"{sha256}"' if sha256 else f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
    headers = {"etag": etag, "cache-control": _caching(request, sha256), "x-content-type-options": "nosniff"}
    if media_type == "text/html":
        headers["content-security-policy"] = _LOCKED
    if _has_it(request, etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=media_type, filename=name, stat_result=state)


def send_bytes(request: Request, content: bytes, media_type: str, sha256: str) -> Response:
    """Bytes that were made from a file whose hash is known."""
    etag = f'"{sha256}-{len(content):x}"'
    headers = {"etag": etag, "cache-control": _caching(request, sha256), "x-content-type-options": "nosniff"}
    if _has_it(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _caching(request: Request, sha256: str | None) -> str:
    """An address that names the content by its hash (`?v=`) may be kept for good; any other is asked about again."""
    version = request.query_params.get("v", "")
    named = sha256 is not None and len(version) >= 8 and sha256.startswith(version)
    return f"private, max-age={_ONE_YEAR_S}, immutable" if named else "private, no-cache"


def _has_it(request: Request, etag: str) -> bool:
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known
