"""`report.html`: one page that holds everything, asks no other host for anything, and can be sent by mail."""

import base64
import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from reconstruction.image_table import image_table
from reconstruction.images import Folder
from reconstruction.leaves import Leaves
from reconstruction.missed import views_of_faces
from reconstruction.model import Model
from reconstruction.records import Cloud, Surface
from reconstruction.report_pictures import pictures
from reconstruction.report_scene import Stage, scene_json
from reconstruction.words import area, interval, leaf_area, length
from trellis.records import MassEstimate, Traits

_THUMBNAIL_HEIGHT_PX = 60


@dataclass(frozen=True, eq=False)
class ReportContent:
    """What a report tells; all of one run."""

    title: str
    folder: Folder
    model: Model
    cloud: Cloud
    plant: NDArray[np.bool_]
    surface: Surface
    leaves: Leaves
    traits: Traits
    mass: MassEstimate
    seconds: Mapping[str, float]


def report_html(content: ReportContent) -> str:
    """The page's text."""
    template = Template((files("reconstruction") / "report_template.html").read_text(encoding="utf-8"))
    stage = Stage.of(content.model, content.cloud.points_m[content.plant])
    scene = scene_json(stage, content.model, content.cloud, content.plant, content.surface)
    table = image_table(content.model)
    return template.substitute(
        title=html.escape(content.title),
        subtitle=html.escape(_subtitle(content)),
        tiles="".join(_tile(value, name) for value, name in _headlines(content)),
        notes=_notes(warnings(content.model, content.traits, content.mass)),
        pictures="".join(_figure(picture, caption) for picture, caption in pictures(stage, content)),
        figures="".join(_row(name, value) for name, value in _figures(content)),
        stages=_stage_rows(content.seconds),
        photographs_summary=html.escape(_photographs_summary(table["images"])),
        photographs=_photograph_rows(content.folder, table["images"]),
        footer="Made by <code>trellis reconstruct</code>. What each file beside this page holds stands in "
        "<code>docs/file-formats.md</code>.",
        scene=json.dumps(scene, separators=(",", ":")).replace("</", "<\\/"),
    )


def warnings(model: Model, traits: Traits, mass: MassEstimate) -> list[str]:
    """What a person must know before believing a figure, worst first."""
    found = []
    if not traits.trusted:
        found.append(f"Not trusted: {traits.untrusted_reason}.")
    if not model.metric:
        found.append("No scale: neither poses nor a board was given. Lengths are in an arbitrary unit.")
    if mass.refused_reason is not None:
        found.append(f"No mass: {mass.refused_reason}.")
    return [*found, *model.notes]


def _subtitle(content: ReportContent) -> str:
    model = content.model
    scale = f"scale from {model.scale_source}, good to {model.scale_std:.2%}" if model.metric else "without scale"
    return f"{len(model.views)} of {model.images_given} photographs placed, {scale}"


def _headlines(content: ReportContent) -> Iterable[tuple[str, str]]:
    traits, mass = content.traits, content.mass
    yield leaf_area(traits), "leaf area found, one side, ± s.d."
    yield interval(mass.fresh_mass_low_kg, mass.fresh_mass_kg, mass.fresh_mass_high_kg), "fresh mass, 90 % interval"
    yield interval(mass.dry_mass_low_kg, mass.dry_mass_kg, mass.dry_mass_high_kg), "dry mass, 90 % interval"
    yield f"{traits.images_registered} / {traits.images_given}", "photographs placed / given"


def _figures(content: ReportContent) -> Iterable[tuple[str, str]]:
    traits, model, metric = content.traits, content.model, content.model.metric
    yield "Leaf area found, the mesh", leaf_area(traits)
    yield "Reckoned to be missed of what two cameras could see", area(traits.leaf_area_missed_m2, metric)
    yield "Leaf area found, the cloud, as a check", area(traits.leaf_area_cloud_m2, metric)
    yield "Area seen from the front", area(traits.projected_area_m2, metric)
    yield "Height", length(traits.height_m, metric, traits.height_std_m)
    yield "Diameter", length(traits.diameter_m, metric, traits.diameter_std_m)
    volume_m3 = traits.volume_m3
    yield (
        "Volume",
        "not measured" if volume_m3 is None else f"{volume_m3 * 1e6:.0f} cm³" if metric else f"{volume_m3:.3g}",
    )
    if traits.leaf_areas_m2 and traits.leaf_inclinations_rad:
        yield "Leaves told apart", str(traits.leaf_count)
        yield "Their areas, median and largest", _two(traits.leaf_areas_m2, lambda value: area(value, metric))
        yield (
            "Their inclinations to the panel, median and steepest",
            _two(traits.leaf_inclinations_rad, lambda value: f"{np.degrees(value):.0f}°"),
        )
    if traits.compactness is not None and traits.leaf_area_over_disc is not None:
        yield "Leaf area over the disc of its diameter", f"{traits.leaf_area_over_disc:.2f}"
        yield "Compactness, shadow over its hull", f"{traits.compactness:.2f}"
    if traits.hue_rad is not None and traits.hue_spread_rad is not None:
        hue, spread = np.degrees(traits.hue_rad), np.degrees(traits.hue_spread_rad)
        yield "Hue of the leaves (60° yellow, 120° green)", f"{hue:.0f}° ± {spread:.0f}° over the leaves"
    yield "Surface found, by how many photographs see it", _coverage(content)
    yield "Completeness", "not measured" if traits.completeness is None else f"{traits.completeness:.0%}"
    yield "Reprojection error", f"{traits.reprojection_error_px:.2f} px"
    yield "Scale from", traits.scale_source
    if model.board_residual_m is not None:
        yield "Tags off their places", f"{model.board_residual_m * 1e3:.2f} mm RMS"
    if model.residuals and metric:
        off_mm = [1e3 * residual.position_m for residual in model.residuals]
        yield "Cameras off their believed places", f"{np.median(off_mm):.1f} mm median, {max(off_mm):.1f} mm at most"
    yield "Points in the cloud, of the plant", f"{len(content.cloud)}, {int(content.plant.sum())}"
    yield "Faces in the mesh", f"{len(content.surface.faces)}"
    yield "Mass model", content.mass.model or "none"


def _coverage(content: ReportContent) -> str:
    """Shares of the surface that was found, by how many photographs see it within 75 deg of its normal."""
    areas, views = content.surface.face_areas_m2, views_of_faces(content.model, content.surface)[0]
    bounds = ((2, 4), (5, 9), (10, 19), (20, None))
    shares = [areas[(views >= low) & (views <= (high or views.max()))].sum() / areas.sum() for low, high in bounds]
    names = (f"{low}-{high}" if high else f"{low} or more" for low, high in bounds)
    return ", ".join(f"{name}: {share:.0%}" for name, share in zip(names, shares, strict=True))


def _two(values: Sequence[float], words: Callable[[float], str]) -> str:
    return f"{words(float(np.median(values)))}, {words(max(values))}"


def _photographs_summary(images: list[dict[str, Any]]) -> str:
    troubled = [entry for entry in images if entry["problem"]]
    if not troubled:
        return f"All {len(images)} photographs are in the model, and nothing is wrong with any of them."
    left_out = sum(not entry["placed"] for entry in images)
    return f"{len(images)} given, {left_out} left out; what is wrong with {len(troubled)} stands first."


def _photograph_rows(folder: Folder, images: list[dict[str, Any]]) -> str:
    with_poses = any("position_off_m" in entry for entry in images)
    head = '<tr><th></th><th>photograph</th><th class="number">points seen</th>'
    if with_poses:
        head += '<th class="number">off its place</th><th class="number">turned</th>'
    rows = [head + '<th class="problem">what is wrong</th></tr>']
    for entry in sorted(images, key=lambda entry: (entry["problem"] is None, entry["image"])):
        cells = [_thumbnail(folder, entry["image"]), html.escape(entry["image"])]
        numbers = [str(entry["points"]) if entry["placed"] else ""]
        if with_poses:
            known = "position_off_m" in entry
            numbers.append(f"{entry['position_off_m'] * 1e3:.1f} mm" if known else "")
            numbers.append(f"{np.degrees(entry['rotation_off_rad']):.2f}°" if known else "")
        problem = html.escape(entry["problem"] or "")
        rows.append(
            "<tr>"
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "".join(f'<td class="number">{number}</td>' for number in numbers)
            + f'<td class="problem">{problem}</td></tr>'
        )
    return "".join(rows)


def _thumbnail(folder: Folder, name: str) -> str:
    """A small picture, or nothing where the file holds none."""
    picture = cv2.imread(str(folder.path / name), cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        return ""
    width_px = max(1, round(_THUMBNAIL_HEIGHT_PX * picture.shape[1] / picture.shape[0]))
    small = cv2.resize(picture, (width_px, _THUMBNAIL_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return f'<img alt="" src="{_jpeg_address(small)}">'


def _stage_rows(seconds: Mapping[str, float]) -> str:
    longest = max(seconds.values(), default=0.0) or 1.0
    rows = [
        f'<tr><td>{name}</td><td class="number">{value:.1f}</td>'
        f'<td style="width:55%"><div class="bar" style="width:{value / longest:.1%}"></div></td></tr>'
        for name, value in seconds.items()
    ]
    total = f'<tr><th>together</th><th class="number">{sum(seconds.values()):.1f}</th><th></th></tr>'
    return "".join(rows) + total


def _tile(value: str, name: str) -> str:
    return f'<div class="tile"><b>{html.escape(value)}</b><span>{html.escape(name)}</span></div>'


def _row(name: str, value: str) -> str:
    return f'<tr><td>{html.escape(name)}</td><td class="number">{html.escape(value)}</td></tr>'


def _notes(lines: list[str]) -> str:
    return f'<ul class="notes">{"".join(f"<li>{html.escape(line)}</li>" for line in lines)}</ul>' if lines else ""


def _figure(picture: NDArray[np.uint8], caption: str) -> str:
    """A picture of three channels (RGB) as JPEG, of four (with opacity) as PNG."""
    if picture.shape[2] == 4:
        address = "data:image/png;base64," + _encoded(cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), ".png", [])
    else:
        address = _jpeg_address(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    words = html.escape(caption)
    return f'<figure><img alt="{words}" src="{address}"><figcaption>{words}</figcaption></figure>'


def _jpeg_address(picture_bgr: NDArray[np.uint8]) -> str:
    return "data:image/jpeg;base64," + _encoded(picture_bgr, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 82])


def _encoded(picture: NDArray[np.uint8], suffix: str, options: list[int]) -> str:
    _, encoded = cv2.imencode(suffix, picture, options)
    return base64.b64encode(encoded.tobytes()).decode("ascii")
