"""A trial as MIAPPE 1.2 asks for it: investigation, study, units, variables and values as tables in a ZIP.

Source: MIAPPE v1.2 checklist (github.com/MIAPPE/MIAPPE); headings are the checklist's. Fields that a farm does not
know stay empty for a person to fill.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence

from scheduler.rows import MeasurementRow
from web.brapi import VARIABLES, observations
from web.farm import Farm
from web.tables import safe
from web.version import version

_UNITS = ("Observation unit ID", "Observation unit type", "Biological material ID", "Spatial distribution",
          "Observation unit factor value")  # fmt: skip
_MATERIAL = ("Biological material ID", "Organism", "Genus", "Species", "Infraspecific name")
_VARIABLE = ("Variable ID", "Variable name", "Trait", "Method", "Scale")
_VALUE = ("Observation unit ID", "Variable ID", "Collection date", "Value")


def miappe_zip(farm: Farm, rows: Sequence[MeasurementRow]) -> bytes:
    """All tables of the plants of the wall and these measurements."""
    treatments = sorted({plant.treatment for plant in farm.plants if plant.treatment})
    sown = [plant.sown.isoformat() for plant in farm.plants if plant.sown]
    tables = {
        "investigation.tsv": _pairs(
            {"Investigation unique ID": farm.name, "Investigation title": farm.name, "Investigation description": "",
             "MIAPPE version": "1.2"}
        ),
        "study.tsv": _pairs(
            {"Study unique ID": "1", "Study title": farm.name, "Start date of study": min(sown, default=""),
             "Contact institution": "", "Geographic location (country)": "", "Experimental site name": farm.name,
             "Description of growth facility": "hydroponic wall, photographed by a cable robot",
             "Type of growth facility": "other", "Cultural practices": "hydroponic",
             "Experimental Factor type": "treatment" if treatments else "",
             "Experimental Factor values": ";".join(treatments), "Observation unit level hierarchy": "study > plant"}
        ),
        "biological_material.tsv": _table(_MATERIAL, _materials(farm)),
        "observation_unit.tsv": _table(_UNITS, _units(farm)),
        "observed_variable.tsv": _table(
            _VARIABLE, ((name, *words[:3], words[3]) for name, words in VARIABLES.items())
        ),
        "observation.tsv": _table(_VALUE, _values(rows)),
        "README.txt": f"Made by Trellis {version()}. Tab-separated, UTF-8, one row a line; MIAPPE 1.2 headings.\n",
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables.items():
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


def _materials(farm: Farm) -> Iterable[Sequence[str]]:
    cultivars = sorted({plant.cultivar for plant in farm.plants if plant.cultivar})
    return ((name, "NCBITAXON:4236", "Lactuca", "sativa", name) for name in cultivars)


def _units(farm: Farm) -> Iterable[Sequence[str]]:
    for plant in farm.plants:
        x_m, y_m, _ = plant.position_m
        yield plant.name, "plant", plant.cultivar or "", f"x:{x_m:.3f} m; y:{y_m:.3f} m", plant.treatment


def _values(rows: Sequence[MeasurementRow]) -> Iterable[Sequence[str]]:
    for one in observations(rows):
        yield (one["observationUnitDbId"], one["observationVariableDbId"], one["observationTimeStamp"], one["value"])


def _pairs(fields: dict[str, str]) -> str:
    return _table(("Field", "Value"), fields.items())


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()
