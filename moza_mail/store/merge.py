"""What merge fields ask of the people's attributes, as SQL: a million readers are one statement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from moza_mail.model.mailing import no_value
from moza_mail.model.merge_field import NAME_FIELD, MergeField
from moza_mail.store.schema import deliveries, subscribers

WHITE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What alone is no value, as Field.value has it: SQL's own trim() knows only the space. To ask every sign would take 0.2 s."""

Condition = sa.ColumnElement[bool]


def missing(fields: Iterable[MergeField], people: sa.Table = subscribers) -> dict[str, Condition]:
    """By name, whether a subscriber lacks what a field without a default needs; or a delivery, of what it was frozen with."""
    return {
        name: sa.func.trim(sa.func.coalesce(_value(name, people), ""), WHITE) == ""
        for name in dict.fromkeys(field.name for field in fields if field.default is None)
    }


def lacking(fields: Iterable[MergeField]) -> Condition:
    """Whether a subscriber cannot be mailed for want of a value."""
    return sa.or_(sa.false(), *missing(fields).values())


def named(fields: Iterable[MergeField]) -> sa.ColumnElement[str]:
    """Which values a delivery lacks, as the ledger words it."""
    names: sa.ColumnElement[str] = sa.literal("", sa.Text)
    for name, lacks in missing(fields, deliveries).items():
        names = names + sa.case((lacks, f", {name}"), else_="")
    return sa.literal(no_value(()), sa.Text) + sa.func.substr(names, 3)


def values(connection: sa.Connection, fields: Sequence[MergeField]) -> sa.ColumnElement[Any]:
    """The attributes that the fields name and no others, as JSON; NULL when they name none."""
    asked = dict.fromkeys(field.name for field in fields if field.name != NAME_FIELD)
    if not asked:
        return sa.null()
    make = sa.func.json_build_object if connection.dialect.name == "postgresql" else sa.func.json_object
    pairs = (part for name in asked for part in (sa.literal(name, sa.Text), _value(name, subscribers)))
    return make(*pairs, type_=deliveries.c.merge_values.type)


def given(stored: Mapping[str, str | None] | None) -> dict[str, str]:
    """Stored values without those that were not there."""
    return {name: value for name, value in (stored or {}).items() if value is not None}


def _value(name: str, people: sa.Table) -> sa.ColumnElement[str]:
    kept: sa.Column[Any] = people.c.attributes if people is subscribers else people.c.merge_values
    value: sa.ColumnElement[str] = people.c.name if name == NAME_FIELD else kept[name].as_string()
    return value
