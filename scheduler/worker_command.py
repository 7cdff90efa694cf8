"""`trellis worker`: this machine does reconstructions for a farm elsewhere."""

import subprocess
import sys
from typing import Annotated

import typer

from scheduler.cluster_names import SLOT
from trellis.errors import InputError


def worker(
    scheduler: Annotated[str, typer.Option(help="Address of the Dask scheduler, tcp://HOST:8786.")],
    slots: Annotated[int, typer.Option(min=1, max=64, help="Reconstructions at the same time.")] = 1,
    gpus: Annotated[int, typer.Option(min=0, max=16, help="Graphics cards that jobs may ask for.")] = 0,
    memory: Annotated[str, typer.Option(help="At most so much for Dask itself, such as 2GB; 0: no limit.")] = "0",
) -> None:
    """Work for a farm: join its Dask cluster, and take reconstructions from it until this ends.

    The farm's scheduler is started by `dask scheduler`, on any machine; all machines need the same Trellis, and reach
    the database, and the photographs on a shared disk or in `[farm.workers] storage_url`.
    """
    if not scheduler.startswith(("tcp://", "tls://")):
        raise InputError(f"--scheduler {scheduler!r} is no address; write one such as tcp://192.168.1.5:8786")
    resources = f"{SLOT}={slots}" + (f" GPU={gpus}" if gpus else "")
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--nthreads", str(slots)]
    command += ["--nworkers", "1", "--resources", resources, "--memory-limit", memory, "--no-dashboard"]
    # A scheduler that is gone for a while is waited for, not given up.
    status = subprocess.run([*command, "--death-timeout", "1000000"], check=False).returncode
    if status not in (0, -2, -15):
        raise InputError(f"the worker ended with status {status}; its last lines say why")
