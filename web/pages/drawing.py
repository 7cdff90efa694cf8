"""The wall as a drawing: frame, cables, carriage, and every plant where it hangs.

A plant is as large as it was measured to be, and as green as it is heavy.
"""

from collections.abc import Sequence
from html import escape
from math import ceil, cos, sin

from web.answers import PlantAnswer, RobotAnswer
from web.farm import Farm
from web.words import grams

#: Fresh mass from light to heavy: one hue, so that order is read and not looked up.
RAMP = ("#cfe3b4", "#9fc98a", "#63a565", "#2f7d4b", "#145a37")
_WHITE_ON = 2  # from this step of the ramp on, letters on it are white
_MARGIN_M, _FOOT_M = 0.03, 0.1
_OLD_S = 5.0  # what the devices said longer ago than this is drawn faintly
_CARRIAGE_M = 0.11
_UNKNOWN_RADIUS_M = 0.05
_CROWD = 16  # of so many plants the labels would run into each other; names then stand inside, masses in the table


def wall_svg(farm: Farm, plants: Sequence[PlantAnswer], robot: RobotAnswer) -> str:
    """The drawing as SVG; its unit is the metre, y up."""
    width_m, height_m = frame_size_m(farm, plants)
    heaviest_kg, crowded = heaviest(plants), len(plants) > _CROWD
    box = f"{-_MARGIN_M} {-_MARGIN_M} {width_m + 2 * _MARGIN_M} {height_m + _MARGIN_M + _FOOT_M}"
    parts = [_ground(width_m, height_m)]
    parts += [_plant(plant, height_m, heaviest_kg, crowded) for plant in plants]
    parts.append(_cables(farm, robot, height_m))  # the robot hangs before the plants
    label = f"The wall, {width_m:.2f} by {height_m:.2f} m, with {len(plants)} plants"
    kind = "wall crowded" if crowded else "wall"
    return f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def frame_size_m(farm: Farm, plants: Sequence[PlantAnswer]) -> tuple[float, float]:
    """Width and height that hold the frame and every plant."""
    points = [*farm.pulleys_m, *((plant.position_m[0], plant.position_m[1]) for plant in plants)]
    return max((x for x, _ in points), default=1.0), max((y for _, y in points), default=1.0)


def heaviest(plants: Sequence[PlantAnswer]) -> float:
    """The mass at the dark end of the scale: the heaviest plant's, kg."""
    masses = [mass for plant in plants if (mass := _mass_kg(plant)) is not None]
    return max(masses, default=0.0)


def legend(plants: Sequence[PlantAnswer], robot: RobotAnswer) -> str:
    """What the colours mean, and why there is no carriage where there is none."""
    top = heaviest(plants)
    ramp = f"linear-gradient(to right, {', '.join(RAMP)})"
    scale = f'<span>Fresh mass 0<i class="ramp" style="background:{ramp}"></i>{grams(top)}</span>' if top else ""
    keys = (("busy", "at work"), ("queued", "waits"), ("refused", "no mass given"), ("failed", "failed"))
    missing = ""
    if robot.reachable and robot.x_m is None and robot.reason:
        missing = f"<span>The carriage is not drawn: {escape(robot.reason)}.</span>"
    shown = "".join(f'<span class="key {name}">{text}</span>' for name, text in keys)
    return f'<div class="legend">{scale}{shown}<span>Circles show each plant\'s diameter.</span>{missing}</div>'


def _mass_kg(plant: PlantAnswer) -> float | None:
    return plant.measurement.mass.fresh_mass_kg if plant.measurement else None


def _ground(width_m: float, height_m: float) -> str:
    ticks = []
    for half in range(1, int(width_m * 2) + 1):
        ticks.append(_line("tick", half / 2, 0, half / 2, height_m, 0.003))
        ticks.append(_text("scale", half / 2, height_m, f"{half / 2:.1f}", 1.3))
    for half in range(1, ceil(height_m * 2)):
        y = height_m - half / 2
        ticks.append(_line("tick", 0, y, width_m, y, 0.003))
        ticks.append(_text("scale left", 0.015, y, f"{half / 2:.1f}", -0.3))
    ground = f'<rect class="ground" x="0" y="0" width="{width_m}" height="{height_m}" stroke-width=".004"/>'
    return ground + "".join(ticks) + _text("scale", width_m, height_m, "m", 1.3)


def _cables(farm: Farm, robot: RobotAnswer, height_m: float) -> str:
    pulleys = "".join(
        f'<circle class="pulley" cx="{x:.3f}" cy="{height_m - y:.3f}" r=".016" stroke-width=".005"/>'
        for x, y in farm.pulleys_m
    )
    if robot.x_m is None or robot.y_m is None:
        return pulleys
    yaw_rad = robot.yaw_rad or 0.0
    half = _CARRIAGE_M
    corners = []
    for x, y in ((half, -half), (half, half), (-half, half), (-half, -half)):  # the order of cables everywhere
        corners.append((robot.x_m + cos(yaw_rad) * x - sin(yaw_rad) * y,
                        height_m - robot.y_m - sin(yaw_rad) * x - cos(yaw_rad) * y))  # fmt: skip
    lines = "".join(
        _line("cable", x, height_m - y, corner_x, corner_y, 0.004)
        for (x, y), (corner_x, corner_y) in zip(farm.pulleys_m, corners, strict=False)
    )
    outline = " ".join(f"{x:.3f},{y:.3f}" for x, y in corners)
    body = f'<polygon class="body" points="{outline}" stroke-width=".006"/>'
    old = " old" if robot.age_s is not None and robot.age_s > _OLD_S else ""
    return f'<g class="carriage{old}">{lines}{body}{_camera(robot, height_m)}</g>{pulleys}'


def _camera(robot: RobotAnswer, height_m: float) -> str:
    """The arm as a line from the carriage's middle to the camera."""
    if robot.camera_m is None or robot.x_m is None or robot.y_m is None:
        return ""
    x, y = robot.camera_m[0], height_m - robot.camera_m[1]
    arm = _line("arm", robot.x_m, height_m - robot.y_m, x, y, 0.01)
    return f'{arm}<circle class="eye" cx="{x:.3f}" cy="{y:.3f}" r=".018"/>'


def _plant(plant: PlantAnswer, height_m: float, heaviest_kg: float, crowded: bool) -> str:
    x, y = plant.position_m[0], height_m - plant.position_m[1]
    mass_kg = _mass_kg(plant)
    diameter_m = plant.measurement.traits.diameter_m if plant.measurement else None
    radius_m = (diameter_m or 2 * _UNKNOWN_RADIUS_M) / 2
    fill = f' style="fill:{colour(mass_kg, heaviest_kg)}"' if mass_kg is not None else ""
    known, dashes = ("", "") if mass_kg is not None else (" unknown", ' stroke-dasharray=".02 .014"')
    dark = " dark" if mass_kg is not None and RAMP.index(colour(mass_kg, heaviest_kg)) >= _WHITE_ON else ""
    below = y + radius_m + 0.02
    mass = "" if mass_kg is None or crowded else _text("mass", x, below, grams(mass_kg), 2.25)
    name = _text("name", x, y, plant.name, 0.35) if crowded else _text("name", x, below, plant.name, 1.0)
    told = f"{plant.name}: {plant.state}" + (f", {grams(mass_kg)} fresh" if mass_kg is not None else "")
    return (
        f'<a href="/plant/{escape(plant.name, quote=True)}" class="{plant.state.split()[0]}{known}{dark}">'
        f"<title>{escape(told)}</title>"
        f'<circle class="leafage" cx="{x:.3f}" cy="{y:.3f}" r="{radius_m:.3f}" stroke-width=".004"'
        f"{dashes}{fill}/>"
        f'<circle class="ring" cx="{x:.3f}" cy="{y:.3f}" r="{radius_m + 0.014:.3f}" stroke-width=".012"/>'
        f"{name}{mass}</a>"
    )


def colour(mass_kg: float, heaviest_kg: float) -> str:
    """The step of `RAMP` for a mass between 0 and the heaviest."""
    share = mass_kg / heaviest_kg if heaviest_kg > 0 else 0.0
    return RAMP[min(int(share * len(RAMP)), len(RAMP) - 1)]


def _line(kind: str, x1: float, y1: float, x2: float, y2: float, width_m: float) -> str:
    return f'<line class="{kind}" x1="{x1:.3f}" y1="{y1:.3f}" x2="{x2:.3f}" y2="{y2:.3f}" stroke-width="{width_m}"/>'


def _text(kind: str, x: float, y: float, text: str, down_em: float) -> str:
    # Sizes stand in the sheet, so that a small screen can have larger letters.
    return f'<text class="{kind}" x="{x:.3f}" y="{y:.3f}" dy="{down_em}em">{escape(text)}</text>'
