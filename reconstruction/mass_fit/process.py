"""A Gaussian process for the logarithm of mass: a power law, cultivars that share what they have in common, and bends.

ln mass = general power law + the cultivar's own departure from it + smooth bends over size and age, general and of the
cultivar + shape + an error with long tails. Every departure has a prior of zero mean whose width is learnt from all
cultivars: a cultivar with few plants therefore stays near the general law. Without bends it is the power law with
shrinkage (a linear mixed model). Long tails (Student's t with 4 degrees of freedom, by reweighting) keep copying
errors from pulling the law; no row is deleted.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin

Array = NDArray[np.float64]
Kind = Literal["process", "power"]

#: What is learnt, as natural logarithms, with where the search starts and the middle of its prior: s.d. of a cultivar's
#: level and slopes, of bends (general, of a cultivar), their lengths over size and age, of noise, of shape (likewise).
START = {
    "cultivar_level": 0.2,
    "cultivar_slope": 0.1,
    "bend": 0.15,
    "cultivar_bend": 0.1,
    "length_size": 1.0,
    "length_age": 0.8,
    "noise": 0.12,
    "shape": 0.05,
    "cultivar_shape": 0.03,
}
_PRIOR_LOG_STD = 1.0
_LENGTHS = ("length_size", "length_age")

#: Wide priors of the general law: a level of e^10, slopes of 5 a standard deviation of the trait.
_LEVEL_VARIANCE, _SLOPE_VARIANCE = 100.0, 25.0
#: No plant is known better than to 0.1 %: plants that follow a law exactly must not make its equations singular.
_LEAST_VARIANCE = 1e-6
_DEGREES_OF_FREEDOM = 4.0
_REWEIGHTINGS, _SEARCHES, _SEARCH_STEPS = 6, 2, 25


class LogMassProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """scikit-learn regressor for ln mass. X is (n, 2 + k): number of the cultivar, s.d. of ln size, k scaled features.

    Args:
        leading: How many features lead (size, age); the others are shape and enter linearly.
        kind: `process`, or `power` for no bends.
    """

    def __init__(self, leading: int = 2, kind: Kind = "process") -> None:
        self.leading = leading
        self.kind = kind

    def fit(self, X: Array, y: Array) -> "LogMassProcess":
        """Learn widths and weights from y = ln mass, (n,)."""
        theta, weights = np.log(np.array(list(START.values()))), np.ones(len(y))
        for _ in range(_SEARCHES):
            theta = self._search(theta, X, y - np.mean(y), weights)
            self.restore(X, y, theta, weights)
            for _ in range(_REWEIGHTINGS):
                residuals = y - self.predict(X)
                weights = (_DEGREES_OF_FREEDOM + 1) / (_DEGREES_OF_FREEDOM + residuals**2 / self._noise_variance(X))
                self.restore(X, y, theta, weights)
        return self

    def restore(self, X: Array, y: Array, theta: Array, weights: Array) -> "LogMassProcess":
        """Condition on rows with widths (logarithms, in the order of START) and weights that are known already."""
        self.X_, self.theta_, self.weights_ = X, theta, weights
        self.mean_ = float(np.mean(y))
        covariance = self._kernel(X, X, theta) + np.diag(self._noise_variance(X) / weights)
        self.precision_ = np.linalg.inv(covariance)
        self.dual_ = self.precision_ @ (y - self.mean_)
        self.y_ = y
        return self

    def predict(self, X: Array) -> Array:
        """Median of ln mass, (n,)."""
        return np.asarray(self.mean_ + self._kernel(X, self.X_, self.theta_) @ self.dual_)

    def doubt(self, X: Array) -> Array:
        """Standard deviation of the law itself at X, without the spread of plants, (n,)."""
        cross = self._kernel(X, self.X_, self.theta_)
        own = np.diag(self._kernel(X, X, self.theta_))
        return np.sqrt(np.maximum(own - np.einsum("ij,jk,ik->i", cross, self.precision_, cross), 0.0))

    def spread(self, X: Array) -> Array:
        """S.d. of ln mass of one plant, its size being known: the law's doubt and plants' spread, (n,)."""
        return np.asarray(np.hypot(self.doubt(X), np.exp(self.theta_[6])))

    def left_out(self, groups: NDArray[np.str_]) -> tuple[Array, Array, Array]:
        """Predictions of each row from all rows of other groups: ln mass, its spread, the law's doubt, each (n,).

        Exact for the process with its widths and weights kept (the block formula of Rasmussen and Williams 2006,
        section 5.4.2): of n rows those few numbers are learnt from all.
        """
        middle, doubt = np.empty(len(self.y_)), np.empty(len(self.y_))
        noise = self._noise_variance(self.X_)
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            block = np.linalg.inv(self.precision_[np.ix_(rows, rows)])
            middle[rows] = self.y_[rows] - block @ self.dual_[rows]
            doubt[rows] = np.sqrt(np.maximum(np.diag(block) - noise[rows] / self.weights_[rows], 0.0))
        return middle, np.hypot(doubt, np.exp(self.theta_[6])), doubt

    def _noise_variance(self, X: Array) -> Array:
        # Mass goes with about the first power of the size, so an error of ln size is one of ln mass.
        return np.asarray(np.exp(2 * self.theta_[6]) + X[:, 1] ** 2 + _LEAST_VARIANCE)

    def _search(self, start: Array, X: Array, y: Array, weights: Array) -> Array:
        middle = np.log(np.array(list(START.values())))
        parts = self._parts(X, X)
        size_variance = np.diag((X[:, 1] ** 2 + _LEAST_VARIANCE) / weights)
        plants = np.diag(1 / weights)

        def badness(theta: Array) -> tuple[float, Array]:
            """Minus the log posterior of the widths, and its slope (Rasmussen and Williams 2006, equation 5.9)."""
            terms = self._terms(parts, theta)
            noise = np.exp(2 * theta[6]) * plants
            factor = cho_factor(_general(parts) + sum(terms.values()) + noise + size_variance, lower=True)
            precision = cho_solve(factor, np.eye(len(y)))
            dual = precision @ y
            pull = precision - np.outer(dual, dual)
            slope = 0.5 * np.array([np.sum(pull * change) for change in self._changes(parts, terms, noise, theta)])
            off = (theta - middle) / _PRIOR_LOG_STD
            evidence = 0.5 * y @ dual + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
            return float(evidence), slope + off / _PRIOR_LOG_STD

        return np.asarray(minimize(badness, start, jac=True, method="L-BFGS-B", options={"maxiter": _SEARCH_STEPS}).x)

    def _kernel(self, A: Array, B: Array, theta: Array) -> Array:
        parts = self._parts(A, B)
        return np.asarray(_general(parts) + sum(self._terms(parts, theta).values()))

    def _parts(self, A: Array, B: Array) -> dict[str, Array]:
        """What the kernel is made of and the widths do not change, each (n, m); `apart` is (n, m, leading)."""
        first, second = A[:, 2:], B[:, 2:]
        return {
            "linear": first[:, : self.leading] @ second[:, : self.leading].T,
            "same": np.asarray(A[:, :1] == B[:, 0], dtype=float),
            "shape": first[:, self.leading :] @ second[:, self.leading :].T,
            "apart": (first[:, None, : self.leading] - second[None, :, : self.leading]) ** 2,
        }

    def _terms(self, parts: dict[str, Array], theta: Array) -> dict[str, Array]:
        """The parts of the kernel that the widths scale."""
        level, slope, bend, own_bend, _, _, _, shape, own_shape = np.exp(2 * theta)
        terms = {
            "cultivar_level": level * parts["same"],
            "cultivar_slope": slope * parts["same"] * parts["linear"],
            "shape": shape * parts["shape"],
            "cultivar_shape": own_shape * parts["same"] * parts["shape"],
        }
        if self.kind == "process":
            near = np.exp(-0.5 * parts["apart"] @ self._inverse_squared_lengths(theta))
            terms |= {"bend": bend * near, "cultivar_bend": own_bend * parts["same"] * near}
        return terms

    def _changes(self, parts: dict[str, Array], terms: dict[str, Array], noise: Array, theta: Array) -> list[Array]:
        """Derivative of the covariance by each of the widths' logarithms, in the order of START."""
        nothing = np.zeros_like(noise)
        changes = {name: 2 * term for name, term in terms.items()} | {"noise": 2 * noise}
        if self.kind == "process":
            bends = terms["bend"] + terms["cultivar_bend"]
            lengths = parts["apart"] * self._inverse_squared_lengths(theta)
            changes |= {name: bends * lengths[..., i] for i, name in enumerate(_LENGTHS[: self.leading])}
        return [changes.get(name, nothing) for name in START]

    def _inverse_squared_lengths(self, theta: Array) -> Array:
        return np.asarray(np.exp(-2 * theta[4 : 4 + self.leading]))


def _general(parts: dict[str, Array]) -> Array:
    return np.asarray(_LEVEL_VARIANCE + _SLOPE_VARIANCE * parts["linear"])
