"""Keeps private data out of Home Assistant's log when a part of the integration fails.

The message of an exception may name an account or an amount, and Home Assistant's dispatcher logs
the arguments of a listener that fails. Both end up in bug reports.
"""

from collections.abc import Callable, Iterator
import logging
import traceback

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util.signal_type import SignalType


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module, whose tracebacks do not contain the messages of exceptions."""
    logger = logging.getLogger(name)
    logger.addFilter(_hide_messages_of_exceptions)
    return logger


def _hide_messages_of_exceptions(record: logging.LogRecord) -> bool:
    """Replace the traceback of a log record by one without messages."""
    if record.exc_info and record.exc_info[1] is not None:
        lines = [record.getMessage(), *_traceback_lines(record.exc_info[1])]
        record.msg, record.args, record.exc_info = "\n".join(lines), (), None
    return True


def _traceback_lines(error: BaseException) -> Iterator[str]:
    """Yield the traceback of an exception, after those of the exceptions that led to it."""
    led_to_it = [*getattr(error, "exceptions", ())]
    if error.__cause__ is not None:
        led_to_it.append(error.__cause__)
    elif error.__context__ is not None and not error.__suppress_context__:
        led_to_it.append(error.__context__)
    for earlier in led_to_it:
        yield from _traceback_lines(earlier)
        yield "This led to another exception:"
    yield from (line.rstrip() for line in traceback.format_tb(error.__traceback__))
    yield type(error).__name__


_LOGGER = get_logger(__name__)


def contain_failures[*Ts](listener: Callable[[*Ts], None]) -> Callable[[*Ts], None]:
    """Return a listener that logs its failures itself, without its arguments.

    A failure affects neither the sender nor the other listeners.
    """

    @callback
    def listen(*arguments: *Ts) -> None:
        try:
            listener(*arguments)
        except Exception:
            _LOGGER.exception("Unexpected error in a listener")

    return listen


@callback
def async_subscribe[*Ts](
    hass: HomeAssistant, signal: SignalType[*Ts], listener: Callable[[*Ts], None]
) -> CALLBACK_TYPE:
    """Call a listener whenever a signal is sent; return the function that ends this.

    All listeners of the integration subscribe with this function, because its signals have IDs in
    their names and carry transactions and transfers.
    """
    return async_dispatcher_connect(hass, signal, contain_failures(listener))
