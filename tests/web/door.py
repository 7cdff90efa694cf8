"""A way in for tests: an administrator with a session, a viewer and an operator, and keys of every kind."""

from dataclasses import dataclass
from pathlib import Path

from scheduler.store import Store
from web.secret import digest

ROLES = ("viewer", "operator", "administrator")
SCOPES = {"reader": ("read",), "worker": ("read", "work"), "driver": ("read", "drive"), "writer": ("read", "enter"),
          "stopper": ("enter",), "manager": ("read", "work", "drive", "enter", "administer")}  # fmt: skip

#: Of a program that may do everything.
KEY = "trellis_key-of-manager"


@dataclass(frozen=True)
class Door:
    """Tokens by name: sessions of people (the role is the name), keys of programs."""

    sessions: dict[str, str]
    keys: dict[str, str]

    @property
    def session(self) -> str:
        """The administrator's."""
        return self.sessions["administrator"]

    @property
    def headers(self) -> dict[str, str]:
        """What a program shows that may do everything."""
        return {"authorization": f"Bearer {self.keys['manager']}"}


def let_in(data: Path) -> Door:
    """Write people, sessions and keys into a farm's database; the same tokens each time."""
    door = Door({role: f"session-of-{role}" for role in ROLES}, {name: f"trellis_key-of-{name}" for name in SCOPES})
    with Store(f"sqlite:///{data / 'trellis.db'}") as store:
        if not store.users():
            for role, token in door.sessions.items():
                store.add_user(role, role, None)
                store.begin_session(digest(token), role)
            for name, token in door.keys.items():
                store.add_key(name, digest(token), SCOPES[name])
    return door
