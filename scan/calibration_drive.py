"""The drive of a calibration: to each posture, at rest a reading and a photograph, and on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from scan.cell import Cell, CellPosture
from scan.cell_readings import Reading
from scan.cell_section import CellSection
from scan.cell_state import Photograph
from scan.clearance import Obstacle, Surroundings
from scan.route import way
from scan.tags import see_tags
from trellis.board import TagBoard
from trellis.config import Configuration
from trellis.errors import CameraError, DeviceError, DeviceFault, PortUnavailable, Unreachable

#: An uncalibrated cell does not arrive where it is sent; that it stands still is enough.
_ARRIVAL_M, _ARRIVAL_DEG = 0.1, 20.0
_TAGS_MIN = 2


class Driven(Protocol):
    """What is asked of `scan.hardware.CellHardware`."""

    cell: Cell

    def go(self, posture: CellPosture) -> None: ...
    def approach(self, posture: CellPosture) -> None: ...
    def photograph(self) -> Photograph: ...
    def reading(self) -> Reading: ...


@dataclass(frozen=True, eq=False)
class Stop:
    """One posture of the drive, and what came of it: a reading with tags, or a reason."""

    posture: CellPosture
    reading: Reading | None
    jpeg: bytes | None = None
    reason: str | None = None


def relaxed(configuration: Configuration) -> Configuration:
    """The same configuration, in which a cell has arrived once it stands still anywhere near."""
    section = configuration.section(CellSection)
    loose = section.model_copy(update={"arrival_m": _ARRIVAL_M, "arrival_deg": _ARRIVAL_DEG})
    sections = {name: loose if value is section else value for name, value in configuration.sections.items()}
    return Configuration(configuration.path, sections)


def take_readings(
    hardware: Driven, postures: Sequence[CellPosture], board: TagBoard, plants: Sequence[Obstacle]
) -> Iterator[Stop]:
    """Drive through postures; what cannot be had at one does not end the drive.

    Raises:
        Stopped: Somebody stopped.
        DeviceFault, PortUnavailable: A device needs a person.
    """
    before: CellPosture | None = None
    around = Surroundings(hardware.cell, plants)
    for posture in postures:
        try:
            if before is None:
                hardware.approach(posture)
            else:
                for passed in (*way(hardware.cell, before, posture, around), posture):
                    hardware.go(passed)
            before = posture
            reading = hardware.reading()
            photograph = hardware.photograph()
            tags = see_tags(photograph.jpeg, board)
        except (DeviceFault, PortUnavailable):
            raise
        except CameraError as error:
            yield Stop(posture, None, None, str(error))
            continue
        except (DeviceError, Unreachable) as error:
            before = None
            yield Stop(posture, None, None, str(error))
            continue
        if len(tags) < _TAGS_MIN:
            yield Stop(posture, None, photograph.jpeg, f"only {len(tags)} tags are seen, {_TAGS_MIN} are needed")
            continue
        seen = Reading(reading.turns, reading.tensions_n, reading.joints_rad, tags)
        yield Stop(posture, seen, photograph.jpeg)
