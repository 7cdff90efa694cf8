"""What a plant weighs, from the leaf area that was seen: a law read from a file, an interval, or a refusal.

Two steps, each with its own error: leaves hide each other, so the total leaf area is inferred from the area that was
seen; and plants of one area do not weigh the same. What the shipped model was fitted on stands in docs/mass.md.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trellis.errors import InputError
from trellis.records import MassEstimate, Traits

DEFAULT_MODEL = "lettuce-published"

#: Standard deviations on either side of the middle that hold 90 % of a normal distribution.
_NINETY_PERCENT = 1.6449

_CM2 = 1e4
_KG = 1e-3


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Law(_Table):
    """Mass in grams = coefficient * (total leaf area in cm2) ^ exponent; `log_std` is the s.d. of its logarithm."""

    coefficient: float = Field(gt=0)
    exponent: float = Field(gt=0)
    log_std: float = Field(gt=0)


class CultivarLaws(_Table):
    """Laws of one cultivar, used instead of the general ones when it is named."""

    fresh_g: Law
    dry_g: Law


class AreaRange(_Table):
    """Total leaf areas that the laws were measured on, cm2."""

    lowest: float = Field(gt=0)
    highest: float = Field(gt=0)


class HiddenLeaves(_Table):
    """From the area seen to the area that a leaf-area meter finds: the rest is behind other leaves.

    total = flattened * seen * (1 + (seen / scale) ^ exponent). `flattened` is what waves and blisters lose when a leaf
    is pressed flat. `relative_std` is the relative standard deviation of the hidden part, so the error grows with the
    head.
    """

    from_: str = Field(alias="from")
    flattened: float = Field(gt=0, le=1)
    scale_cm2: float = Field(gt=0)
    exponent: float = Field(gt=0)
    relative_std: float = Field(ge=0)

    def total_cm2(self, seen_cm2: float) -> float:
        """Total leaf area, pressed flat, of a plant of which so much is seen."""
        return self.flattened * seen_cm2 * (1 + self._hidden_by_seen(seen_cm2))

    def log_std(self, seen_cm2: float, seen_log_std: float) -> float:
        """S.d. of the logarithm of the total, from that of the area seen and from the law's own error."""
        hidden = self._hidden_by_seen(seen_cm2)
        share = hidden / (1 + hidden)
        elasticity = 1 + self.exponent * share
        return float(np.hypot(elasticity * seen_log_std, self.relative_std * share))

    def _hidden_by_seen(self, seen_cm2: float) -> float:
        return float((seen_cm2 / self.scale_cm2) ** self.exponent)


class MassModel(_Table):
    """The content of a mass model's file; docs/mass.md says what each key means."""

    format: Literal[1]
    name: str
    fitted_on: str
    limits: str
    fresh_g: Law
    dry_g: Law
    cultivars: dict[str, CultivarLaws]
    total_area_cm2: AreaRange
    hidden_leaves: HiddenLeaves
    completeness_min: float = Field(ge=0, le=1)


def read_mass_model(name_or_path: str = DEFAULT_MODEL) -> MassModel:
    """A model that comes with Trellis, by name, or one from a JSON file, by a path that ends in `.json`.

    Raises:
        InputError: There is no such model or file, or it is not a model; the key is named.
    """
    if name_or_path.endswith(".json"):
        path = Path(name_or_path).expanduser()
    else:
        shipped = {
            Path(str(file)).stem: Path(str(file)) for file in (files("reconstruction") / "mass_models").iterdir()
        }
        if name_or_path not in shipped:
            raise InputError(f"no mass model is called {name_or_path!r}; known are {', '.join(sorted(shipped))}")
        path = shipped[name_or_path]
    try:
        return MassModel.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read the mass model: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: not a mass model: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def predict(
    traits: Traits, model: MassModel, age_days: float | None = None, cultivar: str | None = None
) -> MassEstimate:
    """Fresh and dry mass, each the median of a log-normal with the interval that holds 90 % of it, or a refusal.

    Args:
        traits: Of one reconstruction; `leaf_area_m2` is what was seen of the leaves, one-sided.
        model: The law.
        age_days: Of the plant. Files of format 1 hold laws of area alone and leave it unused.
        cultivar: Chooses the cultivar's own laws where the model has them.
    """
    reason = _refusal(traits, model)
    if reason is not None:
        return MassEstimate(model=model.name, refused_reason=reason)
    seen_cm2 = traits.leaf_area_m2 * _CM2
    total_cm2 = model.hidden_leaves.total_cm2(seen_cm2)
    log_std = model.hidden_leaves.log_std(seen_cm2, traits.leaf_area_std_m2 / traits.leaf_area_m2)
    return mass_of_total_area(total_cm2 / _CM2, log_std, model, cultivar)


def mass_of_total_area(
    total_area_m2: float, area_log_std: float, model: MassModel, cultivar: str | None = None
) -> MassEstimate:
    """Masses of a plant whose whole leaf area is known, as from a leaf-area meter, up to `area_log_std`."""
    laws = model.cultivars.get(cultivar or "", model)
    fresh = _interval_kg(laws.fresh_g, total_area_m2, area_log_std)
    dry = _interval_kg(laws.dry_g, total_area_m2, area_log_std)
    return MassEstimate(
        fresh_mass_low_kg=fresh[0],
        fresh_mass_kg=fresh[1],
        fresh_mass_high_kg=fresh[2],
        dry_mass_low_kg=dry[0],
        dry_mass_kg=dry[1],
        dry_mass_high_kg=dry[2],
        model=model.name,
    )


def _refusal(traits: Traits, model: MassModel) -> str | None:
    """Why no mass may be said, or None."""
    if traits.scale_source == "none":
        return "the model has no scale: give poses or a board"
    if not traits.trusted:
        return f"the traits are not trusted: {traits.untrusted_reason}"
    if not (np.isfinite(traits.leaf_area_m2) and traits.leaf_area_m2 > 0 and np.isfinite(traits.leaf_area_std_m2)):
        return "no leaf area was measured"
    if traits.completeness is not None and traits.completeness < model.completeness_min:
        return (
            f"only {traits.completeness:.0%} of the plant's surface was found, {model.completeness_min:.0%} is needed"
        )
    seen_cm2 = traits.leaf_area_m2 * _CM2
    total_cm2 = model.hidden_leaves.total_cm2(seen_cm2)
    known = model.total_area_cm2
    if not known.lowest <= total_cm2 <= known.highest:
        return (
            f"{seen_cm2:.0f} cm2 of leaves seen, {total_cm2:.0f} cm2 in all, is outside the range that the model was "
            f"measured on ({known.lowest:.0f} to {known.highest:.0f} cm2)"
        )
    return None


def _interval_kg(law: Law, total_area_m2: float, area_log_std: float) -> tuple[float, float, float]:
    middle_kg = law.coefficient * (total_area_m2 * _CM2) ** law.exponent * _KG
    spread = np.exp(_NINETY_PERCENT * np.hypot(law.log_std, law.exponent * area_log_std))
    return float(middle_kg / spread), float(middle_kg), float(middle_kg * spread)
