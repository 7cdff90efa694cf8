"""`trellis users`: who may sign in, from a terminal of the controller, also when every password is lost.

Whoever may read the farm's database may do this; the pages need nobody's password for it.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scheduler.farm import open_store
from trellis.config import load_configuration
from trellis.errors import InputError
from web.access import ROLES, Permission
from web.config import WebSection
from web.people import checked_name, make_key, make_link
from web.secret import hashed

app = typer.Typer(help="Who may sign in to the dashboard, and which programs have a key.", no_args_is_help=True)
ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
_CONFIG = Path("trellis.toml")
_SCOPES = tuple(one.value for one in Permission if one is not Permission.STOP)


@app.command("list")
def list_all(config: ConfigPath = _CONFIG) -> None:
    """Everybody who may sign in, and every key."""
    console = Console(soft_wrap=True, highlight=False)
    with open_store(load_configuration(config)) as store:
        for user in store.users():
            console.print(f"{user.name}: {user.role}{'' if user.password_hash else ', by a link only'}", markup=False)
        for key in store.api_keys():
            console.print(f"key {key.id}, {key.name}: {', '.join(key.scopes)}", markup=False)


@app.command()
def add(name: str, role: str = "viewer", config: ConfigPath = _CONFIG) -> None:
    """Add a person; the password is asked for."""
    if role not in ROLES:
        raise InputError(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    with open_store(load_configuration(config)) as store:
        store.add_user(checked_name(name), role, hashed(typer.prompt("Password", hide_input=True)))


@app.command()
def password(name: str, config: ConfigPath = _CONFIG) -> None:
    """Give a person another password, which is asked for; their sessions end."""
    with open_store(load_configuration(config)) as store:
        store.change_user(name, password_hash=hashed(typer.prompt("Password", hide_input=True)))


@app.command()
def remove(name: str, config: ConfigPath = _CONFIG) -> None:
    """Take a person's access back."""
    with open_store(load_configuration(config)) as store:
        store.remove_user(name)


@app.command()
def link(name: str, config: ConfigPath = _CONFIG) -> None:
    """Print a link that signs a person in once, within an hour."""
    configuration = load_configuration(config)
    web = configuration.section(WebSection)
    with open_store(configuration) as store:
        address = f"http://{web.host}:{web.port}{make_link(store, name)}"
    Console(soft_wrap=True, highlight=False).print(address, markup=False)


@app.command()
def key(
    name: str,
    scope: Annotated[list[str], typer.Option(help=f"What it may do: {', '.join(_SCOPES)}. Again for more.")] = ["read"],  # noqa: B006
    days: Annotated[float | None, typer.Option(help="How long it lasts; if not given, until it is taken back.")] = None,
    config: ConfigPath = _CONFIG,
) -> None:
    """Make a key for a program, and print its secret, which is kept nowhere."""
    unknown = [one for one in scope if one not in _SCOPES]
    if unknown:
        raise InputError(f"there is no scope {unknown[0]!r}; there are {', '.join(_SCOPES)}")
    with open_store(load_configuration(config)) as store:
        secret, _ = make_key(store, name, tuple(scope), days)
    Console(soft_wrap=True, highlight=False).print(secret, markup=False)


@app.command()
def unkey(number: int, config: ConfigPath = _CONFIG) -> None:
    """Take a key back, by its number."""
    with open_store(load_configuration(config)) as store:
        store.remove_key(number)
