"""Reconstruct a folder of photographs from Python, and print what was measured.

python examples/reconstruct_a_folder.py PHOTOGRAPHS [POSES] [-o OUT]
"""

from pathlib import Path
from typing import Annotated

import typer

from reconstruction.pipeline import reconstruct
from reconstruction.request import Request
from trellis.records import MassEstimate, Traits


def main(
    images: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    poses: Annotated[Path | None, typer.Argument(help="Their believed poses, if there are any.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("reconstruction"),
) -> None:
    """Every stage reports as it goes; the results are files in the output folder."""
    for event in reconstruct(Request(images, out, poses)):
        print(f"{event.stage:8} {event.share:4.0%}  {event.message}")
    traits = Traits.model_validate_json((out / "traits.json").read_bytes())
    mass = MassEstimate.model_validate_json((out / "mass.json").read_bytes())
    print(f"leaf area {traits.leaf_area_m2:.4f} m2 (scale from {traits.scale_source})")
    print(mass.refused_reason or f"fresh mass {mass.fresh_mass_kg:.4f} kg")


if __name__ == "__main__":
    typer.run(main)
