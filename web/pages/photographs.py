"""A scan's photographs: a grid by viewpoint, and the sky of viewpoints over the plant."""

from html import escape
from math import acos, atan2, cos, degrees, hypot, sin

from web.answers import ViewAnswer, ViewsAnswer

_RINGS_DEG = (30, 60, 90)


def shots_html(found: ViewsAnswer) -> str:
    """One tile for each viewpoint; those without a photograph say why."""
    return f'<div class="shots">{"".join(_shot(found, view) for view in found.views)}</div>'


def _shot(found: ViewsAnswer, view: ViewAnswer) -> str:
    if view.outcome != "taken":
        reason = view.reason or ("not taken yet" if view.outcome == "pending" else "failed")
        told = escape(reason, quote=True)
        return f'<div class="shot missing {view.outcome}" title="{told}"><span>{view.view}: {view.outcome}</span></div>'
    base = f"/api/v1/scans/{escape(found.scan, quote=True)}/views/{view.view}"
    version = (view.sha256 or "")[:16]
    tilt = f"{degrees(tilt_rad(found, view)):.0f}° from the wall's normal"
    title = escape(f"{found.plant}, viewpoint {view.view}, {tilt}", quote=True)
    return (
        f'<a class="shot" href="{base}/photograph.jpg?v={version}" title="{title}">'
        f'<img src="{base}/thumbnail.jpg?v={version}" alt="Viewpoint {view.view}" loading="lazy">'
        f"<b>{view.view}</b></a>"
    )


def tilt_rad(found: ViewsAnswer, view: ViewAnswer) -> float:
    """Angle between the wall's normal and the direction from the plant's collar to the camera."""
    x, y, z = (camera - plant for camera, plant in zip(view.position_m, found.plant_position_m, strict=True))
    return acos(max(-1.0, min(1.0, z / max(hypot(x, y, z), 1e-9))))


def sky_svg(found: ViewsAnswer) -> str:
    """Directions from which the plant was seen: the wall's normal in the middle, the wall's own plane at the rim."""
    rings = "".join(f'<circle class="ring" r="{_radius(tilt_deg):.1f}"/>' for tilt_deg in _RINGS_DEG)
    labels = "".join(f'<text y="{3 - _radius(tilt_deg):.1f}">{tilt_deg}°</text>' for tilt_deg in _RINGS_DEG)
    marks = "".join(_mark(found, view) for view in found.views)
    label = f"Directions of {len(found.views)} viewpoints"
    return f'<svg class="sky" viewBox="-106 -106 212 212" role="img" aria-label="{label}">{rings}{marks}{labels}</svg>'


def _radius(tilt_deg: float) -> float:
    """In the drawing's units: 90 degrees from the normal lie at 100."""
    return tilt_deg / 90 * 100


def _mark(found: ViewsAnswer, view: ViewAnswer) -> str:
    x, y, _ = (camera - plant for camera, plant in zip(view.position_m, found.plant_position_m, strict=True))
    radius = _radius(degrees(tilt_rad(found, view)))
    around = atan2(y, x)
    place = f'cx="{radius * cos(around):.1f}" cy="{-radius * sin(around):.1f}"'
    told = f"<title>{view.view}: {view.outcome}</title>"
    return f'<circle class="{view.outcome}" {place} r="3.6" stroke-width="1.6">{told}</circle>'
