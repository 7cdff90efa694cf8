"""Talking to systemd: that the daemon is ready, alive, or ending; and the units that start it."""

import os
import socket
from pathlib import Path

_UNIT = """[Unit]
Description=Trellis {what} ({name})
After=network.target time-sync.target
{more}StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type={kind}
User={user}
WorkingDirectory={data}
ExecStart={program} {words} --config {config}
Restart=on-failure
RestartSec=10
{service}
# What it may not do, should it ever be made to.
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictSUIDSGID=yes
LockPersonality=yes
ReadWritePaths={data}

[Install]
WantedBy=multi-user.target
"""

_DAEMON_SERVICE = """WatchdogSec=120
TimeoutStartSec=300
TimeoutStopSec=120
SupplementaryGroups=dialout video
OOMScoreAdjust=-500"""


_TIMER = """[Unit]
Description=Trellis looks whether somebody should be told something ({name})

[Timer]
OnBootSec=5min
OnUnitActiveSec=10min

[Install]
WantedBy=timers.target
"""


def tell(state: str) -> bool:
    """Send `READY=1`, `WATCHDOG=1`, `STOPPING=1` or a `STATUS=` to systemd; False where none started this process."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        try:
            line.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return False
    return True


def units(name: str, user: str, program: Path, config: Path, data: Path) -> dict[str, str]:
    """The units by file name: the daemon, which owns the robot, and the dashboard, which may die without it."""
    common = {"name": name, "user": user, "program": program, "config": config, "data": data}
    daemon = _UNIT.format(
        what="daemon",
        kind="notify",
        words="daemon",
        more="",
        service=_DAEMON_SERVICE,
        **common,
    )
    web = _UNIT.format(
        what="dashboard",
        kind="exec",
        words="web",
        more="Wants=trellis-daemon.service\n",
        service="Nice=5\nPrivateDevices=yes",
        **common,
    )
    notify = _UNIT.format(
        what="notices",
        kind="oneshot",
        words="notify",
        more="",
        service="EnvironmentFile=-/etc/trellis/notices.env\nNice=5\nPrivateDevices=yes",
        **common,
    ).replace("Restart=on-failure\nRestartSec=10\n", "")
    notify = notify[: notify.index("\n[Install]")]  # its timer is installed
    return {
        "trellis-daemon.service": daemon,
        "trellis-web.service": web,
        "trellis-notify.service": notify,
        "trellis-notify.timer": _TIMER.format(name=name),
    }
