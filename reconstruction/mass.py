"""What a plant weighs, from the leaf area that was seen: a law read from a file, an interval, or a refusal.

Two steps, each with its own error: leaves hide each other, so the total leaf area is inferred from the area that was
seen; and plants of one area do not weigh the same. What the shipped model was fitted on stands in docs/mass.md.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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
    """Mass from total leaf area: straight lines between points, in logarithms; the outer lines go on beyond the ends.

    Args:
        area_cm2: Total leaf areas of the points, rising; two or more.
        mass_g: Median mass at each point.
        log_std: S.d. of the logarithm of a plant's mass about the median, at each point.
    """

    area_cm2: tuple[float, ...] = Field(min_length=2)
    mass_g: tuple[float, ...]
    log_std: tuple[float, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> "Law":
        if not len(self.area_cm2) == len(self.mass_g) == len(self.log_std):
            raise ValueError("area_cm2, mass_g and log_std need as many numbers each")
        if min(*self.area_cm2, *self.mass_g, *self.log_std) <= 0 or (np.diff(self.area_cm2) <= 0).any():
            raise ValueError("all numbers must be above zero and area_cm2 must rise")
        return self

    def median_g(self, area_cm2: float) -> float:
        """Median mass of plants of this total leaf area."""
        first, share = self._between(area_cm2)
        low, high = np.log(self.mass_g[first : first + 2])
        return float(np.exp(low + share * (high - low)))

    def exponent(self, area_cm2: float) -> float:
        """Slope of ln mass on ln area there."""
        first, _ = self._between(area_cm2)
        rise, run = (np.log(v[first + 1] / v[first]) for v in (self.mass_g, self.area_cm2))
        return float(rise / run)

    def spread(self, area_cm2: float) -> float:
        """S.d. of ln mass there; beyond the ends, that of the end."""
        return float(np.interp(np.log(area_cm2), np.log(self.area_cm2), self.log_std))

    def _between(self, area_cm2: float) -> tuple[int, float]:
        """The point before, and how far to the next one: 0 to 1, beyond that outside the points."""
        points = np.log(self.area_cm2)
        first = int(np.clip(np.searchsorted(points, np.log(area_cm2)) - 1, 0, len(points) - 2))
        return first, float((np.log(area_cm2) - points[first]) / (points[first + 1] - points[first]))


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

    format: Literal[2]
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
        age_days: Of the plant. Files of format 2 hold laws of area alone and leave it unused.
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
    area_cm2 = total_area_m2 * _CM2
    middle_kg = law.median_g(area_cm2) * _KG
    spread = np.exp(_NINETY_PERCENT * np.hypot(law.spread(area_cm2), law.exponent(area_cm2) * area_log_std))
    return float(middle_kg / spread), float(middle_kg), float(middle_kg * spread)
