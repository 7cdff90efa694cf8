"""How soon a trait stops telling that a plant grows: the paper's saturating law, and Beer's law as its rival."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array = NDArray[np.float64]


def occlusion(mass_g: Array, traits: dict[str, Array]) -> dict[str, dict[str, float]]:
    """The k of `trait = a (1 - exp(-k mass))` for each trait of size, per gram, and its R2; lower k is better.

    With projected area, leaf area and diameter also Beer's law, projected = disc (1 - exp(-K leaf area / disc)).

    Source: Chen et al. 2023 (arXiv 2209.08690) for the first, Monsi and Saeki 1953 for the second.
    """
    sizes = [name for name in traits if name not in ("age_days", "completeness")]
    found = {name: _saturating(mass_g, traits[name]) for name in sizes}
    if {"projected_area_cm2", "leaf_area_cm2", "diameter_cm"} <= set(traits):
        disc = np.pi / 4 * traits["diameter_cm"] ** 2
        found["Beer's law"] = _beer(traits["projected_area_cm2"], traits["leaf_area_cm2"], disc)
    return found


def _saturating(mass_g: Array, trait: Array) -> dict[str, float]:
    def shape(k: float) -> Array:
        return np.asarray(-np.expm1(-k * mass_g) / k)

    def misfit(log_k: float) -> float:
        form = shape(np.exp(log_k))
        return float(np.sum((trait - form * (form @ trait) / (form @ form)) ** 2))

    # From hardly bent (k mass = 0.001 at the largest) to saturated at a hundredth of it.
    log_k = minimize_scalar(misfit, bounds=np.log(np.array([1e-3, 1e2]) / mass_g.max()), method="bounded").x
    return {"per_gram": float(np.exp(log_k)), "r2": _r2(trait, misfit(log_k))}


def _beer(seen: Array, leaves: Array, disc: Array) -> dict[str, float]:
    def misfit(log_k: float) -> float:
        return float(np.sum((seen + disc * np.expm1(-np.exp(log_k) * leaves / disc)) ** 2))

    log_k = minimize_scalar(misfit, bounds=np.log([1e-2, 1e1]), method="bounded").x
    return {"extinction": float(np.exp(log_k)), "r2": _r2(seen, misfit(log_k))}


def _r2(values: Array, misfit: float) -> float:
    total = float(np.sum((values - values.mean()) ** 2))
    return 1 - misfit / total if total > 0 else float("nan")
