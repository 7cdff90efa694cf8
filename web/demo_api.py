"""What the demonstration asks of the farm, over the same API that everybody uses."""

from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import TypeAdapter

from trellis.errors import TrellisError
from web.answers import HealthAnswer, JobAnswer, PlantDetailAnswer, RobotAnswer

_JOBS = TypeAdapter(list[JobAnswer])


class NoAnswer(TrellisError):
    """The dashboard's API did not answer as it should."""

    exit_status = 1


class DemoApi:
    """A client of one farm; a context manager.

    Args:
        url: The dashboard's address.
        key: What the farm knows us by.
        timeout_s: How long an answer may take; rendering photographs on every core delays them.
    """

    def __init__(self, url: str, key: str, timeout_s: float = 60.0) -> None:
        shown = {"authorization": f"Bearer {key}"}
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=timeout_s, trust_env=False, headers=shown)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def health(self) -> HealthAnswer:
        """Whether database and daemon answer. Every call raises `NoAnswer` when this server does not."""
        return HealthAnswer.model_validate_json(self._ask("GET", "/health"))

    def robot(self) -> RobotAnswer:
        """The robot's state."""
        return RobotAnswer.model_validate_json(self._ask("GET", "/robot"))

    def request_scan(self, plant: str) -> JobAnswer:
        """Ask for a scan."""
        return JobAnswer.model_validate_json(self._ask("POST", f"/plants/{plant}/scans"))

    def jobs(self) -> list[JobAnswer]:
        """The newest jobs."""
        return _JOBS.validate_json(self._ask("GET", "/jobs", limit=200))

    def plant(self, name: str) -> PlantDetailAnswer:
        """Everything about a plant."""
        return PlantDetailAnswer.model_validate_json(self._ask("GET", f"/plants/{name}"))

    def _ask(self, method: str, path: str, **query: int) -> bytes:
        try:
            answer = self._client.request(method, path, params=query)
        except httpx.HTTPError as error:
            raise NoAnswer(f"the dashboard did not answer {path}: {error or type(error).__name__}") from error
        if answer.is_error:
            raise NoAnswer(f"the dashboard answered {path} with {answer.status_code}: {answer.text[:300]}")
        return answer.content


def truth(url: str, plant: str) -> dict[str, Any] | None:
    """What the simulator says is true of a plant; None when it does not say."""
    try:
        with httpx.Client(timeout=120.0, trust_env=False) as simulator:
            found: dict[str, Any] = simulator.get(f"{url}/{plant}.json").raise_for_status().json()
            return found
    except (httpx.HTTPError, ValueError):
        return None
