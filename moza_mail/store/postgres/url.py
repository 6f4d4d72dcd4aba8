"""The URL of a PostgreSQL database, with one host or several, as libpq reads it."""

import re

import sqlalchemy as sa

from moza_mail.store.postgres.errors import make_url_error

# A server that disappears is noticed within a minute. Options in the URL override these.
CONNECT_OPTIONS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "moza-mail",
    "client_encoding": "UTF8",
}
# libpq's URL with several hosts (PostgreSQL documentation, 34.1.1.2): postgresql://user@one:5432,two:5432/database?options
SEVERAL_HOSTS = re.compile(
    r"(?P<start>[^:/?#]+://(?:[^@/?#]*@)?)(?P<hosts>[^@/?#]*,[^@/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<options>.*))?"
)
HOST = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]+)(?::[0-9]+)?")


def read_url(text: str) -> sa.URL:
    """Parse the URL of a database; raise StoreError if it is wrong or contains a password.

    Several hosts become several `host` options, which is how SQLAlchemy reads them. The error does not repeat the URL.
    """
    try:
        url = sa.make_url(_with_hosts_as_options(text))
    except (sa.exc.ArgumentError, ValueError):
        raise make_url_error("the store's URL cannot be read") from None
    if url.password is not None or {"password", "sslpassword"} & url.query.keys():
        raise make_url_error("the store's URL holds a password")
    return url.set(drivername="postgresql+psycopg").update_query_dict(
        {name: value for name, value in CONNECT_OPTIONS.items() if name not in url.query}
    )


def _with_hosts_as_options(text: str) -> str:
    found = SEVERAL_HOSTS.fullmatch(text)
    if found is None:
        return text
    hosts = found["hosts"].split(",")
    if not all(HOST.fullmatch(host) for host in hosts):
        raise ValueError(text)
    # SQLAlchemy wants a port for each host or for none.
    has_ports = any(re.search(r":[0-9]+$", host) for host in hosts)
    options = [
        f"host={host if not has_ports or re.search(r':[0-9]+$', host) else f'{host}:5432'}" for host in hosts
    ]
    return f"{found['start']}{found['path'] or '/'}?{'&'.join([*options, *filter(None, [found['options']])])}"


def format_for_libpq(url: sa.URL) -> str:
    """Return the URL as libpq and its programs read it."""
    hosts = url.query.get("host", "")
    plain = url.set(drivername="postgresql")
    if isinstance(hosts, str):
        return plain.render_as_string(hide_password=False)
    kept = {name: value for name, value in url.query.items() if name != "host"}
    text = plain.set(host="HOSTS", query=kept).render_as_string(hide_password=False)
    return text.replace("HOSTS", ",".join(hosts), 1)


def name_database(url: sa.URL) -> str:
    """Return the URL without password and options, for error messages."""
    hosts = url.query.get("host", ())
    kept = {"host": hosts} if hosts and not isinstance(hosts, str) else {}
    return format_for_libpq(url.set(query=kept, password=None))
