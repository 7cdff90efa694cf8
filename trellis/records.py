"""What reconstruction tells the rest of the house about a plant."""

from pydantic import BaseModel, ConfigDict


class Traits(BaseModel):
    """What was measured on one reconstructed plant; the content of `traits.json`, flat, with units in the names.

    A trait that could not be measured is None, never a guess. `scale_source` is `poses`, `board`, `poses and board` or
    `none`; with `none` lengths are in an arbitrary unit and no mass may be predicted. `_std_` is the standard deviation
    of the trait before it. Leaves stand largest first; an inclination is the angle between a leaf's mean plane and the
    panel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images_given: int
    images_registered: int
    reprojection_error_px: float
    scale_source: str
    leaf_area_m2: float
    leaf_area_std_m2: float
    leaf_area_missed_m2: float | None = None
    leaf_area_cloud_m2: float | None = None
    volume_m3: float | None = None
    volume_std_m3: float | None = None
    height_m: float | None = None
    height_std_m: float | None = None
    diameter_m: float | None = None
    diameter_std_m: float | None = None
    projected_area_m2: float | None = None
    projected_area_std_m2: float | None = None
    leaf_area_over_disc: float | None = None
    leaf_area_over_disc_std: float | None = None
    compactness: float | None = None
    compactness_std: float | None = None
    colour_red: float | None = None
    colour_green: float | None = None
    colour_blue: float | None = None
    colour_std: float | None = None
    hue_rad: float | None = None
    hue_std_rad: float | None = None
    hue_spread_rad: float | None = None
    saturation: float | None = None
    saturation_std: float | None = None
    leaf_count: int | None = None
    leaf_areas_m2: tuple[float, ...] | None = None
    leaf_inclinations_rad: tuple[float, ...] | None = None
    completeness: float | None = None
    trusted: bool = True
    untrusted_reason: str | None = None


class MassEstimate(BaseModel):
    """Fresh and dry mass with a 90 % interval, or a refusal.

    All masses are None when `refused_reason` says why nothing may be said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fresh_mass_kg: float | None = None
    fresh_mass_low_kg: float | None = None
    fresh_mass_high_kg: float | None = None
    dry_mass_kg: float | None = None
    dry_mass_low_kg: float | None = None
    dry_mass_high_kg: float | None = None
    model: str = ""
    refused_reason: str | None = None
