"""Parts of a page that follow the farm: HTML that is sent again only when it has changed."""

from collections.abc import Callable

from nicegui import ui

from web.pulse import Pulse, Snapshot


class Live:
    """Panels of one open page, each made from a snapshot by a function that returns HTML.

    Args:
        pulse: Where snapshots come from.
        refresh_s: How often they are looked at.
    """

    def __init__(self, pulse: Pulse, refresh_s: float) -> None:
        self._pulse = pulse
        self._refresh_s = refresh_s
        self._parts: list[tuple[ui.html, Callable[[Snapshot], str], str]] = []

    async def start(self, client_parts: list[tuple[str, Callable[[Snapshot], str]]]) -> None:
        """Put the panels on the page, filled, and keep them fresh. Each is a CSS class and a function."""
        snapshot = await self._pulse.snapshot()
        self._parts.append((ui.html(_beat(snapshot), sanitize=False).classes("beat"), _beat, _beat(snapshot)))
        for kind, draw in client_parts:
            content = draw(snapshot)
            self._parts.append((ui.html(content, sanitize=False).classes(kind), draw, content))
        ui.timer(self._refresh_s, self._update, immediate=False)

    async def _update(self) -> None:
        snapshot = await self._pulse.snapshot()
        for index, (element, draw, before) in enumerate(self._parts):
            content = draw(snapshot)
            if content != before:
                element.set_content(content)
                self._parts[index] = (element, draw, content)


def _beat(now: Snapshot) -> str:
    """The number of the reading that is shown; the page's script sees by it when nothing new comes."""
    return f'<i data-reading="{now.number}" hidden></i>'
