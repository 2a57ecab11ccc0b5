"""The inspector of the Model Context Protocol as the client of `betrace mcp` and of POST /mcp: a program of others, by its
command line. It holds answers to schemas of its own and ends with an error where they are not what it expects."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "app")]
import node_packages  # noqa: E402
from betrace_process import Betrace, binary, sanitizer_environment  # noqa: E402
from trace_files import span, trace  # noqa: E402

FOLDER = os.path.join(HERE, "inspector")
PROGRAM = os.path.join(FOLDER, "node_modules", "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
NEEDS_NODE = (22, 19)


def node():
    """A Node that is new enough for the inspector."""
    if node_packages.version_of("node") >= NEEDS_NODE:
        return "node"
    return os.path.join(node_packages.newer_node(), "node")


class InspectorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-inspector-"))
        cls.traces = os.path.join(folder, "traces.jsonl")
        with open(cls.traces, "w", encoding="utf-8") as file:
            file.write(trace(1, span("GET /cart"), span("db.query")))
        cls.server = cls.enterClassContext(Betrace("--traces", cls.traces))
        cls.node = node()

    def ask(self, *words):
        """What the inspector prints for these words, over stdio and over HTTP; it has to be the same."""
        answers = []
        for way in ((binary(), "mcp", "--traces", self.traces), (f"http://127.0.0.1:{self.server.port}/mcp", "--transport", "http")):
            done = subprocess.run([self.node, PROGRAM, "--cli", *way, *words], capture_output=True, text=True, timeout=120, check=False,
                                  env=sanitizer_environment())
            self.assertEqual(done.returncode, 0, f"{way} {words}\n{done.stdout}\n{done.stderr}")
            answers.append(json.loads(done.stdout))
        self.assertEqual(*answers)
        return answers[0]

    def test_lists(self):
        tools = {tool["name"] for tool in self.ask("--method", "tools/list")["tools"]}
        self.assertLessEqual({"list_rules", "check_rule", "explain_rule", "replay", "first_violation", "violations", "trace_verdicts", "contrast"}, tools)
        uris = {resource["uri"] for resource in self.ask("--method", "resources/list")["resources"]}
        self.assertLessEqual({"betrace://rules", "betrace://language"}, uris)
        self.assertIn("write_rule", {prompt["name"] for prompt in self.ask("--method", "prompts/list")["prompts"]})

    def test_a_tool(self):
        right = self.ask("--method", "tools/call", "--tool-name", "check_rule", "--tool-arg", "dsl=when { a } always { b }")
        self.assertFalse(right.get("isError"))
        self.assertIn("No trace was looked at", right["content"][0]["text"])
        wrong = self.ask("--method", "tools/call", "--tool-name", "check_rule", "--tool-arg", "dsl=when { a")
        self.assertIn("E0", json.dumps(wrong))

    def test_a_resource(self):
        contents = self.ask("--method", "resources/read", "--uri", "betrace://language")["contents"]
        self.assertEqual(json.loads(contents[0]["text"])["name"], "BeTraceDSL")


if __name__ == "__main__":
    try:
        node_packages.provide(FOLDER, node_packages.environment())
        node()
    except (node_packages.NoNode, RuntimeError) as missing:
        sys.exit(node_packages.skipped(missing))
    unittest.main()
