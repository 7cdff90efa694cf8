"""The section `[wall]`: which plants stand where, and the tags behind them."""

from datetime import date
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from trellis.config import Section

Size = Annotated[float, Field(gt=0, lt=2)]


class PlantTable(Section):
    """A plant on the wall.

    `name` also names its folder. `position_m` is its collar in the world, (x, y) on the panel or (x, y, z). `radius_m`
    and `height_m` are the size to plan for; without them it is estimated from the age, and without `sown` from a
    grown plant's. `treatment` is its group in a trial; plants without one are in none.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    position_m: tuple[float, float, float]
    cultivar: str | None = None
    treatment: str = Field(default="", max_length=64)
    sown: date | None = None
    radius_m: Size | None = None
    height_m: Size | None = None

    @field_validator("position_m", mode="before")
    @classmethod
    def _stands_on_the_panel(cls, value: object) -> object:
        return (*value, 0.0) if isinstance(value, list | tuple) and len(value) == 2 else value


class LatticeTable(Section):
    """Tags on a rectangular lattice on the panel at z = 0, numbered row by row from the bottom left.

    `clear_radius_m` around each of `sites_from_m + pitch * (column, row)` carries no tag: that is where plants grow,
    whether or not one does today.
    """

    family: str = "DICT_APRILTAG_36h11"
    size_m: Size = 0.04
    origin_m: tuple[float, float] = (0.055, 0.05)
    pitch_m: Size = 0.095
    columns: int = Field(default=23, ge=1, le=1000)
    rows: int = Field(default=21, ge=1, le=1000)
    first_id: int = Field(default=0, ge=0)
    sites_origin_m: tuple[float, float] = (0.34, 0.43)
    sites_pitch_m: Size = 0.19
    sites_columns: int = Field(default=9, ge=0, le=1000)
    sites_rows: int = Field(default=6, ge=0, le=1000)
    clear_radius_m: float = Field(default=0.03, ge=0, lt=1)


class WallSection(Section):
    """The wall: its plants, and its tags as a file (`board`) or as a lattice; neither means no tags."""

    board: str | None = None
    lattice: LatticeTable | None = None
    plants: tuple[PlantTable, ...] = ()

    @model_validator(mode="after")
    def _is_one_wall(self) -> "WallSection":
        names = [plant.name for plant in self.plants]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"plants need different names; {', '.join(twice)} stands twice")
        if self.board is not None and self.lattice is not None:
            raise ValueError("give either board (a file) or lattice (a table), not both")
        return self
