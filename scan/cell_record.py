"""The dated history of a cell's calibrations: kept, put in force, rolled back. Nothing is ever deleted.

In the folder `[cell] calibration_folder`, beside the configuration, each calibration is a file named by its date; the
file `current.json` says which one is in force and what was in force before.
"""

from datetime import datetime

from scan.calibrated_sections import (
    CURRENT,
    CellRecord,
    Step,
    Steps,
    calibration_folder,
    nominal_name,
    read_record,
    read_steps,
)
from trellis.config import Configuration
from trellis.durable import write_durably
from trellis.errors import InputError

_ROLLED_BACK = "rolled back"


class CellHistory:
    """The calibrations of one cell.

    Args:
        configuration: Whose folder it is.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.folder = calibration_folder(configuration)
        self._nominal = nominal_name(configuration)

    def read(self, name: str) -> CellRecord:
        """The calibration of a name. Raises `InputError`."""
        return read_record(self.folder, name, self._nominal)

    def names(self) -> list[str]:
        """All calibrations, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*Z-*.json"))

    def steps(self) -> tuple[Step, ...]:
        """What came into force when, oldest first."""
        return read_steps(self.folder)

    def current(self) -> CellRecord | None:
        """The calibration in force, or None for the cell as configured. Raises `InputError`."""
        steps = self.steps()
        return None if not steps or steps[-1].name is None else self.read(steps[-1].name)

    def add(self, record: CellRecord, why: str) -> None:
        """Keep a calibration and put it in force; on return a power cut does not undo it."""
        write_durably(self.folder / f"{record.name}.json", record.model_dump_json(indent=1).encode())
        self._step(record.name, record.made_at, why)

    def choose(self, name: str | None, now: datetime) -> None:
        """Put a calibration in force, or with None the cell as configured. Raises `InputError`."""
        if name is not None:
            self.read(name)
        self._step(name, now, "chosen")

    def roll_back(self, now: datetime) -> str | None:
        """Put in force what was in force before; the name of that, or None for the cell as configured.

        Rolling back twice goes two steps back.

        Raises:
            InputError: Nothing was in force before.
        """
        trail: list[str | None] = [None]
        for step in self.steps():
            if step.why == _ROLLED_BACK:
                trail.pop()
            else:
                trail.append(step.name)
        if len(trail) < 2:
            raise InputError(f"{self.folder}: nothing is left to roll back: the cell is taken as configured")
        if trail[-2] is not None:
            self.read(trail[-2])
        self._step(trail[-2], now, _ROLLED_BACK)
        return trail[-2]

    def _step(self, name: str | None, at: datetime, why: str) -> None:
        steps = (*self.steps(), Step(name=name, at=at, why=why))
        write_durably(self.folder / CURRENT, Steps(steps=steps).model_dump_json(indent=1).encode())
