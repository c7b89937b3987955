"""Serves three read-only pages on loopback: the light page, its state as JSON, and the report."""

from __future__ import annotations

import json
import secrets
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from analysis.report import render_page
from analysis.watch.drawing import LatestReport
from analysis.watch.state import Watched

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""Allowed names of the server. Another site's name that resolves to it (DNS rebinding) is refused."""


class Server(ThreadingHTTPServer):
    """Serves `watched` and its `report` on loopback. Port 0 chooses a free port."""

    daemon_threads = True

    def __init__(self, watched: Watched, report: LatestReport, port: int) -> None:
        super().__init__((HOST, port), Handler)
        self.watched, self.report = watched, report
        self.nonce = secrets.token_urlsafe()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/"

    @cached_property
    def page(self) -> bytes:
        title = self.watched.root.resolve().name
        return render_page("watch.html.j2", title=title, nonce=self.nonce).encode()

    @cached_property
    def own_policy(self) -> str:
        """Content security policy of the light page: it may run its own script and ask this server."""
        return (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{self.nonce}'; "
            f"connect-src 'self'; frame-src 'self'; frame-ancestors 'none'; "
            f"base-uri 'none'; form-action 'none'"
        )


REPORT_POLICY = "frame-ancestors 'self'; sandbox allow-scripts allow-popups"
"""Restrictions in addition to the report's own policy."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "dqn_exp"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _refuse(self) -> None:
        self.close_connection = True  # the request's body is not read
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"allowed: GET and HEAD\n", "", True)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse

    def _answer(self, with_body: bool) -> None:
        name, _, port = self.headers.get("Host", "").partition(":")
        if name not in NAMES or (port and port != str(self.server.server_port)):
            message = f"allowed: {self.server.address}\n".encode()
            self._send(HTTPStatus.FORBIDDEN, "text/plain", message, "", with_body)
            return
        match self.path.partition("?")[0]:
            case "/":
                self._send(HTTPStatus.OK, "text/html", self.server.page, self.server.own_policy, with_body)
            case "/state.json":
                report = self.server.report
                state = {**self.server.watched.state(), "report": report.version, "told": report.message}
                self._send(HTTPStatus.OK, "application/json", json.dumps(state).encode(), "", with_body)
            case "/report" if self.server.report.page:
                self._send(HTTPStatus.OK, "text/html", self.server.report.page, REPORT_POLICY, with_body)
            case _:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page\n", "", with_body)

    def _send(self, status: HTTPStatus, kind: str, body: bytes, policy: str, with_body: bool) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": policy or "default-src 'none'",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing about requests."""
