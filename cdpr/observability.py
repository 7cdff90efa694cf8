"""What a calibration found, how sure it is, and how much of that the log told rather than the priors."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cdpr.calibration import Calibration
from cdpr.reading_model import PARAMETERS
from cdpr.robot import Array, Indices

#: What remains of the prior's standard deviation once the log has spoken.
_TOLD, _PARTLY = 0.2, 0.7


@dataclass(frozen=True)
class Finding:
    """One parameter.

    Args:
        name: As in `reading_model.PARAMETERS`.
        value: Found; metres, seconds, or metres a metre.
        std: Its standard deviation.
        prior_std: What was believed before.
        told: "by the log", "partly" or "by the prior".
    """

    name: str
    value: float
    std: float
    prior_std: float
    told: str


@dataclass(frozen=True)
class Direction:
    """A combination of parameters that moves together.

    Args:
        remaining: Its standard deviation as a share of the prior's: 1 means that the log said nothing about it.
        names: The parameters that take most part in it, most first.
    """

    remaining: float
    names: tuple[str, ...]


def findings(found: Calibration) -> Iterator[Finding]:
    """Every estimated parameter."""
    for name, value, std, prior_std in zip(PARAMETERS, found.model.vector(), found.stds, found.prior_stds, strict=True):
        if prior_std > 0:
            yield Finding(name, float(value), float(std), float(prior_std), _told(std / prior_std))


def weakest_directions(found: Calibration, count: int = 3) -> list[Direction]:
    """The combinations that the log says least about, least first.

    Eigenvectors of the covariance in units of the prior's standard deviations. A single parameter can look uncertain
    only because it moves together with others; these are the movements that the log cannot see.
    """
    free = np.flatnonzero(found.prior_stds > 0)
    stds = found.prior_stds[free]
    shares, vectors = np.linalg.eigh(found.covariance[np.ix_(free, free)] / np.outer(stds, stds))
    order = np.argsort(shares)[::-1][:count]
    return [Direction(float(np.sqrt(shares[k])), _leading(free, vectors[:, k])) for k in order]


def _leading(free: Indices, vector: Array) -> tuple[str, ...]:
    return tuple(PARAMETERS[free[place]] for place in np.argsort(-np.abs(vector))[:3])


def _told(share: float) -> str:
    return "by the log" if share <= _TOLD else "partly" if share <= _PARTLY else "by the prior"
