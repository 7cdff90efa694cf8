"""`/api/v1/trial` and its exports: groups compared, and their tables to take away."""

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Query, Response

from web.api.errors import REFUSED, Responses
from web.farm import Farm
from web.miappe import miappe_zip
from web.tables import safe
from web.trials import Size, TrialAnswer, trial, trial_rows

_CSV: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_ZIP: Responses = {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
_COLUMNS = ("plant", "cultivar", "treatment", "day", "fresh_mass_g", "leaf_area_cm2", "height_cm")


def routes(farm: Farm) -> APIRouter:
    """The routes about trials."""
    router = APIRouter(tags=["trials"])

    @router.get("/trial", responses=REFUSED)
    def get_trial(size: Size = "fresh_mass_g") -> TrialAnswer:
        """The groups of `treatment`, their harvests, and how they compare at each look."""
        return trial(farm, size)

    @router.get("/export/trial.csv", response_class=Response, responses=_CSV)
    def export_trial() -> Response:
        """A plant on a day a row, as `trellis growth` reads it; plants with a treatment, trusted measurements."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, _COLUMNS, restval="")
        writer.writeheader()
        writer.writerows({name: safe(value) for name, value in row.items()} for row in trial_rows(farm))
        return _attached(out.getvalue().encode(), "trial.csv", "text/csv; charset=utf-8")

    @router.get("/export/miappe.zip", response_class=Response, responses=_ZIP)
    def export_miappe(limit: Annotated[int, Query(ge=1, le=1_000_000)] = 100_000) -> Response:
        """All plants of the wall and the newest measurements as MIAPPE 1.2 has them."""
        made = miappe_zip(farm, farm.store.measurements(limit=limit))
        return _attached(made, "miappe.zip", "application/zip")

    return router


def _attached(content: bytes, name: str, media_type: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
