"""Who may do what, on one page: permissions, the roles that hold them, and what each route asks for.

What no rule names is for administrators. A stop is everybody's who is signed in, whatever their role or scopes.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from trellis.errors import TrellisError


class Permission(StrEnum):
    """What somebody may be allowed to do. The values are the scopes that a key can be given."""

    READ = "read"
    STOP = "stop"
    WORK = "work"  # ask for scans, order the queue
    DRIVE = "drive"  # clear a stop, move the robot by hand
    ENTER = "enter"  # weighings and notes
    ADMINISTER = "administer"


Role = Literal["viewer", "operator", "administrator"]
Scope = Literal["read", "work", "drive", "enter", "administer"]
_OPERATOR = frozenset({Permission.READ, Permission.STOP, Permission.WORK, Permission.DRIVE, Permission.ENTER})
ROLES: dict[str, frozenset[Permission]] = {
    "viewer": frozenset({Permission.READ, Permission.STOP}),
    "operator": _OPERATOR,
    "administrator": _OPERATOR | {Permission.ADMINISTER},
}


@dataclass(frozen=True)
class Identity:
    """Who asks: a person by a session, or a program by its key."""

    name: str
    kind: Literal["user", "key"]
    permissions: frozenset[Permission]
    role: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether it may do this."""
        return permission in self.permissions


class NotAllowed(TrellisError):
    """Somebody asked for what they may not do."""


#: What needs no identity: signing in, and the look of the page for that. `method path`, the whole of it.
_OPEN = re.compile(r"(GET|HEAD|POST) /(signin|setup|link)|(GET|HEAD) /(static/[^/]+|favicon\.ico)")

_A = "/api/v1"
#: The first rule that fits decides.
_RULES: tuple[tuple[str, Permission], ...] = (
    (rf"(GET|HEAD) {_A}/(users|keys)(/.*)?", Permission.ADMINISTER),
    (r"(GET|HEAD) .*", Permission.READ),
    (r"WEBSOCKET .*", Permission.READ),
    (r"POST /_nicegui_ws/.*", Permission.READ),  # what a page's own line falls back to; its events change nothing
    (rf"POST {_A}/robot/stop", Permission.STOP),
    (r"POST /signout", Permission.READ),
    (rf"POST {_A}/me/password", Permission.READ),
    (rf"POST {_A}/robot/.*", Permission.DRIVE),
    (rf"POST {_A}/(plants/[^/]+/scans|jobs/[^/]+/[a-z]+|queue/[a-z]+|schedules/[^/]+/run)", Permission.WORK),
    (rf"(POST|DELETE) {_A}/(plants/[^/]+/(weighings|notes)|weighings/[^/]+)", Permission.ENTER),
    (r".*", Permission.ADMINISTER),
)
# A path may hold a line's end, as %0A: without DOTALL it would pass by the rules.
_COMPILED = tuple((re.compile(pattern, re.DOTALL), permission) for pattern, permission in _RULES)


def is_open(method: str, path: str) -> bool:
    """Whether strangers may ask for this."""
    return _OPEN.fullmatch(f"{method} {path}") is not None


def needed(method: str, path: str) -> Permission:
    """What one must be allowed to do for this request; a WebSocket's method is `WEBSOCKET`."""
    asked = f"{method} {path}"
    return next(permission for pattern, permission in _COMPILED if pattern.fullmatch(asked))
