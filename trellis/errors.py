"""The errors that a person may read, all of them in one tree.

TrellisError                  one line: what, which value, what is allowed, what to do
├── InputError                a file or option given by a person is not usable
│   └── ConfigError           the configuration file is not usable
├── Unreachable               a pose that the robot cannot take
├── DeviceError               hardware did not do what it was told
│   ├── PortUnavailable       a serial port or address cannot be opened
│   ├── ProtocolError         bytes that are not the protocol
│   ├── DeviceFault           the device itself reports an error
│   └── CameraError           no usable photograph
├── Stopped                   somebody stopped the robot
├── AlreadyRunning            another process owns what this one needs
├── OutOfSpace                the disk cannot take what must be written
└── ReconstructionFailed      photographs that give no trustworthy model
"""

from pathlib import Path


class TrellisError(Exception):
    """Base of every error a person may meet; `str(error)` is one plain line that names the fix."""

    exit_status = 2


def reason_of(error: Exception) -> str:
    """An error of the system in its own words, without the number and path that an `OSError` repeats."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class InputError(TrellisError):
    """A file, folder or option from a person cannot be used."""


class ConfigError(InputError):
    """The configuration cannot be used: where it is wrong, and the nearest thing that is right."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = Path(path)
        self.problem = problem


class Unreachable(TrellisError):
    """A pose outside what the robot can reach, with the nearest one where it is known."""


class DeviceError(TrellisError):
    """Hardware did not do what it was told."""


class PortUnavailable(DeviceError):
    """A serial port or a network address cannot be opened."""

    def __init__(self, port: str, reason: str, device: str) -> None:
        super().__init__(
            f"cannot open {port} for the {device}: {reason}; check the cable, the permissions and the configured port"
        )
        self.port = port
        self.device = device


class ProtocolError(DeviceError):
    """Bytes on the line that are not what the protocol allows there."""


class DeviceFault(DeviceError):
    """The device answered properly, and what it says is that it is in trouble."""


class CameraError(DeviceError):
    """The camera gave no usable photograph in time."""


class Stopped(TrellisError):
    """Motion was stopped on request; nothing moves until the stop is cleared."""


class AlreadyRunning(TrellisError):
    """Another process holds the lock that this one needs."""


class OutOfSpace(TrellisError):
    """The disk cannot take what must be written; what was written before is safe."""


class ReconstructionFailed(TrellisError):
    """The photographs give no model that can be trusted; the message says which check failed."""
