"""A folder of photographs in; model, traits and mass out."""

import os
import sys

# Numba's first choice, TBB, is too old for it on Debian 12, and it warns at every start.
os.environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")

# OpenCV and pycolmap each bring a zlib; loaded after pycolmap's, OpenCV's aborts or hangs at the first PNG file.
if "pycolmap" in sys.modules and "cv2" not in sys.modules:
    raise ImportError("pycolmap came before cv2, which then fails on PNG files: import cv2 or this package first")

import cv2  # noqa: F401
