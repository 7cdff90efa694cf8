"""The dashboard's pages."""

from fastapi import FastAPI

from web.farm import Farm
from web.pages import errors, jobs, plant, reference, wall
from web.pulse import Pulse


def add_pages(farm: Farm, app: FastAPI) -> None:
    """Register every page."""
    pulse = Pulse(farm)
    wall.add(farm, pulse)
    plant.add(farm, pulse)
    jobs.add(farm, pulse)
    reference.add(farm, app)
    errors.add(farm)
