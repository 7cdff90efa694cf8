"""The simulated farm in real time: its three ports as pseudo-terminals that any program opens like a serial port.

A thread keeps the farm's time level with the machine's clock and carries bytes between terminals and wires about every
millisecond. When the machine is busy the farm catches up; simulated time never stops for it.
"""

import os
import select
import termios
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hardware_sim.farm import PORTS, Farm

_TICK_S = 0.001
#: termios numbers a rate by a constant; the ones that our devices may be set to.
_RATES = {
    getattr(termios, f"B{rate}"): rate
    for rate in (9600, 19200, 38400, 57600, 115200, 230400, 500000, 576000, 921600, 1000000)
    if hasattr(termios, f"B{rate}")
}


class PtyFarm:
    """Runs a farm in real time between `start` and `stop`, or inside `with`.

    Args:
        farm: Not used by anybody else's clock meanwhile.
        link_folder: Where links named after the ports are made, such as `winches0`; without, only the terminals' own
            names lead to them.
    """

    def __init__(self, farm: Farm, link_folder: Path | None = None) -> None:
        self.farm = farm
        self._folder = link_folder
        self._terminals: dict[str, tuple[int, int]] = {}
        self._links: list[Path] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="sim-ptys")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Open the terminals and let time run."""
        for name in PORTS:
            ours, theirs = os.openpty()
            tty.setraw(theirs)
            os.set_blocking(ours, False)
            # Our own hold on their end keeps the terminal alive between two programs that open it.
            self._terminals[name] = ours, theirs
        if self._folder is not None:
            self._link(self._folder)
        self._thread.start()

    def stop(self) -> None:
        """Close the terminals and let time stand still."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        for link in self._links:
            link.unlink(missing_ok=True)
        for ends in self._terminals.values():
            for end in ends:
                os.close(end)
        self._terminals, self._links = {}, []

    def paths(self) -> dict[str, str]:
        """Name of each port to the path that a program opens."""
        if self._links:
            return {link.name: str(link) for link in self._links}
        return {name: os.ttyname(theirs) for name, (_, theirs) in self._terminals.items()}

    def _link(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (_, theirs) in self._terminals.items():
            link = folder / name
            if link.is_symlink():
                link.unlink()
            link.symlink_to(os.ttyname(theirs))
            self._links.append(link)

    def _run(self) -> None:
        started_s = time.monotonic() - self.farm.now_s
        ports = {ours: name for name, (ours, _) in self._terminals.items()}
        while not self._ending.is_set():
            readable, _, _ = select.select(list(ports), [], [], _TICK_S)
            self.farm.run_to(time.monotonic() - started_s)
            for ours in readable:
                self._take(ports[ours])
            for ours, name in ports.items():
                data = self.farm.take_input(name)
                if data:
                    # A terminal that nobody empties loses bytes, as a serial port does.
                    with suppress(BlockingIOError):
                        os.write(ours, data)

    def _take(self, name: str) -> None:
        """What the program wrote goes on the wire, at the rate that it has set its end to."""
        ours, theirs = self._terminals[name]
        with suppress(BlockingIOError):
            data = os.read(ours, 4096)
            rate = _RATES.get(termios.tcgetattr(theirs)[5])
            if rate is not None:
                self.farm.set_baud(name, rate)
            self.farm.write(name, data)
