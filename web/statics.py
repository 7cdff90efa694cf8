"""The files that pages are drawn with, each under an address that changes with its content."""

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


@cache
def versioned(name: str) -> str:
    """The address of a static file; its content's hash makes a new release replace what a browser keeps."""
    return f"/static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"
