"""`/api/v1/robot` and `/health`: what cannot wait, on threads of its own."""

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

from fastapi import APIRouter

from trellis.errors import TrellisError
from web.answers import HealthAnswer, RobotAnswer
from web.api.asked import Asker
from web.api.errors import REFUSED, UNREACHABLE
from web.api.told import told
from web.farm import Farm
from web.robot import robot
from web.version import version

Value = TypeVar("Value")


def routes(farm: Farm) -> APIRouter:
    """The routes about the robot. Stop and clear never share threads with anything slow."""
    router = APIRouter(tags=["robot"])

    async def urgently(call: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(farm.urgent, call)

    @router.get("/robot")
    async def get_robot() -> RobotAnswer:
        """The robot as the daemon reports it now."""
        return await asyncio.get_running_loop().run_in_executor(farm.watching, robot, farm)

    @router.post("/robot/stop", responses=UNREACHABLE)
    async def stop(who: Asker) -> RobotAnswer:
        """Freeze all eight actuators and hold. Nothing moves until it is cleared. Everybody who is signed in may."""
        await urgently(lambda: told(farm.daemon.stop, "stop"))
        farm.note(f"{who.name} stopped the robot")
        return await urgently(lambda: robot(farm))

    @router.post("/robot/clear", responses=UNREACHABLE | REFUSED)
    async def clear(who: Asker) -> RobotAnswer:
        """Lift a stop. The robot does not move by this alone, but work that waits may go on.

        Refused while another holds the controls.
        """
        farm.controls.check(who.name)
        await urgently(lambda: told(farm.daemon.clear, "clear"))
        farm.note(f"{who.name} cleared the stop")
        return await urgently(lambda: robot(farm))

    @router.get("/health")
    def health() -> HealthAnswer:
        """Whether the database and the daemon answer."""
        state, reason = robot(farm), None
        try:
            farm.store.jobs(limit=1)
        except TrellisError as error:
            reason = str(error)
        return HealthAnswer(
            farm=farm.name,
            pid=os.getpid(),
            version=version(),
            database=reason is None,
            daemon=state.reachable,
            reason=reason or state.reason,
        )

    return router
