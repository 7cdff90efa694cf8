"""Log lines on standard error: coloured for a terminal, `key=value` for a journal."""

import sys

import structlog


def log_to_stderr() -> None:
    """Configure structlog for this process; called by commands, never on import."""
    last = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.LogfmtRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
