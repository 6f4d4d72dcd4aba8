"""Links: asks the web whether a link answers, and remembers for a day what it said. Private addresses are never asked."""

from moza_mail.links.asker import Asker
from moza_mail.links.memory import Memory

__all__ = ["Asker", "Memory"]
