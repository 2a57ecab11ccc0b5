"""A real ClickHouse for tests, out of a Python package (requirements.txt), and the loader that writes as the exporters do. Skips where it cannot be had."""
import os
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import NoPackages, python_with  # noqa: E402


def chdb_python():
    """The python that has ClickHouse's engine."""
    try:
        return python_with(os.path.join(HERE, "requirements.txt"))
    except NoPackages as why:
        raise unittest.SkipTest(f"there is no ClickHouse: {str(why)[-300:]}") from why


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class ClickHouse:
    """With `with`: a server with data of its own. `users`: the text of a users.xml; `shards`: a cluster `shards` of so many, over itself."""

    def __init__(self, shards=0, users=None):
        self.http, self.tcp, self.shards, self.users = free_port(), free_port(), shards, users

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-clickhouse-")
        arguments = ["--data", self.folder.name, "--http", self.http, "--tcp", self.tcp, "--shards", self.shards]
        if self.users:
            path = os.path.join(self.folder.name, "given-users.xml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.users)
            arguments += ["--users", path]
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        self.process = subprocess.Popen([chdb_python(), os.path.join(HERE, "chdb_http.py"), *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        if not self.process.stdout.readline().startswith(b"ready"):
            self.log.seek(0)
            raise AssertionError(f"ClickHouse did not start: {self.log.read()[-2000:]}")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # it ends with that
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.log.close()
        self.folder.cleanup()

    def url(self, database="otel", table=None, port=None):
        return f"clickhouse+http://127.0.0.1:{port or self.http}/{database}" + (f"?table={table}" if table else "")

    def ask(self, sql):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/", data=sql.encode())
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{sql}: {error.read().decode(errors='replace')[:500]}") from error

    def load(self, path, schema="map", database="otel", parts=1, create=True):
        """The traces of a file of OTLP JSON lines, as the exporter writes them; with parts: each trace in so many inserts."""
        arguments = ["--http", self.http, "--schema", schema, "--database", database, "--parts", parts, *(["--create"] if create else []), path]
        done = subprocess.run([sys.executable, os.path.join(HERE, "otlp_clickhouse.py"), *map(str, arguments)], capture_output=True, text=True,
                              timeout=300, check=False)
        if done.returncode:
            raise AssertionError(done.stderr)


SHARED = None


def shared_server():
    """One for all tests of a module, started when the first of them asks."""
    global SHARED
    if not SHARED:
        chdb_python()
        SHARED = ClickHouse().__enter__()
        unittest.addModuleCleanup(SHARED.__exit__)
    return SHARED
