"""A folder of photographs to numbers in ten lines: python examples/reconstruct_in_ten_lines.py FOLDER."""

import sys
from pathlib import Path

from reconstruction.pipeline import reconstruct
from reconstruction.request import Request
from reconstruction.stored import read_traits

request = Request.of_folder(Path(sys.argv[1]))
for event in reconstruct(request):
    print(f"{event.stage:8} {event.share:4.0%}  {event.message}")
traits = read_traits(request.out / "traits.json")
print(f"{1e4 * traits.leaf_area_m2:.1f} cm2 on {traits.leaf_count} leaves; scale from {traits.scale_source}")
