"""The limits of docs/reference/limits.md are those of the program, and every reason that an answer can give has an entry in the runbook that says what to do."""
import glob
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import doc_pages  # noqa: E402

# Where each limit stands in the program: a pattern whose group is a C expression.
LIMITS = {
    "request body": ("server/http/http_server.c", r"max_body_bytes = (10u << 20)"),
    "pushed spans, unpacked": ("server/http/push.c", r"unpacked_max_bytes = \(size_t\)(20 << 20)"),
    "violations of a rule that a replay lists": ("server/replay/replay.h", r"BT_MOST_LISTED = (\d+)"),
    "rules in one rule file": ("server/rulefile/rulefile.h", r"BT_RULEFILE_MAX_RULES = (\d+)"),
    "items of a completion": ("server/editor/completion.h", r"BT_COMPLETION_MAX_ITEMS = (\d+)"),
    "names and values of one kind in a completion": ("server/http/api_editor.c", r"TAGS_LIMIT = (\d+)"),
    "time for a completion's names and values": ("server/http/api_editor.c", r"TAGS_NS = INT64_C\((\d+)\)"),
    "answers with names and values that are kept": ("server/query/tag_cache.h", r"BT_TAG_CACHE_ENTRIES = (\d+)"),
    "time of a push": ("server/http/push.c", r"FORWARD_NS = (\d+)"),
    "replays that are queued": ("server/replay/job.c", r"\bQUEUED_MAX = (\d+)"),
    "replays of one tenant that are queued": ("server/replay/job.c", r"TENANT_QUEUED_MAX = (\d+)"),
    "rules of one replay": ("server/http/*.[ch]", r"[^_]RULES_MAX = (\d+)"),
    "rules of one gate over HTTP": ("server/http/api_gate.c", r"GATE_RULES_MAX = (\d+)"),
    "page of a listing": ("server/http/*.[ch]", r"PAGE_MAX = (\d+)"),
    "text of a rule": ("dsl/rule/rule.h", r"BT_MAX_RULE_BYTES = (64 \* 1024)"),
    "connections": ("server/http/http_server.c", r"max_connections = (\d+)"),
    "time of a call": ("server/settings/config*.c", r'"(call-timeout)"'),
    "time of a request's head and body": ("server/http/http_server.c", r"request_timeout_ms = (10 \* 1000)"),
    "a reader that takes nothing": ("server/http/http_server.c", r"write_timeout_ms = (30 \* 1000)"),
    "tenants in the memory source": ("tempo/files/memory_source.h", r"BT_MEMORY_TENANTS_MAX = (\d+)"),
    "unpacked content of a file of traces": ("tempo/files/file_content.c", r"default_max_kept_bytes = \(uint64_t\)(8 << 30)"),
    "message of a zstd file in the Collector's form": ("tempo/wire/zstd.c", r"MESSAGE_BYTES = (1 << 30)"),
    "compiled regexes of a rule": ("dsl/rule/rule.h", r"BT_MAX_PATTERN_BYTES = (1024 \* 1024)"),
    "compiled regexes of a tenant's enabled rules": ("server/settings/config*.c", r'"(pattern-memory)"'),
    "keys of a key set": ("server/http/jwt_keys.h", r"BT_JWKS_MAX_KEYS = (\d+)"),
    "memory of replay results": ("server/settings/config*.c", r'"(memory-limit)"'),
}
# Rows of several numbers, or of such that depend: what has to stand in the program for them to be true.
SEVERAL = {
    "rows of a ClickHouse that a completion looks at": [("tempo/clickhouse/clickhouse_tags.c", r"ROWS_OF_ATTRIBUTES = 2000000\b"),
                                                        ("tempo/clickhouse/clickhouse_tags.c", r"ROWS_OF_FIELDS = 50000000\b")],
    "rules of one backtest over HTTP; bytes of its alerts; firings of an alert that are listed": [
        ("server/http/api_backtest.c", r"BACKTEST_RULES_MAX = 100, FIRINGS_MAX = 1000, PER_WEEK_MAX = 100000, ALERT_BYTES_MAX = 256 << 10\b")],
    "problems of an answer; steps of their range": [("server/http/api_problems.c", r"PROBLEMS_MAX = 1000\b"), ("server/query/problems.h", r"BT_PROBLEM_STEPS_MAX = 200\b")],
    "window of a zstd file": [("tempo/wire/zstd.c", r"ZSTD_error_frameParameter_windowTooLarge"), ("tempo/wire/zstd.c", r"a window of more than 128 MiB")],
    "pushes at once; that wait": [("server/work/pool.c", r'"push", PEOPLE, 4, 1, 8, 8\}'), ("server/work/pool.c", r"\(most \+ 1\) / 2")],
    "first violations, contrasts, suggestions, changes, backtests, problems, gates and explanations at once; that wait": [("server/work/pool.c", r'"search", PEOPLE, 4, 1, 16, 64\}'),
                                                                        ("server/http/routes.c", r"bt_api_rule_first, BT_ROLE_VIEWER, BT_LANE_SEARCH"),
                                                                        ("server/http/routes.c", r"bt_api_rule_contrast, BT_ROLE_VIEWER, BT_LANE_SEARCH"),
                                                                        ("server/http/routes.c", r"bt_api_suggestions, BT_ROLE_VIEWER, BT_LANE_SEARCH"),
                                                                        ("server/http/routes.c", r"bt_api_changes, BT_ROLE_VIEWER, BT_LANE_SEARCH"),
                                                                        ("server/http/routes.c", r'"/v1/backtests", bt_api_backtest, BT_ROLE_VIEWER, BT_LANE_SEARCH'),
                                                                        ("server/http/routes.c", r'"/v1/problems", bt_api_problems, BT_ROLE_VIEWER, BT_LANE_SEARCH'),
                                                                               ("server/http/routes.c", r'"POST", "/v1/gate", bt_api_gate, BT_ROLE_VIEWER, BT_LANE_SEARCH'),
                                                                        ("server/http/routes.c", r"bt_api_rule_explain, BT_ROLE_VIEWER, BT_LANE_SEARCH")],
    "samples of what changed; traces of a range of it": [("server/query/changed.c", r"SAMPLE_PART = 4, LISTED_PART = 8\b"), ("server/query/changed.h", r"BT_CHANGED_LISTED = 2000000\b")],
    "time that `betrace mcp` takes for what was asked before its input ended": [("server/cli/mcp/session.c", r"ENDING_NS = INT64_C\(10\) \* 1000000000")],
    "calls of tools at `/mcp` at once; that wait": [("server/work/pool.c", r'"assistant", PEOPLE, 4, 1, 16, 16\}'),
                                                   ("server/http/routes.c", r"bt_api_mcp, BT_ROLE_VIEWER, BT_LANE_ASSISTANT")],
    "message at `/mcp`; messages of a batch": [("server/mcp/dialogue.h", r"BT_MCP_MESSAGE_BYTES = 4 << 20"), ("server/http/api_mcp.c", r"BATCH_MAX = 32")],
    "time of a call at `/mcp` that reports progress": [("server/http/api_mcp.c", r"LONGEST_NS = INT64_C\(3600\)")],
    "requests a second of a token; of an address": [("server/settings/config*.c", r'"client-rate", "BETRACE_CLIENT_RATE", BT_SETTING_NUMBER'),
                                                    ("server/settings/config*.c", r'"address-rate", "BETRACE_ADDRESS_RATE", BT_SETTING_NUMBER')],
    "bytes of a JWT; of a key set": [("server/http/jwt.h", r"BT_JWT_MAX_BYTES = 16 << 10\b"), ("server/http/jwt_keys.h", r"BT_JWKS_MAX_BYTES = 256 << 10\b")],
    "rows of a kind in a file of roles; tenants that it names": [("server/http/jwt_roles.h", r"BT_JWT_MAX_ROWS = 1000, BT_JWT_MAX_TENANTS = 500\b")],
    "calls of one kind that wait for their turn; of one tenant": [("server/settings/config.c", r"max_queued = 1024\b"), ("server/work/pool.c", r"\(most \+ 1\) / 2")],
    "range of violations and series on demand": [("server/http/question.c", r"INT64_C\(30\) \* 86400 \* 1000000000")],
    "timeout of violations and series on demand": [("server/http/api_violations.c", r"300 \* SECOND_NS : HOUR_NS"), ("server/http/api_series.c", r"300 \* SECOND_NS")],
    "points of a series; of all series of one answer": [("server/query/series.h", r"MOST_POINTS = 11000\b"), ("server/query/series.h", r"MOST_CELLS = 200000\b")],
    "windows of violations on demand, and evaluations of series, at once": [("server/work/pool.c", r'"evaluation", PEOPLE, 2, 1, 8, 0\}'), ("server/work/pool.c", r'"series", PEOPLE, 2, 1, 8, 0\}')],
    "series that are waited for at once": [("server/query/series.c", r"ASKS_MAX = 256\b")],
    "parameters of a query; the same one, except for `rule_id` and `label`": [("server/http/call.h", r"BT_CALL_MAX_PARAMETERS = 1024\b"), ("server/http/call_url.c", r'"rule_id".*"label"')],
    "range of a compliance report": [("server/http/api_compliance.c", r"INT64_C\(400\) \* 86400 \* 1000000000")],
    "reports that are made at once; that are under way, of one tenant": [("server/work/pool.c", r'"report", PEOPLE, 2, 1, 4, 0\}'), ("server/compliance/reports.c", r"\bUNFINISHED_MAX = 32,\s+TENANT_UNFINISHED_MAX = 8\b")],
    "time that a call waits for a report": [("server/http/api_compliance.c", r"TIMEOUT_NS = 50 \* SECOND_NS, TIMEOUT_MOST_NS = 300 \* SECOND_NS")],
    "time that a finished report waits for who was told to ask the same again": [("server/compliance/reports.c", r"PROMISE_NS = INT64_C\(600\) \* 1000000000")],
    "finished reports that are kept; of one tenant": [("server/compliance/reports.c", r"\bFINISHED_MAX = 200\b"), ("server/compliance/reports.c", r"TENANT_FINISHED_MAX = 50\b")],
    "rules of a tenant; their versions": [("server/settings/config*.c", r'"max-rules"'), ("server/settings/config*.c", r'"max-rule-versions"')],
    "bodies of all requests together; of one tenant": [("server/settings/config*.c", r'"request-memory"')],
    "time of the processor for all rules on one trace, wherever it is evaluated": [("server/base/eval_limit.h", r"BT_EVAL_MAX_CPU_NS INT64_C\(10000000000\)"),
                                                                                   ("server/cli/cmd_eval.c", r'"trace-time", OPT_TRACE_TIME, "DURATION", "10s"')],
    "head of a request": [("server/http/head.h", r"BT_HEAD_MAX_BYTES = 32 \* 1024\b"), ("server/http/head.c", r"MAX_HEADERS = 100\b")],
    "memory of violations on demand": [("server/server.c", r"memory_limit_bytes / 4\b")],
    "counts of steps that are kept": [("server/query/series.c", r"DEFAULT_CELLS = 400000\b")],
}
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def limits():
    """{limit: its value} of the page."""
    entries = doc_pages.entries(doc_pages.section("reference/limits.md", "All limits"))
    rows = [re.fullmatch(r"\*\*(.*?)\*\*: (.*?)\. Beyond it: \S.*", entry) for entry in entries]
    assert all(rows), [entry for entry, row in zip(entries, rows) if not row]
    return dict(row.groups() for row in rows)


def symptoms():
    """{symptom: text of its entry} of the runbook."""
    parts = re.split(r"^### (.*)$", doc_pages.read("operations/runbook.md"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class OperationsTest(unittest.TestCase):
    def found(self, pattern, expression):
        """Every number that the program has for it."""
        texts = [read(path) for path in sorted(glob.glob(os.path.join(ROOT, pattern)))]
        return {match for text in texts for match in re.findall(expression, text)}

    def test_limits_are_those_of_the_program(self):
        table = limits()
        self.assertEqual(set(table), set(LIMITS) | set(SEVERAL))
        for name, places in SEVERAL.items():
            for pattern, expression in places:
                with self.subTest(limit=name):
                    self.assertTrue(self.found(pattern, expression), expression)
        for name, (pattern, expression) in LIMITS.items():
            with self.subTest(limit=name):
                found = self.found(pattern, expression)
                self.assertEqual(len(found), 1, f"{pattern}: {found}")
                source = found.pop()
                number, unit = re.fullmatch(r"`?-*([\w-]+)`?(?: (\w+))?", table[name]).groups()
                if not number.isdigit():
                    self.assertEqual(number, source)
                    continue
                value = eval(source.replace("u", ""), {"__builtins__": {}})  # digits and operators of our own source
                self.assertEqual(int(number) * {"s": 10**9 if value >= 10**9 else 1000, None: 1, **UNITS}[unit], value)

    def test_every_reason_says_what_to_do(self):
        sources = [read(path) for folder in ("replay", "query", "http") for path in sorted(glob.glob(os.path.join(ROOT, "server", folder, "*.c")))]
        reasons = set(re.findall(r'"([a-z]+(?:_[a-z]+)*): ', "\n".join(sources)))
        told = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", doc_pages.section("operations/runbook.md", "What to do when")))
        # Words that begin other sentences, not the reason of an answer.
        others = {"cancelled", "no_memory", "event", "id", "data", "retry", "watch", "trace", "sampling", "silence"}
        self.assertGreater(len(reasons), 8)
        self.assertEqual({reason for reason in reasons - told - others}, set())

    def test_every_entry_says_what_it_means_and_what_to_do(self):
        self.assertGreater(len(symptoms()), 40)
        for symptom, text in symptoms().items():
            self.assertRegex(text, r"\A\n\n\S(?s:.*)\n\nWhat to do: \S", symptom)

    def test_every_shipped_alert_has_an_entry(self):
        """An alert of Prometheus has an entry of its name; one of Grafana's provisioning is named below the entry that it belongs to."""
        shipped = {name for path in glob.glob(os.path.join(ROOT, "distribution/prometheus/*.yaml")) for name in re.findall(r"- alert: (\w+)", read(path))}
        self.assertGreater(len(shipped), 10)
        entries = symptoms()
        self.assertEqual({f"`{name}`" for name in shipped} - set(entries), set())
        self.assertEqual({symptom for symptom in entries if re.fullmatch(r"`Betrace\w+`", symptom)}, {f"`{name}`" for name in shipped})
        in_grafana = {title for path in glob.glob(os.path.join(ROOT, "distribution/grafana/provisioning/alerting/*.yaml"))
                      for title in re.findall(r"^ +title: (.*)$", read(path), re.M)}
        named = {title for text in entries.values() for line in re.findall(r"^Grafana: (.*)\.$", text, re.M) for title in line.split("; ")}
        self.assertGreater(len(in_grafana), 6)
        self.assertEqual(named, in_grafana)

    def test_metrics_that_it_names_are_listed(self):
        listed = set(re.findall(r"^- \*\*`(\w+)`", doc_pages.section("reference/metrics.md", "All metrics"), re.M))
        named = set(re.findall(r"`((?:betrace|process)_\w+)", doc_pages.read("operations/runbook.md")))
        self.assertTrue(named)
        self.assertEqual(named - listed, set())


if __name__ == "__main__":
    unittest.main(verbosity=1)
