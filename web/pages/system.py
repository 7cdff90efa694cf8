"""The page for whoever looks after the farm: health, copies of the database, people and keys."""

import asyncio
from html import escape

from nicegui import ui

from scheduler.backups import backups
from scheduler.disk import words
from trellis.errors import TrellisError
from web.access import ROLES, Permission
from web.farm import Farm
from web.pages.forms import choice, field, form, remove_button, ticks
from web.pages.frame import frame
from web.robot import robot
from web.secret import PASSWORD_MIN
from web.version import version
from web.words import when

_SCOPES = tuple(one.value for one in Permission if one is not Permission.STOP)


def add(farm: Farm) -> None:
    """Serve the page at `/system`; people and keys are shown to administrators only."""

    @ui.page("/system")
    async def system_page() -> None:
        frame(farm, "System", "/system")
        who = ui.context.client.request.scope["identity"]
        parts = [_health, _copies]
        parts += [_people, _keys] if who.may(Permission.ADMINISTER) else []
        with ui.element("div").classes("sheet"), ui.element("div").classes("stack"):
            for part in parts:
                ui.html(await asyncio.to_thread(_shown, farm, part), sanitize=False)
            ui.html(_mine(), sanitize=False)


def _shown(farm: Farm, part) -> str:  # type: ignore[no-untyped-def]
    """A part of the page; one that cannot be read says so, and the others stand."""
    try:
        return str(part(farm))
    except (TrellisError, OSError) as error:
        return f'<section class="panel"><div class="note bad">{escape(str(error))}</div></section>'


def _health(farm: Farm) -> str:
    state, disk = robot(farm), farm.disk.answer()
    rows = [
        ("Version", version()),
        ("Configuration", farm.config_path),
        ("Daemon", "answers" if state.reachable else state.reason or "does not answer"),
        ("Robot", state.summary or state.reason or "unknown"),
        ("Disk", f"{words(disk.free_bytes)} free, of which {words(disk.keep_bytes)} stay free; "
                 f"room for {disk.scans_left:,} scans of {words(disk.scan_bytes)}"),
        ("Data", str(farm.folder.path)),
    ]  # fmt: skip
    body = "".join(f"<tr><th scope=row>{name}</th><td class=reason>{escape(text)}</td></tr>" for name, text in rows)
    return f'<section class="panel"><h2>Health</h2><div class="scroll"><table>{body}</table></div></section>'


def _copies(farm: Farm) -> str:
    found = backups(farm.folder)
    rows = "".join(
        f"<tr><td>{escape(path.name)}</td><td class=number>{words(path.stat().st_size)}</td></tr>"
        for path in found[:10]
    )
    text = (
        f'<div class="scroll"><table>{rows}</table></div>'
        if rows
        else '<p class="empty">None yet; the daemon makes one a day.</p>'
    )
    told = "They help against a damaged database; against a lost disk, <code>trellis backup</code>."
    note = f'<p class="soft more">{told}</p>'
    return f'<section class="panel"><h2>Copies of the database: {len(found)}</h2>{text}{note}</section>'


def _people(farm: Farm) -> str:
    rows = "".join(
        f"<tr><td>{escape(user.name)}</td><td>{escape(user.role)}</td>"
        f"<td class=hide-small>{when(user.created_at, farm.zone)}</td>"
        f"<td class=hide-small>{'' if user.password_hash else 'by a link only'}</td>"
        f'<td class="actions">{form(f"/api/v1/users/{user.name}/link", "", "Make a link", needs="administer")}'
        f"{remove_button(f'/api/v1/users/{user.name}', f'Take back the access of {user.name}?')}</td></tr>"
        for user in farm.store.users()
    )
    fields = (
        field("Name", "name", required=True)
        + choice("Role", "role", tuple(ROLES))
        + field("Password", "password", "password", more=f'minlength="{PASSWORD_MIN}" autocomplete="new-password"')
    )
    return (
        f'<section class="panel"><h2>People</h2><div class="scroll"><table><tr><th>Name</th><th>Role</th>'
        "<th class=hide-small>Since</th>"
        f"<th class=hide-small></th><th></th></tr>{rows}</table></div>"
        f"{form('/api/v1/users', fields, 'Add', needs='administer')}</section>"
    )


def _keys(farm: Farm) -> str:
    rows = "".join(
        f"<tr><td>{escape(key.name)}</td><td>{', '.join(key.scopes)}</td>"
        f"<td class=hide-small>{when(key.used_at, farm.zone)}</td>"
        f"<td>{when(key.ends_at, farm.zone) if key.ends_at else 'until taken back'}</td>"
        f"<td>{remove_button(f'/api/v1/keys/{key.id}', f'Take back the key {key.name}?')}</td></tr>"
        for key in farm.store.api_keys()
    )
    table = (
        '<div class="scroll"><table><tr><th>Name</th><th>May</th>'
        "<th class=hide-small>Last used</th><th>Lasts</th><th></th></tr>"
        f"{rows}</table></div>"
        if rows
        else '<p class="empty">No program has a key.</p>'
    )
    fields = field("Name", "name", required=True) + ticks("scopes", _SCOPES, ("read",))
    made = form("/api/v1/keys", fields, "Make a key", needs="administer")
    return f'<section class="panel"><h2>Keys</h2>{table}{made}</section>'


def _mine() -> str:
    fields = field("Password so far", "old", "password", more='autocomplete="current-password"') + field(
        "New password", "new", "password", more=f'minlength="{PASSWORD_MIN}" autocomplete="new-password"', required=True
    )
    sent = form("/api/v1/me/password", fields, "Change", needs="read")
    note = '<p class="soft more">Every session of yours ends.</p>'
    return f'<section class="panel"><h2>Your password</h2>{sent}{note}</section>'
