"""Send hostile requests to both web servers and count the answers: `python -m benchmarks.hostile_requests`.

    python -m benchmarks.hostile_requests [--requests 100000] [--seed 1]

Half of the requests go to `moza-mail serve`, half to the editor, each in its own process. They mix valid links and keys with damaged
ones, paths, queries, headers, forms and chunks of every kind, and bytes that are not HTTP. The exit code is 1 if a response is a
server error, if a server's log has a traceback, or if a server has ended. The same seed sends the same requests.
"""

import argparse
import asyncio
import contextlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from benchmarks.send import print_figure
from moza_mail.web.public import forms
from tests.support.project_folder import Folder
from tests.support.public_site import Site, project
from tests.support.smtp_servers import free_port

CONNECTIONS = 48
TIMEOUT = 12.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
METHODS = (*["GET"] * 8, *["POST"] * 10, "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "")
ODD_TEXTS = (
    "", "%00", "%ff", "%2e%2e%2f", "..", "[", "//[", "%ed%a0%80", "\\", "{{7*7}}", "<script>", "' OR 1=1 --", "%0d%0aX: y",
    "a" * 3000, "\u00e9", "%F0%9F%92%A9", "+", "&", "=", ";", "?", "#", "%", "%zz", "null", "-1", "9" * 40, "zoe@example.org",
    "zoe@gmial.con", "a@b\r\nBcc: c@d", "weekly", "en", "on", "%E2%80%AE", "../../etc/passwd", "COM1", "issues/2026-01-14.md",
)  # fmt: skip
HEADERS = (
    "Origin", "Referer", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Accept-Language",
    "Accept", "Range", "If-None-Match", "Expect", "Upgrade", "Connection", "Sec-Fetch-Site", "Content-Encoding", "Content-Type",
    "X-Editor-Token", "Host", "Transfer-Encoding", "Content-Length", "TE", "Trailer", "X-HTTP-Method-Override",
)  # fmt: skip
KINDS = (
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/plain", "text/markdown", "",
)  # fmt: skip


API = ("preview", "outline", "edit", "save", "difference", "test")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running server, and the data from which hostile requests to it are made.

    paths: paths with valid and damaged links. A `*` in a path is replaced by an odd text.
    fields: the names of form fields and JSON keys.
    headers: headers that a visitor with a key sends.
    make_form: returns the path and the body of one of our forms, with odd values.
    log: the file with the server's standard error.
    """

    name: str
    port: int
    paths: tuple[str, ...]
    fields: tuple[str, ...]
    headers: tuple[str, ...]
    make_form: Callable[[random.Random], tuple[str, bytes]]
    process: "subprocess.Popen[bytes]"
    log: Path


@dataclass(kw_only=True)
class Answers:
    """Counts of the responses by status. A connection that was closed without a response counts as 0."""

    statuses: Counter[int] = field(default_factory=Counter)
    server_errors: list[bytes] = field(default_factory=list)

    def add(self, request: bytes, answer: bytes) -> None:
        found = STATUS.match(answer)
        status = int(found[1]) if found else 0
        self.statuses[status] += 1
        if status >= 500:
            self.server_errors.append(request[:300])


def odd_text(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return chance.choice(ODD_TEXTS)
    return "".join(
        chr(chance.choice((chance.randint(1, 127), chance.randint(128, 0x2FFF))))
        for _ in range(chance.randint(0, 20))
    )


def damage(text: str, chance: random.Random) -> str:
    place = chance.randint(0, max(len(text) - 1, 0))
    return chance.choice(
        (text[:place], text[:place] + chance.choice("AZaz09_-%/") + text[place + 1 :], text + text)
    )


def make_path(target: Target, chance: random.Random) -> str:
    path = chance.choice(target.paths)
    while "*" in path:
        path = path.replace("*", quote(odd_text(chance), safe=chance.choice(("", "/%[]?=&", "%"))), 1)
    if chance.random() < 0.2:
        path = damage(path, chance)
    if chance.random() < 0.3:
        pairs = [(odd_text(chance), odd_text(chance)) for _ in range(chance.randint(0, 3))]
        path += "?" + chance.choice((urlencode(pairs), "&".join(ODD_TEXTS[:9]), "lang=en", "to=//["))
    return path


def make_body(target: Target, chance: random.Random) -> bytes:
    pairs = [(chance.choice(target.fields), odd_text(chance)) for _ in range(chance.randint(0, 6))]
    return chance.choice(
        (
            lambda: b"",
            lambda: urlencode(pairs).encode(),
            lambda: urlencode(pairs, safe="%").encode("utf-8", "replace"),
            lambda: chance.randbytes(chance.randint(0, 400)),
            lambda: repr(dict(pairs)).replace("'", '"').encode("utf-8", "replace"),
            lambda: make_json(chance),
            lambda: make_json(chance),
            lambda: b"List-Unsubscribe=One-Click",
            lambda: b"[" * chance.randint(1, 3000),
            lambda: b"a" * 20_000,
            lambda: b"&" * 3000,
        )
    )()


def make_json(chance: random.Random) -> bytes:
    """Return the JSON body of a request to the editor, with odd values."""
    odd = (
        lambda: odd_text(chance),
        lambda: 10**30,
        lambda: -1,
        lambda: None,
        lambda: [[]],
        lambda: "\ud800",
        lambda: 1.5,
    )
    front = "---\ntitle: x\n" + odd_text(chance) + "\n---\n## Nieuws\n\n" + odd_text(chance)
    values = {
        "name": "issues/2026-01-14.md", "text": front, "recipient": "", "digest": "x", "key": chance.choice(("title", "list", "x")),
        "value": "x", "start": 1, "by": 1, "address": "zoe@example.org",
    }  # fmt: skip
    for name in list(values):
        if chance.random() < 0.15:
            values[name] = chance.choice(odd)()
        elif chance.random() < 0.1:
            del values[name]
    return json.dumps(values).encode()


def in_chunks(body: bytes, chance: random.Random) -> bytes:
    """Return a body in chunks, of which one may be malformed."""
    wrong = chance.choice(
        (b"", b"", b"zz\r\n", b"-1\r\nabc\r\n", b"5\r\nabcdefgh\r\n", b"f" * 20 + b"\r\n", b"3;" + b"x" * 999)
    )
    return b"%x\r\n%s\r\n" % (len(body), body) + wrong + b"0\r\n\r\n" if body else wrong + b"0\r\n\r\n"


def make_request(target: Target, chance: random.Random) -> tuple[bytes, bool]:
    """Return a request, and True if it is complete. The end of an incomplete request is never sent."""
    if chance.random() < 0.05:
        garbage = chance.choice((b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01")) + chance.randbytes(
            chance.randint(1, 300)
        )
        return garbage, False
    host = chance.choice(
        (f"127.0.0.1:{target.port}",) * 60 + ("[", "", "evil.test", "[::1", "localhost:x", "127.0.0.1:99999")
    )
    path, body = make_path(target, chance), make_body(target, chance)
    method, kind = chance.choice(METHODS), chance.choice(KINDS)
    if chance.random() < 0.25:
        (path, body), method, kind = target.make_form(chance), "POST", KINDS[0]
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
    ]
    lines += [header for header in target.headers if chance.random() < 0.97]
    lines += [f"{chance.choice(HEADERS)}: {odd_text(chance)}" for _ in range(chance.choice((0, 0, 0, 1, 3)))]
    lines.append(f"Content-Type: {kind}")
    missing = 0
    if chance.random() < 0.15:
        lines.append("Transfer-Encoding: chunked")
        body = in_chunks(body, chance)
    else:
        missing = chance.choice((0, 0, 0, 0, -1, 1))
        lines.append(f"Content-Length: {max(len(body) + missing, 0)}")
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + body, missing <= 0


async def exchange(port: int, request: bytes, split: int, *, is_complete: bool = True) -> bytes:
    """Send a request in two parts and return the beginning of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(TIMEOUT):
            writer.write(request[:split])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(request[split:])
            if not is_complete:
                writer.write_eof()
            return await reader.read()
    except (OSError, TimeoutError):
        return b""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def attack(target: Target, count: int, seed: int) -> Answers:
    """Send requests over several connections at a time, and count the responses."""
    answers, numbers = Answers(), iter(range(count))

    async def send() -> None:
        for number in numbers:
            chance = random.Random(f"{seed} {target.name} {number}")
            request, is_complete = make_request(target, chance)
            split = chance.randint(0, len(request))
            answers.add(request, await exchange(target.port, request, split, is_complete=is_complete))

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return answers


@dataclass(frozen=True, kw_only=True)
class AttackResult:
    """The outcome of an attack on one server."""

    name: str
    answers: Answers
    tracebacks: int
    is_running: bool

    @property
    def is_sound(self) -> bool:
        return self.is_running and not self.tracebacks and not self.answers.server_errors


def attack_project(
    folder: Path, serve: Callable[[Folder], AbstractContextManager[Target]], count: int, seed: int
) -> AttackResult:
    """Serve a new project, attack it, and return the outcome."""
    here = project(folder)
    here.add_readers(3)
    with serve(here) as target:
        answers = asyncio.run(attack(target, count, seed))
        is_running = target.process.poll() is None and bool(asyncio.run(_try(target.port)))
        name, log = target.name, target.log
    text = log.read_text(errors="replace")
    errors = len(re.findall(r"Traceback|Error at ", text))
    if errors:
        print(text[text.index("Traceback") if "Traceback" in text else 0 :][:6000], file=sys.stderr)
    return AttackResult(name=name, answers=answers, tracebacks=errors, is_running=is_running)


@contextmanager
def running(here: Folder, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """Run a server with its standard error in a file."""
    log = here.path / f"{arguments[0]}.log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            **{**here.command(*arguments), "stdout": subprocess.DEVNULL, "stderr": file}
        ) as process,
    ):
        try:
            for _ in range(600):
                time.sleep(0.1)
                if b"127.0.0.1:" in log.read_bytes():
                    break
            yield process, log
        finally:
            process.terminate()


@contextmanager
def public_pages(here: Folder) -> Iterator[Target]:
    port = free_port()
    here.set(public_url=f"http://127.0.0.1:{port}", sign_up_rate="1000000/h")
    with running(here, "serve", "--port", str(port)) as (process, log):
        site = Site(folder=here, url=f"http://127.0.0.1:{port}", process=process)
        await_answer(port)
        links = [
            urlsplit(url).path
            for url in (site.links.make_preferences_url(1), site.links.make_unsubscribe_url("weekly", 2))
        ]
        with site.client() as web:
            hidden = site.hidden(web.get("/lists/weekly").text)

        def make_form(chance: random.Random) -> tuple[str, bytes]:
            earlier = datetime.now(UTC) - timedelta(seconds=chance.choice((0, 5, 5, 5, 400, 90_000)))
            stamp = forms.make_stamp(site.links, "weekly", earlier, chance.choice(list(forms.StampKind)))
            email = chance.choice((odd_text(chance), f"zoe{chance.randint(0, 9999)}@example.org"))
            filled = {**hidden, "form": stamp, "email": email, "name": odd_text(chance)}
            return "/lists/weekly", urlencode(filled).encode("utf-8", "replace")

        yield Target(
            make_form=make_form,
            name="serve",
            port=port,
            paths=(
                "/",
                "/healthz",
                "/lists/weekly",
                "/lists/*",
                "/lists/weekly/sent/*",
                "/lists/weekly/change/*",
                "/confirm/weekly/*",
                "/preferences/*",
                "/unsubscribe/weekly/*",
                "/unsubscribe/*/*",
                "/*",
                "*",
                "//[",
                "http://[/",
                *links,
                *links,
            ),
            fields=(
                "email",
                "name",
                "form",
                "terms",
                "homepage",
                "lists",
                "shown",
                "lang",
                "use",
                "checked",
                "List-Unsubscribe",
            ),
            headers=(),
            process=process,
            log=log,
        )


@contextmanager
def editor(here: Folder) -> Iterator[Target]:
    port = free_port()
    with running(here, "preview", "--no-open", "--port", str(port)) as (process, log):
        await_answer(port)
        url = re.search(rf"http://127\.0\.0\.1:{port}/\S+", log.read_text())
        assert url, log.read_text()
        key = url[0].partition("key=")[2]
        request = f"GET /issue/issues/2026-01-14.md HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: editor-{port}={key}\r\nConnection: close\r\n\r\n"
        page = asyncio.run(exchange(port, request.encode(), 0)).decode()
        token = re.search(r"token(?:&#34;|&quot;|[\":=\s])+([A-Za-z0-9_-]{32})", page)
        assert token, page[:2000]
        yield Target(
            make_form=lambda chance: (f"/api/{chance.choice(API)}", make_json(chance)),
            name="editor",
            port=port,
            paths=(
                "/",
                "/?key=*",
                "/issue/issues/2026-01-14.md",
                "/issue/*",
                "/mail/*",
                "/part/*/*",
                "/choose?to=*",
                "/choose?lang=*&to=//[",
                "/outbox",
                "/outbox/*",
                "/outbox-mail/*",
                "/status",
                "/api/outbox",
                "/static/*",
                "/api/preview",
                "/api/findings/*",
                "/api/issues",
                "/api/recipients?query=*&name=*",
                "/api/test",
                "/api/source?name=*",
                "/api/outline",
                "/api/edit",
                "/api/save",
                "/api/difference",
                "*",
                "/*",
            ),
            fields=(
                "text",
                "name",
                "recipient",
                "digest",
                "key",
                "value",
                "start",
                "by",
                "address",
                "to",
                "lang",
                "x",
            ),
            headers=(
                f"Cookie: editor-{port}={key}",
                f"Origin: http://127.0.0.1:{port}",
                f"X-Editor-Token: {token[1]}",
            ),
            process=process,
            log=log,
        )


def await_answer(port: int) -> None:
    for _ in range(600):
        if asyncio.run(_try(port)):
            return
        time.sleep(0.1)


async def _try(port: int) -> bytes:
    try:
        return await exchange(
            port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % port, 0
        )
    except ConnectionError:
        return b""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    is_sound = True
    for serve in (public_pages, editor):
        with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
            found = attack_project(Path(name), serve, given.requests // 2, given.seed)
        is_sound = is_sound and found.is_sound
        print_figure(f"{found.name}: hostile requests", str(found.answers.statuses.total()))
        for status, count in sorted(found.answers.statuses.items()):
            print_figure(f"  {status or 'closed without a response'}", str(count))
        print_figure("  server errors (0)", str(len(found.answers.server_errors)))
        print_figure("  tracebacks in the log (0)", str(found.tracebacks))
        print_figure("  still running at the end", str(found.is_running))
        for request in found.answers.server_errors[:5]:
            print(f"    {request!r}")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
