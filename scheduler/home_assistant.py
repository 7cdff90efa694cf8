"""How the farm is, over MQTT, described so that Home Assistant makes one device with its sensors of it by itself.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery. Everything is retained, so that who comes later
knows too; a value that is not renewed for half an hour counts as unknown (`expire_after`).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import paho.mqtt.client as mqtt

from scheduler.config import MqttTable
from trellis.errors import PortUnavailable, reason_of

_EXPIRE_S = 1800
_PATIENCE_S = 10.0
#: Name of a value to Home Assistant's kind of thing, what it is called, and what more is said of it.
ENTITIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "daemon": ("binary_sensor", "Daemon", {"device_class": "running"}),
    "stopped": ("binary_sensor", "Stopped", {"device_class": "problem"}),
    "no_scan_today": ("binary_sensor", "No scan today", {"device_class": "problem"}),
    "last_scan": ("sensor", "Last good scan", {"device_class": "timestamp"}),
    "scans_waiting": ("sensor", "Scans waiting", {"state_class": "measurement"}),
    "reconstructions_waiting": ("sensor", "Reconstructions waiting", {"state_class": "measurement"}),
    "failed_today": ("sensor", "Scans failed today", {"state_class": "measurement"}),
    "disk_free": ("sensor", "Disk free", {"device_class": "data_size", "unit_of_measurement": "GB"}),
}


def messages(table: MqttTable, farm: str, version: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Topics and payloads: what there is, and how it is now; a value of None is left out, and so unknown."""
    name = re.sub(r"[^a-z0-9_]+", "_", farm.lower()).strip("_") or "farm"
    device = {"identifiers": [f"trellis_{name}"], "name": farm, "manufacturer": "Trellis", "sw_version": version}
    out = []
    for key, (kind, title, more) in ENTITIES.items():
        topic = f"{table.topic}/{name}/{key}"
        config = {"name": title, "unique_id": f"trellis_{name}_{key}", "state_topic": topic, "device": device}
        config |= {"expire_after": _EXPIRE_S, **more}
        out.append((f"{table.discovery_prefix}/{kind}/trellis_{name}/{key}/config", json.dumps(config)))
        if values.get(key) is not None:
            out.append((topic, _payload(values[key])))
    return out


def publish(table: MqttTable, password: str, told: list[tuple[str, str]]) -> None:
    """Tell the broker, and wait until it has it all.

    Raises:
        PortUnavailable: The broker cannot be reached, refuses, or does not confirm.
    """
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    if table.username:
        client.username_pw_set(table.username, password)
    try:
        client.connect(table.host, table.port, keepalive=30)
        client.loop_start()
        sent = [client.publish(topic, payload, qos=1, retain=True) for topic, payload in told]
        for one in sent:
            one.wait_for_publish(_PATIENCE_S)
            if not one.is_published():
                raise PortUnavailable(
                    f"{table.host}:{table.port}", "the broker did not confirm; check user and password", "MQTT"
                )
    except (OSError, ValueError, RuntimeError) as error:
        raise PortUnavailable(f"{table.host}:{table.port}", reason_of(error), "MQTT") from error
    finally:
        client.disconnect()
        client.loop_stop()


def _payload(value: Any) -> str:
    return ("ON" if value else "OFF") if isinstance(value, bool) else str(value)
