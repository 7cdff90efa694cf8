"""What stands on every page: the bar with the stop button, the banners, the dialogs.

The bar is plain HTML with a script of its own: the stop button works while the page's live line is down, and before
it is up.
"""

import json
from html import escape

from nicegui import ui

from web.farm import Farm
from web.statics import versioned

_PAGES = (
    ("Wall", "/"),
    ("Calendar", "/calendar"),
    ("Queue", "/queue"),
    ("Trials", "/trials"),
    ("Robot", "/robot"),
    ("Calibrate", "/calibrate"),
    ("System", "/system"),
    ("API", "/api"),
)


def frame(farm: Farm, title: str, here: str) -> None:
    """Put the bar, the banners and the dialogs on the page that is being built."""
    ui.page_title(f"{title} · {farm.name}")
    ui.add_head_html(f'<link rel="stylesheet" href="{versioned("instrument.css")}">')
    ui.add_body_html(_bar(farm, here) + _BANNERS + _DIALOGS)
    ui.add_body_html(f'<script src="{versioned("instrument.js")}"></script>')


def _bar(farm: Farm, here: str) -> str:
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if path == here else ""}>{name}</a>' for name, path in _PAGES
    )
    who = ui.context.client.request.scope["identity"]
    config = escape(
        json.dumps({"refresh_ms": round(farm.refresh_s * 1000), "may": sorted(who.permissions)}), quote=True
    )
    me = escape(who.name)
    return (
        f'<header id="bar" data-config="{config}"><a class="farm" href="/">{escape(farm.name)}</a><nav>{links}</nav>'
        '<span id="robot" role="status">asking the robot</span>'
        f'<form class="me" method="post" action="/signout"><button title="Sign out {me}">{me}</button></form>'
        '<button id="stop" type="button" aria-label="Stop the robot now" '
        'aria-keyshortcuts="s" title="Key: S, or Pause">STOP</button></header>'
    )


_BANNERS = """
<div class="banner stop" role="alert"><strong>The robot is stopped.</strong>
 <span>All axes hold. Nothing moves until the stop is cleared.</span>
 <button class="button" type="button" data-post="/api/v1/robot/clear"
  data-ask="Clear the stop? A scan that waits goes on at once. Look first that nobody is within the robot's reach.">
  Clear stop</button></div>
<div class="banner silent" role="alert"><strong>The daemon does not answer.</strong>
 <span>Live values below are old, and a stop cannot reach the robot. <span id="silent-reason"></span></span></div>
<div class="banner lost" role="alert"><strong>This page has lost its server.</strong>
 <span>What you see is <span id="lost-age">some time</span> old, and the stop button cannot reach the robot:
 use the switch at the robot.</span></div>
<div class="banner old" role="alert"><strong>These values are old.</strong>
 <span>Nothing new came for <span id="old-age">some time</span>. The stop button works.</span></div>
"""

_DIALOGS = """
<dialog id="ask"><form method="dialog"><p></p><div class="actions">
 <button class="stop" type="button">STOP</button>
 <button class="button" value="no">Leave it</button><button class="button yes" value="yes">Yes</button>
</div></form></dialog>
<dialog id="light" aria-label="Photograph"><img alt="">
 <div class="foot"><span></span><button class="stop" type="button">STOP</button>
 <button class="button previous" type="button">Previous</button>
 <button class="button next" type="button">Next</button><button class="button close" type="button">Close</button>
</div></dialog>
<div id="toast" role="status"></div>
"""
