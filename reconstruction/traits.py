"""Numbers of one plant from its surface, each as honest as the reconstruction allows."""

from dataclasses import dataclass
from math import hypot, pi

from numpy.typing import ArrayLike

from reconstruction.appearance import appearance
from reconstruction.area import sheet_area, surface_area
from reconstruction.leaves import Leaves
from reconstruction.missed import missed_area
from reconstruction.model import Array, Model
from reconstruction.panel import Panel
from reconstruction.plausibility import implausible
from reconstruction.records import Cloud, Surface
from reconstruction.shape import hull_volume, outline
from trellis.records import Traits

#: What estimators of area leave beside their disagreement: rims and blisters, from known shapes and simulated plants.
_AREA_SHARE = 0.04
#: Gates: shares and pixels beyond which nothing is weighed.
_REGISTERED, _REPROJECTION_PX, _SCALE_STD, _DISAGREEMENT, _COMPLETENESS = 0.6, 2.0, 0.02, 0.3, 0.3
#: What height, diameter, projected area and hull volume are off by where nothing is missing, as a share; from a few
#: simulated plants (docs/decisions/0009).
_HEIGHT_SHARE, _DIAMETER_SHARE, _SHADOW_SHARE, _VOLUME_SHARE = 0.06, 0.03, 0.08, 0.08
_COMPACTNESS_STD = 0.05
#: Set, not yet measured: what colours of one plant differ by from one set of photographs to another, of the brightest
#: channel and plain.
_COLOUR_SHARE, _HUE_STD_RAD, _SATURATION_STD = 0.04, 0.02, 0.02


@dataclass(frozen=True)
class Earlier:
    """What the same plant measured so many days ago."""

    traits: Traits
    days: float


def measure(
    model: Model,
    sheet: Cloud,
    surface: Surface,
    spacing_m: float,
    panel: Panel | None = None,
    plant_position_m: ArrayLike | None = None,
    leaves: Leaves | None = None,
    earlier: Earlier | None = None,
    white: Array | None = None,
) -> Traits:
    """Traits of one plant.

    Args:
        model: Says from where it was seen, and what metres are good for.
        sheet: The plant's points as thin sheets.
        surface: The triangles over them.
        spacing_m: Of the surface's corners; the sheet's points stand about half as far apart.
        panel: What the plant grows out of; heights are above it. Without it, and without `plant_position_m`, height,
            diameter and projected area have no axis and stay None.
        plant_position_m: The plant's collar; the axis is then the world's z when there is no panel.
        leaves: Of the surface, told apart.
        earlier: An earlier measurement; what cannot have grown from it is not trusted.
        white: Brightness of the panel in red, green and blue, shape (3,); without it colours stay None.
    """
    area, cloud_area = surface_area(surface), sheet_area(sheet, spacing_m)
    scale_std = model.scale_std if model.metric else 0.0
    missed = missed_area(model, surface)
    std = hypot(2 * scale_std * area, _AREA_SHARE * area, (area - cloud_area) / 2, missed)
    completeness = area / (area + missed) if area > 0 else None
    reason = _distrust(model, area, cloud_area, completeness)
    volume = hull_volume(sheet.points_m)
    found = Traits(
        images_given=model.images_given,
        images_registered=len(model.views),
        reprojection_error_px=model.reprojection_error_px,
        scale_source=str(model.scale_source),
        leaf_area_m2=area,
        leaf_area_std_m2=std,
        leaf_area_missed_m2=missed,
        leaf_area_cloud_m2=cloud_area,
        volume_m3=volume,
        volume_std_m3=_std(volume, _VOLUME_SHARE, 3 * scale_std),
        **_outline_traits(sheet, spacing_m, panel, plant_position_m, scale_std, area, std),
        **_colour_traits(surface, white),
        leaf_count=None if leaves is None else len(leaves),
        leaf_areas_m2=None if leaves is None else tuple(leaves.areas_m2.tolist()),
        leaf_inclinations_rad=None if leaves is None else tuple(leaves.inclinations_rad.tolist()),
        completeness=completeness,
        trusted=reason is None,
        untrusted_reason=reason,
    )
    if found.trusted and earlier is not None:
        reason = implausible(found, earlier.traits, earlier.days)
    return found.model_copy(update={"trusted": reason is None, "untrusted_reason": reason})


def _outline_traits(
    sheet: Cloud,
    spacing_m: float,
    panel: Panel | None,
    plant_position_m: ArrayLike | None,
    scale_std: float,
    area_m2: float,
    area_std_m2: float,
) -> dict[str, float | None]:
    """Height, diameter, shadow and what follows from them; empty where nothing gives an axis."""
    shape = outline(sheet.points_m, spacing_m, panel, plant_position_m)
    if shape is None:
        return {}
    over_disc = area_m2 / (pi / 4 * shape.diameter_m**2)
    return {
        "height_m": shape.height_m,
        "height_std_m": _std(shape.height_m, _HEIGHT_SHARE, scale_std),
        "diameter_m": shape.diameter_m,
        "diameter_std_m": _std(shape.diameter_m, _DIAMETER_SHARE, scale_std),
        "projected_area_m2": shape.shadow_m2,
        "projected_area_std_m2": _std(shape.shadow_m2, _SHADOW_SHARE, 2 * scale_std),
        "leaf_area_over_disc": over_disc,
        "leaf_area_over_disc_std": _std(over_disc, area_std_m2 / max(area_m2, 1e-12), 2 * _DIAMETER_SHARE),
        "compactness": shape.compactness,
        "compactness_std": _COMPACTNESS_STD,
    }


def _colour_traits(surface: Surface, white: Array | None) -> dict[str, float]:
    """Colour of the leaves against white; empty without one."""
    colour = None if white is None else appearance(surface, white)
    if colour is None:
        return {}
    return {
        "colour_red": colour.red,
        "colour_green": colour.green,
        "colour_blue": colour.blue,
        "colour_std": _COLOUR_SHARE * max(colour.red, colour.green, colour.blue),
        "hue_rad": colour.hue_rad,
        "hue_std_rad": _HUE_STD_RAD,
        "hue_spread_rad": colour.hue_spread_rad,
        "saturation": colour.saturation,
        "saturation_std": _SATURATION_STD,
    }


def _std(value: float | None, share: float, scale_share: float) -> float | None:
    return None if value is None else value * hypot(share, scale_share)


def _distrust(model: Model, area: float, cloud_area: float, completeness: float | None) -> str | None:
    """Why the numbers may not be used, or None."""
    share = len(model.views) / max(model.images_given, 1)
    if share < _REGISTERED:
        return f"only {len(model.views)} of {model.images_given} photographs were placed; {_REGISTERED:.0%} are needed"
    if model.reprojection_error_px > _REPROJECTION_PX:
        return f"the model misses its photographs by {model.reprojection_error_px:.2f} px, more than {_REPROJECTION_PX}"
    if model.metric and model.scale_std > _SCALE_STD:
        return f"the scale is known to {model.scale_std:.1%} only; {_SCALE_STD:.0%} is allowed"
    if area <= 0:
        return "no leaf surface was found"
    if abs(area - cloud_area) > _DISAGREEMENT * area:
        return f"two ways of measuring the area differ: {area * 1e4:.1f} and {cloud_area * 1e4:.1f} cm2"
    if completeness is not None and completeness < _COMPLETENESS:
        return f"only {completeness:.0%} of what the cameras could see was found; {_COMPLETENESS:.0%} are needed"
    return None
