"""Who may sign in, and what people entered, as frozen values. Times are timezone-aware, in UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class UserRow:
    """A person. Without a `password_hash` (argon2) they sign in by a link only."""

    name: str
    role: str
    password_hash: str | None
    created_at: datetime


@dataclass(frozen=True)
class SessionRow:
    """Somebody signed in with a browser; `used_at` follows by the minute, not by the request."""

    user: str
    role: str
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True)
class KeyRow:
    """A program's key, and what it may do."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class WeighingRow:
    """A mass read from a balance, in kilograms; `harvested` says that the plant was cut for it."""

    id: int
    plant: str
    weighed_at: datetime
    fresh_mass_kg: float | None
    dry_mass_kg: float | None
    harvested: bool
    entered_by: str
    entered_at: datetime


@dataclass(frozen=True)
class NoteRow:
    """A line that somebody wrote about a plant."""

    id: int
    plant: str
    at: datetime
    text: str
    entered_by: str


@dataclass(frozen=True)
class HookRow:
    """An address that is told of events of some kinds, signed; `told_until` is the last event that it was told of."""

    id: int
    url: str
    secret: str
    kinds: tuple[str, ...]
    created_at: datetime
    told_until: int
    answered: str | None
