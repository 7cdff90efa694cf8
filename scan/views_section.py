"""The section `[views]`: from how many places, how far and how slanting a plant is photographed."""

from pydantic import Field, model_validator

from trellis.config import Section


class ViewsSection(Section):
    """Views around one plant.

    `count` views are asked for, and a plan of fewer than `least` is an error. Each looks at the middle of the plant
    from where it fills the picture, but no nearer than `distance_min_m` and no farther than `distance_max_m`.
    `tilt_max_deg` is how far the line of sight may lean from the wall's normal.
    """

    count: int = Field(default=64, ge=3, le=1000)
    least: int = Field(default=48, ge=3, le=1000)
    distance_min_m: float = Field(default=0.27, gt=0.05, lt=3)
    distance_max_m: float = Field(default=0.36, gt=0.05, lt=3)
    tilt_max_deg: float = Field(default=72.0, gt=5, lt=90)

    @model_validator(mode="after")
    def _is_in_order(self) -> "ViewsSection":
        if self.least > self.count:
            raise ValueError(f"least ({self.least}) may not exceed count ({self.count})")
        if self.distance_min_m > self.distance_max_m:
            raise ValueError("needs distance_min_m <= distance_max_m")
        return self
