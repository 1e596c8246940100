"""A small HTTP client that waits where a server wants that, and can tell a request as curl."""

import http.client
import json
import shlex
import time
import urllib.parse

TIMEOUT_S = 60
SHOWN_BYTES = 1500
RATE_TRIES = 20


class Request:
    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body  # bytes, or None

    def curl(self, url, secrets):
        """As a command; of `secrets` (a text: its name) only the names are shown. Who asks is left
        to curl."""
        words = ["curl", "-i"]
        if self.method == "HEAD":
            words.append("--head")
        elif self.method != ("GET" if self.body is None else "POST"):
            words += ["-X", self.method]
        for name, value in self.headers.items():
            if name != "User-Agent":
                words += ["-H", f"{name}: {value}"]
        if self.body is not None:
            words += ["--data-binary", self.shown_body()]
        text = " ".join(map(shlex.quote, [*words, url + self.path]))
        for secret, name in secrets.items():
            text = text.replace(secret, f"'\"${name}\"'")
        return text

    def shown_body(self):
        if len(self.body) > SHOWN_BYTES:
            return f"{self.body[:200].decode(errors='replace')}… ({len(self.body)} bytes)"
        return self.body.decode(errors="backslashreplace")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        return self.headers.get(name)

    def json(self):
        return json.loads(self.body)

    def shown(self):
        return self.body[:SHOWN_BYTES].decode(errors="replace").strip()


class Client:
    """`url` is that of the server's root, so that /1/… follows it."""

    def __init__(self, url, pace_s=0):
        self.url = url.rstrip("/").removesuffix("/1")
        self.pace_s = pace_s
        self.last = 0
        self.requests = 0

    def send(self, request):
        """The answer. Raises OSError or http.client.HTTPException where there is none."""
        for _ in range(RATE_TRIES):
            answer = self.send_once(request)
            if answer.status != 429:
                break
            wait = answer.header("X-RateLimit-Reset-In") or answer.header("Retry-After") or "1"
            time.sleep(float(wait) if wait.isdigit() else 1)
        return answer

    def send_once(self, request):
        time.sleep(max(0, self.last + self.pace_s - time.monotonic()))
        self.last = time.monotonic()
        self.requests += 1
        address = urllib.parse.urlsplit(self.url)
        kind = (http.client.HTTPSConnection if address.scheme == "https"
                else http.client.HTTPConnection)
        connection = kind(address.hostname, address.port, timeout=TIMEOUT_S)
        try:
            connection.putrequest(request.method, address.path + request.path,
                                  skip_accept_encoding=True)
            self.put_headers(connection, request)
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    @staticmethod
    def put_headers(connection, request):
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        elif request.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", "0")
