"""./up as somebody uses it who has just cloned the repository."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import harness

UP = harness.TOP / "up"
PATIENCE_S = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def status_of(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def names_of(process):
    """The paths that a process holds on to: its program and arguments, its folder, its files."""
    try:
        yield from (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        yield os.readlink(process / "cwd")
        for file in (process / "fd").iterdir():
            yield os.readlink(file)
    except OSError:
        return


def processes_below(*folders):
    """The processes that have to do with one of the folders, except ourselves."""
    folders = [str(folder) for folder in folders]
    return sorted(int(process.name) for process in pathlib.Path("/proc").glob("[0-9]*")
                  if int(process.name) != os.getpid()
                  and any(folder in name for name in names_of(process) for folder in folders))


class UpTest(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state = self.new_state("state")
        self.port = free_port()

    def new_state(self, name):
        state = self.folder / name
        self.addCleanup(self.remove, state)
        return state

    def remove(self, state):
        subprocess.run([harness.TOP / "deploy/instance", "remove", "--state", state], check=True)

    def up(self, *options, state=None, port=None, check=True, **more):
        """Runs ./up to its end."""
        command = [UP, "--state", state or self.state, "--no-install", *options]
        if port is not False:
            command += ["--port", str(port or self.port)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S, **more)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def detach(self, *options, **more):
        return self.up("--detach", "--no-sample", *options, **more)

    def follow(self):
        """Starts ./up in a session of its own and returns it once the instance answers."""
        # Its output goes to a file: nobody reads a pipe while we wait.
        log = open(self.folder / "up.log", "w+")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [UP, "--state", self.state, "--port", str(self.port), "--no-install", "--no-sample"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def answers():
            self.assertIsNone(process.poll(), (self.folder / "up.log").read_text())
            return "Refrain answers at" in (self.folder / "up.log").read_text()

        harness.wait_for(answers, "./up to answer", PATIENCE_S)
        return process

    def env(self, state=None):
        lines = ((state or self.state) / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def refrain(self, *arguments):
        command = [self.state / "bin/refrain", "--config", self.env()["REFRAIN_CONFIG"], *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def places(self):
        """The folders that belong to the running instance."""
        return (self.state.resolve(), (self.state / "data").resolve().parent,
                (self.state / "sockets").resolve())

    def assertNothingRuns(self, *folders):
        folders = folders or (self.state,)
        harness.wait_for(lambda: not processes_below(*folders), "all processes to end", 30)

    def assertOneLine(self, done, pattern):
        self.assertNotIn(done.returncode, (0, 2), done.stdout)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(lines[0], pattern)


class Detached(UpTest):
    def test_life_of_an_instance(self):
        self.detach()
        env = self.env()
        self.assertEqual(env["REFRAIN_URL"], f"http://127.0.0.1:{self.port}")
        self.assertEqual(set(env), {
            "REFRAIN_URL", "REFRAIN_METRICS_URL", "REFRAIN_CONFIG", "DATABASE_URL", "REDIS_SOCKET",
            "DEMO_USER", "DEMO_PASSWORD", "DEMO_TOKEN"})
        for path in ("/", "/dashboard/", "/healthz", "/readyz"):
            self.assertEqual(status_of(env["REFRAIN_URL"] + path), 200, path)
        self.assertIn("refrain", self.refrain("--version"))
        self.up("--status", port=False)
        places = self.places()
        self.up("--stop", port=False)
        self.assertNothingRuns(*places)
        self.assertFalse(places[2].exists())
        self.assertNotEqual(self.up("--status", port=False, check=False).returncode, 0)
        self.up("--stop", port=False)

    def test_starting_it_twice(self):
        self.detach()
        self.detach()
        other = self.detach(port=free_port(), check=False)
        self.assertOneLine(other, "already")
        self.assertEqual(status_of(self.env()["REFRAIN_URL"] + "/readyz"), 200)

    def test_it_holds_nothing_of_the_caller(self):
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        with subprocess.Popen([UP, "--state", self.state, "--port", str(self.port), "--detach",
                               "--no-sample", "--no-install"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              pass_fds=[theirs]) as process:
            os.close(theirs)
            # Both calls end when nobody holds the other end of the pipe any more.
            output, _ = process.communicate(timeout=PATIENCE_S)
            self.assertEqual(process.returncode, 0, output)
        self.assertEqual(os.read(ours, 1), b"")
        running = processes_below(*self.places())
        self.assertGreaterEqual(len(running), 6)
        for number in running:
            self.assertNotEqual(os.getsid(number), os.getsid(0))

    def test_resuming_with_all_data(self):
        self.detach()
        self.refrain("user", "add", "alice")
        self.up("--stop", port=False)
        self.detach()
        self.assertIn("alice", self.refrain("user", "list"))

    def test_two_side_by_side(self):
        other, port = self.new_state("other"), free_port()
        self.detach()
        self.detach(state=other, port=port)
        for state in (self.state, other):
            self.assertEqual(status_of(self.env(state)["REFRAIN_URL"] + "/readyz"), 200)
        self.up("--stop", port=False)
        self.assertNothingRuns(self.state)
        self.assertEqual(status_of(self.env(other)["REFRAIN_URL"] + "/readyz"), 200)

    def test_existing_servers(self):
        with harness.Instance("servers", parts="postgresql,redis") as servers:
            self.detach("--database", servers.env["DATABASE_URL"],
                        "--redis", f"unix://{servers.redis_socket}")
            for name in ("DATABASE_URL", "REDIS_SOCKET"):
                self.assertEqual(self.env()[name], servers.env[name])
            self.assertFalse((self.state / "data/postgresql").exists())
            self.refrain("user", "add", "bob")
            self.assertEqual(servers.psql("select name from users"), "bob")
            self.up("--stop", port=False)
            # A database with users in it is somebody's: no sample listeners, wherever it is used.
            other = self.new_state("other")
            self.up("--detach", "--database", servers.env["DATABASE_URL"], state=other)
            self.assertEqual(servers.psql("select name from users"), "bob")
            self.up("--stop", state=other, port=False)

    def test_after_a_crash(self):
        self.detach()
        self.refrain("user", "add", "carol")
        places = self.places()
        supervisor = int((self.state / "run/supervisor.pid").read_text().split()[0])
        os.kill(supervisor, signal.SIGKILL)
        self.assertNothingRuns(*places)
        self.detach()
        self.assertIn("carol", self.refrain("user", "list"))

    def test_process_that_dies_is_started_again(self):
        self.detach()
        pid_file = self.state / "run/serve-1.pid"
        before = pid_file.read_text()
        os.kill(int(before.split()[0]), signal.SIGKILL)
        self.assertEqual(status_of(self.env()["REFRAIN_URL"] + "/healthz"), 200)
        harness.wait_for(lambda: pid_file.exists() and pid_file.read_text() != before,
                         "serve-1 to come back")

    @unittest.skipUnless(os.geteuid() == 0, "only root has folders that nobody else can reach")
    def test_root_in_a_private_folder(self):
        private = pathlib.Path(tempfile.mkdtemp(dir=self.folder))  # mode 0700
        state = private / "state"
        self.addCleanup(self.remove, state)
        self.detach(state=state)
        self.assertEqual(status_of(self.env(state)["REFRAIN_URL"] + "/"), 200)
        self.assertTrue((state / "data").resolve().is_relative_to("/var/lib/refrain-up"))
        self.up("--stop", state=state, port=False)


class Refusals(UpTest):
    def tearDown(self):
        self.assertNothingRuns(self.state)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", self.port)):
            self.assertOneLine(self.detach(check=False), f"port {self.port} .* in use")

    def test_state_folder_that_cannot_be_written(self):
        self.assertOneLine(self.detach(state="/proc/refrain", check=False), "/proc/refrain")

    def test_state_folder_with_other_things_in_it(self):
        (self.folder / "precious").write_text("")
        self.assertOneLine(self.detach(state=self.folder, check=False), "not empty")
        self.assertTrue((self.folder / "precious").exists())

    def test_missing_packages_are_named(self):
        tools = self.folder / "tools"
        tools.mkdir()
        fake = tools / "dpkg-query"
        fake.write_text('#!/bin/sh\ncase "$*" in *" nginx"|*" redis-server") exit 1;; esac\necho installed\n')
        fake.chmod(0o755)
        path = f"{tools}:{os.environ['PATH']}"
        done = self.detach(check=False, env={**os.environ, "PATH": path})
        self.assertOneLine(done, r"missing packages: nginx redis-server$")
        self.assertFalse(self.state.exists())

    def test_wrong_options(self):
        for options in (["--frob"], ["--port", "70000"], ["--port", "x"], ["--state"]):
            with self.subTest(options):
                done = subprocess.run([UP, *options], capture_output=True, text=True)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn("--help", done.stderr)

    def test_help(self):
        output = subprocess.run([UP, "--help"], capture_output=True, text=True, check=True).stdout
        for option in ("port", "state", "detach", "stop", "status", "no-sample", "database",
                       "redis", "no-install"):
            self.assertIn(f"--{option}", output)


class Foreground(UpTest):
    def test_interrupt_at_the_terminal(self):
        process = self.follow()
        places = self.places()
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(60), 0, (self.folder / "up.log").read_text())
        self.assertNothingRuns(*places)

    def test_termination(self):
        process = self.follow()
        places = self.places()
        process.terminate()
        self.assertEqual(process.wait(60), 0)
        self.assertNothingRuns(*places)

    def test_kill(self):
        process = self.follow()
        places = self.places()
        process.kill()
        process.wait(60)
        self.assertNothingRuns(*places)


class FirstRun(UpTest):
    def test_the_printed_lines_work_as_printed(self):
        output = self.up("--detach").stdout
        env = self.env()
        self.assertIn(env["DEMO_USER"], output)
        self.assertIn(env["DEMO_TOKEN"], output)
        commands = re.findall(r"^ *(curl .+)$", output, re.M)
        self.assertEqual(len(commands), 5)
        for command in commands:
            with self.subTest(command):
                done = subprocess.run(["bash", "-c", f"{command} -f"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertTrue(done.stdout.startswith("{"), done.stdout)
