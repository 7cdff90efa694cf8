"""The wall as a drawing: frame, cables, carriage, and every plant where it hangs.

A plant is as large as it was measured to be; its colour tells what was chosen. The robot is a drawing of its own over
the plants', so that a carriage that moves does not send a thousand plants again.
"""

from collections.abc import Sequence
from html import escape
from math import ceil, cos, sin

from web.answers import PlantAnswer, RobotAnswer
from web.farm import Farm
from web.pages.colours import CHOICES, RAMP, Colouring, Paint

_MARGIN_M, _FOOT_M = 0.03, 0.1
_OLD_S = 5.0  # what the devices said longer ago than this is drawn faintly
_CARRIAGE_M = 0.11
_UNKNOWN_RADIUS_M = 0.05
_CROWD = 16  # of so many plants the labels would run into each other; names then stand inside, values in the table
_DENSE = 120  # of so many even the names run into each other; they stand in the table, and where the pointer is
_QUIET = ("measured", "never scanned")  # states without a ring


def wall_svg(farm: Farm, plants: Sequence[PlantAnswer], colours: Colouring) -> str:
    """Frame and plants as SVG; its unit is the metre, y up."""
    width_m, height_m = frame_size_m(farm, plants)
    crowd = "dense" if len(plants) > _DENSE else "crowded" if len(plants) > _CROWD else ""
    parts = [_ground(width_m, height_m)]
    parts += [_plant(plant, height_m, colours.paints[plant.name], crowd) for plant in plants]
    label = f"The wall, {width_m:.2f} by {height_m:.2f} m, with {len(plants)} plants"
    kind = f"wall {crowd}".strip()
    box = _box(width_m, height_m)
    return f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def robot_svg(farm: Farm, plants: Sequence[PlantAnswer], robot: RobotAnswer) -> str:
    """Cables, carriage and camera, to lie over the plants."""
    width_m, height_m = frame_size_m(farm, plants)
    box = _box(width_m, height_m)
    return f'<svg class="wall robot" viewBox="{box}" aria-hidden="true">{_cables(farm, robot, height_m)}</svg>'


def _box(width_m: float, height_m: float) -> str:
    return f"{-_MARGIN_M} {-_MARGIN_M} {width_m + 2 * _MARGIN_M} {height_m + _MARGIN_M + _FOOT_M}"


def frame_size_m(farm: Farm, plants: Sequence[PlantAnswer]) -> tuple[float, float]:
    """Width and height that hold the frame and every plant."""
    points = [*farm.pulleys_m, *((plant.position_m[0], plant.position_m[1]) for plant in plants)]
    return max((x for x, _ in points), default=1.0), max((y for _, y in points), default=1.0)


def choices_html(chosen: str) -> str:
    """The choice of what colours tell, as links: each has its own address."""
    links = "".join(
        f'<a href="/?colour={word}"{" aria-current=true" if word == chosen else ""}>{name}</a>'
        for word, name in CHOICES.items()
    )
    return f'<nav class="choices" aria-label="Colour by">{links}</nav>'


def legend(colours: Colouring, robot: RobotAnswer) -> str:
    """What the colours mean, and why there is no carriage where there is none."""
    ramp = f"linear-gradient(to right, {', '.join(RAMP)})"
    low, high = escape(colours.low), escape(colours.high)
    scale = f'<span>{low}<i class="ramp" style="background:{ramp}"></i>{high}</span>' if high else ""
    keys = (("busy", "at work"), ("queued", "waits"), ("refused", "no mass given"), ("failed", "failed"))
    missing = ""
    if robot.reachable and robot.x_m is None and robot.reason:
        missing = f"<span>The carriage is not drawn: {escape(robot.reason)}.</span>"
    shown = "".join(f'<span class="key {name}">{text}</span>' for name, text in keys)
    return f'<div class="legend">{scale}{shown}<span>Circles show each plant\'s diameter.</span>{missing}</div>'


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


def _plant(plant: PlantAnswer, height_m: float, paint: Paint, crowd: str) -> str:
    x, y = plant.position_m[0], height_m - plant.position_m[1]
    diameter_m = plant.measurement.traits.diameter_m if plant.measurement else None
    radius_m = (diameter_m or 2 * _UNKNOWN_RADIUS_M) / 2
    fill = f' style="fill:{paint.fill}"' if paint.fill else ""
    known, dashes = ("", "") if paint.fill else (" unknown", ' stroke-dasharray=".02 .014"')
    told = f"{plant.name}: {plant.state}" + (f", {paint.text}" if paint.text and paint.text != plant.state else "")
    ring = "" if plant.state in _QUIET and crowd == "dense" else _ring(x, y, radius_m)
    return (
        f'<a href="/plant/{escape(plant.name, quote=True)}" '
        f'class="{plant.state.split()[0]}{known}{" dark" if paint.dark else ""}">'
        f"<title>{escape(told)}</title>"
        f'<circle class="leafage" cx="{x:.3f}" cy="{y:.3f}" r="{radius_m:.3f}" stroke-width=".004"'
        f"{dashes}{fill}/>{ring}{_words_at(plant.name, paint.text, x, y, y + radius_m + 0.02, crowd)}</a>"
    )


def _ring(x: float, y: float, radius_m: float) -> str:
    return f'<circle class="ring" cx="{x:.3f}" cy="{y:.3f}" r="{radius_m + 0.014:.3f}" stroke-width=".012"/>'


def _words_at(name: str, value: str, x: float, middle: float, below: float, crowd: str) -> str:
    """Name and value below a plant; the name inside it in a crowd; nothing where letters would not fit."""
    if crowd == "dense":
        return ""
    if crowd:
        return _text("name", x, middle, name, 0.35)
    return _text("name", x, below, name, 1.0) + (_text("mass", x, below, value, 2.25) if value else "")


def _line(kind: str, x1: float, y1: float, x2: float, y2: float, width_m: float) -> str:
    return f'<line class="{kind}" x1="{x1:.3f}" y1="{y1:.3f}" x2="{x2:.3f}" y2="{y2:.3f}" stroke-width="{width_m}"/>'


def _text(kind: str, x: float, y: float, text: str, down_em: float) -> str:
    # Sizes stand in the sheet, so that a small screen can have larger letters.
    return f'<text class="{kind}" x="{x:.3f}" y="{y:.3f}" dy="{down_em}em">{escape(text)}</text>'
