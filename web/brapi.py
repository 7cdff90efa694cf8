"""The farm in BrAPI v2.1's words: one study, plants as observation units, traits and masses as variables.

Source: the Breeding API, brapi.org/specification, version 2.1 (Phenotyping module). Names of fields are the standard's.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from scan.config import PlantTable
from scheduler.rows import MeasurementRow
from web import reading
from web.farm import Farm

STUDY = "1"
#: Each variable: what it is called, its trait, how it is found, its unit, and its value in that unit.
_Value = Callable[[MeasurementRow], float | None]
VARIABLES: dict[str, tuple[str, str, str, str, _Value]] = {
    "fresh_mass": ("Fresh mass", "shoot fresh mass", "from photographs: reconstruction and mass model", "g",
                   lambda one: one.mass.fresh_mass_kg and 1000 * one.mass.fresh_mass_kg),
    "dry_mass": ("Dry mass", "shoot dry mass", "from photographs: reconstruction and mass model", "g",
                 lambda one: one.mass.dry_mass_kg and 1000 * one.mass.dry_mass_kg),
    "leaf_area": ("Leaf area", "leaf area, one side", "from photographs: area of the reconstructed surface", "cm2",
                  lambda one: 1e4 * one.traits.leaf_area_m2),
    "height": ("Height", "plant height", "from photographs: highest point over the wall", "cm",
               lambda one: one.traits.height_m and 100 * one.traits.height_m),
    "diameter": ("Diameter", "rosette diameter", "from photographs: widest extent along the wall", "cm",
                 lambda one: one.traits.diameter_m and 100 * one.traits.diameter_m),
}  # fmt: skip
_PHOTOGRAPHED_SCANS = 20  # the newest, whose photographs are listed


def answer(data: Sequence[Any], page: int = 0, size: int = 1000, total: int | None = None) -> dict[str, Any]:
    """A page of a list in the standard's envelope; `data` is cut here unless `total` says that it is cut already."""
    count = len(data) if total is None else total
    shown = list(data[page * size : (page + 1) * size]) if total is None else list(data)
    return _envelope({"data": shown}, page, size, count)


def single(result: dict[str, Any]) -> dict[str, Any]:
    """One thing in the standard's envelope."""
    return _envelope(result, 0, 1, 1)


def study(farm: Farm) -> dict[str, Any]:
    """The study: what grows on this wall."""
    sown = [plant.sown for plant in farm.plants if plant.sown]
    return {
        "studyDbId": STUDY,
        "studyName": farm.name,
        "trialDbId": STUDY,
        "trialName": farm.name,
        "studyType": "Phenotyping",
        "active": True,
        "startDate": f"{min(sown)}T00:00:00Z" if sown else None,
        "endDate": None,
        "observationVariableDbIds": list(VARIABLES),
        "observationLevels": [{"levelName": "plant", "levelOrder": 1}],
        "experimentalDesign": None,
        "documentationURL": None,
    }


def units(farm: Farm) -> list[dict[str, Any]]:
    """The plants that hang on the wall."""
    return [_unit(farm, plant) for plant in farm.plants]


def variables() -> list[dict[str, Any]]:
    """What is measured."""
    return [_variable(name) for name in VARIABLES]


def observations(rows: Sequence[MeasurementRow], wanted: str | None = None) -> list[dict[str, Any]]:
    """Each number of each measurement; a plant that gave none, or was not trusted, has no observation."""
    return [
        _observation(one, name, value)
        for one in rows
        if one.traits.trusted
        for name, (*_, value_of) in VARIABLES.items()
        if wanted in (None, name) and (value := value_of(one)) is not None
    ]


def images(farm: Farm, plant: str | None, base: str) -> list[dict[str, Any]]:
    """The photographs of the newest scans."""
    found = []
    for scan in farm.store.scans(plant, limit=_PHOTOGRAPHED_SCANS):
        folder = reading.folder_of(farm, scan)
        if not folder.manifest.exists():
            continue
        for view in reading.manifest_of(folder).taken:
            url = f"{base}/api/v1/scans/{scan.id}/views/{view.view}/photograph.jpg"
            found.append(
                {
                    "imageDbId": f"{scan.id}.{view.view}",
                    "imageName": f"{scan.plant}, viewpoint {view.view}",
                    "imageFileName": f"{scan.id}-{view.view}.jpg",
                    "imageFileSize": view.bytes,
                    "imageTimeStamp": _time(view.taken_at) if view.taken_at else None,
                    "imageURL": url,
                    "mimeType": "image/jpeg",
                    "observationUnitDbId": scan.plant,
                    "observationDbIds": [],
                }
            )
    return found


def _unit(farm: Farm, plant: PlantTable) -> dict[str, Any]:
    x_m, y_m, _ = plant.position_m
    treatments = [{"factor": "treatment", "modality": plant.treatment}] if plant.treatment else []
    return {
        "observationUnitDbId": plant.name,
        "observationUnitName": plant.name,
        "studyDbId": STUDY,
        "studyName": farm.name,
        "trialDbId": STUDY,
        "germplasmDbId": plant.cultivar,
        "germplasmName": plant.cultivar,
        "treatments": treatments,
        "observationUnitPosition": {
            "observationLevel": {"levelName": "plant", "levelOrder": 1, "levelCode": plant.name},
            "positionCoordinateX": f"{x_m:.3f}",
            "positionCoordinateXType": "MEASURED_COL",
            "positionCoordinateY": f"{y_m:.3f}",
            "positionCoordinateYType": "MEASURED_ROW",
        },
        "additionalInfo": {"sown": None if plant.sown is None else plant.sown.isoformat()},
    }


def _variable(name: str) -> dict[str, Any]:
    title, trait, method, unit, _ = VARIABLES[name]
    return {
        "observationVariableDbId": name,
        "observationVariableName": title,
        "studyDbIds": [STUDY],
        "trait": {"traitDbId": name, "traitName": trait, "traitClass": "Morphological"},
        "method": {"methodDbId": name, "methodName": method, "methodClass": "Estimation"},
        "scale": {"scaleDbId": unit, "scaleName": unit, "dataType": "Numerical", "units": unit},
    }


def _observation(one: MeasurementRow, name: str, value: float) -> dict[str, Any]:
    return {
        "observationDbId": f"{one.scan}.{name}",
        "observationUnitDbId": one.plant,
        "observationUnitName": one.plant,
        "observationVariableDbId": name,
        "observationVariableName": VARIABLES[name][0],
        "observationTimeStamp": _time(one.measured_at),
        "studyDbId": STUDY,
        "value": f"{value:.6g}",
        "collector": "Trellis",
        "season": {"seasonDbId": str(one.measured_at.year), "season": "all", "year": one.measured_at.year},
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _envelope(result: dict[str, Any], page: int, size: int, count: int) -> dict[str, Any]:
    pagination = {"currentPage": page, "pageSize": size, "totalCount": count, "totalPages": -(-count // size)}
    return {
        "@context": ["https://brapi.org/jsonld/context/metadata.jsonld"],
        "metadata": {"datafiles": [], "pagination": pagination, "status": []},
        "result": result,
    }
