"""Whether today's plant can be yesterday's a little older; if not, one of the two measurements is wrong."""

from math import exp, hypot

from trellis.records import Traits

#: No lettuce grows faster, a day: expolinear growth has at most 0.33 (docs/mass.md), and leaves unfold on top of it.
_FASTEST_GROWTH_PER_DAY = 0.45

#: What may be lost from one scan to the next although nothing was measured wrongly: wilting, a leaf that was picked, a
#: neighbour that covers more.
_LOST = 0.25

#: Standard deviations of the two areas' ratio that are granted on top.
_STDS = 2.0


def implausible(today: Traits, yesterday: Traits, days: float) -> str | None:
    """Why today's leaf area cannot be believed beside an earlier one, in one line, or None.

    Args:
        today: Just measured.
        yesterday: An earlier measurement of the same plant.
        days: Between the two, more than 0.
    """
    if "none" in (today.scale_source, yesterday.scale_source) or not yesterday.trusted:
        return None
    if min(today.leaf_area_m2, yesterday.leaf_area_m2) <= 0:
        return None
    ratio = today.leaf_area_m2 / yesterday.leaf_area_m2
    slack = _STDS * hypot(*(traits.leaf_area_std_m2 / traits.leaf_area_m2 for traits in (today, yesterday)))
    most, least = exp(_FASTEST_GROWTH_PER_DAY * days + slack), (1 - _LOST) * exp(-slack)
    if least <= ratio <= most:
        return None
    return (
        f"the leaf area is {ratio:.2f} times that of {days:g} days before ({yesterday.leaf_area_m2 * 1e4:.0f} cm2); "
        f"between {least:.2f} and {most:.2f} is believed"
    )
