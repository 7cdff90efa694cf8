"""The pyserial port of `sim://winches/0`, `sim://winches/1` and `sim://servos`: inside the process, in simulated time.

Waiting for bytes advances the farm's time; a timeout is simulated seconds. pyserial finds this module by its name once
`hardware_sim` stands in `serial.protocol_handler_packages`.
"""

from typing import Any
from urllib.parse import urlsplit

from serial import SerialException
from serial.serialutil import PortNotOpenError, SerialBase, to_bytes

from hardware_sim import inprocess
from hardware_sim.farm import PORTS, Farm


class Serial(SerialBase):
    """A port of the farm that runs in this process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._farm: Farm | None = None
        self._name = ""
        super().__init__(*args, **kwargs)

    def open(self) -> None:
        """Take hold of the line.

        Raises:
            SerialException: No farm runs in this process, or it has no such port.
        """
        if self.is_open:
            raise SerialException("the port is open already")
        self._name = port_name(str(self.port))
        self._farm = inprocess.running_farm()
        if self._farm is None:
            raise SerialException('no simulated farm runs in this process; set clock = "sim" in [cell]')
        self.is_open = True
        self._reconfigure_port()

    def close(self) -> None:
        self.is_open = False

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        return self._line().waiting(self._name)

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; fewer once the timeout has passed or the port is closed."""
        return self._line().read(self._name, size, self._timeout, wanted=lambda: bool(self.is_open))

    def read_until(self, expected: bytes = b"\n", size: int | None = None) -> bytes:
        """Up to and with `expected`; pyserial's own would keep its deadline by the wall clock."""
        most = 1 << 30 if size is None else size
        return self._line().read(self._name, most, self._timeout, lambda: bool(self.is_open), expected)

    def write(self, data: Any) -> int:
        """Put bytes on the line."""
        sent = bytes(to_bytes(data))
        self._line().write(self._name, sent)
        return len(sent)

    def flush(self) -> None:
        """Wait until all that was written has left."""
        self._line().drain(self._name)

    def reset_input_buffer(self) -> None:
        self._line().drop_input(self._name)

    def reset_output_buffer(self) -> None:
        """What was written is on its way already."""
        self._line()

    def _line(self) -> Farm:
        if not self.is_open or self._farm is None:
            raise PortNotOpenError()
        return self._farm

    def _reconfigure_port(self) -> None:
        self._line().set_baud(self._name, int(self._baudrate))

    def _update_break_state(self) -> None: ...

    def _update_rts_state(self) -> None: ...

    def _update_dtr_state(self) -> None: ...


def port_name(url: str) -> str:
    """Which of the farm's ports a URL means.

    Raises:
        SerialException: None.
    """
    parts = urlsplit(url)
    name = (parts.netloc + parts.path).replace("/", "")
    if parts.scheme != "sim" or name not in PORTS:
        raise SerialException(
            f"{url} is no simulated port; there are sim://winches/0, sim://winches/1 and sim://servos"
        )
    return name
