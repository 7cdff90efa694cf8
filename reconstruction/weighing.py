"""A plant's traits on any scale there is: a law that comes with Trellis, or a MODEL of `trellis mass fit`.

The two differ in what they know. A law of `reconstruction.mass` is of total leaf area alone; a fitted MODEL is of
whatever columns its table had, says by itself what lies outside its training range, and must say which leaf area it
means: all of it, as a meter finds it, or what photographs saw.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reconstruction.mass import MassModel, predict, read_mass_model
from reconstruction.mass_fit.fitted import Rows
from reconstruction.mass_fit.model_file import Model, read_model
from reconstruction.mass_fit.prediction import predict_one
from trellis.errors import InputError
from trellis.records import MassEstimate, Traits

_CM2, _CM3, _CM, _KG = 1e4, 1e6, 1e2, 1e-3


@dataclass(frozen=True)
class FittedScale:
    """A MODEL, under the name of its file."""

    name: str
    model: Model


Scale = MassModel | FittedScale


def read_scale(name_or_path: str) -> Scale:
    """A law that comes with Trellis by name, or a `.json` file: of the format of those, or of `trellis mass fit`.

    Raises:
        InputError: There is none of that name, the file is neither, or it is a MODEL fitted on leaf areas of which it
            does not say whether they are of all leaves or of those seen.
    """
    path = Path(name_or_path).expanduser()
    if not name_or_path.endswith(".json") or not _is_fitted(path):
        return read_mass_model(name_or_path)
    model = read_model(path)
    if "leaf_area_cm2" in model.file.columns and model.file.leaf_area is None:
        raise InputError(
            f"{path}: the model does not say whether its leaf areas are of all leaves (a meter) or of those that "
            "photographs saw; fit it again with `trellis mass fit --leaf-area total` or `--leaf-area seen`"
        )
    return FittedScale(path.stem, model)


def weigh(traits: Traits, scale: Scale, age_days: float | None = None, cultivar: str | None = None) -> MassEstimate:
    """Fresh and dry mass with 90 % intervals, or a refusal with its reason."""
    if isinstance(scale, MassModel):
        return predict(traits, scale, age_days, cultivar)
    name = f"{scale.name} ({scale.model.file.data_sha256[:8]})"
    reason = _untrusted(traits)
    if reason is not None:
        return MassEstimate(model=name, refused_reason=reason)
    found = predict_one(_rows(traits, scale.model, age_days, cultivar), scale.model)
    if not found.masses_g:
        return MassEstimate(model=name, refused_reason=found.reason)
    fields = {}
    for mass, (middle_g, low_g, high_g) in found.masses_g.items():
        kind = mass.removesuffix("_mass_g")
        fields |= {
            f"{kind}_mass_kg": middle_g * _KG,
            f"{kind}_mass_low_kg": low_g * _KG,
            f"{kind}_mass_high_kg": high_g * _KG,
        }
    return MassEstimate(model=name, **fields)


def _is_fitted(path: Path) -> bool:
    """Whether a file says that it is of `trellis mass fit`; what cannot be read is for others to refuse."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and str(content.get("format")).startswith("trellis mass model")


def _untrusted(traits: Traits) -> str | None:
    if traits.scale_source == "none":
        return "the model has no scale: give poses or a board"
    if not traits.trusted:
        return f"the traits are not trusted: {traits.untrusted_reason}"
    return None


def _rows(traits: Traits, model: Model, age_days: float | None, cultivar: str | None) -> Rows:
    """The plant as one row of the model's columns, NaN where a trait was not measured."""
    area, area_log_std = _leaf_area(traits, model)
    known = {
        "leaf_area_cm2": area,
        "volume_cm3": _in(traits.volume_m3, _CM3),
        "projected_area_cm2": _in(traits.projected_area_m2, _CM2),
        "height_cm": _in(traits.height_m, _CM),
        "diameter_cm": _in(traits.diameter_m, _CM),
        "completeness": _in(traits.completeness, 1.0),
        "age_days": _in(age_days, 1.0),
    }
    values = np.array([[known[name] for name in model.file.columns]])
    uses_area = model.file.columns[0] == "leaf_area_cm2"
    named = any(model.file.cultivars)
    return Rows(
        values,
        np.array([area_log_std if uses_area else 0.0]),
        np.array([(cultivar or "") if named else ""]),
        np.array(["this plant"]),
    )


def _leaf_area(traits: Traits, model: Model) -> tuple[float, float]:
    """In cm2, of the kind that the model means, and the standard deviation of its logarithm; NaN where unknown."""
    if not (np.isfinite(traits.leaf_area_m2) and traits.leaf_area_m2 > 0):
        return float("nan"), 0.0
    seen_cm2 = traits.leaf_area_m2 * _CM2
    log_std = traits.leaf_area_std_m2 / traits.leaf_area_m2
    log_std = log_std if np.isfinite(log_std) else 0.0
    if model.file.leaf_area == "total":
        hidden = read_mass_model().hidden_leaves
        return hidden.total_cm2(seen_cm2), hidden.log_std(seen_cm2, log_std)
    return seen_cm2, log_std


def _in(value: float | None, unit: float) -> float:
    return float("nan") if value is None else value * unit
