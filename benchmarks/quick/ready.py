"""How long a daemon takes until it answers."""

import time

from scheduler.socket import DaemonClient, NoDaemon
from trellis.errors import DeviceError
from trellis.folders import DataFolder

_READY_S = 60.0


def until_ready(folder: DataFolder) -> float:
    """Seconds until the daemon answers."""
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < _READY_S:
        try:
            DaemonClient(folder.daemon_socket, timeout_s=1.0).state()
            return time.monotonic() - begun_s
        except (NoDaemon, DeviceError):
            time.sleep(0.005)
    raise AssertionError(f"not ready within {_READY_S:g} s")
