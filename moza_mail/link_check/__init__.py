"""Check that links work, and cache the answers for a day.

Private addresses are never contacted.
"""

from moza_mail.link_check.cache import LinkCache
from moza_mail.link_check.client import LinkClient

__all__ = ["LinkCache", "LinkClient"]
