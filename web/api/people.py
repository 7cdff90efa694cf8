"""`/api/v1/me`, `/users` and `/keys`: who may sign in, and which programs may ask."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from scheduler.rows_people import KeyRow, UserRow
from trellis.errors import InputError
from web.access import Role, Scope
from web.answers import Answer, Asked
from web.api.asked import Asker
from web.api.errors import NOT_FOUND, REFUSED, Refused, Responses, Unfit
from web.farm import Farm
from web.people import NAME, checked_name, make_key, make_link
from web.secret import PASSWORD_MIN, hashed

_DENIED: Responses = {403: {"description": "It is not allowed"}}
Password = Annotated[str, Field(min_length=PASSWORD_MIN, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)]


class MeAnswer(Answer):
    """Who asks, and what they may do. A key has no role."""

    name: str
    kind: Literal["user", "key"]
    role: Role | None
    may: tuple[str, ...]


class UserAnswer(Answer):
    """A person who may sign in; without a password by a link only."""

    name: str
    role: Role
    has_password: bool
    created_at: datetime


class KeyAnswer(Answer):
    """A program's key; its secret is told once, when it is made."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    used_at: datetime | None
    ends_at: datetime | None


class NewKeyAnswer(KeyAnswer):
    """A key that was just made, with the secret that will never be told again."""

    secret: str


class LinkAnswer(Answer):
    """The path of a link that signs a person in once, within an hour."""

    path: str


class NewUser(Asked):
    """A person to add."""

    name: Name
    role: Role
    password: Password


class UserChange(Asked):
    """What to change about a person; what is not given stays."""

    role: Role | None = None
    password: Password | None = None


class NewPassword(Asked):
    """One's own password, so far and from now on; ends every session."""

    old: Annotated[str, Field(max_length=200)] = ""
    new: Password


class NewKey(Asked):
    """A key to make; without `days` it lasts until it is taken back. Every key may stop the robot."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=5)]
    days: Annotated[float | None, Field(gt=0, le=3660)] = None


def routes(farm: Farm) -> APIRouter:
    """The routes about people and keys; the gate keeps all but `/me` for administrators."""
    router = APIRouter(tags=["people"])

    @router.get("/me")
    def get_me(who: Asker) -> MeAnswer:
        """Who asks, and what they may do."""
        return MeAnswer(name=who.name, kind=who.kind, role=who.role, may=tuple(sorted(who.permissions)))

    @router.post("/me/password", status_code=204, responses=_DENIED | REFUSED)
    async def change_password(request: Request, who: Asker, change: NewPassword) -> Response:
        """Change one's own password. Every session of theirs ends, this one too."""
        if who.kind == "key":
            raise Refused("a key has no password; only people do")
        address = request.client.host if request.client else "?"
        call = lambda: farm.people.change_password(who.name, change.old, change.new, address)  # noqa: E731
        await asyncio.get_running_loop().run_in_executor(farm.signing, call)
        return Response(status_code=204)

    @router.get("/users")
    def list_users() -> list[UserAnswer]:
        """Everybody who may sign in."""
        return [_user(row) for row in farm.store.users()]

    @router.post("/users", status_code=201, responses=REFUSED)
    async def add_user(new: NewUser) -> UserAnswer:
        """Add a person."""
        name = _checked(new.name)
        password_hash = await _hash(farm, new.password)
        try:
            return _user(await asyncio.to_thread(farm.store.add_user, name, new.role, password_hash))
        except InputError as error:
            raise Refused(str(error)) from error

    @router.patch("/users/{name}", responses=NOT_FOUND | REFUSED)
    async def change_user(name: str, change: UserChange) -> UserAnswer:
        """Give a person another role or password."""
        password_hash = None if change.password is None else await _hash(farm, change.password)
        await asyncio.to_thread(_change, farm, name, change.role, password_hash)
        row = await asyncio.to_thread(farm.store.user, name)
        if row is None:
            raise InputError(f"there is no user {name!r}")
        return _user(row)

    @router.delete("/users/{name}", status_code=204, responses=NOT_FOUND | REFUSED)
    def remove_user(name: str) -> Response:
        """Take a person's access back; their sessions end."""
        _refusing(lambda: farm.store.remove_user(name))
        farm.people.forget()
        return Response(status_code=204)

    @router.post("/users/{name}/link", status_code=201, responses=NOT_FOUND)
    def link_user(name: str) -> LinkAnswer:
        """Make a link that signs a person in once, within an hour: for a first visit, or a forgotten password."""
        return LinkAnswer(path=make_link(farm.store, name))

    @router.get("/keys")
    def list_keys() -> list[KeyAnswer]:
        """Every key, without its secret."""
        return [_key(row) for row in farm.store.api_keys()]

    @router.post("/keys", status_code=201)
    def add_key(new: NewKey) -> NewKeyAnswer:
        """Make a key. Its secret stands in this answer and nowhere else."""
        secret, row = make_key(farm.store, _checked(new.name), tuple(dict.fromkeys(new.scopes)), new.days)
        return NewKeyAnswer(secret=secret, **dict(_key(row)))

    @router.delete("/keys/{key}", status_code=204, responses=NOT_FOUND)
    def remove_key(key: Annotated[int, Path(ge=1, le=2**31)]) -> Response:
        """Take a key back."""
        farm.store.remove_key(key)
        farm.people.forget()
        return Response(status_code=204)

    return router


def _change(farm: Farm, name: str, role: str | None, password_hash: str | None) -> None:
    _refusing(lambda: farm.store.change_user(name, role=role, password_hash=password_hash))
    farm.people.forget()


def _refusing(call) -> None:  # type: ignore[no-untyped-def]
    """What the store will not do to the last administrator is a refusal, not a broken database."""
    try:
        call()
    except InputError as error:
        if "only administrator" in str(error):
            raise Refused(str(error)) from error
        raise


async def _hash(farm: Farm, password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(farm.signing, hashed, password)


def _checked(name: str) -> str:
    try:
        return checked_name(name)
    except InputError as error:
        raise Unfit(str(error)) from error


def _user(row: UserRow) -> UserAnswer:
    has = row.password_hash is not None
    return UserAnswer(name=row.name, role=row.role, has_password=has, created_at=row.created_at)  # type: ignore[arg-type]


def _key(row: KeyRow) -> KeyAnswer:
    return KeyAnswer(**vars(row))
