"""The robot's page: the cell in space, who drives it, moving by hand, and what its devices say."""

from html import escape

from nicegui import ui

from scheduler.hand_moves import SPEED_M_S
from web.access import Permission
from web.farm import Farm
from web.pages.frame import frame
from web.statics import versioned

_CABLES = ("bottom right", "top right", "top left", "bottom left")
_JOINTS = ("base", "shoulder", "elbow", "wrist")
_STEPS_MM, _STEPS_DEG = (1, 5, 20, 100), (1, 2, 5, 20)


def add(farm: Farm) -> None:
    """Serve the page at `/robot`; its script asks the API for everything that moves."""

    @ui.page("/robot")
    def robot_page() -> None:
        frame(farm, "Robot", "/robot")
        who = ui.context.client.request.scope["identity"]
        drives = who.may(Permission.DRIVE)
        with ui.element("div").classes("sheet"):
            ui.html(_page(who.name, drives), sanitize=False)
        for script in ("twin.js", "robot.js"):
            ui.add_body_html(f'<script src="{versioned(script)}"></script>')


def _page(me: str, drives: bool) -> str:
    return (
        f'<div class="robot-page" data-me="{escape(me, quote=True)}" data-drives="{int(drives)}">'
        f'<div class="stack">{_twin()}{_numbers()}</div><div class="stack">{_controls(drives)}{_picture()}</div></div>'
    )


def _twin() -> str:
    views = "".join(
        f'<button class="button" type="button" data-view="{view}">{name}</button>'
        for view, name in (("front", "Front"), ("corner", "Corner"), ("side", "Side"), ("above", "Above"))
    )
    return (
        '<section class="panel live twin"><div class="title"><h2>The cell as its devices report it</h2>'
        f'<span class="actions">{views}</span></div>'
        '<canvas id="twin" role="img" aria-label="The cell in space; drag to turn it" tabindex="0"></canvas>'
        '<p class="soft more" id="twin-words">Asking the robot.</p></section>'
    )


def _controls(drives: bool) -> str:
    if not drives:
        why = "You may see and stop. To drive, an administrator gives you the role operator."
        return f'<section class="panel"><h2>Controls</h2><p id="holder">Asking.</p><p class="soft">{why}</p></section>'
    return (
        '<section class="panel drive"><h2>Controls</h2><p id="holder" role="status">Asking.</p>'
        '<div class="buttons left"><button class="button" type="button" id="take">Take the controls</button>'
        '<button class="button" type="button" id="let-go" hidden>Let go</button>'
        '<form id="hand-over" hidden><input name="to" aria-label="Hand over to" placeholder="Hand over to" required>'
        '<button class="button">Hand over</button></form></div>'
        '<p class="note bad" id="refusal" role="alert" hidden></p>'
        '<fieldset id="hands" disabled><div class="buttons left">'
        '<button class="button" type="button" data-move="home">Find home</button>'
        '<button class="button" type="button" data-move="park" data-ask="1">Fold the arm and park</button></div>'
        f"{_pad()}</fieldset></section>"
    )


def _pad() -> str:
    mm = "".join(f"<option value={step / 1000}>{step} mm</option>" for step in _STEPS_MM)
    degrees = "".join(f"<option value={step}>{step}°</option>" for step in _STEPS_DEG)
    held = f"at {SPEED_M_S * 1000:.0f} mm/s"
    return (
        '<div class="choices" role="radiogroup" aria-label="How a button moves">'
        f'<label><input type="radio" name="how" value="hold" checked> while held, {held}</label>'
        '<label><input type="radio" name="how" value="step"> in steps</label>'
        f'<select id="step-m" aria-label="Step of the carriage" hidden>{mm}</select>'
        f'<select id="step-deg" aria-label="Step of a joint" hidden>{degrees}</select></div>'
        '<div class="pad" aria-label="Carriage">'
        f"{_jog('y', 1, '↑', 'Carriage up')}{_jog('x', -1, '←', 'Carriage left')}"
        f"{_jog('x', 1, '→', 'Carriage right')}{_jog('y', -1, '↓', 'Carriage down')}</div>"
        '<table class="joints">' + "".join(_joint(joint) for joint in _JOINTS) + "</table>"
    )


def _jog(axis: str, by: int, sign: str, name: str) -> str:
    return (
        f'<button class="button jog {axis}{"plus" if by > 0 else "minus"}" type="button" data-axis="{axis}" '
        f'data-by="{by}" aria-label="{name}">{sign}</button>'
    )


def _joint(joint: str) -> str:
    return (
        f"<tr><th scope=row>{joint}</th><td>{_jog(joint, -1, '−', f'{joint} back')}</td>"
        f'<td class="number" data-joint="{joint}">–</td><td>{_jog(joint, 1, "+", f"{joint} on")}</td></tr>'
    )


def _picture() -> str:
    return (
        '<section class="panel live picture"><div class="title"><h2>What the camera sees</h2>'
        '<span class="actions"><label class="flag"><input type="checkbox" id="watch"> live</label></span></div>'
        '<img id="picture" alt="What the camera sees" hidden><p class="empty" id="picture-words">'
        "Tick <i>live</i> to look through the camera; while a scan runs, its photographs are on the wall's page.</p>"
        "</section>"
    )


def _numbers() -> str:
    cables = "".join(
        f'<tr><th scope=row>{name}</th><td class="number" data-length="{index}">–</td>'
        f'<td class="number" data-tension="{index}">–</td>'
        f'<td class="bar-cell"><span class="bar"><i data-bar="{index}"></i></span></td></tr>'
        for index, name in enumerate(_CABLES)
    )
    return (
        '<section class="panel live"><h2>Cables</h2><div class="scroll"><table>'
        '<tr><th>Cable</th><th class="number">Length</th><th class="number">Tension</th><th>Of its limits</th></tr>'
        f"{cables}</table></div></section>"
    )
