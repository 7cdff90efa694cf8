"""What a finished reconstruction says at the end, in a terminal, read from its files."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconstruction.words import leaf_area, mass_in_words
from trellis.records import MassEstimate, Traits


def print_summary(out: Path, console: Console) -> None:
    """A short table of the artefacts in `out`."""
    traits = Traits.model_validate_json((out / "traits.json").read_bytes())
    mass = MassEstimate.model_validate_json((out / "mass.json").read_bytes())
    seconds = json.loads((out / "stages.json").read_bytes())
    unscaled = traits.scale_source == "none"
    scale = "none: lengths have no unit; give --poses or --board" if unscaled else traits.scale_source
    rows = {
        "photographs": f"{traits.images_given} given, {traits.images_registered} placed",
        "scale from": scale,
        "leaf area seen": leaf_area(traits),
        "mass": mass_in_words(mass),
        "seconds": ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()),
        "report": str(out / "report.html"),
    }
    if not traits.trusted:
        rows["not trusted"] = str(traits.untrusted_reason)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in rows.items():
        table.add_row(name, Text(value, overflow="fold"))
    console.print(table)
