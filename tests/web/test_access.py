"""Who may do what: every route of the application against every identity. A new route without a row here fails."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from nicegui import __version__ as library
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from scheduler.store import Store
from tests.web.browser import Site, dashboard, free_port
from tests.web.conftest import NOW, answering
from tests.web.door import SCOPES
from tests.web.farm_fixture import fill, write_config
from tests.web.route_list import route_names
from trellis.config import load_configuration
from web.app import application
from web.farm import Farm
from web.secret import digest

pytestmark = pytest.mark.xdist_group("browser")

_OPERATOR = {"read", "stop", "work", "drive", "enter"}
#: What each identity may do, written down here once more: a slip in `web/access.py` is not repeated.
MAY: dict[str, set[str]] = {
    "viewer": {"read", "stop"},
    "operator": _OPERATOR,
    "administrator": _OPERATOR | {"administer"},
    **{f"key {name}": {*scopes, "stop"} for name, scopes in SCOPES.items()},
}
STRANGERS = ("nobody", "wrong key", "wrong session", "session that is over", "key in the cookie", "session as a key")
_A = "/api/v1"
_LIB = f"/_nicegui/{library}"
#: Every route: what one must be allowed to do, and an address of it. `open` needs nobody, `page` is a page to read.
MATRIX: dict[str, tuple[str, str]] = {
    f"GET {_A}/openapi.json": ("read", f"{_A}/openapi.json"),
    f"HEAD {_A}/openapi.json": ("read", f"{_A}/openapi.json"),
    f"GET {_A}/plants": ("read", f"{_A}/plants"),
    f"GET {_A}/plants/{{plant}}": ("read", f"{_A}/plants/p01"),
    f"GET {_A}/plants/{{plant}}/forecast": ("read", f"{_A}/plants/nobody/forecast"),
    f"GET {_A}/plants/{{plant}}/strip.png": ("read", f"{_A}/plants/nobody/strip.png"),
    f"GET {_A}/plants/{{plant}}/leaves": ("read", f"{_A}/plants/nobody/leaves"),
    f"POST {_A}/plants/{{plant}}/scans": ("work", f"{_A}/plants/nobody/scans"),
    f"GET {_A}/scans": ("read", f"{_A}/scans"),
    f"GET {_A}/scans/{{scan}}": ("read", f"{_A}/scans/none"),
    f"GET {_A}/scans/{{scan}}/views": ("read", f"{_A}/scans/none/views"),
    f"GET {_A}/scans/{{scan}}/views/{{view}}/photograph.jpg": ("read", f"{_A}/scans/none/views/0/photograph.jpg"),
    f"HEAD {_A}/scans/{{scan}}/views/{{view}}/photograph.jpg": ("read", f"{_A}/scans/none/views/0/photograph.jpg"),
    f"GET {_A}/scans/{{scan}}/views/{{view}}/thumbnail.jpg": ("read", f"{_A}/scans/none/views/0/thumbnail.jpg"),
    f"HEAD {_A}/scans/{{scan}}/views/{{view}}/thumbnail.jpg": ("read", f"{_A}/scans/none/views/0/thumbnail.jpg"),
    f"GET {_A}/scans/{{scan}}/{{artefact}}": ("read", f"{_A}/scans/none/mesh.glb"),
    f"HEAD {_A}/scans/{{scan}}/{{artefact}}": ("read", f"{_A}/scans/none/mesh.glb"),
    f"GET {_A}/jobs": ("read", f"{_A}/jobs"),
    f"GET {_A}/jobs/{{job}}": ("read", f"{_A}/jobs/999"),
    **{
        f"POST {_A}/jobs/{{job}}/{verb}": ("work", f"{_A}/jobs/999/{verb}")
        for verb in ("cancel", "pause", "resume", "retry", "first", "last")
    },
    f"GET {_A}/runs": ("read", f"{_A}/runs"),
    f"GET {_A}/events": ("read", f"{_A}/events"),
    f"GET {_A}/queue": ("read", f"{_A}/queue"),
    f"POST {_A}/queue/pause": ("work", f"{_A}/queue/pause"),
    f"POST {_A}/queue/resume": ("work", f"{_A}/queue/resume"),
    f"GET {_A}/coming": ("read", f"{_A}/coming"),
    f"POST {_A}/schedules/{{schedule}}/run": ("work", f"{_A}/schedules/none/run"),
    f"GET {_A}/disk": ("read", f"{_A}/disk"),
    f"GET {_A}/robot": ("read", f"{_A}/robot"),
    f"POST {_A}/robot/stop": ("stop", f"{_A}/robot/stop"),
    f"POST {_A}/robot/clear": ("drive", f"{_A}/robot/clear"),
    f"GET {_A}/robot/controls": ("read", f"{_A}/robot/controls"),
    **{
        f"POST {_A}/robot/controls/{verb}": ("drive", f"{_A}/robot/controls/{verb}?to=nobody")
        for verb in ("take", "let-go", "hand-over")
    },
    f"POST {_A}/robot/move": ("drive", f"{_A}/robot/move"),
    f"GET {_A}/calibrations": ("read", f"{_A}/calibrations"),
    f"POST {_A}/calibrations/roll-back": ("administer", f"{_A}/calibrations/roll-back"),
    f"POST {_A}/calibrations/{{name}}/choose": ("administer", f"{_A}/calibrations/nothing/choose"),
    f"GET {_A}/robot/cell": ("read", f"{_A}/robot/cell"),
    f"GET {_A}/robot/twin": ("read", f"{_A}/robot/twin"),
    f"GET {_A}/robot/picture.jpg": ("read", f"{_A}/robot/picture.jpg"),
    f"WEBSOCKET {_A}/robot/line": ("read", f"{_A}/robot/line"),
    f"GET {_A}/health": ("read", f"{_A}/health"),
    f"GET {_A}/stream": ("read", f"{_A}/stream"),
    f"GET {_A}/plants/{{plant}}/weighings": ("read", f"{_A}/plants/nobody/weighings"),
    f"POST {_A}/plants/{{plant}}/weighings": ("enter", f"{_A}/plants/nobody/weighings"),
    f"DELETE {_A}/weighings/{{weighing}}": ("enter", f"{_A}/weighings/999"),
    f"GET {_A}/plants/{{plant}}/notes": ("read", f"{_A}/plants/nobody/notes"),
    f"POST {_A}/plants/{{plant}}/notes": ("enter", f"{_A}/plants/nobody/notes"),
    f"GET {_A}/export/measurements.csv": ("read", f"{_A}/export/measurements.csv"),
    f"GET {_A}/export/weighings.csv": ("read", f"{_A}/export/weighings.csv"),
    f"GET {_A}/export/trial.csv": ("read", f"{_A}/export/trial.csv"),
    f"GET {_A}/export/miappe.zip": ("read", f"{_A}/export/miappe.zip"),
    f"GET {_A}/trial": ("read", f"{_A}/trial"),
    **{
        f"GET /brapi/v2/{what}": ("read", f"/brapi/v2/{what}")
        for what in ("serverinfo", "studies", "observationunits", "variables", "observations", "images")
    },
    "GET /brapi/v2/studies/{study}": ("read", "/brapi/v2/studies/nothing"),
    f"GET {_A}/me": ("read", f"{_A}/me"),
    f"POST {_A}/me/password": ("read", f"{_A}/me/password"),
    f"GET {_A}/users": ("administer", f"{_A}/users"),
    f"POST {_A}/users": ("administer", f"{_A}/users"),
    f"PATCH {_A}/users/{{name}}": ("administer", f"{_A}/users/nobody"),
    f"DELETE {_A}/users/{{name}}": ("administer", f"{_A}/users/nobody"),
    f"POST {_A}/users/{{name}}/link": ("administer", f"{_A}/users/nobody/link"),
    f"GET {_A}/keys": ("administer", f"{_A}/keys"),
    f"POST {_A}/keys": ("administer", f"{_A}/keys"),
    f"DELETE {_A}/keys/{{key}}": ("administer", f"{_A}/keys/999"),
    "GET /api/{rest:path}": ("read", "/api/nothing"),
    **{f"{verb} /api/{{rest:path}}": ("administer", "/api/nothing") for verb in ("POST", "PUT", "PATCH", "DELETE")},
    "GET /": ("page", "/"),
    "GET /plant/{name}": ("page", "/plant/p01"),
    "GET /calendar": ("page", "/calendar"),
    "GET /queue": ("page", "/queue"),
    "GET /calibrate": ("page", "/calibrate"),
    "GET /trials": ("page", "/trials"),
    "GET /robot": ("page", "/robot"),
    "GET /system": ("page", "/system"),
    "GET /jobs": ("page", "/jobs"),
    "GET /api": ("page", "/api"),
    "GET /signin": ("open", "/signin"),
    "POST /signin": ("open", "/signin"),
    "GET /setup": ("open", "/setup"),
    "POST /setup": ("open", "/setup"),
    "GET /link": ("open", "/link?token=x"),
    "POST /link": ("open", "/link"),
    "POST /signout": ("read", "/signout"),
    "MOUNT /static": ("open", "/static/instrument.css"),
    "MOUNT /_nicegui_ws": ("read", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"),
    f"MOUNT {_LIB}/static": ("read", f"{_LIB}/static/nicegui.js"),
    f"GET {_LIB}/libraries/{{key:path}}": ("read", f"{_LIB}/libraries/none"),
    f"GET {_LIB}/components/{{key:path}}": ("read", f"{_LIB}/components/none"),
    f"GET {_LIB}/resources/{{key}}/{{path:path}}": ("read", f"{_LIB}/resources/none/none"),
    f"GET {_LIB}/dynamic_resources/{{name}}": ("read", f"{_LIB}/dynamic_resources/none"),
    f"GET {_LIB}/esm/{{key}}/{{path:path}}": ("read", f"{_LIB}/esm/none/none"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("access")
    port = free_port()
    path = write_config(folder, port)
    fill(folder / "data", now=NOW, days=1, views=4, size=(162, 122))
    with answering(path), dashboard(path, port) as found:
        with Store(f"sqlite:///{folder / 'data' / 'trellis.db'}") as store:
            store.begin_session(digest("over"), "viewer")
            store.end_session(digest("over"))
        yield found


def _headers(site: Site, who: str) -> dict[str, str]:
    """What an identity shows; every one claims to come from our own page."""
    cookie = {"origin": site.url}
    if who.startswith("key ") and who[4:] in site.door.keys:
        return {"authorization": f"Bearer {site.door.keys[who[4:]]}"}
    if who in site.door.sessions:
        return cookie | {"cookie": f"trellis_session={site.door.sessions[who]}"}
    return (
        cookie
        | {
            "nobody": {},
            "wrong key": {"authorization": "Bearer trellis_wrong", "cookie": f"trellis_session={site.door.session}"},
            "wrong session": {"cookie": "trellis_session=wrong"},
            "session that is over": {"cookie": "trellis_session=over"},
            "key in the cookie": {"cookie": f"trellis_session={site.door.keys['manager']}"},
            "session as a key": {"authorization": f"Bearer {site.door.session}"},
        }[who]
    )


def test_every_route_has_a_row(tmp_path: Path) -> None:
    farm = Farm.of(load_configuration(write_config(tmp_path)))
    try:
        assert route_names(application(farm)) == set(MATRIX)
    finally:
        farm.close()


@pytest.mark.parametrize("who", [*MAY, *STRANGERS])
def test_every_route_lets_in_whom_it_should_and_nobody_else(site: Site, who: str) -> None:
    wrong = []
    with httpx.Client(base_url=site.url, trust_env=False, timeout=30) as client:
        for name, (needs, path) in MATRIX.items():
            method = name.split()[0].replace("MOUNT", "GET")
            socket = method == "WEBSOCKET"
            status = _socket(site, who, path) if socket else _ask(client, site, method, path, who)
            if status not in _right(needs, who, socket):
                wrong.append((name, status))
    assert wrong == []


def _right(needs: str, who: str, socket: bool) -> set[int]:
    """The statuses that are right: any but a refusal for whom it is open, and the one refusal that fits for others."""
    if needs == "open":
        return {200, 303, 401, 429}  # 401 and 429: a form that was sent without anything in it
    if ("read" if needs == "page" else needs) in MAY.get(who, set()):
        return {101, 200, 201, 202, 204, 307, 400, 404, 405, 409, 422} | ({303} if needs != "page" else set())
    if socket or who not in STRANGERS:
        return {403}
    return {303} if needs == "page" else {401}


def _ask(client: httpx.Client, site: Site, method: str, path: str, who: str) -> int:
    if path == "/signout" and who in site.door.sessions:
        return 303  # it would end the session that the rest needs; `test_signin` signs out
    with client.stream(method, path, headers=_headers(site, who)) as answer:  # a stream need not be read to its end
        return answer.status_code


def _socket(site: Site, who: str, path: str) -> int:
    shown = _headers(site, who)
    try:
        with connect(site.url.replace("http", "ws", 1) + path, additional_headers=shown, proxy=None):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def test_strangers_get_nothing_from_addresses_that_are_nearly_right(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        for path in ("//api/v1/plants", "/api/v1/plants/", "/API/v1/plants", "/static/../api/v1/plants",
                     "/static/%2e%2e/api/v1/plants", "/static/..%2fapi/v1/plants", "/signin/../api/v1/plants",
                     "/signin%2f..%2fapi%2fv1%2fplants", "/api/v1/plants;/static/x", "/api/v1/plants?x=/static/",
                     "/static/%2e%2e%2f%2e%2e%2fapp.py", "/static/..%5c..%5capp.py"):  # fmt: skip
            answer = client.get(path)
            assert answer.status_code in (303, 401, 404), (path, answer.status_code)
            assert "p01" not in answer.text, path
            assert "FastAPI" not in answer.text, path


def test_a_viewer_reaches_nothing_of_an_administrators_by_addresses_that_are_nearly_right(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False, headers=_headers(site, "viewer")) as client:
        near = ("/", "%2f", "?x", "/%0a", "%0a")
        for path in (*(f"/api/v1/users{end}" for end in near), "//api/v1/users", "/api/v1//users", "/api/v1/./users",
                     "/api/v1/plants/../users", "/api/v1/Users", "/api/v1/%75sers"):  # fmt: skip
            answer = client.get(path, follow_redirects=True)
            assert answer.status_code in (403, 404, 422), (path, answer.status_code, answer.text[:200])
            assert "administrator" not in answer.text.replace("administrators give", ""), path


def test_every_answer_keeps_the_browser_from_doing_more_than_it_should(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        for path, who in (
            ("/", "viewer"),
            ("/api/v1/plants", "viewer"),
            ("/api/v1/plants", "nobody"),
            ("/signin", "nobody"),
            ("/nowhere", "viewer"),
            ("/static/instrument.js", "nobody"),
        ):
            headers = client.get(path, headers=_headers(site, who)).headers
            policy = headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "http" not in policy, "the policy names a foreign host"
            assert "*" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            if not path.startswith("/static"):
                assert headers["cache-control"] == "no-store"
