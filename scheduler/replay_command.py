"""`trellis replay`: what happened in a scan and when, from its flight recording."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.farm import open_store
from scheduler.flight_reader import Message, read_flight
from trellis.config import load_configuration
from trellis.errors import InputError
from trellis.folders import ScanFolder

_LEVELS = {1: "debug", 2: "info", 3: "warning", 4: "error", 5: "fatal"}


def replay(
    scan: Annotated[str, typer.Argument(help="A scan's name, the folder of one, or an .mcap file.")],
    config: ConfigPath = DEFAULT_CONFIG,
    every: Annotated[bool, typer.Option("--all", help="Also each goal of carriage and arm.")] = False,
) -> None:
    """Say what a scan did and when; Foxglove and Lichtblick open the same file (flight.mcap beside the photographs)."""
    path = _recording(scan, config)
    messages = read_flight(path)
    if not messages:
        raise InputError(f"{path}: holds no whole chunk: power failed in its first seconds")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    begun_ns = messages[0].time_ns
    for message in messages:
        line = line_of(message, every)
        if line is not None:
            console.print(f"{(message.time_ns - begun_ns) / 1e9:9.2f} s  {line}")
    console.print()
    for line in summary(messages):
        console.print(line)
    console.print(f"{path} opens in Foxglove and Lichtblick")


def line_of(message: Message, every: bool = False) -> str | None:
    """A message in words; None for what is there to be plotted."""
    values = message.values
    if message.topic == "/event":
        return f"{_LEVELS.get(values.get('level', 2), 'info')}: {values['message']}"
    if message.topic == "/view":
        reason = f": {values['reason']}" if values.get("reason") else ""
        tries = f" at attempt {values['attempts']}" if values.get("attempts", 1) > 1 else ""
        return f"view {values['view']} {values['outcome']}{tries}{reason}"
    if every and message.topic == "/cell/goal":
        return f"goes to x {values['x_m']:.3f} m, y {values['y_m']:.3f} m, joints {_degrees(values['joints_rad'])}"
    if every and message.topic == "/arm/goal":
        return f"moves its arm to {_degrees(values['joints_rad'])} in {values['duration_s']:.1f} s"
    return None


def summary(messages: list[Message]) -> Iterator[str]:
    """Extremes of a recording."""
    first, last = messages[0].time_ns / 1e9, messages[-1].time_ns / 1e9
    begun = datetime.fromtimestamp(first, UTC)
    yield f"from {begun:%Y-%m-%d %H:%M:%S} UTC, {last - first:.0f} s, {len(messages)} messages"
    setpoints = [message.values for message in messages if message.topic == "/carriage/setpoint"]
    if setpoints:
        wanted, heard = _column(setpoints, "lengths_m"), _column(setpoints, "heard_lengths_m")
        tensions = _column(setpoints, "tensions_n")
        yield (
            f"{len(setpoints)} setpoints; cables behind by {1000 * np.nanmax(np.abs(wanted - heard)):.1f} mm at most; "
            f"tensions asked for {np.nanmin(tensions):.0f} to {np.nanmax(tensions):.0f} N"
        )
        yield f"winch lines: {setpoints[-1]['lost_replies']} replies lost, {setpoints[-1]['bad_replies']} bad"
    states = [message.values for message in messages if message.topic == "/cell/state"]
    servos = [servo for state in states for servo in state.get("servos", ())]
    if servos:
        bus = states[-1]["servo_bus"]
        yield (
            f"servos up to {max(servo['temperature_c'] for servo in servos):.0f} degrees Celsius; their bus: "
            f"{bus['lost_replies']} replies lost, {bus['bad_replies']} bad of {bus['requests']}"
        )


def _recording(scan: str, config: Path) -> Path:
    path = Path(scan)
    if path.suffix == ".mcap":
        return path
    if path.is_dir():
        return ScanFolder(path).flight
    configuration = load_configuration(config)
    with open_store(configuration) as store:
        row = store.scan(scan)
    flight = ScanFolder(data_folder(configuration).path / row.folder).flight
    days = configuration.section(FarmSection).retention.photographs_days
    if not flight.exists():
        kept = f"; it goes with the photographs after {days} days ([farm.retention])" if days else ""
        raise InputError(f"scan {scan} has no flight recording{kept}")
    return flight


def _column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=float)


def _degrees(joints_rad: list[float]) -> str:
    return ", ".join(f"{np.degrees(joint):.0f}" for joint in joints_rad) + " deg"
