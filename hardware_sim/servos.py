"""Four simulated AX-12A on one half-duplex line, by Dynamixel protocol 1.0.

Source: FACTS of the field, section 5; docs/wire-protocols-servos.md; Robotis' e-manual. Every servo hears every packet;
the one that is meant answers after its return delay, and nobody answers a broadcast but to a ping.
"""

from collections.abc import Iterator, Sequence
from math import expm1, inf, pi

from hardware_sim.fields import Row
from hardware_sim.physics import COUNT_RAD, NO_LOAD_RAD_S
from hardware_sim.servo_table import SIZE, Table

BROADCAST = 0xFE
PING, READ, WRITE, REG_WRITE, ACTION, RESET, SYNC_WRITE = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x83
VOLTAGE, ANGLE, OVERHEAT, RANGE, CHECKSUM, OVERLOAD, INSTRUCTION = (1 << bit for bit in range(7))
CENTRE = 512
SPEED_RAD_S = 0.111 * 2 * pi / 60
#: A servo forgets a packet that stops half way.
BYTE_GAP_S = 0.1
TICK_S = 0.02
BROWN_OUT_S = 0.3
#: So long may a servo push at its limit without moving.
OVERLOAD_S = 1.5
AMBIENT_C, HEATING_C, WARMING_S = 32.0, 40.0, 300.0
SUPPLY_V, SAG_V = 12.0, 0.6


class Servo:
    """One servo: its control table, and the record of its motor in the physics, which is written in place."""

    def __init__(self, servo_id: int, motor: Row) -> None:
        self.table, self.motor = Table(servo_id), motor
        self.overloaded = False
        self.temperature_c = AMBIENT_C
        self._registered: tuple[int, bytes] | None = None
        self._pushing_s = 0.0
        self._ticked_s = 0.0
        self.power_up()

    def power_up(self) -> None:
        """What happens when power comes (back): RAM at its defaults, no torque, and the goal where the horn stands."""
        self.table.power_up()
        self.overloaded, self._registered, self._pushing_s = False, None, 0.0
        self.table["goal"] = self.position
        self._apply()

    @property
    def position(self) -> int:
        """Counts, 0 to 1023."""
        return min(max(round(CENTRE + self.motor.angle / COUNT_RAD), 0), 1023)

    @property
    def error(self) -> int:
        """The error bits of causes that last."""
        volts = self.table["voltage"]
        bits = 0 if self.table["low_voltage"] <= volts <= self.table["high_voltage"] else VOLTAGE
        bits |= OVERHEAT if self.table["temperature"] > self.table["temperature_limit"] else 0
        return bits | (OVERLOAD if self.overloaded else 0)

    def tick(self, now_s: float) -> None:
        """Warmth, load, and shutting down by itself; then the readings in the table."""
        elapsed_s, self._ticked_s = now_s - self._ticked_s, now_s
        drive, rate = self.motor.drive, self.motor.rate
        target_c = AMBIENT_C + HEATING_C * drive * drive
        self.temperature_c += (target_c - self.temperature_c) * -expm1(-elapsed_s / WARMING_S)
        strained = abs(drive) >= 0.98 * self.motor.limit > 0 and abs(rate) < SPEED_RAD_S
        self._pushing_s = self._pushing_s + elapsed_s if strained else 0.0
        if self._pushing_s > OVERLOAD_S:
            self.overloaded, self._pushing_s = True, 0.0
        self._show(drive, rate)
        if self.error & self.table["shutdown"] and self.table["torque_limit"]:
            self.table["torque_limit"] = 0
            self._apply()

    def obey(self, instruction: int, params: bytes) -> tuple[int, bytes]:
        """Do what a packet to this servo says; the answer's error bits and parameters."""
        if instruction == PING:
            return self.error, b""
        if instruction == READ:
            return self._read(params)
        if instruction == WRITE:
            return self.write(params[0], params[1:]) if params else self.error | RANGE, b""
        if instruction == REG_WRITE:
            return self._register(params), b""
        if instruction == ACTION:
            return self._act(), b""
        if instruction == RESET:
            self.table = Table(1)
            self.power_up()
            return self.error, b""
        return self.error | INSTRUCTION, b""

    def write(self, address: int, data: bytes) -> int:
        """Write bytes if all of them are allowed; the error bits."""
        wrong = self._objection(address, data)
        if wrong:
            return self.error | wrong
        self.table.bytes[address : address + len(data)] = data
        touched = range(address, address + len(data))
        if 34 in touched and self.table["torque_limit"]:
            self.overloaded, self._pushing_s = False, 0.0
        self._apply()
        return self.error

    def _objection(self, address: int, data: bytes) -> int:
        if not self.table.may_write(address, data):
            return RANGE
        after = bytearray(self.table.bytes)
        after[address : address + len(data)] = data
        goal = int.from_bytes(after[30:32], "little")
        in_reach = self.table["low_limit"] <= goal <= self.table["high_limit"]
        return 0 if in_reach or not {30, 31} & set(range(address, address + len(data))) else ANGLE

    def _read(self, params: bytes) -> tuple[int, bytes]:
        if len(params) != 2 or not params[1] or params[0] + params[1] > SIZE:
            return self.error | RANGE, b""
        return self.error, bytes(self.table.bytes[params[0] : params[0] + params[1]])

    def _register(self, params: bytes) -> int:
        wrong = self._objection(params[0], params[1:]) if params else RANGE
        if not wrong:
            self._registered, self.table["registered"] = (params[0], params[1:]), 1
        return self.error | wrong

    def _act(self) -> int:
        if self._registered is None:
            return self.error | INSTRUCTION
        (address, data), self._registered = self._registered, None
        self.table["registered"] = 0
        return self.write(address, data)

    def _show(self, drive: float, rate: float) -> None:
        """Present readings; a clockwise speed or load carries bit 10."""
        table = self.table
        table["position"] = self.position
        table["present_speed"] = _signed(rate / SPEED_RAD_S)
        table["load"] = _signed(drive * 1023)
        table["voltage"] = round((SUPPLY_V - SAG_V * abs(drive)) * 10)
        table["temperature"] = round(self.temperature_c)
        profile, goal = self.motor.profile, self.motor.goal
        table["moving"] = int(bool(self.motor.on) and (profile != goal or abs(rate) > SPEED_RAD_S))

    def _apply(self) -> None:
        """Bring the motor in line with the table."""
        table, motor = self.table, self.motor
        motor.on = float(table["torque_enable"])
        motor.goal = (table["goal"] - CENTRE) * COUNT_RAD
        # The loop cannot move its profile faster than the motor turns; 0 means as fast as that.
        motor.speed = min(table["speed"] * SPEED_RAD_S, NO_LOAD_RAD_S) if table["speed"] else NO_LOAD_RAD_S
        motor.limit = min(table["torque_limit"], table["max_torque"]) / 1023
        motor.slope = max(table["low_slope"], table["high_slope"], 1) * COUNT_RAD
        motor.margin = max(table["low_margin"], table["high_margin"]) * COUNT_RAD
        motor.punch = table["punch"] / 1023


class ServoBus:
    """The line with all its servos, ids 1 to 4 from base to wrist."""

    def __init__(self, motors: Sequence[Row]) -> None:
        self.servos = [Servo(number + 1, motors[number]) for number in range(len(motors))]
        self._buffer = bytearray()
        self._heard_s = self._ticked_s = 0.0
        self._dark_until_s = -inf

    @property
    def baud(self) -> int:
        """Of the first servo; in a working arm all are the same."""
        return 2_000_000 // (self.servos[0].table["baud"] + 1)

    def receive(self, data: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """Take bytes; whole packets are obeyed and answered."""
        if now_s < self._dark_until_s:
            return []
        if now_s - self._heard_s > BYTE_GAP_S:
            self._buffer.clear()
        self._heard_s = now_s
        self._tick(now_s)
        self._buffer += data
        return [answer for packet in self._packets() for answer in self._handle(packet)]

    def tick(self, now_s: float) -> None:
        # Warmth and overload are slow, and readings are taken when a packet arrives: no need for every event.
        if now_s - self._ticked_s >= TICK_S:
            self._tick(now_s)

    def _tick(self, now_s: float) -> None:
        self._ticked_s = now_s
        for servo in self.servos:
            servo.tick(now_s)

    def next_event_s(self, now_s: float) -> float:
        return inf

    def overload(self, servo_id: int) -> None:
        """One servo reports overload, and shuts down if its mask says so."""
        for servo in self._meant(servo_id):
            servo.overloaded = True

    def brown_out(self, now_s: float) -> None:
        """All servos lose power for a moment, and are deaf until it is back."""
        self._dark_until_s = now_s + BROWN_OUT_S
        self._buffer.clear()
        for servo in self.servos:
            servo.power_up()

    def _packets(self) -> Iterator[bytes]:
        """Whole packets from id to checksum, taken off the buffer; what cannot begin one is thrown away."""
        buffer = self._buffer
        while True:
            start = buffer.find(b"\xff\xff")
            if start < 0:
                del buffer[: len(buffer) - (buffer[-1:] == b"\xff")]
                return
            del buffer[:start]
            if len(buffer) < 4:
                return
            if buffer[2] == 0xFF or buffer[3] < 2:
                del buffer[:1]
                continue
            end = 4 + buffer[3]
            if len(buffer) < end:
                return
            packet = bytes(buffer[2:end])
            del buffer[:end]
            yield packet

    def _handle(self, packet: bytes) -> Iterator[tuple[float, bytes]]:
        servo_id, instruction, params = packet[0], packet[2], packet[3:-1]
        meant = self._meant(servo_id)
        if packet[-1] != ~sum(packet[:-1]) & 0xFF:
            for servo in meant if servo_id != BROADCAST else []:
                yield self._status(servo, servo.error | CHECKSUM, b"")
            return
        if instruction == SYNC_WRITE:
            self._sync_write(params)
            return
        for servo in meant:
            level = servo.table["return_level"]
            error, answer = servo.obey(instruction, params)
            due = instruction == PING or (servo_id != BROADCAST and level >= (1 if instruction == READ else 2))
            if due:
                yield self._status(servo, error, answer)

    def _sync_write(self, params: bytes) -> None:
        if len(params) < 2 or not params[1] or (len(params) - 2) % (params[1] + 1):
            return
        address, length = params[0], params[1]
        for start in range(2, len(params), length + 1):
            for servo in self._meant(params[start], broadcast=False):
                servo.write(address, params[start + 1 : start + 1 + length])

    def _meant(self, servo_id: int, broadcast: bool = True) -> list[Servo]:
        everyone = broadcast and servo_id == BROADCAST
        return [servo for servo in self.servos if everyone or servo.table["id"] == servo_id]

    def _status(self, servo: Servo, error: int, params: bytes) -> tuple[float, bytes]:
        body = bytes([servo.table["id"], len(params) + 2, error, *params])
        return servo.table["return_delay"] * 2e-6, b"\xff\xff" + body + bytes([~sum(body) & 0xFF])


def _signed(value: float) -> int:
    size = min(round(abs(value)), 1023)
    return size | (1024 if value < 0 and size else 0)
