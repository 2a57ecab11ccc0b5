"""Starts a real `betrace serve` for tests and talks to it. Standard library only.

BETRACE_BIN names the binary (default: build/dev/server/betrace). A server dies with the test that started it.
"""
import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """The binary under test."""
    return os.environ.get("BETRACE_BIN", str(ROOT / "build/dev/server/betrace"))


def has_sanitizer():
    """Whether it is slower, and larger, than what people run."""
    with open(binary(), "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def sanitizer_environment():
    """h2o keeps thread-local memory that is reachable only from ended threads: known and not ours."""
    environment = dict(os.environ)
    suppressions = ROOT / "tests/support/lsan.supp"
    environment.setdefault("LSAN_OPTIONS", f"suppressions={suppressions}:print_suppressions=0")
    return environment


def where_it_waits(pid):
    """The stack of each thread if there is a gdb, else what the kernel says of each."""
    if shutil.which("gdb"):
        return subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 12"], capture_output=True,
                              text=True, timeout=60).stdout
    tasks = sorted(pathlib.Path(f"/proc/{pid}/task").iterdir())
    return "\n".join(f"{(task / 'comm').read_text().strip()}: {(task / 'wchan').read_text()}" for task in tasks)


def all_at_once(function, items):
    """function of each item, in their order. For what waits, as for a source that is not there, and computes little."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, items))


def run_cli(*arguments, stdin=None, timeout=120, env=None, cwd=None):
    """Runs one command to its end; returns CompletedProcess with text output."""
    environment = sanitizer_environment()
    environment.update(env or {})
    return subprocess.run([binary(), *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=timeout, env=environment,
                          cwd=cwd)


class Answer:
    """One HTTP answer: status, headers (lower-case names), body as bytes, and json() of it."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Betrace:
    """A running service. Use it as a context manager; `stop()` returns its exit status and checks that it ended by itself."""

    def __init__(self, *arguments, db=None, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-test-")
        self.db = db or os.path.join(self.folder.name, "rules.db")
        self.arguments = [binary(), "serve", "--listen", "127.0.0.1:0", "--db", self.db, *map(str, arguments)]
        self.env = sanitizer_environment()
        self.env.update(env or {})
        self.lines = []
        self.process = None
        self.port = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()
        self.folder.cleanup()

    def start(self):
        self.process = subprocess.Popen(self.arguments, stderr=subprocess.PIPE, text=True, env=self.env, preexec_fn=_die_with_parent)
        ready = threading.Event()
        self.reader = threading.Thread(target=self._read_log, args=(self.process.stderr, ready), daemon=True)
        self.reader.start()
        deadline = time.monotonic() + 60
        while not ready.wait(0.05):
            if self.process.poll() is not None or time.monotonic() > deadline:
                time.sleep(0.2)
                raise AssertionError(f"betrace serve did not start:\n{''.join(self.lines)}")

    def _read_log(self, stream, ready):
        for line in stream:
            self.lines.append(line)
            match = re.search(r"listening on https?://[^:]+:(\d+)", line)
            if match:
                self.port = int(match.group(1))
                ready.set()

    def close_log(self):
        self.reader.join(10)
        self.process.stderr.close()

    def stop(self, expect=0):
        self.process.send_signal(signal.SIGTERM)
        status = self.wait_for_exit(30)
        self.close_log()
        if status != expect:
            raise AssertionError(f"betrace serve ended with {status}:\n{''.join(self.lines)}")
        return status

    def wait_for_exit(self, seconds):
        """The exit status. Where it does not end in time: says at what each of its threads waits, and kills it."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            threads = where_it_waits(self.process.pid)
            self.process.kill()
            raise AssertionError(f"betrace serve did not stop within {seconds} s:\n{''.join(self.lines[-50:])}\n{threads}")

    def reload(self, expect, timeout=30):
        """SIGHUP; waits until a new line of the log holds `expect` and returns that line."""
        seen = len(self.lines)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for line in self.lines[seen:]:
                if expect in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no {expect!r} in the log:\n{''.join(self.lines[seen:])}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.close_log()

    def request(self, method, path, body=None, headers=None, timeout=60):
        """body: bytes, str, or anything that json.dumps takes. No Content-Type is sent unless given, as the quick start's curl calls do."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            names = [name.lower() for name, _ in response.getheaders()]
            assert len(names) == len(set(names)), f"{method} {path}: expected each header once, came {names}"
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, body, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def wait_replay(self, rule_id, timeout=300):
        """Polls the status of a rule's latest replay until it has ended."""
        return self._wait(f"/v1/rules/{rule_id}/replay/status", timeout)

    def wait_job(self, replay_id, timeout=300):
        return self._wait(f"/v1/replays/{replay_id}", timeout)

    def _wait(self, path, timeout):
        deadline = time.monotonic() + timeout
        while True:
            answer = self.get(path)
            if answer.status != 200:
                raise AssertionError(f"{path}: {answer}")
            status = answer.json()
            if status["status"] not in ("queued", "running"):
                return status
            if time.monotonic() > deadline:
                raise AssertionError(f"{path}: still {status['status']} after {timeout} s")
            time.sleep(0.05)

    def violations(self, replay_id):
        """All violations of a replay, page by page."""
        found, cursor = [], ""
        while cursor is not None:
            page = self.get(f"/v1/replays/{replay_id}/violations?limit=1000&cursor={cursor}").json()
            found += page["violations"]
            cursor = page["cursor"]
        return found
