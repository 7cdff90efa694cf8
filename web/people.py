"""Who is who: passwords, sessions, one-time links and keys, over what the store remembers."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal

from scheduler.rows_people import KeyRow
from scheduler.store import Store
from trellis.errors import InputError, TrellisError
from web.access import ROLES, Identity, Permission
from web.attempts import Attempts
from web.secret import digest, fits, hashed, new_code, new_key, new_token, same_code

#: A session ends when nobody used it for so long, and in any case when it is so old.
SESSION_IDLE = timedelta(days=7)
SESSION_MAX = timedelta(days=90)
#: What a name may be: of letters and digits, within it a few more.
NAME = r"^\w([\w .@'-]*\w)?$"
_KNOWN_S = 2.0  # for so long an answer of the store is believed: what was taken back elsewhere ends within it
_NOTED = timedelta(minutes=5)
_KNOWN_MAX = 2000
_BY_ADDRESS, _BY_NAME = 10, 30


class WrongPassword(TrellisError):
    """Name and password do not belong together, or a code or link is not the one."""


class People:
    """Signs people in and says whom a token belongs to. Any thread may ask.

    Args:
        store: What is remembered.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.attempts = Attempts()
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Identity | None]] = {}
        self._noting = ThreadPoolExecutor(1, "noting")
        self._code = new_code()
        self._anybody = False

    def is_first_run(self) -> bool:
        """Whether nobody may sign in yet."""
        self._anybody = self._anybody or bool(self._store.users())
        return not self._anybody

    @property
    def code(self) -> str:
        """What makes the first administrator; it is told on the console only."""
        return self._code

    def make_first(self, code: str, name: str, password: str, address: str) -> str:
        """Make the first administrator and sign them in; the session's token.

        Raises:
            WrongPassword: The code is not the one, or there is an administrator already.
            TooManyAttempts: Too many wrong codes.
            InputError: The name or the password will not do.
        """
        self.attempts.check(address, _BY_ADDRESS)
        if not self.is_first_run() or not same_code(code, self._code):
            self.attempts.wrong(address)
            raise WrongPassword("this is not the code that stands on the console of `trellis web`")
        if not self._store.add_first_user(checked_name(name), "administrator", hashed(password)):
            raise WrongPassword("there is an administrator already; sign in")
        return self._begin(name)

    def sign_in(self, name: str, password: str, address: str) -> str:
        """A new session's token; nothing that a browser had before is used on.

        Raises:
            WrongPassword: They do not belong together.
            TooManyAttempts: Too many wrong guesses from this address or for this name.
        """
        self.attempts.check(address, _BY_ADDRESS)
        self.attempts.check(("name", name), _BY_NAME)
        user = self._store.user(name)
        if not fits(password, user.password_hash if user else None):
            self.attempts.wrong(address)
            self.attempts.wrong(("name", name))
            raise WrongPassword("name and password do not belong together")
        self.attempts.right(address)
        return self._begin(name)

    def follow_link(self, token: str, address: str) -> str:
        """The token of a session from a one-time link. Raises as `sign_in`."""
        self.attempts.check(address, _BY_ADDRESS)
        user = self._store.take_link(digest(token))
        if user is None:
            self.attempts.wrong(address)
            raise WrongPassword("this link was used already, or is over; sign in, or ask for another")
        return self._begin(user)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._store.end_session(digest(token))
        self.forget()

    def change_password(self, name: str, old: str, new: str, address: str) -> None:
        """Give oneself another password; every session ends. Raises as `sign_in`, and `InputError`."""
        user = self._store.user(name)
        self.attempts.check(address, _BY_ADDRESS)
        if user is None or (user.password_hash is not None and not fits(old, user.password_hash)):
            self.attempts.wrong(address)
            raise WrongPassword("this is not your password so far")
        self._store.change_user(name, password_hash=hashed(new))
        self.forget()

    def recall(self, kind: Literal["session", "key"], token: str) -> tuple[Identity | None] | None:
        """What was found out a moment ago about a token, without asking anybody; None when nothing was."""
        found = self._known.get(kind + digest(token))
        return (found[1],) if found is not None and time.monotonic() - found[0] < _KNOWN_S else None

    def look_up(self, kind: Literal["session", "key"], token: str) -> Identity | None:
        """Whose session or key this is.

        While the database cannot be read, who was known last is known still: it must not come between a person who is
        signed in and the stop.
        """
        what = kind + digest(token)
        try:
            identity = self._session(digest(token)) if kind == "session" else self._key(digest(token))
        except TrellisError:
            if what not in self._known:
                raise
            identity = self._known[what][1]
        with self._lock:
            if len(self._known) > _KNOWN_MAX:
                self._known.clear()
            self._known[what] = (time.monotonic(), identity)
        return identity

    def forget(self) -> None:
        """Ask the store again, because something was taken back."""
        with self._lock:
            self._known.clear()

    def _session(self, token_sha256: str) -> Identity | None:
        row, now = self._store.session(token_sha256), datetime.now(UTC)
        if row is None or now - row.used_at > SESSION_IDLE or now - row.created_at > SESSION_MAX:
            return None
        if now - row.used_at > _NOTED:
            self._noting.submit(self._note, self._store.use_session, token_sha256)
        return Identity(row.user, "user", ROLES.get(row.role, frozenset()), row.role)

    def _key(self, token_sha256: str) -> Identity | None:
        row, now = self._store.key(token_sha256), datetime.now(UTC)
        if row is None or (row.ends_at is not None and row.ends_at <= now):
            return None
        if row.used_at is None or now - row.used_at > _NOTED:
            self._noting.submit(self._note, self._store.use_key, row.id)
        return Identity(row.name, "key", frozenset(map(Permission, row.scopes)) | {Permission.STOP})

    @staticmethod
    def _note(write: Callable[..., None], what: str | int) -> None:
        """That something is in use is good to know; a disk that is full or busy keeps nobody out for it."""
        with suppress(TrellisError):
            write(what)

    def close(self) -> None:
        """End the thread that notes what is in use."""
        self._noting.shutdown(wait=True, cancel_futures=True)

    def _begin(self, name: str) -> str:
        token = new_token()
        self._store.forget_old_sessions(SESSION_IDLE)
        self._store.begin_session(digest(token), name)
        return token


def checked_name(name: str) -> str:
    """A user's name, if it will do.

    Raises:
        InputError: It is empty, long, or holds what is neither letter nor digit.
    """
    if len(name) > 64 or not re.fullmatch(NAME, name):
        raise InputError("a name has 1 to 64 letters and digits, and within it blanks and any of . _ @ ' - too")
    return name


def make_key(store: Store, name: str, scopes: tuple[str, ...], days: float | None = None) -> tuple[str, KeyRow]:
    """A new key: the secret, which is told once and kept nowhere, and its row."""
    token = new_key()
    ends_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    return token, store.add_key(checked_name(name), digest(token), scopes, ends_at)


def make_link(store: Store, user: str, hours: float = 1.0) -> str:
    """The path of a link that signs a person in once."""
    token = new_token()
    store.add_link(digest(token), user, datetime.now(UTC) + timedelta(hours=hours))
    return f"/link?token={token}"
