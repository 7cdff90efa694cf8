"""Small forms that send JSON to the API, by the page's own script; what the API says no to stands beside them."""

from html import escape


def form(address: str, fields: str, action: str, *, needs: str, method: str = "POST", done: str = "") -> str:
    """A form whose fields are sent to `address`; then the page is drawn anew, unless the answer has a secret to show.

    Args:
        address: Where to.
        fields: Its fields, as `field` makes them.
        action: What the button says.
        needs: The permission that it asks for; without it the button is grey and says why.
        method: The request's method.
        done: What to say when it is done.
    """
    return (
        f'<form class="entry" data-send="{escape(address, quote=True)}" data-method="{method}" data-needs="{needs}" '
        f'data-done="{escape(done, quote=True)}">{fields}<button class="button">{escape(action)}</button>'
        "<output></output></form>"
    )


def field(label: str, name: str, kind: str = "text", *, more: str = "", required: bool = False) -> str:
    """One field. `kind` is how its value is sent: `text`, `password`, `grams` (as kilograms), `flag`, or `list`."""
    types = {"grams": "number", "flag": "checkbox", "password": "password"}
    step = ' step="any" min="0" inputmode="decimal"' if kind == "grams" else ""
    needed = " required" if required else ""
    return (
        f'<label class="{kind}">{escape(label)}<input name="{name}" data-kind="{kind}" type="{types.get(kind, "text")}"'
        f"{step}{needed} {more}></label>"
    )


def choice(label: str, name: str, options: tuple[str, ...]) -> str:
    """A choice of one."""
    rows = "".join(f"<option>{escape(option)}</option>" for option in options)
    return f'<label>{escape(label)}<select name="{name}" data-kind="text">{rows}</select></label>'


def ticks(name: str, options: tuple[str, ...], ticked: tuple[str, ...] = ()) -> str:
    """Some of several, sent as a list."""
    rows = "".join(
        f'<label class="flag">{escape(option)}<input type="checkbox" name="{name}" data-kind="list" '
        f'value="{escape(option, quote=True)}"{" checked" if option in ticked else ""}></label>'
        for option in options
    )
    return f"<fieldset>{rows}</fieldset>"


def remove_button(address: str, question: str, label: str = "Remove") -> str:
    """A button that takes something back, after asking."""
    return (
        f'<button class="button" type="button" data-post="{escape(address, quote=True)}" data-method="DELETE" '
        f'data-reload="1" data-ask="{escape(question, quote=True)}">{escape(label)}</button>'
    )
