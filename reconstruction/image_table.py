"""What became of every photograph, for `images.json` and the report."""

from typing import Any

from reconstruction.model import Model


def image_table(model: Model) -> dict[str, Any]:
    """The model's figures that COLMAP's own files do not hold, ready for JSON.

    `images` has an entry for each photograph given: whether it was placed and what was wrong with it, how many sparse
    points it sees, and how far its camera was found from where it was believed.
    """
    residuals = {residual.name: residual for residual in model.residuals}
    points_seen = model.shared_points.diagonal()
    images = []
    for index, view in enumerate(model.views):
        entry: dict[str, Any] = {"image": view.name, "placed": True, "problem": None, "points": int(points_seen[index])}
        if (residual := residuals.get(view.name)) is not None:
            entry |= {"position_off_m": residual.position_m, "rotation_off_rad": residual.rotation_rad}
            if residual.wrong:
                entry["problem"] = "its believed pose is wrong and was not used"
        images.append(entry)
    images += [{"image": item.name, "placed": False, "problem": item.reason, "points": 0} for item in model.left_out]
    return {
        "scale_source": str(model.scale_source),
        "scale_std": model.scale_std if model.metric else None,
        "board_residual_m": model.board_residual_m,
        "reprojection_error_px": model.reprojection_error_px,
        "images": sorted(images, key=lambda entry: entry["image"]),
    }
