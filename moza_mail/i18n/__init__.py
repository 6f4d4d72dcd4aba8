"""Messages that can be translated, and their translations."""

from moza_mail.i18n.message import Said, by_text, say, why

__all__ = ["Said", "by_text", "say", "why"]
