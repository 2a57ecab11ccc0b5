"""Compliance reports over trace files. Their counts are those of a replay. A rule that was not exercised or not read
never passes. Reports tell the history of rules, and outlive their requests."""
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, canonical, chain, control, make_key, openssl_sign, rule  # noqa: E402
from rule_rows import unguarded, reseal  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402
from trace_files import span, trace  # noqa: E402

START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
RANGE = f"start={START}&end={END}"
PII = PII_AUDIT["id"]
HOSTILE = '</script><script>alert(1)</script> "quoted" \'single\' & <b> \u202Eevil {{x}} ${y}'
RULES = [
    PII_AUDIT,
    {"id": "always-true", "dsl": '@SOC2(controls = {CC7_2}) when { checkout } always { checkout }'},
    {"id": "never-happens", "dsl": '@SOC2(controls = {CC7_2, CC8_1}) when { no.such.span } always { nothing }'},
    {"id": "off", "enabled": False, "dsl": "@SOC2(controls = {CC6_2}) when { checkout } always { no.such.span }"},
    {"id": "on-trial", "shadow": True, "dsl": "@SOC2(controls = {CC6_3}) when { checkout } always { no.such.span }"},
    {"id": "own", "name": HOSTILE, "description": HOSTILE + "\n- [x](javascript:alert(1))", "dsl": '@SOC2(controls = {"CC6.1.9", "X <i>1</i>"}) @Internal(controls = {"R-1"}) when { checkout } always { checkout }'},
    {"id": "bare", "dsl": "trace.has(checkout)", "annotations": {"compliance_framework": "HIPAA"}},
    {"id": "hipaa", "dsl": 'count(checkout) > 100', "annotations": {"compliance_framework": "HIPAA", "hipaa_control": "§164.312(b)"}},
]


class ComplianceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-compliance-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        done = run_cli("generate", "--traces", 600, "--violations", 40, "--end", END, "--since", "24h", "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        cls.private, cls.public = make_key(cls.folder.name)
        cls.server = Betrace("--traces", cls.traces, "--evidence-key", cls.private)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        for one in RULES:
            answer = cls.server.post("/v1/rules", one)
            assert answer.status == 201, answer
        cls.answer = cls.server.get(f"/v1/compliance/reports/soc2?{RANGE}")
        assert cls.answer.status == 200, cls.answer
        cls.report = cls.answer.json()

    def get(self, path, status=200):
        answer = self.server.get(path)
        self.assertEqual(answer.status, status, answer)
        return answer

    # ---- frameworks ----

    def test_frameworks(self):
        listed = {f["name"]: f for f in self.get("/v1/compliance/frameworks").json()["frameworks"]}
        self.assertLessEqual({"SOC2", "HIPAA", "PCI-DSS-4", "ISO-27001-2022", "GDPR", "AI-Act", "Internal"}, set(listed))
        soc2 = listed["SOC2"]
        self.assertEqual((soc2["in_catalogue"], soc2["controls"], soc2["controls_with_rules"]), (True, 61, 7))
        mapped = {r["rule_id"]: sorted(r["controls"]) for r in soc2["rules"]}
        self.assertEqual(mapped[PII], ["CC6.1"])
        self.assertEqual(mapped["never-happens"], ["CC7.2", "CC8.1"])
        self.assertEqual({r["rule_id"]: r["controls"] for r in listed["HIPAA"]["rules"]}, {"bare": [], "hipaa": ["164.312(b)"]})
        self.assertEqual((listed["Internal"]["in_catalogue"], listed["Internal"]["controls"], listed["Internal"]["rules_count"]), (False, 0, 1))

    def test_names_are_matched_by_letters_and_digits(self):
        for name in ("SOC2", "soc-2", "SOC 2", "SoC_2", "SOC 2 Type II"):
            report = self.get(f"/v1/compliance/reports/{urllib.parse.quote(name)}?{RANGE}").json()
            self.assertEqual(bodies(report, "report")[0]["framework"], {"name": "SOC2", "title": "SOC 2, trust services criteria 2017", "in_catalogue": True})
        internal = self.get(f"/v1/compliance/reports/internal?{RANGE}").json()
        self.assertEqual([(c["control"], c["status"], c["in_catalogue"]) for c in bodies(internal, "control")], [("R-1", "pass", False)])

    # ---- what is said of rules and controls ----

    def test_outcomes(self):
        statuses = {c["control"]: c["status"] for c in bodies(self.report, "control")}
        self.assertEqual({name: status for name, status in statuses.items() if status != "no_rules"},
                         {"CC6.1": "violated", "CC6.2": "not_evaluated", "CC6.3": "not_evaluated", "CC7.2": "partly_exercised", "CC8.1": "not_exercised",
                          "CC6.1.9": "pass", "X <i>1</i>": "pass"})
        self.assertEqual(len(statuses), 63)
        self.assertEqual(control(self.report, "CC6.1.9")["part_of"], "CC6.1")
        totals = bodies(self.report, "end")[0]["controls"]
        self.assertEqual(totals, {status: list(statuses.values()).count(status) for status in totals})
        trial = rule(self.report, "on-trial")
        self.assertEqual((trial["status"], trial["shadow"]), ("violated", True), "a rule on trial is shown with what it found")
        self.assertFalse(control(self.report, "CC6.3")["rules"][0]["decides"])

    def test_counts_are_those_of_a_replay(self):
        for one in (PII, "always-true", "never-happens"):
            with self.subTest(rule=one):
                started = self.server.post(f"/v1/rules/{one}/replay", {"start_time": START, "end_time": END, "count": "exact"}).json()
                replay = self.server.wait_job(started["replay_id"])
                body = rule(self.report, one)
                counts = body["counts"]
                self.assertEqual((counts["evaluated"], counts["exercised"], counts["violated"], counts["inconclusive"], counts["exact"]),
                                 (replay["traces_evaluated"], replay["traces_exercised"], replay["violations_found"], replay["inconclusive"], True))
                self.assertEqual(counts["satisfied"], counts["exercised"] - counts["violated"])
                self.assertEqual((body["first_violation"], body["last_violation"]), (replay["first_violation"], replay["last_violation"]))
        self.assertEqual(rule(self.report, PII)["counts"]["violated"], 40)

    def test_samples_are_what_they_are_called(self):
        samples = rule(self.report, PII)["samples"]
        self.assertEqual((len(samples["violated"]), len(samples["satisfied"]), samples["inconclusive"]), (5, 5, []))
        for expected in ("violated", "satisfied"):
            for sample in samples[expected]:
                verdicts = self.get(f"/v1/traces/{sample['trace_id']}/verdicts").json()["verdicts"]
                mine = next(v for v in verdicts if v["rule_id"] == PII)
                self.assertEqual((mine["verdict"], mine["exercised"]), (expected, True))

    def test_a_range_without_data_is_no_pass(self):
        report = self.get("/v1/compliance/reports/soc2?start=2020-01-01T00:00:00Z&end=2020-01-03T00:00:00Z").json()
        head = bodies(report, "report")[0]
        self.assertFalse(head["complete"])
        self.assertIn("no_data", head["notes"][0])
        self.assertEqual({c["status"] for c in bodies(report, "control")}, {"no_data", "not_evaluated", "no_rules"})
        self.assertEqual(head["cost"]["replays"], 2, "a day a replay")

    def test_no_rules_at_all(self):
        report = self.get(f"/v1/compliance/reports/gdpr?{RANGE}").json()
        self.assertEqual({c["status"] for c in bodies(report, "control")}, {"no_rules"})
        head = bodies(report, "report")[0]
        self.assertEqual((head["coverage"], head["complete"]), (None, False))
        self.assertIn("nothing was evaluated", head["notes"][0])

    def test_a_framework_without_controls_is_a_control_of_its_own(self):
        report = self.get(f"/v1/compliance/reports/hipaa?{RANGE}").json()
        named = {c["control"]: (c["status"], [r["rule_id"] for r in c["rules"]]) for c in bodies(report, "control") if c["rules"]}
        self.assertEqual(named, {"164.312(b)": ("pass", ["hipaa"]), "": ("violated", ["bare"])})
        counts = rule(report, "hipaa")["counts"]
        self.assertEqual(counts["exercised"], counts["evaluated"], "a bare condition of positive parts is as never { … }")

    def test_queries_and_assumptions_are_there(self):
        body = rule(self.report, PII)
        self.assertIn('{ span.data.classification = "PII" }', [q["traceql"] for q in body["search"]["queries"]])
        self.assertEqual(body["assumptions"]["settle"], "2m")
        self.assertEqual(body["overrides"], {"settle": None, "margin": None, "clock_skew": None, "require_complete": None})
        self.assertEqual(body["watch"]["under_watch"], False)

    # ---- evidence ----

    def test_the_chain_is_that_of_the_page(self):
        """By Python's json and hashlib alone; and the signature by openssl alone: Ed25519 gives one signature for a text."""
        report = json.loads(self.answer.body)
        self.assertEqual(self.answer.body, canonical(report), "what is sent is canonical")
        entries = json.loads(self.answer.body)["entries"]
        self.assertEqual(chain(entries), report["evidence"]["head"])
        self.assertEqual(entries, report["entries"])
        self.assertEqual(report["evidence"]["signature"], openssl_sign(self.private, f"betrace-report/1\n{report['evidence']['head']}\n".encode()))

    def test_without_a_key_it_says_so(self):
        with Betrace("--traces", self.traces) as server:
            evidence = server.get(f"/v1/compliance/reports/soc2?{RANGE}").json()["evidence"]
            self.assertEqual((evidence["signed"], evidence["signature"], evidence["key_id"]), ("unsigned", None, None))
            page = server.get(f"/v1/compliance/reports/soc2?{RANGE}&format=html").body.decode()
        said = page.index("This report is not signed")
        self.assertLess(said, page.index("<table"), "before anything else")
        signed = self.get(self.answer.headers["content-location"].split("?")[0] + "?format=html").body.decode()
        self.assertNotIn("not signed", signed)
        self.assertIn(f'content:"Report {bodies(self.report, "report")[0]["report_id"]}"', signed, "at the foot of each sheet")

    def test_a_wrong_key_ends_the_start(self):
        rsa = os.path.join(self.folder.name, "rsa.pem")
        os.system(f"openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out {rsa} 2>/dev/null")
        for file, expected in ((rsa, "Ed25519"), (self.public, "Ed25519"), (os.path.join(self.folder.name, "nosuch"), "cannot be read")):
            done = run_cli("serve", "--memory-source", "--listen", "127.0.0.1:0", "--db", ":memory:", "--evidence-key", file)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(expected, done.stderr)
        os.chmod(self.private, 0o640)
        with Betrace("--memory-source", "--evidence-key", self.private) as server:
            self.assertIn("others than its owner may read the evidence key", "".join(server.lines))
        os.chmod(self.private, 0o600)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_key_of_somebody_else_that_a_group_may_read_is_no_open_key(self):
        """As a Secret comes into a pod: root's file, readable by the pod's group."""
        copy = os.path.join(self.folder.name, "secret.pem")
        shutil.copy(self.private, copy)
        os.chown(copy, 65534, os.getgid())
        for mode, is_open in ((0o440, False), (0o444, True)):
            os.chmod(copy, mode)
            with Betrace("--memory-source", "--evidence-key", copy) as server:
                self.assertEqual("others than its owner may read" in "".join(server.lines), is_open, oct(mode))

    def test_metrics_count_reports_and_their_spans(self):
        def counted(server):
            text = server.get("/metrics").body.decode()
            return {line.split("{")[1].split("}")[0]: int(line.rsplit(" ", 1)[1])
                    for line in text.splitlines() if line.startswith(("betrace_reports_total{", "betrace_report_spans_total{"))}, text

        with Betrace("--traces", self.traces) as server:
            server.post("/v1/rules", PII_AUDIT)
            self.assertEqual(set(counted(server)[0].values()), {0}, "every series is there from the start")
            for query in (RANGE, RANGE + "&format=html", "start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z"):
                self.assertEqual(server.get(f"/v1/compliance/reports/soc2?{query}").status, 200)
            counts, text = counted(server)
            self.assertEqual(counts, {'status="complete"': 2, 'status="incomplete"': 1, 'status="cancelled"': 0, 'status="failed"': 0,
                                      'outcome="sent"': 0, 'outcome="not_sent"': 2, 'outcome="failed"': 0}, "what says nothing new has no span of its own")
            self.assertIn('betrace_evaluation_duration_seconds_count{kind="report"} 3', text)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with Betrace("--traces", self.traces, "--otlp", f"http://127.0.0.1:{port}") as server:
            self.assertEqual(server.get(f"/v1/compliance/reports/soc2?{RANGE}&timeout=60s", timeout=90).headers["betrace-report-span"], "failed")
            self.assertEqual(counted(server)[0]['outcome="failed"'], 1)

    # ---- forms ----

    def test_html_is_one_page_that_runs_nothing(self):
        place = self.answer.headers["content-location"].split("?")[0]
        page = self.get(f"{place}?format=html")
        self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
        self.assertTrue(page.headers["content-security-policy"].startswith("default-src 'none'"))
        text = page.body.decode()
        self.assertEqual(re.findall(r"<(script|iframe|img|link|object|form|a)\b", text), [])
        self.assertNotIn("alert(1)</script>", text)
        self.assertIn("&lt;/script&gt;&lt;script&gt;alert(1)", text)
        self.assertEqual(text.count("<bdi>"), text.count("</bdi>"))
        self.assertEqual(re.findall(r"<[^>]*\son\w+=|url\(|@import|https?://", text), [])
        self.assertIn(self.report["evidence"]["head"], text)
        opened = re.findall(r"<(table|tr|td|th|h1|h2|h3|ul|li|div|section|pre|code|p|tbody|thead|span)[ >]", text)
        closed = re.findall(r"</(table|tr|td|th|h1|h2|h3|ul|li|div|section|pre|code|p|tbody|thead|span)>", text)
        self.assertEqual({t: opened.count(t) for t in opened}, {t: closed.count(t) for t in closed})

    def test_oscal_is_the_same_each_time(self):
        place = self.answer.headers["content-location"].split("?")[0]
        first, second = (self.get(f"{place}?format=oscal").body for _ in range(2))
        self.assertEqual(first, second)
        results = json.loads(first)["assessment-results"]["results"][0]
        by_control = {f["props"][0]["value"]: f["target"]["status"] for f in results["findings"]}
        self.assertEqual({outcome: status["state"] for outcome, status in by_control.items()},
                         {"violated": "not-satisfied", "not_evaluated": "not-satisfied", "partly_exercised": "not-satisfied", "not_exercised": "not-satisfied",
                          "pass": "satisfied"})
        known = {o["uuid"] for o in results["observations"]}
        for finding in results["findings"]:
            self.assertLessEqual({r["observation-uuid"] for r in finding["related-observations"]}, known)
        ids = [s["control-id"] for s in results["reviewed-controls"]["control-selections"][0]["include-controls"]]
        self.assertEqual(len(ids), len(set(ids)))
        for name in ids:
            self.assertRegex(name, r"^[A-Za-z][A-Za-z0-9._-]*$")

    # ---- requests ----

    def test_what_is_refused(self):
        for query in ("format=xml", "start=yesterday", f"start={END}&end={START}", "timeout=2h", "start=now-500d", "limit=3"):
            with self.subTest(query=query):
                answer = self.get(f"/v1/compliance/reports/soc2?{query}", 400)
                self.assertEqual(answer.headers["content-type"], "application/problem+json")
        for name in ("nosuch", "x" * 300, "%00", "-"):
            self.get(f"/v1/compliance/reports/{name}", 404)
        self.get("/v1/reports/rep-00000000000000000000000000000000", 404)

    def test_a_report_is_kept_until_it_is_deleted(self):
        place = self.get(f"/v1/compliance/reports/soc2?start={START}&end=2026-03-10T11:59:00Z&format=html").headers["content-location"].split("?")[0]
        self.assertEqual(self.get(place).headers["content-type"], "text/html; charset=utf-8", "the form that was asked for first")
        self.assertEqual(self.get(f"{place}?format=json").json()["format"], "betrace-report/1")
        self.assertEqual(self.server.delete(place).status, 204)
        self.get(place, 404)
        self.assertEqual(self.server.delete(place).status, 404)


class HistoryTest(unittest.TestCase):
    """A range that ends now, so that what is done to rules lies in it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-compliance-")
        cls.addClassCleanup(cls.folder.cleanup)
        traces, tokens = os.path.join(cls.folder.name, "traces.pb"), os.path.join(cls.folder.name, "tokens")
        run_cli("generate", "--traces", 100, "--violations", 5, "--end", "now-5m", "--since", "23h", "--out", traces)
        made = [run_cli("token", "new", "--name", name, "--role", role, *more, "--file", tokens).stdout.strip()
                for name, role, more in (("editor", "editor", ()), ("viewer", "viewer", ()), ("other", "viewer", ("--tenants", "acme")))]
        cls.editor, cls.viewer, cls.other = ({"authorization": f"Bearer {token}"} for token in made)
        cls.server = Betrace("--traces", traces, "--tokens", tokens)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()

    def report(self, framework="soc2"):
        answer = self.server.get(f"/v1/compliance/reports/{framework}", headers=self.viewer)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def put(self, one):
        known = self.server.get(f"/v1/rules/{one['id']}", headers=self.editor).status == 200
        answer = self.server.put(f"/v1/rules/{one['id']}", one, headers=self.editor) if known else self.server.post("/v1/rules", one, headers=self.editor)
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json()

    def test_who_changed_what_when(self):
        first = self.put({"id": "changed", "dsl": "@SOC2(controls = {CC6_1}) when { checkout } always { checkout }"})
        second = self.put({"id": "changed", "name": "Another name", "dsl": "@SOC2(controls = {CC6_1}) when { checkout } always { checkout }"})
        third = self.put({"id": "changed", "dsl": "@SOC2(controls = {CC6_1}) when { checkout } always { pay }"})
        body = rule(self.report(), "changed")
        self.assertEqual([(v["version"], v["by"], v["condition_hash"], v["in_effect"]) for v in body["versions"]],
                         [(n + 1, "editor", v["condition_hash"], True) for n, v in enumerate((first, second, third))])
        self.assertEqual([v["dsl"] for v in body["versions"]], [first["dsl"], second["dsl"], third["dsl"]])
        (change,) = body["condition_changes"]
        self.assertEqual((change["from"], change["to"], change["by"], change["at"]), (first["condition_hash"], third["condition_hash"], "editor", third["updated_at"]))
        self.assertEqual(body["watch"]["enabled_since"], third["updated_at"])
        before = rule(self.report("soc2?start=now-20h&end=now-1h"), "changed")
        self.assertEqual(before["condition_changes"], [change], "of the whole range it was another condition")

    def test_a_rule_that_was_taken_away_is_named(self):
        self.put({"id": "deleted", "dsl": "@SOC2(controls = {CC6_4}) trace.has(checkout)"})
        self.put({"id": "moved", "dsl": '@SOC2(controls = {CC6_5, "Z.1"}) trace.has(checkout)'})
        self.assertEqual(control(self.report(), "CC6.4")["status"], "violated")
        self.server.delete("/v1/rules/deleted", headers=self.editor)
        self.put({"id": "moved", "dsl": "@SOC2(controls = {CC6_6}) trace.has(checkout)"})
        report = self.report()
        for name, rule_id, is_deleted in (("CC6.4", "deleted", True), ("CC6.5", "moved", False), ("Z.1", "moved", False)):
            body = control(report, name)
            (removed,) = body["removed"]
            self.assertEqual((body["status"], removed["rule_id"], removed["deleted"], removed["by"]), ("no_rules", rule_id, is_deleted, "editor"))
            self.assertIn("trace.has(checkout)", removed["dsl"])
        self.assertIn("taken away", " ".join(bodies(report, "report")[0]["notes"]))

    def test_tokens_and_tenants(self):
        self.put({"id": "mine", "dsl": "@SOC2(controls = {CC6_1}) trace.has(checkout)"})
        self.assertEqual(self.server.get("/v1/compliance/frameworks").status, 401)
        answer = self.server.get("/v1/compliance/reports/soc2", headers=self.viewer)
        place = answer.headers["content-location"]
        other = self.server.get("/v1/compliance/reports/soc2", headers=self.other).json()
        self.assertEqual(bodies(other, "report")[0]["tenant"], "acme")
        self.assertEqual(bodies(other, "rule"), [])
        self.assertEqual(self.server.get(place, headers=self.other).status, 404, "another tenant's")
        self.assertEqual(self.server.delete(place.split("?")[0], headers=self.other).status, 404)
        self.assertEqual(self.server.get(place, headers=self.viewer).status, 200)


class BrokenRuleTest(unittest.TestCase):
    def test_nothing_passes_beside_a_rule_that_cannot_be_read(self):
        """A stored text that this program does not take any more may have stood for any control."""
        with tempfile.TemporaryDirectory(prefix="betrace-compliance-") as folder:
            db, traces = os.path.join(folder, "rules.db"), os.path.join(folder, "traces.pb")
            run_cli("generate", "--traces", 50, "--violations", 5, "--end", END, "--since", "24h", "--out", traces)
            for expected in ("pass", "inconclusive"):
                with Betrace("--traces", traces, db=db) as server:
                    for rule_id, text in (("fine", "@SOC2(controls = {CC7_2})"), ("old", "@SOC2(controls = {CC7_3})")):
                        server.post("/v1/rules", {"id": rule_id, "dsl": text + " when { checkout } always { checkout }"})
                    report = server.get(f"/v1/compliance/reports/soc2?{RANGE}").json()
                self.assertEqual(control(report, "CC7.2")["status"], expected)
                with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as out:
                    json.dump(report, out)
                self.assertEqual(run_cli("verify-report", out.name, "--chain-only").returncode, 0)
                with unguarded(db) as connection:
                    row = connection.execute("SELECT * FROM rule_versions WHERE rule_id = 'old' ORDER BY version DESC").fetchone()
                    names = [column[1] for column in connection.execute("PRAGMA table_info(rule_versions)")]
                    fields = dict(zip(names, row), dsl="@SOC2(controls = {CC7_3}) of a later language", version=row[names.index("version")] + 1)
                    connection.execute(f"INSERT INTO rule_versions VALUES ({','.join('?' * len(names))})", list(fields.values()))
                    reseal(connection)
            self.assertEqual(bodies(report, "report")[0]["unknown_rules"], 1)


class PartCountTest(unittest.TestCase):
    def test_events_and_links_of_one_span_are_counted(self):
        """Traces 1 to 4 have as many retries in one span, and as many links."""
        rules = {"CC6_1": 'never { work.where(event.count(event.name == "retry") > 2) }', "CC6_2": "when { work as w } always { w.where(link.count(true) < 4) }",
                 "CC6_3": 'when { work.where(event.count(event.name == "retry") == 5) } always { audit }',
                 "CC7_1": "when { work.where(link.count(true) >= 2) } never { audit }"}
        with tempfile.TemporaryDirectory(prefix="betrace-compliance-") as folder:
            path = os.path.join(folder, "t.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                for n in range(1, 5):
                    file.write(trace(n, span("work", events=[("retry", {})] * n + [("log", {})] * 4, links=[(100 + i, f"{i + 1:016x}") for i in range(n)])))
            with Betrace("--traces", path) as server:
                for name, dsl in rules.items():
                    self.assertEqual(server.post("/v1/rules", {"id": name.lower().replace("_", "-"), "dsl": f"@SOC2(controls = {{{name}}}) {dsl}"}).status, 201)
                report = server.get("/v1/compliance/reports/soc2?start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:01Z").json()
        self.assertEqual({c["control"]: c["status"] for c in bodies(report, "control") if c["rules"]},
                         {"CC6.1": "violated", "CC6.2": "violated", "CC6.3": "not_exercised", "CC7.1": "pass"})
        counts = {body["rule_id"]: tuple(body["counts"][name] for name in ("exercised", "violated", "satisfied", "inconclusive", "exact")) for body in bodies(report, "rule")}
        self.assertEqual(counts, {"cc6-1": (4, 2, 2, 0, True), "cc6-2": (4, 1, 3, 0, True), "cc6-3": (0, 0, 0, 0, True), "cc7-1": (3, 0, 3, 0, True)})
        self.assertEqual([sample["trace_id"][-1] for sample in rule(report, "cc6-2")["samples"]["violated"]], ["4"])


class SlowSourceTest(unittest.TestCase):
    """A Tempo that takes connections and never answers."""

    def test_a_long_report_is_a_job(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        with Betrace("--tempo", f"http://127.0.0.1:{listener.getsockname()[1]}", "--tempo-timeout", "90s") as server:
            server.post("/v1/rules", PII_AUDIT)
            answers = []
            asking = threading.Thread(target=lambda: answers.append(server.get("/v1/compliance/reports/soc2?start=now-2h&timeout=60s").status))
            asking.start()
            answer = server.get("/v1/compliance/reports/soc2?timeout=200ms&format=html")
            self.assertEqual(answer.status, 202, answer)
            body, place = answer.json(), answer.headers["location"]
            self.assertIn(body["status"], ("queued", "running"))
            self.assertEqual((body["framework"], place), ("soc2", f"/v1/reports/{body['report_id']}?format=html"))
            again = server.get(place)
            self.assertEqual((again.status, again.headers["location"]), (202, place))
            self.assertEqual(server.delete(place.split("?")[0]).status, 204)
            self.assertEqual(server.get(place).status, 404)
            # Not any number at once; the deleted one may still be ending.
            statuses = [server.get(f"/v1/compliance/reports/soc2?start=now-{hours}h&timeout=1ms").status for hours in range(3, 11)]
            self.assertIn(statuses, ([202] * 7 + [503], [202] * 6 + [503] * 2))
            self.assertEqual(answers, [], "the first request still waits")
            server.stop()  # fails when it takes half a minute
            asking.join()
            self.assertIn(answers, ([202], [503]))


class GoneSourceTest(unittest.TestCase):
    def test_what_was_not_read_is_no_pass(self):
        with Betrace("--tempo", "http://127.0.0.1:1") as server:
            server.post("/v1/rules", PII_AUDIT)
            deadline = time.monotonic() + 60
            answer = server.get("/v1/compliance/reports/soc2?start=now-3d&timeout=60s")
            while answer.status == 202 and time.monotonic() < deadline:
                answer = server.get(answer.headers["location"])
            self.assertEqual(answer.status, 200, answer)
            report = answer.json()
            body = control(report, "CC6.1")
            self.assertEqual((body["status"], body["rules"][0]["counts"]["exact"]), ("inconclusive", False))
            head = bodies(report, "report")[0]
            self.assertFalse(head["complete"])
            self.assertTrue(head["coverage"]["windows_failed"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
