"""The wall's tags in one photograph."""

import cv2
import numpy as np

from scan.cell import Array
from trellis.board import TagBoard
from trellis.errors import CameraError, InputError

#: A corner nearer to the picture's edge may be cut off.
_EDGE_PX = 4.0


def see_tags(jpeg: bytes, board: TagBoard) -> dict[int, Array]:
    """Tag id to its corners in pixels, shape (4, 2), in the board's order; (0.5, 0.5) is the first pixel's centre.

    Raises:
        InputError: The board's family is not one of OpenCV's dictionaries.
        CameraError: The photograph cannot be decoded.
    """
    code = getattr(cv2.aruco, board.family, None)
    if not board.family.startswith("DICT_") or code is None:
        raise InputError(f"tag family {board.family!r} is unknown; use OpenCV's name, such as DICT_APRILTAG_36h11")
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if grey is None:
        raise CameraError(f"a photograph of {len(jpeg)} bytes cannot be decoded; try again")
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.cornerRefinementWinSize = 4
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(code), parameters)
    found, ids, _ = detector.detectMarkers(grey)
    size = np.array(grey.shape[::-1])
    numbers = [] if ids is None else [int(tag) for tag in ids.ravel()]
    seen: dict[int, Array] = {}
    for tag, corners in zip(numbers, found, strict=True):
        pixels = corners.reshape(4, 2).astype(float)
        inside = (pixels > _EDGE_PX).all() and (pixels < size - 1 - _EDGE_PX).all()
        # A tag that is there twice is a mirror image or a mistake: which of both is meant nobody knows.
        if inside and tag in board.corners_world_m and numbers.count(tag) == 1:
            # OpenCV puts the first pixel's centre at (0, 0).
            seen[tag] = pixels + 0.5
    return seen
