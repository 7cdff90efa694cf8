"""The arm as numbers: four joints, three links in one plane, and how far each joint may turn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: The joints in the order of every vector of joint angles.
JOINTS = ("base", "shoulder", "elbow", "wrist")


@dataclass(frozen=True, eq=False)
class Arm:
    """A base that turns about the vertical, and three links in the vertical plane that it carries.

    At zero every link stands along `base`'s z. A positive angle of shoulder, elbow or wrist leans the arm away from the
    direction that the base faces (source: docs/derivations-arm.md).

    Args:
        shoulder_height_m: Shoulder axis above the arm's foot.
        upper_m: Shoulder to elbow.
        fore_m: Elbow to wrist.
        mount_m: Wrist to the tool, where the camera sits; the line of sight goes along this link.
        limits_rad: Lowest and highest angle of base, shoulder, elbow, wrist, shape (4, 2), within one turn.

    Raises:
        ValueError: A length is not positive, or a limit is not an interval inside [-pi, pi].
    """

    shoulder_height_m: float
    upper_m: float
    fore_m: float
    mount_m: float
    limits_rad: Array

    def __post_init__(self) -> None:
        limits = np.array(self.limits_rad, dtype=float)
        lengths = (self.shoulder_height_m, self.upper_m, self.fore_m, self.mount_m)
        if not np.isfinite(lengths).all() or min(self.upper_m, self.fore_m, self.mount_m) <= 0:
            raise ValueError(f"an arm needs links longer than 0 m, not {lengths}")
        if limits.shape != (4, 2) or not (np.abs(limits) <= np.pi).all() or not (limits[:, 0] < limits[:, 1]).all():
            raise ValueError(f"joint limits must be four intervals inside [-pi, pi], not {limits.tolist()}")
        limits.setflags(write=False)
        object.__setattr__(self, "limits_rad", limits)

    @property
    def links_m(self) -> Array:
        """Upper arm, forearm and camera mount, shape (3,)."""
        return np.array([self.upper_m, self.fore_m, self.mount_m])

    def within_limits(self, joints_rad: ArrayLike) -> NDArray[np.bool_]:
        """Whether postures of shape (..., 4) keep every joint inside its limits, to a billionth of a radian."""
        joints = np.asarray(joints_rad, dtype=float)
        low, high = self.limits_rad.T
        inside: NDArray[np.bool_] = ((joints >= low - 1e-9) & (joints <= high + 1e-9)).all(axis=-1)
        return inside
