"""Segments as SQL: what a condition of model/segment.py means, said to the database, with every value bound.

No expression here is ever NULL, so that `not` means the same as in Python.
"""

import sqlalchemy as sa

from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.segment import AllOf, AnyOf, BeginsWith, Condition, Domain, Known, Language, Not, OneOf
from moza_mail.store.merge import WHITE
from moza_mail.store.schema import domain, subscribers

Holds = sa.ColumnElement[bool]


def holds(connection: sa.Connection, condition: Condition) -> Holds:
    """Whether a condition holds for a row of subscribers."""
    match condition:
        case Known():
            return sa.func.trim(_value(condition.attribute), WHITE) != ""
        case OneOf():
            return _value(condition.attribute).in_(condition.values)
        case BeginsWith():
            return _begins(_value(condition.attribute), condition.begin)
        case Domain():
            return domain(subscribers.c.address, connection).in_(condition.domains)
        case Language():
            chosen = sa.case((subscribers.c.lang == "", condition.default), else_=subscribers.c.lang)
            return sa.or_(*((chosen == one) | _begins(chosen, f"{one}-") for one in condition.languages))
        case Not():
            return sa.not_(holds(connection, condition.condition))
        case AllOf():
            return sa.and_(*(holds(connection, one) for one in condition.conditions))
        case AnyOf():
            return sa.or_(*(holds(connection, one) for one in condition.conditions))


def _value(attribute: str) -> sa.ColumnElement[str]:
    if attribute == NAME_FIELD:
        return subscribers.c.name
    return sa.func.coalesce(subscribers.c.attributes[attribute].as_string(), "", type_=sa.Text)


def _begins(text: sa.ColumnElement[str], begin: str) -> Holds:
    """By its first signs, for LIKE has signs of its own and, in SQLite, no capitals."""
    return sa.func.substr(text, 1, len(begin), type_=sa.Text) == begin
