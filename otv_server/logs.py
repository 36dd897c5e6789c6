"""Structured logs on standard error: what happened, by route and code; never who or which.

No address, id, token, proof or path of a link is ever handed to a logger; SQL parameters are
hidden by the engine; tracebacks are not printed, for what they might quote.
"""

from __future__ import annotations

import logging
import sys

import structlog


def configure() -> None:
    """One JSON object a line. Also silences what servers log by themselves.

    uvicorn's access log names paths, and its error log prints tracebacks; under plain uvicorn
    both are set up before the application is made, so they are silenced here.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True
    logging.getLogger("uvicorn.error").addFilter(_without_traceback)
    logging.getLogger("asyncio").addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    record.exc_text = None
    return True
