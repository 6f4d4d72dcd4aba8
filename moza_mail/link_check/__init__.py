"""Links: asks the web whether a link answers, and remembers for a day what it said. Private addresses are never asked."""

from moza_mail.link_check.cache import LinkCache
from moza_mail.link_check.client import LinkClient

__all__ = ["LinkCache", "LinkClient"]
