"""The topics of the flight recorder, and the JSON schema of each; units stand in the names."""

from typing import Any

_FOUR = {"type": "array", "items": {"type": ["number", "null"]}}
_NUMBER = {"type": "number"}
_TEXT = {"type": "string"}
_TIME = {"type": "object", "title": "time", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}
_VECTOR = {"type": "object", "properties": dict.fromkeys("xyz", _NUMBER)}
_QUATERNION = {"type": "object", "properties": dict.fromkeys("xyzw", _NUMBER)}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


#: Topic to the schema's name and the schema. Cables: bottom right, top right, top left, bottom left; joints: base,
#: shoulder, elbow, wrist.
SCHEMAS: dict[str, tuple[str, dict[str, Any]]] = {
    "/carriage/setpoint": (
        "trellis.Setpoint",
        _object(
            x_m=_NUMBER,
            y_m=_NUMBER,
            yaw_rad=_NUMBER,
            lengths_m=_FOUR,
            speeds_m_s=_FOUR,
            tensions_n=_FOUR,
            heard_lengths_m=_FOUR,
            heard_tensions_n=_FOUR,
            lost_replies=_NUMBER,
            bad_replies=_NUMBER,
        ),
    ),
    "/arm/goal": ("trellis.ArmGoal", _object(joints_rad=_FOUR, duration_s=_NUMBER)),
    "/cell/goal": ("trellis.CellGoal", _object(x_m=_NUMBER, y_m=_NUMBER, yaw_rad=_NUMBER, joints_rad=_FOUR)),
    "/cell/state": ("trellis.CellState", {"type": "object"}),
    "/view": ("trellis.View", _object(view=_NUMBER, outcome=_TEXT, attempts=_NUMBER, image=_TEXT, reason=_TEXT)),
    "/camera/pose": (
        "foxglove.PoseInFrame",
        _object(timestamp=_TIME, frame_id=_TEXT, pose=_object(position=_VECTOR, orientation=_QUATERNION)),
    ),
    "/event": (
        "foxglove.Log",
        _object(timestamp=_TIME, level={"type": "integer"}, message=_TEXT, name=_TEXT, file=_TEXT, line=_NUMBER),
    ),
}


def schema_of(topic: str) -> tuple[str, dict[str, Any]]:
    """Name and schema; of a topic that is not in the table an object of anything."""
    return SCHEMAS.get(topic, ("trellis.Anything", {"type": "object"}))
