"""How the seconds of a reconstruction divide among its stages, as one bar and a line of words."""

from collections.abc import Mapping
from html import escape

from web.words import duration


def stages_html(stages_s: Mapping[str, float]) -> str:
    """The bar and the words; nothing when no stage was timed."""
    total_s = sum(stages_s.values())
    if total_s <= 0:
        return ""
    last = max(len(stages_s) - 1, 1)
    bar = "".join(
        f'<i style="flex:{max(seconds, 0):.3f};opacity:{1 - 0.75 * index / last:.2f}" title="{escape(stage)}"></i>'
        for index, (stage, seconds) in enumerate(stages_s.items())
    )
    words = "".join(f"<span>{escape(stage)} {duration(seconds)}</span>" for stage, seconds in stages_s.items())
    return f'<div class="stages">{bar}</div><div class="stage-list">{words}</div>'
