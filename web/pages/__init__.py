"""The dashboard's pages."""

from fastapi import FastAPI

from web.farm import Farm
from web.pages import calendar, calibrate, errors, plant, queue, reference, robot, system, trials, wall
from web.pulse import Pulse


def add_pages(farm: Farm, app: FastAPI) -> None:
    """Register every page."""
    pulse = Pulse(farm)
    wall.add(farm, pulse)
    plant.add(farm, pulse)
    calendar.add(farm, pulse)
    queue.add(farm, pulse, app)
    robot.add(farm)
    calibrate.add(farm)
    trials.add(farm)
    reference.add(farm, app)
    system.add(farm)
    errors.add(farm)
