"""The control table of an AX-12A: what each byte means, what it may hold, and what it holds when power comes on.

Source: FACTS of the field, section 5, and Robotis' e-manual of the AX-12A.
"""

from dataclasses import dataclass

MODEL, FIRMWARE = 12, 24
SIZE = 50


@dataclass(frozen=True)
class Register:
    """A register of one or two bytes, low byte first.

    Args:
        address: Of its first byte.
        size: In bytes.
        start: What it holds from the factory (EEPROM, below 24) or at power-up.
        low, high: What may be written; None for both where it is read only.
    """

    address: int
    size: int
    start: int
    low: int | None = None
    high: int | None = None


REGISTERS = {
    "model": Register(0, 2, MODEL),
    "firmware": Register(2, 1, FIRMWARE),
    "id": Register(3, 1, 1, 0, 253),
    "baud": Register(4, 1, 1, 0, 254),
    "return_delay": Register(5, 1, 250, 0, 254),
    "low_limit": Register(6, 2, 0, 0, 1023),
    "high_limit": Register(8, 2, 1023, 0, 1023),
    "temperature_limit": Register(11, 1, 70, 0, 150),
    "low_voltage": Register(12, 1, 60, 50, 250),
    "high_voltage": Register(13, 1, 140, 50, 250),
    "max_torque": Register(14, 2, 1023, 0, 1023),
    "return_level": Register(16, 1, 2, 0, 2),
    "alarm_led": Register(17, 1, 36, 0, 127),
    "shutdown": Register(18, 1, 36, 0, 127),
    "torque_enable": Register(24, 1, 0, 0, 1),
    "led": Register(25, 1, 0, 0, 1),
    "low_margin": Register(26, 1, 1, 0, 255),
    "high_margin": Register(27, 1, 1, 0, 255),
    "low_slope": Register(28, 1, 32, 0, 255),
    "high_slope": Register(29, 1, 32, 0, 255),
    "goal": Register(30, 2, 512, 0, 1023),
    "speed": Register(32, 2, 0, 0, 1023),
    "torque_limit": Register(34, 2, 1023, 0, 1023),
    "position": Register(36, 2, 512),
    "present_speed": Register(38, 2, 0),
    "load": Register(40, 2, 0),
    "voltage": Register(42, 1, 120),
    "temperature": Register(43, 1, 32),
    "registered": Register(44, 1, 0, 0, 1),
    "moving": Register(46, 1, 0),
    "lock": Register(47, 1, 0, 0, 1),
    "punch": Register(48, 2, 32, 0, 1023),
}
EEPROM_END = 24


class Table:
    """The bytes of one servo."""

    def __init__(self, servo_id: int) -> None:
        self.bytes = bytearray(SIZE)
        for name in REGISTERS:
            self[name] = REGISTERS[name].start
        self["id"] = servo_id

    def __getitem__(self, name: str) -> int:
        register = REGISTERS[name]
        return int.from_bytes(self.bytes[register.address : register.address + register.size], "little")

    def __setitem__(self, name: str, value: int) -> None:
        register = REGISTERS[name]
        self.bytes[register.address : register.address + register.size] = value.to_bytes(register.size, "little")

    def power_up(self) -> None:
        """RAM falls back to its defaults; the torque limit is taken from the EEPROM."""
        for name, register in REGISTERS.items():
            if register.address >= EEPROM_END:
                self[name] = register.start
        self["torque_limit"] = self["max_torque"]

    def may_write(self, address: int, data: bytes) -> bool:
        """Every register that the bytes touch may be written, and would hold an allowed value."""
        end = address + len(data)
        if not data or end > SIZE:
            return False
        after = bytearray(self.bytes)
        after[address:end] = data
        touched = set(range(address, end))
        for register in REGISTERS.values():
            own = set(range(register.address, register.address + register.size))
            if not own & touched:
                continue
            value = int.from_bytes(after[register.address : register.address + register.size], "little")
            locked = self["lock"] and register.address < EEPROM_END
            if register.low is None or register.high is None or locked or not register.low <= value <= register.high:
                return False
            touched -= own
        return not touched
