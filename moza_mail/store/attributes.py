"""SQL expressions on subscribers' attributes, for merge fields and segments.

No condition here is ever NULL, so NOT means the same as in Python.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from moza_mail.model.mailing import describe_missing
from moza_mail.model.merge_field import NAME_FIELD, MergeField
from moza_mail.model.segment import (
    AllOf,
    AnyOf,
    Condition,
    DomainCondition,
    HasAttribute,
    HasOneOf,
    LanguageCondition,
    Not,
    StartsWith,
)
from moza_mail.store.schema import deliveries, domain, subscribers

WHITESPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The characters that str.strip removes; SQL's own trim() removes only spaces. A test compares the two."""

Criterion = sa.ColumnElement[bool]


def map_missing_values(fields: Iterable[MergeField], table: sa.Table = subscribers) -> dict[str, Criterion]:
    """Map each required field's name to the condition that a row has no value for the field.

    table: `subscribers` or `deliveries`.
    """
    return {
        name: sa.func.trim(sa.func.coalesce(_select_value(name, table), ""), WHITESPACE) == ""
        for name in dict.fromkeys(field.name for field in fields if field.default is None)
    }


def has_missing_value(fields: Iterable[MergeField]) -> Criterion:
    """Return the condition that a subscriber lacks a value for one or more required fields."""
    return sa.or_(sa.false(), *map_missing_values(fields).values())


def describe_missing_values(fields: Iterable[MergeField]) -> sa.ColumnElement[str]:
    """Return SQL for the `detail` of a skipped delivery: the fields that have no value."""
    names: sa.ColumnElement[str] = sa.literal("", sa.Text)
    for name, lacks in map_missing_values(fields, deliveries).items():
        names = names + sa.case((lacks, f", {name}"), else_="")
    return sa.literal(describe_missing(()), sa.Text) + sa.func.substr(names, 3)


def select_merge_values(connection: sa.Connection, fields: Sequence[MergeField]) -> sa.ColumnElement[Any]:
    """Return SQL for a JSON object with the attributes that the fields use.

    The result is NULL if no field uses an attribute.
    """
    names = dict.fromkeys(field.name for field in fields if field.name != NAME_FIELD)
    if not names:
        return sa.null()
    make = sa.func.json_build_object if connection.dialect.name == "postgresql" else sa.func.json_object
    pairs = (part for name in names for part in (sa.literal(name, sa.Text), _select_value(name, subscribers)))
    return make(*pairs, type_=deliveries.c.merge_values.type)


def without_nulls(stored: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return stored merge values without the attributes that the subscriber did not have."""
    return {name: value for name, value in (stored or {}).items() if value is not None}


def _select_value(name: str, table: sa.Table) -> sa.ColumnElement[str]:
    values: sa.Column[Any] = table.c.attributes if table is subscribers else table.c.merge_values
    value: sa.ColumnElement[str] = table.c.name if name == NAME_FIELD else values[name].as_string()
    return value


def translate_condition(connection: sa.Connection, condition: Condition) -> Criterion:
    """Translate a segment's condition to SQL on `subscribers`, with bound values."""
    match condition:
        case HasAttribute():
            return sa.func.trim(_attribute(condition.attribute), WHITESPACE) != ""
        case HasOneOf():
            return _attribute(condition.attribute).in_(condition.values)
        case StartsWith():
            return _starts_with(_attribute(condition.attribute), condition.prefix)
        case DomainCondition():
            return domain(subscribers.c.address, connection).in_(condition.domains)
        case LanguageCondition():
            chosen = sa.case((subscribers.c.lang == "", condition.default), else_=subscribers.c.lang)
            return sa.or_(*((chosen == tag) | _starts_with(chosen, f"{tag}-") for tag in condition.languages))
        case Not():
            return sa.not_(translate_condition(connection, condition.condition))
        case AllOf():
            return sa.and_(*(translate_condition(connection, part) for part in condition.conditions))
        case AnyOf():
            return sa.or_(*(translate_condition(connection, part) for part in condition.conditions))


def _attribute(name: str) -> sa.ColumnElement[str]:
    if name == NAME_FIELD:
        return subscribers.c.name
    return sa.func.coalesce(subscribers.c.attributes[name].as_string(), "", type_=sa.Text)


def _starts_with(text: sa.ColumnElement[str], prefix: str) -> Criterion:
    """Return the condition that a text starts with a prefix.

    LIKE is not used, because it has wildcards and ignores case in SQLite.
    """
    return sa.func.substr(text, 1, len(prefix), type_=sa.Text) == prefix
