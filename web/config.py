"""The section `[web]`: where the dashboard and the API are served."""

from pydantic import Field

from trellis.config import Section


class WebSection(Section):
    """Where the dashboard listens: on this machine only, unless `host` says otherwise.

    `names` are further ones that it goes by behind a proxy, as a browser shows them: `farm.example`, or with its port.

    Whoever can reach it must sign in, on whatever host. It speaks plain HTTP; docs/dashboard.md says how to put TLS
    before it on a network that others share.
    """

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    port: int = Field(default=8700, ge=1, le=65535)
    refresh_s: float = Field(default=1.0, gt=0, le=60)
