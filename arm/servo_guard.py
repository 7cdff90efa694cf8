"""Reading servos with an eye on what they report: an overload is cleared by the book, the rest is for a person."""

from arm import servo_table as table
from arm.config import ArmSection
from arm.model import JOINTS
from arm.servo_bus import ServoBus
from arm.servo_table import error_names, word, word_bytes
from trellis.errors import DeviceFault

_LIMIT_OFFSET = table.TORQUE_LIMIT - table.TORQUE_ENABLE


class ServoGuard:
    """Answers the errors that come with every reply of a servo. Joints are counted 0 to 3, base to wrist.

    Args:
        section: Ids, and what temperature and voltage are allowed.
        bus: An open bus.
    """

    def __init__(self, section: ArmSection, bus: ServoBus) -> None:
        self._section, self._bus = section, bus
        self.recoveries = 0

    def read(self, joint: int, what: tuple[int, int]) -> bytes:
        """Registers (address, length) of a servo; an overload that they come with is cleared.

        Raises:
            DeviceFault: The servo reports anything else, or its overload lasts.
            ProtocolError: It does not answer.
        """
        data, error = self._bus.read(self._section.servo_ids[joint], *what)
        if error:
            self._refuse(joint, error & ~table.OVERLOAD)
            self.restore(joint)
        return data

    def present(self, joint: int) -> bytes:
        """Registers 36 to 43 (position, speed, load, voltage, temperature), checked. Raises as `read`."""
        data = self.read(joint, table.PRESENT)
        self._check_supply(joint, data)
        return data

    def restore(self, joint: int) -> None:
        """`energise` a servo that lost its torque by itself, and count it."""
        self.recoveries += 1
        self.energise(joint)

    def energise(self, joint: int) -> None:
        """Hold where the servo stands: limit restored, goal at present, slowest speed, torque on.

        Raises:
            DeviceFault: It reports an error that this does not clear, or a temperature or voltage is out of bounds.
            ProtocolError: It does not answer.
        """
        servo = self._section.servo_ids[joint]
        limit = self._bus.read(servo, *table.MAX_TORQUE)[0][:2]
        driving, error = self._bus.read(servo, *table.DRIVING)
        self._refuse(joint, error & ~table.OVERLOAD)
        self._check_supply(joint, self._bus.read(servo, *table.PRESENT)[0])
        if error & table.OVERLOAD:
            self._bus.write(servo, table.TORQUE_ENABLE, b"\0")
        if error & table.OVERLOAD or not word(driving, _LIMIT_OFFSET):
            self._bus.write(servo, table.TORQUE_LIMIT, limit)
        present = self._bus.read(servo, *table.PRESENT)[0]
        self._bus.write(servo, table.GOAL, present[:2] + word_bytes(1))
        self._bus.write(servo, table.TORQUE_ENABLE, b"\1")
        self._refuse(joint, self._bus.read(servo, *table.PRESENT)[1])

    def _refuse(self, joint: int, error: int) -> None:
        if not error:
            return
        servo = self._section.servo_ids[joint]
        data, _ = self._bus.read(servo, *table.PRESENT)
        raise DeviceFault(
            f"servo {servo} ({JOINTS[joint]}) reports {', '.join(error_names(error))} at {data[7]} degrees C and "
            f"{data[6] / 10:.1f} V; find the cause, free or cool the arm, before going on"
        )

    def _check_supply(self, joint: int, present: bytes) -> None:
        section, servo = self._section, f"servo {self._section.servo_ids[joint]} ({JOINTS[joint]})"
        volts, celsius = present[6] / 10, present[7]
        if celsius > section.temperature_max_c:
            raise DeviceFault(
                f"{servo} is at {celsius} degrees C; {section.temperature_max_c:g} are allowed: let it cool"
            )
        if not section.voltage_min_v <= volts <= section.voltage_max_v:
            raise DeviceFault(
                f"{servo} is fed {volts:.1f} V; allowed are {section.voltage_min_v:g} to {section.voltage_max_v:g} V: "
                "check the supply"
            )
