"""What Refrain is held against: the same nginx with a static file and with a bare libfcgi echo."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess

import harness

RUNNER = "postgres"  # to whom root's instances belong
STATIC_NAME = "static.json"


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


def fastcgi_length(size):
    return struct.pack(">B", size) if size < 128 else struct.pack(">I", size | 1 << 31)


def fastcgi_record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def ask_serve(socket_path, uri):
    """One GET straight to a serve process, as nginx would send it."""
    path, _, query = uri.partition("?")
    params = {"REQUEST_METHOD": "GET", "REQUEST_URI": uri, "DOCUMENT_URI": path,
              "QUERY_STRING": query, "REQUEST_SCHEME": "http", "REMOTE_ADDR": "127.0.0.1",
              "HTTP_HOST": "localhost"}
    content = b""
    for name, value in params.items():
        content += fastcgi_length(len(name)) + fastcgi_length(len(value))
        content += name.encode() + value.encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(harness.DEADLINE_S)
        connection.connect(str(socket_path))
        begin = fastcgi_record(1, struct.pack(">HB5x", 1, 0))
        connection.sendall(begin + fastcgi_record(4, content) + fastcgi_record(4, b"")
                           + fastcgi_record(5, b""))
        return Answer(read_stdout(connection.makefile("rb")))


def read_stdout(stream):
    stdout = b""
    while header := stream.read(8):
        _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", header)
        content = stream.read(size)
        stream.read(padding)
        if kind == 6:
            stdout += content
        elif kind == 3:
            break
    return stdout


class Rivals:
    """An instance of nginx alone, with the settings that Refrain has, in front of echo processes."""

    def __init__(self, folder, echo_program, answer, threads):
        self.processes = []
        self.instance = None
        self.folder = folder
        self.write_files(echo_program, answer)
        prefix, os.environ["REFRAIN_PREFIX"] = os.environ["REFRAIN_PREFIX"], str(folder)
        try:
            self.instance = harness.Instance("rivals", parts="nginx")
        finally:
            os.environ["REFRAIN_PREFIX"] = prefix
        for number in (1, 2):
            self.start_echo(number, threads)

    def write_files(self, echo_program, answer):
        web = self.folder / "share" / "refrain" / "web"
        web.mkdir(parents=True)
        (web / "index.html").write_text("")
        (web / STATIC_NAME).write_bytes(answer.body)
        (self.folder / "headers").write_bytes(answer.headers_text())
        (self.folder / "body").write_bytes(answer.body)
        shutil.copy(echo_program, self.folder / "echo")

    def start_echo(self, number, threads):
        path = pathlib.Path(os.path.realpath(self.instance.state / "sockets")) / f"serve-{number}.sock"
        command = ["setpriv", "--pdeathsig", "KILL", "--", self.folder / "echo", path, str(threads),
                   self.folder / "headers", self.folder / "body"]
        owner = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam(RUNNER)
            owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **owner)
        self.processes.append(process)
        harness.wait_for(lambda: path.is_socket() or process.poll() is not None, "the echo")

    @property
    def static_url(self):
        return f"{self.instance.url}/{STATIC_NAME}"

    def echo_url(self, path):
        return self.instance.url + path

    def close(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait()
        if self.instance is not None:
            self.instance.close()
