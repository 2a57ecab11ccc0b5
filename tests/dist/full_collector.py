"""A real OpenTelemetry Collector of the pinned version reads the collector's file of the compose stack. The test
builds it once from its Go modules (tests/dist/otelcol) with the components that the file names, which takes minutes
when cold."""
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import go_tool  # noqa: E402

MODULE = HERE / "otelcol"
SETTINGS = ROOT / "distribution/docker/otel-collector.yaml"


def collector():
    key = hashlib.sha256(b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))).hexdigest()[:16]
    return go_tool.built("otelcol", key, lambda go, folder: [go, "build", "-p", "2", "-ldflags", "-s -w", "-o", str(folder / "otelcol"), "."], MODULE)


def validate(file):
    return subprocess.run([COLLECTOR, "validate", "--config", str(file)], capture_output=True, text=True)


class Collector(unittest.TestCase):
    def test_accepts_the_settings(self):
        done = validate(SETTINGS)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_refuses_wrong_ones(self):
        text = SETTINGS.read_text(encoding="utf-8")
        for right, wrong in (("check_interval", "chek_interval"), ("otlphttp/loki: {endpoint", "nosuch/loki: {endpoint"), ("exporters: [otlphttp/loki]", "exporters: [otlphttp/other]")):
            self.assertIn(right, text)
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(text.replace(right, wrong))
                file.flush()
                self.assertNotEqual(validate(file.name).returncode, 0, wrong)

    def test_is_the_version_that_the_stack_pins(self):
        pinned = re.search(r"otel/opentelemetry-collector:([\w.]+)", (ROOT / "distribution/docker/docker-compose.yml").read_text(encoding="utf-8")).group(1)
        self.assertIn(f"go.opentelemetry.io/collector/otelcol v{pinned}\n", (MODULE / "go.mod").read_text(encoding="utf-8"))


if __name__ == "__main__":
    COLLECTOR = go_tool.require("collector", collector)
    unittest.main(verbosity=1)
