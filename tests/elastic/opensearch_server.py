"""A real OpenSearch for tests, out of Maven's packages (opensearch/pom.xml), and the loader that writes as Data Prepper does. Skips where it cannot be had."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import data_prepper  # noqa: E402
from java_program import class_path  # noqa: E402

MEMORY = "-Xmx1g"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class OpenSearch:
    """With `with`: a server with data of its own."""

    def __enter__(self):
        classes = class_path(os.path.join(HERE, "opensearch"), "store")
        self.http = free_port()
        self.folder = tempfile.mkdtemp(prefix="betrace-opensearch-")
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        self.process = subprocess.Popen(["java", MEMORY, "-cp", classes, "Store", os.path.join(self.folder, "data"), str(self.http), str(free_port())],
                                        cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        for line in self.process.stdout:  # its logger stands before what it prints
            if line.strip().endswith(b"ready"):
                break
        else:
            self.log.seek(0)
            raise AssertionError(f"OpenSearch did not start: {self.log.read()[-2000:]}")
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # it ends with that
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.drain.wait(timeout=60)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, index=None, port=None, kind="opensearch"):
        return f"{kind}+http://127.0.0.1:{port or self.http}" + (f"?index={index}" if index else "")

    def ask(self, method, path, body=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode(errors='replace')[:500]}") from error

    def create(self, index, typed=True, shards=2, **settings):
        data_prepper.create(self, index, typed, shards, settings)

    def load(self, path, index):
        """The traces of a file of OTLP JSON lines, as Data Prepper writes them."""
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if line.strip()]
        refused = [one for at in range(0, len(lines), 200) for one in data_prepper.load(self, index, *map(json.loads, lines[at:at + 200]))]
        self.ask("POST", f"/{index}/_refresh")
        if refused:
            raise AssertionError(f"{len(refused)} documents were refused: {refused[:2]}")


SHARED = None


def shared_server():
    """One for all tests of a module, started when the first of them asks."""
    global SHARED
    if not SHARED:
        SHARED = OpenSearch().__enter__()
        unittest.addModuleCleanup(SHARED.__exit__)
    return SHARED
