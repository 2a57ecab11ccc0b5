"""Files that real tools write, judged by `betrace eval`: the Collector's file exporter, exporters of OpenTelemetry's SDKs, Jaeger's query service, Zipkin's
libraries. Each tool comes out of its package registry, in the version that the files of this folder pin, and is built once into the user's cache folder. All of
them write the same two checkouts: the right one asks fraud-check before it charges, the wrong one does not, costs more, and its charge is declined."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "tempo"), str(HERE.parent / "app")]
import otlp  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from node_packages import cache_folder, keep  # noqa: E402
from python_packages import NoPackages, python_with  # noqa: E402

NODE_PACKAGES = str(HERE.parent / "app" / "node_packages.py")
START_NS = 1_767_225_600 * 10**9
MS = 10**6
# What the wrong checkout violates, and what both satisfy.
WRONG = {
    "order": "when { payment.charge as c } always { fraud-check before c }",
    "number": "never { span(span.amount > 1000) }",
    "status": "never { span(span.kind == client and span.status == error and span.status_message == \"card declined\") }",
    "event": "never { span(event.name == \"retry\") }",
}
BOTH = {
    "service": "when { checkout } always { span(span.service == \"shop\" and span.name == \"payment.charge\") }",
    "child": "when { checkout as k } always { payment.charge child of k }",
    "kind": "when { payment.charge } always { span(span.kind == server and span.name == \"checkout\") }",
    "values": "when { checkout } always { span(share == 0.5 and express == true) }",
    "region": "when { checkout } always { span(resource.region == \"north\") }",
}
# What a package manager says where its registry does not answer, and nothing is wrong with the program.
NO_ANSWER = (r"(?i)could not transfer|could not be resolved|could not resolve|unknown host|connection (refused|reset|timed out)|no such host|i/o timeout|TLS handshake|"
             r"EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTFOUND|failed to (download|get|fetch)|network failure|dial tcp|spurious network|max retries|temporary failure|NewConnectionError|from versions: none")
LEFT_SIGNALS = "2 documents hold logs, metrics or profiles, which no rule looks at"


UNANSWERED = {}  # what was said of each tool whose registry does not answer: it is not asked again


def skip_unanswered(tool, said=""):
    """Skips a tool by its name if a package manager says, or said before, that its registry does not answer."""
    line = next((line for line in said.splitlines() if re.search(NO_ANSWER, line)), None)
    if line:
        UNANSWERED[tool] = line.strip()[:300]
    if tool in UNANSWERED:
        raise unittest.SkipTest(f"{tool}: its registry does not answer: {UNANSWERED[tool]}")


def run_tool(tool, command, fetches=False, **options):
    """What a command prints. One that fetches may find that its registry does not answer."""
    skip_unanswered(tool)
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, **options)
    if done.returncode and fetches:
        skip_unanswered(tool, done.stdout + done.stderr)
    if done.returncode:
        raise AssertionError(f"{tool}: {command} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def built(tool, needs, build):
    """The folder of the cache with a program of this folder, built once for each content. build(source, target) fills it."""
    if not shutil.which(needs):
        raise unittest.SkipTest(f"{tool}: there is no {needs}")
    source = HERE / tool
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    key = hashlib.sha256(b"".join(str(path.relative_to(source)).encode() + path.read_bytes() for path in files)).hexdigest()[:16]
    return keep(os.path.join(cache_folder(), f"files-{tool}-{key}"), lambda target: build(source, target))


def go_program(tool):
    def build(source, target):
        run_tool(tool, ["go", "build", "-o", os.path.join(target, "program"), "."], fetches=True, cwd=source)
    return os.path.join(built(tool, "go", build), "program")


def rust_program():
    def build(source, target):
        run_tool("rust", ["cargo", "build", "--locked", "--manifest-path", source / "Cargo.toml", "--target-dir", os.path.join(target, "made")], fetches=True)
        shutil.copy(os.path.join(target, "made", "debug", "shop"), target)
        shutil.rmtree(os.path.join(target, "made"))
    return os.path.join(built("rust", "cargo", build), "shop")


def java_class_path():
    def build(source, target):
        shutil.copytree(source, target, dirs_exist_ok=True)
        run_tool("java", ["mvn", "--quiet", "--batch-mode", "package"], fetches=True, cwd=target)
    folder = built("java", "mvn", build)
    return f"{folder}/target/shop.jar:{folder}/target/dependency/*"


def python_program():
    skip_unanswered("python")
    try:
        return python_with(HERE / "python" / "requirements.txt")
    except NoPackages as error:
        skip_unanswered("python", str(error))
        raise


# ---- what the Collector and Jaeger are given ----


def checkout(number, amount, padding=""):
    trace, ids = f"{number + 1:032x}", [f"{number + 1:08x}{place + 1:08x}" for place in range(3)]
    at = START_NS + number * 10**9
    wrong = amount > 1000
    attributes = {"amount": amount, "share": 0.5, "express": True, **({"padding": padding} if padding else {})}
    spans = [otlp.span(trace, "checkout", at, 20 * MS, ids[0], kind="server", attrs=attributes)]
    if not wrong:
        spans.append(otlp.span(trace, "fraud-check", at + 2 * MS, 3 * MS, ids[1], ids[0]))
    spans.append(otlp.span(trace, "payment.charge", at + 8 * MS, 3 * MS, ids[2], ids[0], "client", events=[("retry", at + 9 * MS, {})] if wrong else None))
    if wrong:
        spans[-1]["status"] = {"code": 2, "message": "card declined"}
    return compact(otlp.request(spans, "shop", {"region": "north"}))


def compact(document):
    return json.dumps(document, separators=(",", ":"))


def logs_and_metrics():
    shop, scope = {"attributes": otlp.attributes({"service.name": "shop"})}, {"name": "tests"}
    log = {"timeUnixNano": str(START_NS), "severityNumber": 13, "severityText": "WARN", "body": {"stringValue": "charges"}, "traceId": f"{1:032x}", "spanId": f"{1:016x}"}
    points = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [{"asInt": "2", "startTimeUnixNano": str(START_NS), "timeUnixNano": str(START_NS + MS)}]}
    gauge = {"dataPoints": [{"asDouble": 0.5, "timeUnixNano": str(START_NS)}]}
    metrics = [{"name": "shop.open.checkouts", "gauge": gauge}, {"name": "checkouts", "unit": "1", "sum": points}]
    return [compact({"resourceLogs": [{"resource": shop, "scopeLogs": [{"scope": scope, "logRecords": [log]}]}]}),
            compact({"resourceMetrics": [{"resource": shop, "scopeMetrics": [{"scope": scope, "metrics": metrics}]}]})]


TWO = [checkout(0, 200), checkout(1, 1200)]
SIGNALS = [TWO[0], *logs_and_metrics(), TWO[1]]


class ToolsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-tools-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def judge(self, *paths, without=()):
        """The status, {(rule, trace): verdict}, and what was left out."""
        rules = self.folder / "rules.json"
        rules.write_text(json.dumps({"rules": [{"id": name, "dsl": dsl} for name, dsl in {**WRONG, **BOTH}.items() if name not in without]}), encoding="utf-8")
        done = run_cli("eval", "--rules", rules, "--all", "--json", "--", *paths)
        self.assertIn(done.returncode, (0, 1, 3), done)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        found = {(one["rule_id"], one["trace_id"]): one["verdict"] for one in objects[:-1]}
        return done.returncode, found, [text.split(": ", 1)[1] for text in objects[-1]["summary"]["left_out"]]

    def hold(self, *paths, left_out=(), without=(), traces=2):
        """One trace of them all is wrong."""
        status, found, passed = self.judge(*paths, without=without)
        self.assertEqual((status, passed), (1, list(left_out)))
        ids = {trace for _, trace in found}
        wrong = {trace for (rule, trace), verdict in found.items() if rule == "order" and verdict == "violated"}
        self.assertEqual((len(ids), len(wrong)), (traces, 1))
        expected = {(rule, trace): "violated" if rule in WRONG and trace in wrong else "satisfied" for rule in {**WRONG, **BOTH} if rule not in without for trace in ids}
        self.assertEqual({key: (verdict, expected.get(key)) for key, verdict in found.items() if expected.get(key) != verdict}, {})
        self.assertEqual(len(found), len(expected))

    def refused(self, message, *paths):
        done = run_cli("eval", "--dsl", BOTH["child"], "--", *paths)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertIn(message, done.stderr)


class CollectorTest(ToolsTest):
    """github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter."""

    NATIVE = "exporter.file.nativeCompression"
    FORMS = {
        "JSON": ({},), "proto": ({"format": "proto"},),
        "zstd": ({"compression": "zstd"},), "zstd of proto": ({"format": "proto", "compression": "zstd"},),
        "one stream of zstd": ({"compression": "zstd"}, NATIVE), "one stream of zstd of proto": ({"format": "proto", "compression": "zstd"}, NATIVE),
        "frames of zstd": ({"compression": "zstd", "rotation": {}}, NATIVE),
        "otlp_json": ({"encoding": "otlp_encoding/otlp_json"},), "zstd of otlp_json": ({"encoding": "otlp_encoding/otlp_json", "compression": "zstd"},),
        "zstd of otlp_proto": ({"encoding": "otlp_encoding/otlp_proto", "compression": "zstd"},),
    }

    def write(self, lines, config, *words, name="traces"):
        (self.folder / name).unlink(missing_ok=True)  # a rotated one is appended to
        command = [go_program("collector"), json.dumps({"path": str(self.folder / name), **config}), *words]
        done = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, -9 if "killed" in words else 0, done)
        return self.folder / name

    def test_traces(self):
        for name, words in self.FORMS.items():
            with self.subTest(form=name):
                self.hold(self.write(TWO, *words))

    def test_three_signals_in_one_file(self):
        for name, words in self.FORMS.items():
            with self.subTest(form=name):
                self.hold(self.write(SIGNALS, *words), left_out=[LEFT_SIGNALS])

    def test_rotation_and_groups(self):
        many = [checkout(number, 1200 if number == 1 else 200, "x" * 5000) for number in range(400)]
        (self.folder / "all").mkdir()
        self.write(many, {"rotation": {"max_megabytes": 1}}, name="all/traces.json")
        self.assertEqual(len(os.listdir(self.folder / "all")), 3)
        self.hold(self.folder / "all", traces=400)
        (self.folder / "grouped").mkdir()
        self.write(TWO, {"group_by": {"enabled": True, "resource_attribute": "region"}}, name="grouped/*.json")
        self.assertEqual(os.listdir(self.folder / "grouped"), ["north.json"])
        self.hold(self.folder / "grouped")

    def test_a_writer_that_is_killed(self):
        """What is whole is judged, and the trace whose end is lost is not taken for one without it."""
        many = [checkout(number, 200, "x" * 3000) for number in range(50)]
        for name in ("JSON", "proto", "otlp_json"):
            with self.subTest(form=name):
                status, found, passed = self.judge(self.write(many, *self.FORMS[name], "killed"))
                self.assertEqual((status, len(passed)), (3, 1))
                self.assertIn("cut off", passed[0])
                self.assertNotIn("violated", found.values())
                traces = {trace for _, trace in found}
                self.assertTrue(45 <= len(traces) < 50, len(traces))
        for name in ("zstd", "one stream of zstd"):
            with self.subTest(form=name):
                chance = random.Random(63)
                noise = [checkout(number, 200, chance.randbytes(1500).hex()) for number in range(400)]
                self.refused("cut off", self.write(noise, *self.FORMS[name], "killed"))

    def test_an_encoding_without_lengths(self):
        """The exporter puts a line break between messages of protobuf, which is a byte that they have inside, too."""
        self.refused("protobuf, byte ", self.write(TWO, {"encoding": "otlp_encoding/otlp_proto"}))


class SdkTest(ToolsTest):
    def test_python(self):
        def write(form):
            path = self.folder / form
            out = run_tool("python", [python_program(), HERE / "python" / "shop.py", form, path])
            if form == "console":
                path.write_text(out, encoding="utf-8")
            return path
        with self.subTest(tool="opentelemetry-exporter-otlp-json-file"):
            self.hold(write("otlp"))
        with self.subTest(tool="opentelemetry-exporter-otlp-json-file, three signals"):
            self.hold(write("signals"), left_out=[LEFT_SIGNALS.replace("2", "3")])
        with self.subTest(tool="opentelemetry-exporter-zipkin-json"):
            self.hold(write("zipkin"), without=["region"])
        with self.subTest(tool="ConsoleSpanExporter"):
            self.refused("this is what the Python SDK's ConsoleSpanExporter prints", write("console"))

    def test_javascript(self):
        if not shutil.which("npm"):
            self.skipTest("javascript: there is no npm")
        run_tool("javascript", [sys.executable, NODE_PACKAGES, HERE / "js"], fetches=True)

        def write(form):
            path = self.folder / form
            out = run_tool("javascript", [sys.executable, NODE_PACKAGES, "--run", "node", HERE / "js" / "shop.mjs", form, path])
            if form == "console":
                path.write_text(out, encoding="utf-8")
            return path
        with self.subTest(tool="@opentelemetry/otlp-transformer"):
            self.hold(write("otlp"))
        with self.subTest(tool="zipkin"):
            self.hold(write("zipkin"), without=["region"])
        with self.subTest(tool="ConsoleSpanExporter"):
            self.refused("this is what the JavaScript SDK's ConsoleSpanExporter prints", write("console"))

    def test_java(self):
        def write(form):
            run_tool("java", ["java", "-cp", java_class_path(), "Shop", form, self.folder / form])
            return self.folder / form
        for form, without in (("logging", []), ("stdout", []), ("zipkin", ["region"]), ("brave", ["region"]), ("server", ["region"])):
            with self.subTest(form=form):
                self.hold(write(form), without=without)
        with self.subTest(form="server-v1"):
            self.refused("this is of Zipkin's API v1", write("server-v1"))

    def test_go(self):
        for words in ([], ["pretty"]):
            with self.subTest(tool="stdouttrace", words=words):
                path = self.folder / "out"
                path.write_text(run_tool("go", [go_program("go"), *words]), encoding="utf-8")
                self.refused("this is what stdouttrace of the Go SDK prints", path)

    def test_go_to_zipkin(self):
        """Its event has attributes behind its name."""
        path = self.folder / "out"
        path.write_text(run_tool("go", [go_program("go"), "zipkin"]), encoding="utf-8")
        self.hold(path, without=["region"])
        self.assertEqual(run_cli("eval", "--dsl", "never { span(amount > 9000) }", path).returncode, 0, "the resource is among the tags")
        for test, code in (("event.attempt == 2", 1), ("event.why == \"declined\"", 1), ("event.attempt == 3", 0), ("exists(link.span_id)", 3), ("resource.region == \"south\"", 3)):
            with self.subTest(test=test):
                self.assertEqual(run_cli("eval", "--dsl", f"never {{ span({test}) }}", path).returncode, code)

    def test_rust(self):
        path = self.folder / "out"
        with self.subTest(tool="opentelemetry-proto"):
            path.write_text(run_tool("rust", [rust_program(), "otlp"]), encoding="utf-8")
            self.hold(path)
        with self.subTest(tool="opentelemetry-stdout"):
            path.write_text(run_tool("rust", [rust_program(), "stdout"]), encoding="utf-8")
            self.refused("this is what opentelemetry-stdout of the Rust SDK prints", path)


class JaegerTest(ToolsTest):
    """github.com/jaegertracing/jaeger: its query service over its memory store."""

    def test_answers(self):
        subprocess.run([go_program("jaeger"), str(self.folder)], input="\n".join(TWO) + "\n", text=True, check=True)
        names = [f"{number:016x}" for number in (1, 2)]
        for form, paths in (("download of the UI", [f"{name}.json" for name in names]), ("search", ["all.json"]), ("API v3", [f"{name}.v3.json" for name in names])):
            with self.subTest(form=form):
                self.hold(*(self.folder / path for path in paths))


if __name__ == "__main__":
    unittest.main()
