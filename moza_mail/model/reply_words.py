"""Words of replies in several languages, as regular expressions for the rules.

A verdict that takes a reader away needs words for a recipient and for the recipient's fault, and none for anything else.
"""

from moza_mail.model.reply_word import WordRole
from moza_mail.model.reply_words_known import KNOWN_WORDS
from moza_mail.model.reply_words_other import OTHER_WORDS
from moza_mail.model.reply_words_recipient import RECIPIENT_WORDS

REPLY_WORDS = (*KNOWN_WORDS, *RECIPIENT_WORDS, *OTHER_WORDS)


def join_words(*roles: WordRole) -> str:
    """Return a regular expression that matches a whole word or phrase of the roles, of earlier roles first."""
    words = "|".join(row.words for role in roles for row in REPLY_WORDS if row.role is role)
    return rf"(?<!\w)(?:{words})(?!\w)"


def both(first: WordRole, second: WordRole) -> str:
    """Return a regular expression that matches a text with words of two roles, in either order."""
    return rf"^(?=.*{join_words(first)}).*{join_words(second)}"
