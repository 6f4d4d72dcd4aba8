"""Get OAuth 2 access tokens for the relay and the bounce mailbox.

A token comes from a token server (RFC 6749), or from a command. `log_in_by_device` asks a person for consent once (RFC 8628).
"""

from moza_mail.oauth.device_login import DevicePrompt, log_in_by_device
from moza_mail.oauth.token_file import TokenFile
from moza_mail.oauth.token_source import TokenSource

__all__ = ["DevicePrompt", "TokenFile", "TokenSource", "log_in_by_device"]
