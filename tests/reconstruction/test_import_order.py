"""OpenCV and pycolmap in one process: the order that works is kept, the other is refused."""

import subprocess
import sys

_PNG = """
import numpy as np, cv2, pycolmap
for k in range(20):
    picture = np.full((60 + k, 80, 3), k, np.uint8)
    assert (cv2.imdecode(cv2.imencode(".png", picture)[1], cv2.IMREAD_UNCHANGED) == picture).all()
print("fine")
"""


def _python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)


def test_png_files_work_beside_pycolmap_once_the_package_is_imported() -> None:
    assert _python("import reconstruction.sparse\n" + _PNG).stdout == "fine\n"


def test_pycolmap_before_the_package_is_refused_with_the_way_out() -> None:
    refused = _python("import pycolmap, reconstruction")
    assert refused.returncode == 1
    assert "import cv2 or this package first" in refused.stderr
    assert _python("import cv2, pycolmap, reconstruction").returncode == 0
