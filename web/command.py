"""`trellis web`: serve the dashboard and the API."""

import errno
import ipaddress
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from trellis.config import load_configuration
from trellis.errors import InputError
from web.app import application
from web.config import WebSection
from web.farm import Farm
from web.rubbish import spare_what_stays


def web(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("trellis.toml"),
) -> None:
    """Serve the dashboard and the REST API, on this machine only unless the configuration says otherwise."""
    configuration = load_configuration(config)
    section = configuration.section(WebSection)
    listener = listen(section.host, section.port)
    with listener:
        farm = Farm.of(configuration)
        app = application(farm, loopback=is_loopback(section.host))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3, access_log=False))
        url = f"http://{_shown(section.host)}:{section.port}"
        console = Console(soft_wrap=True, highlight=False)
        console.print(f"{farm.name}: {url}", markup=False)
        if farm.people.is_first_run():
            console.print(f"Nobody may sign in yet. Open {url}/setup; the code is {farm.people.code}", markup=False)
        spare_what_stays()
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a port in use is known before anything else is opened.

    Raises:
        InputError: The address cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(256)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {port} on {host} is in use; end what uses it, or set another [web] port in the configuration"
            ) from error
        raise InputError(f"cannot listen on {host} port {port}: {error.strerror}; check [web] host and port") from error
    return found


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
