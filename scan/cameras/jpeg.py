"""Whether bytes are a whole JPEG: a decoder would fill in what is missing of a torn one, and say nothing."""

from trellis.errors import CameraError

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_SCAN = 0xDA
#: Markers that stand alone, without a length after them: TEM, RST0 to RST7, SOI.
_BARE = {0x01, *range(0xD0, 0xD9)}


def complete_jpeg(content: bytes, source: str) -> bytes:
    """The bytes from the start of the picture to its end marker, without what some cameras append.

    Args:
        content: What the camera gave.
        source: Names the camera in an error.

    Raises:
        CameraError: It does not begin as a JPEG does, or its end is missing.
    """
    if not content.startswith(_START):
        seen = content[:16].decode("latin-1").encode("unicode_escape").decode()
        raise CameraError(
            f"{source} gave {len(content)} bytes that are no JPEG (they begin with '{seen}'); "
            "give an address or device that yields JPEG photographs"
        )
    scan = _first_scan(content)
    # Inside the picture's data FF D9 cannot occur, since FF is followed by 00 there; a thumbnail's lies before it.
    end = content.find(_END, scan) if scan else -1
    if end < 0:
        raise CameraError(f"{source} gave a torn JPEG: it breaks off after {len(content)} bytes; try again")
    return content[: end + len(_END)]


def _first_scan(content: bytes) -> int:
    """Where the picture's data begin, past all headers; 0 if the file breaks off before."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
            if marker == _SCAN:
                return at
    return 0
