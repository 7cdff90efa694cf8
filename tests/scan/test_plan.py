"""A plan: views that the cell can have, a drive that touches nothing, and a file that says it again."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from scan.cell import Cell, CellPosture
from scan.clearance import Obstacle, gaps
from scan.config import ViewsSection
from scan.plan import Plan, TooFewViews, plan
from scan.plan_file import plan_text, read_plan
from scan.sizes import size_by_age
from trellis.errors import InputError, Unreachable

VIEWS = ViewsSection()
SIZE = size_by_age(30)


def standing(column: int, row: int) -> Obstacle:
    position_m = (0.34 + 0.19 * column, 0.43 + 0.19 * row, 0.0)
    return Obstacle(f"{column},{row}", position_m, SIZE.radius_m, SIZE.height_m)


PLANT = standing(2, 2)
OTHERS = (standing(6, 3), standing(1, 2), standing(2, 3))


@pytest.fixture(scope="module")
def planned(cell: Cell) -> Plan:
    return plan(cell, PLANT, OTHERS, VIEWS)


def moves(cell: Cell, planned: Plan) -> list[tuple[CellPosture, CellPosture]]:
    passed = [cell.park]
    for stop in planned.stops:
        passed += [*stop.via, stop.posture]
    return list(pairwise(passed))


def test_all_64_views_of_the_demonstration_are_had(planned: Plan) -> None:
    assert sorted(stop.view for stop in planned.stops) == list(range(64))
    assert planned.dropped == ()


def test_every_camera_is_where_forward_kinematics_puts_it_and_looks_at_the_plant(cell: Cell, planned: Plan) -> None:
    middle = np.array(PLANT.position_m) + np.array([0.0, 0.0, PLANT.height_m / 2])
    for stop in planned.stops:
        moved_m, turned_rad = cell.world_from_camera(stop.posture).distance_to(stop.world_from_camera)
        assert moved_m < 1e-9
        assert turned_rad < 1e-7
        in_camera = stop.world_from_camera.inverse @ middle
        # A tenth of a millimetre at a third of a metre.
        assert in_camera[:2] == pytest.approx([0, 0], abs=1e-4)
        assert VIEWS.distance_min_m - 1e-4 < in_camera[2] < VIEWS.distance_max_m + 1e-4


def test_carriage_hangs_at_the_easiest_yaw_and_cables_hold_it(cell: Cell, planned: Plan) -> None:
    for stop in planned.stops:
        x, y = stop.posture.x_m, stop.posture.y_m
        assert stop.posture.yaw_rad == pytest.approx(float(cell.yaw_map.yaw_rad(x, y)), abs=1e-12)
        assert cell.yaw_map.margin_n(x, y) > 1.0


def test_nothing_is_touched_at_any_time_of_the_drive(cell: Cell, planned: Plan) -> None:
    # Finer than the planner's own samples, hence half a millimetre of grace on the clearance.
    share = np.linspace(0, 1, 25)
    for start, goal in moves(cell, planned):
        x, y = (a + share * (b - a) for a, b in ((start.x_m, goal.x_m), (start.y_m, goal.y_m)))
        first, last = np.array(start.joints_rad), np.array(goal.joints_rad)
        joints = first + share[:, None] * (last - first)
        near = gaps(cell, x, y, joints, [PLANT, *OTHERS])
        assert np.minimum(near.plants, near.wall).min() > cell.bodies.clearance_m - 0.0005
        assert near.own.min() > 0.004


def test_every_stop_can_be_left_and_reached_with_the_arm_folded(cell: Cell, planned: Plan) -> None:
    share = np.linspace(0, 1, 25)[:, None]
    for stop in planned.stops:
        folded = np.array(cell.folded(stop.posture).joints_rad)
        joints = folded + share * (np.array(stop.posture.joints_rad) - folded)
        place = np.ones(25)
        near = gaps(cell, stop.posture.x_m * place, stop.posture.y_m * place, joints, [PLANT, *OTHERS])
        assert np.minimum(near.plants, near.wall).min() > cell.bodies.clearance_m - 0.0005


def test_drive_is_not_far_from_the_published_pace(planned: Plan) -> None:
    # 2500 photographs an hour are 92 s a plant (Chen et al., ICRA 2023); ours go there and back with 0.3 s of settling.
    assert planned.duration_s < 1.3 * 92


def test_order_is_much_quicker_than_the_order_of_the_viewpoints(cell: Cell, planned: Plan) -> None:
    stops = sorted(planned.stops, key=lambda stop: stop.view)
    way_m = sum(np.hypot(b.posture.x_m - a.posture.x_m, b.posture.y_m - a.posture.y_m) for a, b in pairwise(stops))
    assert planned.duration_s < way_m / cell.pace.speed_m_s / 2


def test_too_few_views_is_an_error_that_says_why(cell: Cell) -> None:
    cornered = Obstacle("stray", (0.05, 1.95, 0.0), 0.1, 0.1)
    with pytest.raises(
        TooFewViews, match=r"only \d+ of the views of 'stray'.*at least 6.*out of reach.*lower \[views\]"
    ):
        plan(cell, cornered, (), ViewsSection(count=8, least=6))


def test_a_plant_taller_than_the_folded_arm_is_high_is_refused(cell: Cell) -> None:
    # Folded, the camera hangs 0.286 m over the wall; 30 mm of its body and 20 mm of clearance are taken off.
    with pytest.raises(Unreachable, match=r"'tree' is 0.300 m high, and the folded arm passes 0.23\d m"):
        plan(cell, PLANT, (Obstacle("tree", (1.5, 0.81, 0.0), 0.15, 0.30),), VIEWS)


def test_a_plan_is_read_back_as_it_was_written(planned: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_text(planned))
    again = read_plan(path)
    assert (again.plant, again.position_m, again.dropped) == (planned.plant, planned.position_m, planned.dropped)
    assert [(s.view, s.posture, s.via) for s in again.stops] == [(s.view, s.posture, s.via) for s in planned.stops]
    for one, other in zip(again.stops, planned.stops, strict=True):
        assert max(one.world_from_camera.distance_to(other.world_from_camera)) < 1e-7
    assert plan_text(again).splitlines()[:8] == plan_text(planned).splitlines()[:8]


def test_a_plan_with_an_unknown_key_or_format_is_refused(planned: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_text(planned).replace('"plant"', '"plnat"'))
    with pytest.raises(InputError, match="not a plan of format 1"):
        read_plan(path)
    path.write_text(plan_text(planned).replace('"format": 1', '"format": 2'))
    with pytest.raises(InputError, match="format 2; this version reads format 1"):
        read_plan(path)
    with pytest.raises(InputError, match="cannot read the plan"):
        read_plan(tmp_path / "none.json")
