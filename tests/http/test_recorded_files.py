"""Files that SDKs wrote which no registry of the tests has (tests/files/recorded): those for C++ and Ruby. The names say what wrote each, and its version.
They are of the same two checkouts as the tools' in tests/files, and have the same verdicts."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "files"), str(ROOT / "tests" / "support")]
import full_files_of_tools as tools  # noqa: E402
from betrace_process import run_cli  # noqa: E402

RECORDED = ROOT / "tests" / "files" / "recorded"
OPEN, KEPT, BROKEN = 3, 0, 1
# Of the two files of Zipkin: what is known of events and tags, and what may have been lost.
ZIPKIN = {"event.attempt == 2 and event.why == \"declined\"": BROKEN, "event.attempt == 3": KEPT, "exists(link.span_id)": OPEN, "resource.region == \"south\"": OPEN,
          "span.status_message == \"declined\"": KEPT, "span.amount > 9000": KEPT, "scope.name == \"shop\" and scope.version == \"1.0\"": BROKEN,
          "span.name == \"fraud-check\" and span.kind == internal": OPEN, "span.name == \"fraud-check\" and span.kind == unspecified": OPEN,
          "span.name == \"fraud-check\" and span.kind in [internal, unspecified]": BROKEN, "span.name == \"fraud-check\" and span.kind == client": KEPT}


class RecordedFilesTest(tools.ToolsTest):
    def test_otlp(self):
        paths = sorted(RECORDED.glob("*-otlp-*"))
        self.assertEqual(len(paths), 4)
        for path in paths:
            with self.subTest(file=path.name):
                self.hold(path)

    def test_zipkin(self):
        """Ruby's tags are texts, and those of C++ are numbers, with the status as a number among them."""
        paths = sorted(RECORDED.glob("*-zipkin-*"))
        self.assertEqual(len(paths), 2)
        for path in paths:
            with self.subTest(file=path.name):
                status, found, left_out = self.judge(path)
                self.assertEqual((status, left_out), (1, []))
                region = {trace: verdict for (rule, trace), verdict in found.items() if rule == "region"}
                self.assertEqual(list(region.values()), ["inconclusive"] * 2)
                self.hold(path, without=["region"])
            for test, code in ZIPKIN.items():
                with self.subTest(file=path.name, test=test):
                    self.assertEqual(run_cli("eval", "--dsl", f"never {{ span({test}) }}", path).returncode, code)

    def test_consoles(self):
        for name, printer in (("cpp-ostream-1.22.0.txt", "the C++ SDK's OStreamSpanExporter"), ("ruby-console-1.13.0.txt", "the Ruby SDK's ConsoleSpanExporter")):
            with self.subTest(file=name):
                self.refused(f"this is what {printer} prints", RECORDED / name)


if __name__ == "__main__":
    unittest.main()
