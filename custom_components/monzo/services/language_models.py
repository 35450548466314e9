"""Recognizes calls of language models, which move no money unless the user allows it.

A model calls actions as the person who talks to it, so the check for an administrator does not stop
it. It reaches them through the tools of Home Assistant, through scripts that are exposed to it, and
through Home Assistant's server for the Model Context Protocol (MCP).
"""

from typing import Final

from homeassistant.core import Context, callback
from homeassistant.helpers.chat_session import current_session
from homeassistant.helpers.http import current_request

# The addresses of Home Assistant's MCP server: the current protocol, and an older one.
_MCP_PATHS: Final = ("/api/mcp", "/mcp_server/")


@callback
def async_is_by_language_model(context: Context) -> bool:
    """Return whether a call with this context was made by a language model.

    Within a conversation, only automations act on their own: their contexts have no user and a
    parent. So an automation that is triggered by a sentence is no language model.
    """
    request = current_request.get()
    if request is not None and request.path.startswith(_MCP_PATHS):
        return True
    is_of_automation = context.user_id is None and context.parent_id is not None
    return current_session.get() is not None and not is_of_automation
