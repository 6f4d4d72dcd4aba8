"""An OAuth 2 token server on loopback.

The server issues and revokes tokens, and answers a mail server that asks about a token.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
ACCOUNT = "weekly@example.org"


@dataclass(kw_only=True)
class TokenServer:
    """A running token server.

    requests: the forms that were posted, oldest first.
    valid: the access tokens that mail servers accept.
    refusal: the error that every request for a token gets; empty to issue tokens.
    device_answers: the errors that polls for a device code get before they get the tokens.
    raw_answer: a status and a body with which every request is answered, instead of tokens.
    """

    port: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    refusal: dict[str, str] = field(default_factory=dict)
    device_answers: list[str] = field(default_factory=list)
    raw_answer: tuple[int, bytes] | None = None
    expires_in: object = 3600

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def settings(self, grant: str = "refresh_token") -> str:
        """Return the table [oauth] of a project that uses this server."""
        return (
            f'[oauth]\nclient_id = "moza"\ngrant = "{grant}"\nscope = "mail"\n'
            f'token_url = "{self.url}/token"\ndevice_url = "{self.url}/device"\n'
        )

    def end_tokens(self) -> None:
        """Make all access tokens invalid."""
        self.valid.clear()

    def issue(self, form: dict[str, str]) -> dict[str, object]:
        if self.refusal:
            return dict(self.refusal)
        if form.get("device_code") and self.device_answers:
            return {"error": self.device_answers.pop(0)}
        token = f"access-{len(self.requests)}"
        self.valid.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
        return answer if form["grant_type"] == "client_credentials" else {**answer, "refresh_token": "again"}


@contextlib.contextmanager
def token_server() -> Iterator[TokenServer]:
    """Run a token server in a thread."""
    served = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            served.requests.append(form)
            if self.path == "/device":
                answer = {
                    "device_code": "device",
                    "user_code": "ABCD-EFGH",
                    "verification_uri": "https://login.example.org/device",
                    "interval": 1,
                    "expires_in": 900,
                }
                self.answer(served.refusal or answer)
            else:
                answer = served.issue(form)
                self.answer(answer, 400 if "error" in answer else 200)

        def do_GET(self) -> None:
            token = parse_qs(urlsplit(self.path).query).get("access_token", [""])[0]
            if token in served.valid:
                self.answer({"active": True, "username": "bounces", "email": ACCOUNT})
            else:
                self.answer({"active": False, "error": "invalid_token"}, 401)

        def answer(self, found: object, status: int = 200) -> None:
            status, body = served.raw_answer or (status, json.dumps(found).encode())
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_parts: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
