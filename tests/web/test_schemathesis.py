"""The whole OpenAPI description against the running API: no crash, and no answer that it does not describe."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.web.conftest import NOW, answering, served
from tests.web.door import KEY
from tests.web.farm_fixture import fill, write_config

_SHOWN = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[schemathesis.BaseSchema, str]]:
    """The description as the API of a filled farm gives it, and a scan of that farm."""
    path = write_config(tmp_path_factory.mktemp("described"))
    fill(path.parent / "data", now=NOW, days=1, views=4, size=(162, 122))
    with answering(path), served(path) as client:
        found = schemathesis.openapi.from_url(f"{client.base_url}/api/v1/openapi.json", headers=_SHOWN)
        found = found.exclude(path_regex="/stream$")  # it does not end
        found.auth()(_Key)
        yield found, client.get("/api/v1/scans?plant=p02").json()[0]["id"]


class _Key:
    """Shows the key, in a way that the checks can leave out."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        return KEY

    def set(self, case: schemathesis.Case, key: str, context: schemathesis.AuthContext) -> None:
        case.headers["authorization"] = f"Bearer {key}"


def test_every_route_answers_as_it_is_described(description: tuple[schemathesis.BaseSchema, str]) -> None:
    schema, scan = description
    problems, asked = [], 0
    real = {"plant": "p02", "schedule": "daily", "name": "viewer", "scan": scan, "view": 1}
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)

            @given(case=cases)
            @settings(max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            def ask(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                # It is called before `mode` changes.
                if mode is schemathesis.GenerationMode.POSITIVE and asked % 2:  # noqa: B023  names that there are
                    case.path_parameters |= {name: real[name] for name in case.path_parameters if name in real}
                case.call_and_validate(timeout=30)

            try:
                ask()
            except Unsatisfiable:
                continue  # nothing of it can be wrong
            except BaseExceptionGroup as error:
                problems.append(f"{operation.label}: {error.exceptions[0]}")
    assert not problems, "\n\n".join(problems)
    assert asked > 300
