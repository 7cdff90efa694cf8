"""The demonstration's configuration: the preset `demo`, with ports that are free here, in the data folder."""

import re
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scan.config import CameraSection, WallSection
from scheduler.config import FarmSection
from trellis.config import check_tables
from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.presets import preset
from web.config import WebSection

FILE = "trellis.toml"


@dataclass(frozen=True)
class DemoFarm:
    """What the demonstration needs to know of its farm.

    Args:
        config: The configuration file in the data folder.
        plants: Names of the plants to scan.
        web_url: Where the dashboard will be.
        truth_url: Where the simulator tells the truth, without the plant's name.
    """

    config: Path
    plants: tuple[str, ...]
    web_url: str
    truth_url: str


def write_demo_configuration(folder: Path, scans: int = 2) -> DemoFarm:
    """Write the preset into `folder` with free ports; what else lies there stays.

    Raises:
        InputError: The preset is missing or holds fewer plants than are to be scanned.
        OutOfSpace: There is no room for it.
    """
    source = preset("demo")
    path = folder / FILE
    text = with_free_ports(source.read_text(encoding="utf-8"))
    configuration = check_tables(path, tomllib.loads(text))
    write_durably(path, text.encode())
    plants = configuration.section(WallSection).plants
    if len(plants) < scans:
        raise InputError(f"the preset demo names {len(plants)} plants; the demonstration scans {scans}")
    web, camera = configuration.section(WebSection), urlsplit(configuration.section(CameraSection).url)
    return DemoFarm(
        config=path,
        plants=tuple(plant.name for plant in plants[:scans]),
        web_url=f"http://{web.host}:{web.port}",
        truth_url=f"{camera.scheme}://{camera.netloc}/truth",
    )


def with_free_ports(text: str) -> str:
    """The same TOML with the ports of the web and of the simulated camera moved, and its data beside it."""
    tables = tomllib.loads(text)
    web_port = tables.get("web", {}).get("port", WebSection().port)
    camera_port = tables["cell"]["clock_options"]["camera_port"]
    free = free_ports(2)
    text = re.sub(rf"\b{camera_port}\b", str(free[1]), text)
    if "port" in tables.get("web", {}):
        text = re.sub(rf"\b{web_port}\b", str(free[0]), text)
    else:
        text += f"\n[web]\nport = {free[0]}\n"
    if "data_folder" in tables.get("farm", {}):
        return re.sub(r"(?m)^(\s*data_folder\s*=\s*).*$", r'\1"."', text)
    assert FarmSection.model_fields["data_folder"].default == "data"
    return re.sub(r"(?m)^\[farm\].*$", '[farm]\ndata_folder = "."', text)


def free_ports(count: int) -> list[int]:
    """Ports on this machine that nothing listens on now; the usual ones first, so that a bookmark keeps working."""
    found: list[int] = []
    for candidate in [8700 + 10 * step for step in range(8)] + [0] * count:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            found.append(probe.getsockname()[1])
        if len(found) == count:
            break
    return found
