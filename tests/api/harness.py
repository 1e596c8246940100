"""Private instances of Refrain for tests, and a small HTTP client.

    class Reading(harness.ApiTest):
        options = {"settings": {"users.default_visibility": "public"}}

        def test_validate_token(self):
            token = self.instance.token("alice")
            answer = self.instance.get("/1/validate-token", token=token)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.json()["user_name"], "alice")

Each class has an instance of its own: nginx on a free port, two serve processes, a worker,
PostgreSQL and Redis, all in a temporary folder that is gone afterwards. $REFRAIN_PREFIX tells where
"make install" put Refrain; with $REFRAIN_LOGS the logs are kept there.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60
POLL_S = 0.02
DEFECTS = re.compile(rb"(Address|Leak|Thread|Memory)Sanitizer|runtime error: |"
                     rb"Assertion .* failed|stack smashing detected|double free|PANIC: ")


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """Returns what the condition returns once that is true; fails at the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline_s} s for {what}")
        time.sleep(POLL_S)


def temporary_folder():
    """A folder that every user may pass through: root's servers run as another user."""
    folder = tempfile.mkdtemp(prefix="refrain-")
    os.chmod(folder, 0o711)
    return pathlib.Path(folder)


def find_defects(folder):
    """What sanitizers and assertions have left in the logs below the folder."""
    found = []
    for path in sorted(folder.rglob("*.log*")):
        for line in path.read_bytes().splitlines():
            if DEFECTS.search(line):
                found.append(f"{path.name}: {line.decode(errors='replace')}")
    return found


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # get() ignores case; get_all() gives every value
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:2000]!r}>"


# Nobody computes ahead, so that what must be a miss is one.
QUIET = {"warm.loads": 0}


class Instance:
    """Started by the constructor. Every option has the meaning that deploy/instance gives it."""

    running = []

    def __init__(self, name="instance", *, serve=2, workers=1, parts=None, settings=None,
                 postgresql=None, limits=False, sample=False, database=None, redis=None):
        self.name = name
        self.env = {}
        self.tokens = {}
        self.options = ["--prefix", os.environ["REFRAIN_PREFIX"], "--serve", str(serve),
                        "--workers", str(workers), "--tie", str(os.getpid())]
        for option, value in (("--parts", parts), ("--database", database), ("--redis", redis)):
            if value is not None:
                self.options += [option, value]
        for key, value in {**QUIET, **(settings or {})}.items():
            self.options += ["--set", f"{key}={value}"]
        for key, value in (postgresql or {}).items():
            self.options += ["--set-postgresql", f"{key}={value}"]
        if not limits:
            self.options.append("--no-limits")
        if sample:
            self.options.append("--sample")
        self.state = temporary_folder()
        Instance.running.append(self)
        try:
            self.start()
        except RuntimeError as error:
            logs = self.logs()
            self.close()
            raise RuntimeError(f"{error}\n{logs}") from None

    def control(self, *arguments):
        command = [TOP / "deploy" / "instance", *arguments, "--state", self.state]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} failed: {done.stderr.strip()}")

    def start(self):
        """Starts it, again after stop(), with its data. It has another port afterwards."""
        self.control("start", *self.options)
        lines = (self.state / "env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines)

    def stop(self):
        self.control("stop")

    def stop_part(self, name):
        """Ends postgresql, redis, nginx, worker (of several: worker-1, …), serve-1, … and keeps it
        down."""
        self.control("part-stop", name)

    def start_part(self, name):
        self.control("part-start", name)

    def part_pid(self, name):
        """The number of a part's process."""
        return int((self.state / "run" / f"{name}.pid").read_text().split()[0])

    def stop_redis(self):
        self.stop_part("redis")

    def start_redis(self):
        self.start_part("redis")

    def close(self):
        """Stops and removes it. Fails if its logs tell of a defect."""
        if self in Instance.running:
            Instance.running.remove(self)
            defects = []
            if (self.state / "log").exists():
                self.control("stop")
                defects = find_defects(self.state / "log")
                self.keep_logs()
            self.control("remove")
            shutil.rmtree(self.state, ignore_errors=True)
            if defects:
                raise AssertionError(f"defects in the logs of {self.name}:\n" + "\n".join(defects))

    def keep_logs(self):
        if "REFRAIN_LOGS" in os.environ:
            target = pathlib.Path(os.environ["REFRAIN_LOGS"]) / self.name
            shutil.copytree(self.state / "log", target, dirs_exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def url(self):
        return self.env["REFRAIN_URL"]

    @property
    def redis_socket(self):
        return self.env["REDIS_SOCKET"]

    def refrain(self, *arguments, stdin=None, check=True):
        """Runs a command of `refrain` with the instance's configuration."""
        command = [self.state / "bin" / "refrain", "--config", self.env["REFRAIN_CONFIG"]]
        done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True,
                              timeout=300)
        if DEFECTS.search(done.stderr.encode()):
            raise AssertionError(done.stderr)
        if check and done.returncode != 0:
            raise RuntimeError(f"refrain {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done

    def token(self, name="listener", *options):
        """The token of a user, who is made if need be; options are those of `refrain user add`."""
        if name not in self.tokens:
            output = self.refrain("user", "add", *options, name).stdout
            self.tokens[name] = re.search(r"^token=(.+)$", output, re.M).group(1)
        return self.tokens[name]

    def psql(self, sql):
        """The rows of a statement as text, columns parted by '|'."""
        command = ["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-c", sql, self.env["DATABASE_URL"]]
        environment = {**os.environ, "PGOPTIONS": "-c search_path=refrain,public"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def redis(self, *command):
        done = subprocess.run(["redis-cli", "-s", self.redis_socket, *command],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def connect(self):
        address = urllib.parse.urlsplit(self.url)
        return http.client.HTTPConnection(address.hostname, address.port, timeout=DEADLINE_S)

    def request(self, method, path, body=None, *, token=None, headers=None):
        """`body` is bytes, text, or anything else that is then sent as JSON."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Token {token}"
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, **options):
        return self.request("POST", path, body, **options)

    def raw(self, data):
        """Sends bytes as they are and returns everything that comes back until the server closes
        the connection, which it does at once where "Connection: close" was asked for."""
        address = urllib.parse.urlsplit(self.url)
        with socket.create_connection((address.hostname, address.port), DEADLINE_S) as connection:
            connection.sendall(data)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer

    def logs(self, lines=15):
        """The ends of the servers' logs, for a report."""
        text = []
        for path in sorted((self.state / "log").glob("*.log")):
            if path.stem in ("access", "initdb", "database", "migrate"):
                continue
            end = path.read_text(errors="replace").splitlines()[-lines:]
            text += [f"--- {self.name}: {path.name}", *end]
        return "\n".join(text)


class ApiTest(unittest.TestCase):
    """A class of tests with an instance of its own; `options` are those of Instance."""

    options = {}
    instance = None

    @classmethod
    def setUpClass(cls):
        cls.instance = Instance(f"{cls.__module__}.{cls.__name__}", **cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.instance.close()

    def assertError(self, answer, status, text=None):
        """The answer is a JSON error with this status, readable from any origin."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get_content_type(), "application/json", answer)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*", answer)
        error = answer.json()
        self.assertEqual(error["code"], status, answer)
        if text is None:
            self.assertTrue(error["error"], answer)
        else:
            self.assertEqual(error["error"], text, answer)


def report():
    return "\n".join(instance.logs() for instance in Instance.running)


def finish():
    for instance in list(Instance.running):
        instance.close()
