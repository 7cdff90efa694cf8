"""Coming in and going out: first run, passwords, links, limits, sessions that are never used on, strangers' pages."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from typer.testing import CliRunner

from scheduler.store import Store
from tests.web.conftest import Robot, served
from tests.web.farm_fixture import write_config
from web.attempts import Attempts, TooManyAttempts
from web.controls import LEASE_S, Controls, SomebodyDrives
from web.people import make_link
from web.secret import digest, fits, hashed, new_code, same_code
from web.users_command import app as users_app

PASSWORD = "correct horse"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The configuration of a farm where nothing has happened yet."""
    path = write_config(tmp_path)
    (tmp_path / "data").mkdir()
    return path


@pytest.fixture
def store(own: Path):
    with Store(f"sqlite:///{own.parent / 'data' / 'trellis.db'}") as found:
        yield found


@pytest.fixture
def door(own_api: httpx.Client, store: Store):
    """A browser at the door, without anything to show, and Anna who has a password."""
    store.add_user("anna", "operator", hashed(PASSWORD))
    with httpx.Client(base_url=own_api.base_url, trust_env=False) as browser:
        yield browser


def _sign_in(browser: httpx.Client, password: str = PASSWORD, there: str = "/", name: str = "anna") -> httpx.Response:
    return browser.post("/signin", params={"next": there}, data={"name": name, "password": password},
                        headers={"origin": _origin(browser)})  # fmt: skip


def _origin(browser: httpx.Client) -> str:
    return str(browser.base_url).rstrip("/")


def test_the_first_administrator_is_made_by_the_code_on_the_console(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    (tmp_path / "data").mkdir()
    with served(config, people=False) as program, httpx.Client(base_url=program.base_url, trust_env=False) as browser:
        code = program.farm.people.code  # type: ignore[attr-defined]
        assert browser.get("/api/v1/plants").status_code == 401
        given = {"code": "AAAAA-AAAAA", "name": "maria", "password": PASSWORD}
        assert "not the code" in browser.post("/setup", data=given).text
        assert "10 to 200 characters" in browser.post("/setup", data=given | {"code": code, "password": "short"}).text
        made = browser.post("/setup", data=given | {"code": code.lower().replace("-", " ")})
        assert made.status_code == 303
        assert browser.get("/api/v1/me").json()["role"] == "administrator"
        browser.cookies.clear()
        again = browser.post("/setup", data=given | {"code": code, "name": "mallory"})
        assert "trellis_session" not in again.cookies
        assert browser.get("/setup").headers["location"] == "/signin"


def test_a_password_signs_in_and_signing_out_ends_it_for_good(door: httpx.Client) -> None:
    answer = _sign_in(door, there="/plant/p01")
    assert (answer.status_code, answer.headers["location"]) == (303, "/plant/p01")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    token = door.cookies["trellis_session"]
    assert door.get("/api/v1/me").json() == {
        "name": "anna", "kind": "user", "role": "operator", "may": ["drive", "enter", "read", "stop", "work"],
    }  # fmt: skip
    door.post("/signout", headers={"origin": _origin(door)})
    assert door.get("/api/v1/me", headers={"cookie": f"trellis_session={token}"}).status_code == 401


def test_a_session_that_a_browser_came_with_is_never_used_on(door: httpx.Client, store: Store) -> None:
    store.begin_session(digest("planted"), "anna")
    door.cookies.set("trellis_session", "planted")
    _sign_in(door)
    assert door.cookies.get("trellis_session", domain="127.0.0.1") != "planted"
    assert store.session(digest("planted")) is None  # who planted it has nothing


@pytest.mark.parametrize(
    "there", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:x", "\t//x"]
)
def test_signing_in_leads_to_no_foreign_place(door: httpx.Client, there: str) -> None:
    assert urlsplit(_sign_in(door, there=there).headers["location"]).path == "/"
    assert urlsplit(_sign_in(door, there=there).headers["location"]).netloc == ""


def test_wrong_passwords_and_unknown_names_read_the_same_and_are_limited(door: httpx.Client) -> None:
    wrong, unknown = _sign_in(door, "wrong password"), _sign_in(door, name="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert re.sub("anna|nobody", "", wrong.text) == re.sub("anna|nobody", "", unknown.text)
    statuses = [_sign_in(door, "wrong password").status_code for _ in range(10)]
    assert statuses == [401] * 8 + [429] * 2
    late = _sign_in(door)  # the right password is as late as any other
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 901


def test_a_link_signs_in_once(door: httpx.Client, store: Store) -> None:
    path = make_link(store, "anna")
    shown = door.get(path)  # a program that looks into links, or a page of a stranger
    assert shown.status_code == 200
    assert "Open the farm" in shown.text
    own = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}
    assert door.get(path, headers=own).status_code == 303
    assert door.get("/api/v1/me").json()["name"] == "anna"
    door.cookies.clear()
    assert "used already" in door.get(path, headers=own).text
    assert "used already" in door.get(make_link(store, "anna", hours=0.0), headers=own).text


def test_a_session_may_not_be_used_from_a_strangers_page(
    door: httpx.Client, own_api: httpx.Client, robot: Robot
) -> None:
    _sign_in(door)
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {}, {"sec-fetch-site": "cross-site"},
                    {"sec-fetch-site": "same-site"}):  # fmt: skip
        assert door.post("/api/v1/robot/clear", headers=headers).status_code == 403, headers
    assert door.post("/signin", headers={"origin": "http://evil.example"}).status_code == 403
    assert robot.asked == []
    assert door.post("/api/v1/robot/clear", headers={"origin": _origin(door)}).status_code == 200
    assert door.post("/api/v1/robot/clear", headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_what_is_taken_back_ends_at_once(door: httpx.Client, own_api: httpx.Client) -> None:
    _sign_in(door)
    key = own_api.post("/api/v1/keys", json={"name": "logger", "scopes": ["read"]}).json()
    shown = {"authorization": f"Bearer {key['secret']}"}
    bare = {"base_url": own_api.base_url, "trust_env": False}
    with httpx.Client(**bare) as program, program.stream("GET", "/api/v1/stream", headers=shown) as stream:
        lines = stream.iter_lines()
        next(lines)
        assert own_api.delete(f"/api/v1/keys/{key['id']}").status_code == 204
        for _ in lines:  # the stream ends by itself
            pass
    assert httpx.get(f"{own_api.base_url}/api/v1/plants", headers=shown, trust_env=False).status_code == 401
    assert own_api.patch("/api/v1/users/anna", json={"role": "viewer"}).json()["role"] == "viewer"
    assert door.get("/api/v1/me").json()["role"] == "viewer"
    own_api.patch("/api/v1/users/anna", json={"password": "another one"})
    assert door.get("/api/v1/me").status_code == 401
    assert "secret" not in own_api.get("/api/v1/keys").text


def test_one_changes_ones_own_password_with_the_old_one(door: httpx.Client) -> None:
    _sign_in(door)
    change = {"old": "not this one", "new": "a new password"}
    here = {"origin": _origin(door)}
    assert door.post("/api/v1/me/password", json=change, headers=here).status_code == 403
    assert door.post("/api/v1/me/password", json=change | {"old": PASSWORD}, headers=here).status_code == 204
    assert door.get("/api/v1/me").status_code == 401
    assert _sign_in(door, "a new password").status_code == 303


def test_somebody_is_always_left_to_administer(own_api: httpx.Client) -> None:
    for refused in (own_api.delete("/api/v1/users/administrator"),
                    own_api.patch("/api/v1/users/administrator", json={"role": "viewer"})):  # fmt: skip
        assert refused.status_code == 409
        assert "only administrator" in refused.json()["error"]


def test_passwords_are_kept_as_argon2id_and_secrets_as_hashes(door: httpx.Client, own: Path) -> None:
    _sign_in(door)
    token = door.cookies["trellis_session"]
    kept = b"".join(path.read_bytes() for path in (own.parent / "data").glob("trellis.db*"))
    assert b"$argon2id$v=19$m=19456,t=2,p=1$" in kept
    assert PASSWORD.encode() not in kept
    assert token.encode() not in kept
    assert not fits(PASSWORD, None)


def test_codes_are_read_however_they_are_typed() -> None:
    code = new_code()
    assert same_code(code.lower().replace("-", " "), code)
    assert not same_code("", code)
    assert not same_code(code[:-1], code)


def test_guesses_are_forgotten_after_a_quarter_of_an_hour() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(3):
        attempts.wrong("a")
    with pytest.raises(TooManyAttempts):
        attempts.check("a", 3)
    attempts.check("b", 3)
    now[0] = 901.0
    attempts.check("a", 3)


def test_one_drives_at_a_time_and_who_leaves_has_let_go() -> None:
    now = [0.0]
    controls = Controls(lambda: now[0])
    controls.take("anna")
    with pytest.raises(SomebodyDrives, match="anna holds the controls"):
        controls.take("ben")
    controls.let_go("ben")
    assert controls.holder == "anna"
    now[0] = LEASE_S + 1
    controls.take("ben")
    controls.let_go("ben")
    assert controls.holder is None


def test_users_from_a_terminal(own: Path) -> None:
    def users(*arguments: str, given: str = "") -> str:
        done = CliRunner().invoke(users_app, [*arguments, "--config", str(own)], input=given, catch_exceptions=False)
        return done.stdout

    users("add", "ben", "--role", "operator", given="ben's password\n")
    assert "ben: operator" in users("list")
    assert users("link", "ben").startswith("http://127.0.0.1:8700/link?token=")
    with served(own, people=False) as program:
        secret = users("key", "logger", "--scope", "read").strip()
        answer = program.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"}).json()
        assert (answer["name"], answer["may"]) == ("logger", ["read", "stop"])
    users("unkey", "1")
    users("remove", "ben")
