"""The section `[web]`: where the dashboard and the API are served."""

from pydantic import Field

from trellis.config import Section


class WebSection(Section):
    """Where the dashboard listens.

    Until users and keys exist, it listens on this machine only unless the configuration says otherwise.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=1, le=65535)
    refresh_s: float = Field(default=1.0, gt=0, le=60)
