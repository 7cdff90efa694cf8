"""Numbers and times as a person reads them: grams, square centimetres, local time."""

from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from web.answers import JobAnswer, PlantAnswer

NOTHING = "–"
_STAGES = {"devices": "opening the devices, going home", "plan": "planning the viewpoints"}


def grams(mass_kg: float | None) -> str:
    """A mass with three figures, as a balance would show it."""
    if mass_kg is None:
        return NOTHING
    mass_g = mass_kg * 1000
    return f"{mass_g:.0f} g" if mass_g >= 100 else f"{mass_g:.1f} g" if mass_g >= 10 else f"{mass_g:.2f} g"


def interval_g(low_kg: float | None, high_kg: float | None) -> str:
    """A 90 % interval in grams."""
    if low_kg is None or high_kg is None:
        return ""
    decimals = 0 if high_kg >= 0.1 else 1 if high_kg >= 0.01 else 2
    return f"{low_kg * 1000:.{decimals}f} to {high_kg * 1000:.{decimals}f} g"


def square_cm(area_m2: float | None) -> str:
    """An area in square centimetres."""
    return NOTHING if area_m2 is None else f"{area_m2 * 1e4:.0f} cm²"


def cm(length_m: float | None) -> str:
    """A length in centimetres."""
    return NOTHING if length_m is None else f"{length_m * 100:.1f} cm"


def duration(seconds: float | None) -> str:
    """A duration: `0.4 s`, `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def when(at: datetime | None, zone: ZoneInfo) -> str:
    """A local time: the date and the minute."""
    return NOTHING if at is None else f"{at.astimezone(zone):%d %b, %H:%M}"


def days(age_days: float | None) -> str:
    """An age in whole days."""
    return "" if age_days is None else f"{int(age_days)} days"


def doing(job: JobAnswer) -> str:
    """What a job does now, as a phrase."""
    if job.state == "running" and job.stage in _STAGES:
        return _STAGES[job.stage]
    if job.kind == "scan" and job.views_planned:
        return f"{job.views_taken} of {job.views_planned} photographs"
    if job.state == "running" and job.stage:
        return job.stage
    return {"scan": "photographs", "reconstruct": "reconstruction"}[job.kind] if job.state == "running" else ""


def job_name(job: JobAnswer) -> str:
    """`Scan of p01`, `Reconstruction of p01`."""
    return f"{'Scan' if job.kind == 'scan' else 'Reconstruction'} of {job.plant}"


def state_word(plant: PlantAnswer) -> str:
    """The state of a plant as a word in a table."""
    return f'<span class="state {plant.state.split()[0]}">{escape(plant.state)}</span>'


def link(plant: str) -> str:
    """A plant's name as a link to its page; names are checked by the configuration to be plain words."""
    return f'<a href="/plant/{escape(plant, quote=True)}">{escape(plant)}</a>'
