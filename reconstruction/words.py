"""Figures as a person reads them: cm², mm and g; a thing that was not measured says so."""

from trellis.records import MassEstimate, Traits

NOT_MEASURED = "not measured"


def leaf_area(traits: Traits) -> str:
    """Leaf area with its standard deviation."""
    if traits.scale_source == "none":
        return f"{traits.leaf_area_m2:.3g} ± {traits.leaf_area_std_m2:.2g} (no unit)"
    return f"{traits.leaf_area_m2 * 1e4:.0f} ± {traits.leaf_area_std_m2 * 1e4:.0f} cm²"


def area(value_m2: float | None, metric: bool) -> str:
    if value_m2 is None:
        return NOT_MEASURED
    return f"{value_m2 * 1e4:.0f} cm²" if metric else f"{value_m2:.3g} (no unit)"


def length(value_m: float | None, metric: bool, std_m: float | None = None) -> str:
    if value_m is None:
        return NOT_MEASURED
    if metric and std_m is not None:
        return f"{value_m * 1e3:.0f} ± {std_m * 1e3:.0f} mm"
    return f"{value_m * 1e3:.0f} mm" if metric else f"{value_m:.3g} (no unit)"


def volume(value_m3: float | None, metric: bool) -> str:
    if value_m3 is None:
        return NOT_MEASURED
    return f"{value_m3 * 1e6:.0f} cm³" if metric else f"{value_m3:.3g} (no unit)"


def interval(low_kg: float | None, middle_kg: float | None, high_kg: float | None) -> str:
    """A mass in grams with its interval."""
    if low_kg is None or middle_kg is None or high_kg is None:
        return "none"
    return f"{_grams(middle_kg)} g ({_grams(low_kg)} to {_grams(high_kg)})"


def mass_in_words(mass: MassEstimate) -> str:
    """Both masses, or why there are none."""
    if mass.refused_reason is not None:
        return f"refused: {mass.refused_reason}"
    fresh = interval(mass.fresh_mass_low_kg, mass.fresh_mass_kg, mass.fresh_mass_high_kg)
    return f"fresh {fresh}, dry {interval(mass.dry_mass_low_kg, mass.dry_mass_kg, mass.dry_mass_high_kg)}"


def _grams(mass_kg: float) -> str:
    """Three digits at most, and no more than the estimate is worth."""
    grams = mass_kg * 1e3
    return f"{grams:.0f}" if grams >= 10 else f"{grams:.1f}" if grams >= 1 else f"{grams:.2f}"
