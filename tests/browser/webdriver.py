"""A headless Chromium of one's own, driven by WebDriver over HTTP.

Everything that the browser and its driver write lies in a temporary folder that goes with them.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_S = 60
COMMAND_S = 60
POLL_S = 0.05


# Everything asked here runs on this host: a proxy that the environment names is not for it.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class WebDriverError(Exception):
    pass


class Browser:
    def __init__(self):
        self._home = tempfile.mkdtemp(prefix="refrain-browser-")
        self._driver = None
        self._url = None
        try:
            self._start_driver()
            self._start_session()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _start_driver(self):
        log = pathlib.Path(self._home, "driver.log")
        environment = {**os.environ, "HOME": self._home, "TMPDIR": self._home}
        with log.open("wb") as output:
            self._driver = subprocess.Popen(
                ["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._driver.poll() is None:
            found = re.search(r"started successfully on port (\d+)", log.read_text(errors="replace"))
            if found:
                self._url = f"http://127.0.0.1:{found[1]}"
                return
            time.sleep(POLL_S)
        raise WebDriverError(f"chromedriver does not start: {log.read_text(errors='replace')}")

    def _start_session(self):
        # Without the sandbox, which root and most containers cannot have: only pages of our own
        # are opened.
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--no-proxy-server",
                     f"--user-data-dir={self._home}/profile"]
        answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}})
        self._url += f"/session/{answer['sessionId']}"

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with direct(request, timeout=COMMAND_S) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise WebDriverError(json.load(error)["value"]["message"]) from error

    def close(self):
        """Ends browser and driver, whatever state they are in, and removes what they wrote."""
        if self._url and "/session/" in self._url:
            try:
                self._send("DELETE", "")
            except (OSError, ValueError, WebDriverError):
                pass
        if self._driver:
            self._driver.terminate()
            self._driver.wait()
        self._end_leftovers()
        shutil.rmtree(self._home, ignore_errors=True)

    def _end_leftovers(self):
        """The browser leaves its driver's process group: its processes are known by the folder."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            mine = [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                    if entry.name.isdigit() and self._is_mine(entry)]
            if not mine:
                return
            for pid in mine:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(POLL_S)

    def _is_mine(self, process):
        try:
            return self._home.encode() in (process / "cmdline").read_bytes()
        except OSError:
            return False

    def open(self, url):
        self._send("POST", "/url", {"url": url})

    def script(self, body, *arguments):
        """Runs the body of a JavaScript function and returns what it returns."""
        return self._send("POST", "/execute/sync", {"script": body, "args": list(arguments)})

    def wait(self, what, body, *arguments, seconds=15):
        """Waits until the script returns something true, and returns that."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.script(body, *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain: {what}")
            time.sleep(POLL_S)

    def _find(self, selector):
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        return next(iter(found.values()))

    def click(self, selector):
        self._send("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector, text):
        self._send("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def console(self):
        """What the console said since the last call: lines of level, source and text."""
        return self._send("POST", "/se/log", {"type": "browser"})

    def devtools(self, command, **parameters):
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=width < 700)

    def screenshot(self):
        """PNG, as base64 text."""
        return self._send("GET", "/screenshot")
