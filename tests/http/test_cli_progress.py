"""Progress of commands that take long. On a terminal each shows how far it has come and, after some seconds, about how
long it still takes. What goes into a file or a pipe has none of it."""
import os
import pty
import re
import resource
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import all_at_once, binary, sanitizer_environment  # noqa: E402
from partial_store import PartialStore  # noqa: E402
from protobuf_answer import bytes_field, varint  # noqa: E402
from trace_files import span, trace  # noqa: E402

TRACES, ANSWER_S = 12, 0.5
RULES = """rules:
- {id: some, dsl: 'when { trace.has(span.name == "probe") } always { trace.has(span.name == "other") }'}
- {id: none, dsl: 'trace.has(span.name == "nothing") and trace.has(span.name == "probe")'}
"""


RULE_OF_PAIRS = """rules:
- {id: pairs, dsl: 'when { probe as x } never { probe where(order < x.order and order > x.order) }', budget: 1000000000}
"""


class SlowStore(PartialStore):
    """Every search finds every trace, and every answer takes its time."""

    def __init__(self):
        super().__init__(lambda store, query, ids: store.rows(list(store.spans) if ids is None else ids, {}))

    def fill(self, traces=TRACES):
        """Every second one has a caller and what it calls: a habit."""
        at_ns = (int(time.time()) - 3600) * 10**9
        times = b"".join(varint(field << 3 | 1) + (at_ns + field).to_bytes(8, "little") for field in (7, 8))
        for number in range(1, traces + 1):
            spans = b""
            for at, name in enumerate(("probe", "caller", "called")[:1 if number % 2 else 3]):
                above = bytes_field(4, at.to_bytes(8, "big")) if at else b""
                spans += bytes_field(2, bytes_field(1, number.to_bytes(16, "big")) + bytes_field(2, (at + 1).to_bytes(8, "big")) + above + bytes_field(5, name) + times)
            self.push(bytes_field(1, bytes_field(2, spans)))

    def get(self, target):
        time.sleep(ANSWER_S)
        return super().get(target)


def write_crowds(path, count):
    """So many traces of 600 spans, which RULE_OF_PAIRS compares each with each."""
    spans = [span("probe", order=number) for number in range(600)]
    with open(path, "w", encoding="utf-8") as file:
        for number in range(1, count + 1):
            file.write(trace(number, *spans))


def seconds_of_processor(words):
    """What a command needs. The clock would also count what others do, and then tell too little to do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([binary(), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=sanitizer_environment(), check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(0.001, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def eval_for_seconds(folder, seconds):
    """The words of an `eval` that takes about so long here, whatever the machine and the build; half as long where other work beside the measurement ends."""
    rules, traces, few = os.path.join(folder, "pairs.yaml"), os.path.join(folder, "traces.jsonl"), 5
    with open(rules, "w", encoding="utf-8") as file:
        file.write(RULE_OF_PAIRS)
    write_crowds(traces, few)
    words = ("eval", rules, traces, "--jobs", "1")
    write_crowds(traces, max(few, int(few * seconds / seconds_of_processor(words))))
    return words


def read_for_seconds(folder, seconds):
    """The words of an `eval` that reads its file for about so long."""
    path, count = os.path.join(folder, "small.jsonl"), 2000
    words = ("eval", "--dsl", "nosuch", path, "--jobs", "1")

    def write(traces):
        with open(path, "w", encoding="utf-8") as file:
            for number in range(1, traces + 1):
                file.write(trace(number, span("a")))
    write(count)
    write(max(count, int(2 * count * seconds / seconds_of_processor(words))))
    return words


def on_terminal(arguments):
    """What a command writes to its standard error, which is a terminal."""
    parent, child = pty.openpty()
    process = subprocess.Popen([binary(), *arguments], stdout=subprocess.DEVNULL, stderr=child, env={**sanitizer_environment(), "TERM": "xterm"})
    os.close(child)
    sent = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        sent += part
    os.close(parent)
    process.wait()
    return sent.decode()


class ProgressTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-progress-"))
        rules, other = os.path.join(folder, "rules.yaml"), os.path.join(folder, "other.yaml")
        for path, text in ((rules, RULES), (other, RULES.replace('"other"', '"another"'))):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        store = cls.enterClassContext(SlowStore())
        store.fill()
        habits = cls.enterClassContext(SlowStore())
        habits.fill(160)
        since, one = ("--since", "6h", "--tempo", store.url), ("--rule", "some")
        windows = ("--before", "now-6h..now-3h", "--after", "now-3h..now-30m", "--tempo", store.url)
        cls.commands = [("replay", rules, *since), ("first", rules, *one, *since), ("diff", rules, other, *since), ("vacuity", rules, *since),
                        ("gate", rules, *since, "--baseline", "1", "--candidate", "2"), ("compare", rules, *one, *windows),
                        ("contrast", rules, *one, *since), ("suggest", "--min-traces", "2", "--since", "6h", "--tempo", habits.url),
                        ("changed", "--around", "now-2h", *since), ("changed", *since),
                        eval_for_seconds(folder, 8)]

    def test_reading_of_large_files_is_shown(self):
        with tempfile.TemporaryDirectory(prefix="betrace-progress-") as folder:
            shown = on_terminal(read_for_seconds(folder, 1.5))
        told = [int(number) for number in re.findall(r"\rreading the files: +(\d+) %", shown)]
        self.assertGreater(len(told), 2, shown)
        self.assertEqual(told, sorted(told))
        self.assertLessEqual(told[-1], 100)

    def test_on_a_terminal(self):
        for arguments, shown in zip(self.commands, all_at_once(on_terminal, self.commands)):
            with self.subTest(arguments[0]):
                self.assertRegex(shown, r"\r *\d+ %", arguments)
                self.assertRegex(shown, r" about \d+ (s|min) left", arguments)
                # the line is gone in the end
                self.assertGreater(shown.rfind("\r\033[K"), shown.rfind(" %\033[K"), arguments)

    def test_not_in_a_pipe(self):
        def run(arguments):
            return subprocess.run([binary(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=sanitizer_environment(), check=False).stderr

        for arguments, written in zip(self.commands, all_at_once(run, self.commands)):
            with self.subTest(arguments[0]):
                self.assertNotIn(b"\r", written)
                self.assertNotIn(b" left", written)


if __name__ == "__main__":
    unittest.main(verbosity=1)
