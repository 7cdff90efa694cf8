"""Who asks: what the gate found out, for routes that need to know."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from web.access import Identity


def _identity(connection: HTTPConnection) -> Identity:
    return cast(Identity, connection.scope["identity"])


Asker = Annotated[Identity, Depends(_identity)]
