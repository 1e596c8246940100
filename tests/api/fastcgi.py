"""Requests straight to a serve process, as nginx would send them."""

import socket
import struct

DEADLINE_S = 30
PARAMS, STDIN, STDOUT, END_REQUEST = 4, 5, 6, 3


class Answer:
    """What serve itself sends, before nginx adds anything."""

    def __init__(self, raw):
        head, self.body = raw.split(b"\r\n\r\n", 1)
        self.headers = head.split(b"\r\n")
        self.status = 200
        for line in self.headers:
            name, value = line.split(b":", 1)
            if name.lower() == b"status":
                self.status = int(value.split()[0])

    def header(self, name):
        prefix = name.lower().encode() + b":"
        values = [line[len(prefix):].strip() for line in self.headers
                  if line.lower().startswith(prefix)]
        return values[0].decode() if values else ""

    def headers_text(self):
        lines = [line for line in self.headers if not line.lower().startswith(b"status:")]
        return b"\n".join([b"Status: %d OK" % self.status, *lines, b""])


def length(size):
    return struct.pack(">B", size) if size < 128 else struct.pack(">I", size | 1 << 31)


def record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def request(uri, method, token, body):
    path, _, query = uri.partition("?")
    params = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "DOCUMENT_URI": path,
              "QUERY_STRING": query, "REQUEST_SCHEME": "http", "REMOTE_ADDR": "127.0.0.1",
              "HTTP_HOST": "localhost"}
    if token:
        params["HTTP_AUTHORIZATION"] = f"Token {token}"
    if body:
        params["CONTENT_LENGTH"] = str(len(body))
    content = b""
    for name, value in params.items():
        content += length(len(name)) + length(len(value)) + name.encode() + value.encode()
    keep_connection = 1
    return (record(1, struct.pack(">HB5x", 1, keep_connection)) + record(PARAMS, content)
            + record(PARAMS, b"") + (record(STDIN, body) if body else b"") + record(STDIN, b""))


def read_answer(stream):
    stdout = b""
    while header := stream.read(8):
        _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", header)
        content = stream.read(size)
        stream.read(padding)
        if kind == STDOUT:
            stdout += content
        elif kind == END_REQUEST:
            break
    return Answer(stdout)


class Connection:
    """A connection that is kept, as nginx keeps its own. It is opened by the first request: serve
    soon ends one on which nothing comes."""

    def __init__(self, socket_path):
        self.path = str(socket_path)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        self.stream = None

    def ask(self, uri, *, method="GET", token=None, body=b""):
        if self.stream is None:
            self.socket.connect(self.path)
            self.stream = self.socket.makefile("rb")
        self.socket.sendall(request(uri, method, token, body))
        return read_answer(self.stream)

    def close(self):
        if self.stream is not None:
            self.stream.close()
        self.socket.close()


def ask_serve(socket_path, uri, **options):
    """One request on a connection of its own."""
    connection = Connection(socket_path)
    try:
        return connection.ask(uri, **options)
    finally:
        connection.close()
