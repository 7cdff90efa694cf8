"""The polygon that limits where the carriage goes."""

import numpy as np
import pytest
from matplotlib.path import Path

from cdpr.workspace import Workspace
from trellis.errors import Unreachable

#: An arrowhead: not convex.
ARROW = Workspace(np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (1.0, 0.7), (0.0, 2.0)]))


def test_a_rectangle_holds_its_border_and_what_lies_in_it() -> None:
    space = Workspace.rectangle((0.2, 2.0), (0.2, 1.7))
    assert space.holds([0.2, 2.0, 1.1, 2.0], [0.2, 1.7, 1.0, 0.5]).all()
    assert not space.holds([0.19, 2.01, 1.1], [1.0, 1.0, 1.71]).any()
    assert (space.x_m, space.y_m) == ((0.2, 2.0), (0.2, 1.7))


def test_any_polygon_holds_what_matplotlib_says() -> None:
    places = np.random.default_rng(1).uniform(-0.5, 2.5, (20_000, 2))
    np.testing.assert_array_equal(ARROW.holds(*places.T), Path(ARROW.corners_m).contains_points(places))
    assert ARROW.holds(places[:6, 0].reshape(2, 3), places[:6, 1].reshape(2, 3)).shape == (2, 3)


def test_the_nearest_place_is_on_the_border_and_none_is_nearer() -> None:
    places = np.random.default_rng(2).uniform(-0.5, 2.5, (200, 2))
    near = ARROW.nearest(*places.T)
    assert ARROW.holds(*near.T).all()
    np.testing.assert_allclose(ARROW.beyond_m(*places.T), np.linalg.norm(near - places, axis=1), atol=1e-12)
    inside = ARROW.holds(*places.T)
    np.testing.assert_array_equal(near[inside], places[inside])
    x, y = np.meshgrid(np.linspace(0, 2, 201), np.linspace(0, 2, 201))
    grid = np.column_stack([x.ravel(), y.ravel()])[ARROW.holds(x, y).ravel()]
    least = np.linalg.norm(places[:, None] - grid, axis=-1).min(axis=1)
    assert (np.linalg.norm(near - places, axis=1) <= least + 1e-9).all()


def test_a_place_outside_is_named_with_the_nearest_inside() -> None:
    with pytest.raises(Unreachable, match=r"x 1\.000 m, y 1\.500 m.*nearest point inside is \("):
        ARROW.check([1.0, 1.0], [0.5, 1.5])
    ARROW.check(1.0, 0.5)


@pytest.mark.parametrize(
    "corners",
    [[(0, 0), (1, 1)], [(0, 0), (1, 1), (1, 0), (0, 1)], [(0, 0), (1, 0), (2, 0)], [(0, 0), (1, np.nan), (1, 1)]],
)
def test_what_is_no_polygon_is_refused(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="workspace"):
        Workspace(np.array(corners))
