"""The store's part about who may sign in: users, sessions, one-time links, programs' keys.

Secrets come here as their SHA-256 only.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from scheduler.rows_people import KeyRow, SessionRow, UserRow
from scheduler.store_base import StoreBase
from scheduler.tables import api_keys, links, sessions, users
from trellis.errors import InputError


class PeopleStore(StoreBase):
    """Users, sessions, links and keys."""

    def users(self) -> list[UserRow]:
        """Everybody, by name."""
        return [UserRow(**row) for row in self._rows(select(users).order_by(users.c.name))]

    def user(self, name: str) -> UserRow | None:
        """One of them, if there is one of that name."""
        for row in self._rows(select(users).where(users.c.name == name)):
            return UserRow(**row)
        return None

    def add_user(self, name: str, role: str, password_hash: str | None) -> UserRow:
        """Add a person.

        Raises:
            InputError: There is one of that name.
        """
        row = UserRow(name, role, password_hash, self._now())
        with self._write() as connection:
            if connection.execute(select(users.c.name).where(users.c.name == name)).first():
                raise InputError(f"there is a user {name!r} already; choose another name")
            connection.execute(users.insert().values(vars(row)))
            self._tell(connection, f"{name} may sign in now, as {role}")
        return row

    def add_first_user(self, name: str, role: str, password_hash: str) -> bool:
        """Add a person if there is nobody yet; whether that was so."""
        with self._write() as connection:
            if connection.execute(select(func.count()).select_from(users)).scalar():
                return False
            connection.execute(users.insert().values(vars(UserRow(name, role, password_hash, self._now()))))
            self._tell(connection, f"{name} is the first administrator")
        return True

    def change_user(self, name: str, *, role: str | None = None, password_hash: str | None = None) -> None:
        """Give a person another role or password; a new password ends all their sessions and links.

        Raises:
            InputError: There is none of that name, or nobody would be left to administer.
        """
        changed = {key: value for key, value in (("role", role), ("password_hash", password_hash)) if value}
        if not changed:
            if self.user(name) is None:
                raise InputError(f"there is no user {name!r}")
            return
        with self._write() as connection:
            if role is not None and role != "administrator":
                self._leave_one(connection, name)
            if connection.execute(users.update().where(users.c.name == name).values(changed)).rowcount == 0:
                raise InputError(f"there is no user {name!r}")
            if password_hash is not None:
                for table in (sessions, links):
                    connection.execute(delete(table).where(table.c.user == name))
            self._tell(connection, f"{' and '.join(key.removesuffix('_hash') for key in changed)} of {name} changed")

    def remove_user(self, name: str) -> None:
        """Forget a person, and end their sessions. Raises as `change_user`."""
        with self._write() as connection:
            self._leave_one(connection, name)
            for table in (sessions, links):
                connection.execute(delete(table).where(table.c.user == name))
            if connection.execute(delete(users).where(users.c.name == name)).rowcount == 0:
                raise InputError(f"there is no user {name!r}")
            self._tell(connection, f"{name} may no longer sign in")

    def _leave_one(self, connection, name: str) -> None:  # type: ignore[no-untyped-def]
        others = select(func.count()).where(users.c.role == "administrator", users.c.name != name)
        mine = connection.execute(select(users.c.role).where(users.c.name == name)).scalar()
        if mine == "administrator" and connection.execute(others).scalar() == 0:
            raise InputError(f"{name} is the only administrator; make another one first")

    def begin_session(self, token_sha256: str, user: str) -> None:
        """Write down that somebody signed in."""
        now = self._now()
        row = {"token_sha256": token_sha256, "user": user, "created_at": now, "used_at": now}
        with self._write() as connection:
            connection.execute(sessions.insert().values(row))

    def session(self, token_sha256: str) -> SessionRow | None:
        """Who signed in with this, and their role as it is now."""
        query = (
            select(sessions.c.user, users.c.role, sessions.c.created_at, sessions.c.used_at)
            .join(users, users.c.name == sessions.c.user)
            .where(sessions.c.token_sha256 == token_sha256)
        )
        for row in self._rows(query):
            return SessionRow(**row)
        return None

    def use_session(self, token_sha256: str) -> None:
        """Note that a session is in use."""
        with self._write() as connection:
            mine = sessions.c.token_sha256 == token_sha256
            connection.execute(sessions.update().where(mine).values(used_at=self._now()))

    def end_session(self, token_sha256: str) -> None:
        """Sign out."""
        with self._write() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_sha256 == token_sha256))

    def forget_old_sessions(self, idle: timedelta) -> None:
        """Drop the rows of sessions and links that are over."""
        with self._write() as connection:
            connection.execute(delete(sessions).where(sessions.c.used_at < self._now() - idle))
            connection.execute(delete(links).where(links.c.ends_at < self._now()))

    def add_link(self, token_sha256: str, user: str, ends_at: datetime) -> None:
        """A secret that signs a person in once.

        Raises:
            InputError: There is none of that name.
        """
        if self.user(user) is None:
            raise InputError(f"there is no user {user!r}")
        with self._write() as connection:
            connection.execute(links.insert().values(token_sha256=token_sha256, user=user, ends_at=ends_at))

    def take_link(self, token_sha256: str) -> str | None:
        """Whom a link signs in; it is used up by that. None if it is unknown, used, or over."""
        with self._write() as connection:
            mine = links.c.token_sha256 == token_sha256
            row = connection.execute(select(links.c.user, links.c.ends_at).where(mine)).first()
            connection.execute(delete(links).where(mine))
        return row.user if row is not None and row.ends_at > self._now() else None

    def api_keys(self) -> list[KeyRow]:
        """Every key, oldest first."""
        return [_key(dict(row)) for row in self._rows(select(api_keys).order_by(api_keys.c.id))]

    def key(self, token_sha256: str) -> KeyRow | None:
        """The key of this secret."""
        for row in self._rows(select(api_keys).where(api_keys.c.token_sha256 == token_sha256)):
            return _key(dict(row))
        return None

    def add_key(self, name: str, token_sha256: str, scopes: tuple[str, ...], ends_at: datetime | None = None) -> KeyRow:
        """Write down a new key."""
        row = {"name": name, "token_sha256": token_sha256, "scopes": list(scopes), "ends_at": ends_at}
        row["created_at"] = self._now()
        with self._write() as connection:
            number = connection.execute(api_keys.insert().values(row)).inserted_primary_key[0]
            self._tell(connection, f"a key was made: {name} ({', '.join(scopes)})")
        return KeyRow(number, name, scopes, row["created_at"], None, ends_at)

    def use_key(self, number: int) -> None:
        """Note that a key is in use."""
        with self._write() as connection:
            connection.execute(api_keys.update().where(api_keys.c.id == number).values(used_at=self._now()))

    def remove_key(self, number: int) -> None:
        """Take a key back.

        Raises:
            InputError: There is none of that number.
        """
        with self._write() as connection:
            name = connection.execute(select(api_keys.c.name).where(api_keys.c.id == number)).scalar()
            if connection.execute(delete(api_keys).where(api_keys.c.id == number)).rowcount == 0:
                raise InputError(f"there is no key {number}")
            self._tell(connection, f"the key {name} was taken back")


def _key(row: dict) -> KeyRow:  # type: ignore[type-arg]
    row.pop("token_sha256")
    return KeyRow(**{**row, "scopes": tuple(row["scopes"])})
