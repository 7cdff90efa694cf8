"""What the colour of a plant on the wall tells: mass, growth, age, last scan, coverage, or health."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import expm1

from web.answers import PlantAnswer
from web.words import grams

#: From little to much: one hue, so that order is read and not looked up.
RAMP = ("#cfe3b4", "#9fc98a", "#63a565", "#2f7d4b", "#145a37")
_WHITE_ON = 2  # from this step of the ramp on, letters on it are white
_MANY = 20  # from so many plants on the scale ends below the largest
#: Choices by the word in the address, in the order in which they are offered.
CHOICES = {
    "mass": "Mass",
    "growth": "Growth",
    "age": "Age",
    "scan": "Last scan",
    "coverage": "Coverage",
    "health": "Health",
}
_HEALTH = {"measured": "#2f7d4b", "refused": "#c98a1b", "failed": "#b3261e"}


@dataclass(frozen=True)
class Paint:
    """A plant's fill, whether letters on it are white, and its value in words; without a value no fill."""

    fill: str | None
    dark: bool
    text: str


@dataclass(frozen=True)
class Colouring:
    """How every plant is painted, by name, and the words at the ends of the scale (both empty: no scale)."""

    choice: str
    paints: dict[str, Paint]
    low: str
    high: str


def colouring(choice: str, plants: Sequence[PlantAnswer], now: datetime | None = None) -> Colouring:
    """Paint every plant by a choice; an unknown one is `mass`.

    Args:
        choice: One of `CHOICES`.
        plants: All that hang on the wall.
        now: For times since the last scan.
    """
    at = now or datetime.now(UTC)
    if choice == "health":
        return Colouring(choice, {plant.name: _health(plant) for plant in plants}, "", "")
    scales: dict[str, tuple[Callable[[PlantAnswer], float | None], Callable[[float], str]]] = {
        "mass": (_mass_kg, grams),
        "growth": (lambda plant: plant.growth_per_day, percent_a_day),
        "age": (lambda plant: plant.age_days, lambda days: f"{days:.0f} d"),
        "coverage": (_covered, lambda share: f"{100 * share:.0f} %"),
        "scan": (lambda plant: _scanned_s(plant, at), ago),
    }
    chosen = choice if choice in scales else "mass"
    value_of, words = scales[chosen]
    values = {plant.name: value_of(plant) for plant in plants}
    known = [value for value in values.values() if value is not None]
    top = _top(known)
    paints = {name: _paint(value, top, words) for name, value in values.items()}
    return Colouring(chosen, paints, words(0.0) if known else "", _end(words(top), top, known))


def colour(value: float, top: float) -> str:
    """The step of `RAMP` for a value between 0 and the top; what is below 0 has the first."""
    share = value / top if top > 0 else 0.0
    return RAMP[max(0, min(int(share * len(RAMP)), len(RAMP) - 1))]


def percent_a_day(rate_per_day: float) -> str:
    """A relative growth rate as a person says it: how much is added in a day."""
    return f"{100 * expm1(rate_per_day):.0f} %/day"


def ago(seconds: float) -> str:
    """A time since something, in its largest unit."""
    minutes = seconds / 60
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def _paint(value: float | None, top: float, words: Callable[[float], str]) -> Paint:
    if value is None:
        return Paint(None, False, "")
    fill = colour(value, top)
    return Paint(fill, RAMP.index(fill) >= _WHITE_ON, words(value))


def _top(known: Sequence[float]) -> float:
    """The dark end of the scale: the largest value, or of many plants that which 19 of 20 stay below.

    One giant would else make a thousand others look alike.
    """
    ordered = sorted(known)
    if len(ordered) < _MANY:
        return max(ordered, default=0.0)
    return ordered[int(0.95 * (len(ordered) - 1))]


def _end(text: str, top: float, known: Sequence[float]) -> str:
    if not known:
        return ""
    return f"{text} and more" if max(known) > top else text


def _health(plant: PlantAnswer) -> Paint:
    """How the last work on it ended; while it is worked on, how its measurement is."""
    state = plant.state
    if state in ("queued", "scanning", "reconstructing"):
        bad = plant.measurement is not None and not plant.measurement.traits.trusted
        state = "never scanned" if plant.measurement is None else "refused" if bad else "measured"
    fill = _HEALTH.get(state)
    return Paint(fill, fill is not None, plant.state)


def _mass_kg(plant: PlantAnswer) -> float | None:
    return plant.measurement.mass.fresh_mass_kg if plant.measurement else None


def _covered(plant: PlantAnswer) -> float | None:
    """Share of the plant's surface that its photographs show."""
    return plant.measurement.traits.completeness if plant.measurement else None


def _scanned_s(plant: PlantAnswer, now: datetime) -> float | None:
    return None if plant.last_scan is None else max(0.0, (now - plant.last_scan.started_at).total_seconds())
