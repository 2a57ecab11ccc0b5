"""`betrace verify-report` against forgers: a changed byte, dropped, added and moved entries, another key, a stripped
signature, a report signed anew with the right key. Also against traces that are gone. The test also shows which
forgeries it cannot find, as docs/COMPLIANCE.md says."""
import copy
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, chain, control, key_id, make_key, rule, sign  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402

START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
PII = PII_AUDIT["id"]


class VerifyReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-verify-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces, cls.fewer = (os.path.join(cls.folder.name, name) for name in ("traces.pb", "fewer.jsonl"))
        run_cli("generate", "--traces", 300, "--violations", 20, "--end", END, "--since", "24h", "--out", cls.traces)
        run_cli("generate", "--traces", 30, "--violations", 2, "--end", END, "--since", "24h", "--seed", 5, "--out", cls.fewer)
        cls.private, cls.public = make_key(cls.folder.name)
        cls.other_private, cls.other_public = make_key(cls.folder.name, "other")
        with Betrace("--traces", cls.traces, "--evidence-key", cls.private) as server:
            server.post("/v1/rules", PII_AUDIT)
            server.post("/v1/rules", {"id": "fine", "dsl": "@SOC2(controls = {CC7_2}) when { audit.log } always { audit.log }", "settle": "5m"})
            cls.text = server.get(f"/v1/compliance/reports/soc2?start={START}&end={END}").body
        cls.report = json.loads(cls.text)

    def run_on(self, content, *arguments, key=None, env=None):
        """content: a report, or bytes."""
        file = os.path.join(self.folder.name, "report.json")
        with open(file, "wb") as out:
            out.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return run_cli("verify-report", file, "--key", key or self.public, *arguments, env=env)

    def refused(self, content, expected="", key=None):
        done = self.run_on(content, key=key)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("REFUSED: ", done.stdout)
        self.assertIn(expected, done.stdout)

    def forged(self, change, private=None, public=None):
        """The report with a change, a chain made anew and a signature."""
        report = copy.deepcopy(self.report)
        change(report)
        return sign(report, private or self.private, public or self.public)

    # ---- what holds ----

    def test_what_was_signed_holds(self):
        done = self.run_on(self.text)
        self.assertEqual((done.returncode, done.stdout.strip().splitlines()[-1]), (0, "verified: it is what was signed"))
        self.assertEqual(self.run_on(json.dumps(self.report, indent=2).encode()).returncode, 0, "the layout is not what was signed")

    def test_a_rule_that_nothing_exercised(self):
        with Betrace("--traces", self.traces, "--evidence-key", self.private) as server:
            server.post("/v1/rules", {"id": "idle", "dsl": "@SOC2(controls = {CC7_2}) when { nobody } always { audit.log }"})
            text = server.get(f"/v1/compliance/reports/soc2?start={START}&end={END}").body
        self.assertEqual(self.run_on(text).returncode, 0)
        done = self.run_on(text, "--require-exercised")
        self.assertEqual(done.returncode, 3)
        self.assertIn("nothing exercised it (--require-exercised)", done.stdout)
        self.assertEqual(json.loads(self.run_on(text, "--require-exercised", "--json").stdout)["outcome"], "unknown")
        self.assertEqual(self.run_on(self.text, "--require-exercised").returncode, 0)

    def test_one_of_several_keys(self):
        """A report says which key is its own; with several files, or several keys in a file, that one is taken."""
        both, broken, many = (os.path.join(self.folder.name, name) for name in ("both.pub", "broken.pub", "many.pub"))
        with open(self.public, encoding="utf-8") as ours, open(self.other_public, encoding="utf-8") as theirs:
            texts = ours.read(), theirs.read()
        for file, text in ((both, texts[1] + texts[0]), (broken, texts[0] + texts[1].replace("MCow", "MCox")), (many, texts[1] * 64)):
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
        for keys in ([self.other_public, "--key", self.public], [self.public, "--key", self.other_public], [both]):
            with self.subTest(keys=keys):
                done = self.run_on(self.text, *keys[1:], key=keys[0])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(f"signature  right: key {key_id(self.public)}", done.stdout)
        done = self.run_on(self.text, "--key", self.other_public, key=self.other_public)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"signed with none of the 2 keys that were given: it says {key_id(self.public)[:16]}…", done.stdout)
        self.refused(self.forged(lambda report: None, self.other_private, self.public), "signature is not this key's", key=both)
        for keys, expected in (([broken], "expected an Ed25519 public key"), ([many, "--key", self.public], "more than 64 keys"), ([self.private], "expected an Ed25519 public key")):
            with self.subTest(keys=keys):
                done = self.run_on(self.text, *keys[1:], key=keys[0])
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(expected, done.stderr)

    def test_it_says_of_what(self):
        lines = self.run_on(self.text).stdout.splitlines()
        for line in ("framework  SOC2", "tenant     (none)", f"range      {START[:-1]}.000000000Z to {END[:-1]}.000000000Z",
                     f"settled    all of the range, up to {END[:-1]}.000000000Z", "           no rule stands for 59 other controls"):
            self.assertIn(line, lines)
        text = "\n".join(lines)
        self.assertRegex(text, r"control +CC6\.1 +violated +Logical access")
        self.assertRegex(text, r"control +CC7\.2 +pass ")
        self.assertIn(f"rule       {PII}: ", text)
        self.assertIn(f"signature  right: key {self.report['evidence']['key_id']}", text)
        body = json.loads(self.run_on(self.text, "--json").stdout)
        self.assertEqual((body["framework"], body["tenant"], body["range"], body["settled"]["ppm"], body["key_id"], body["mismatches"]),
                         ("SOC2", "", {"start": START[:-1] + ".000000000Z", "end": END[:-1] + ".000000000Z"}, 1000000,
                          self.report["evidence"]["key_id"], []))
        outcomes = {one["control"]: one["status"] for one in body["controls"]}
        self.assertEqual((outcomes["CC6.1"], outcomes["CC7.2"], outcomes["A1.1"]), ("violated", "pass", "no_rules"))
        self.assertEqual({one["rule_id"] for one in body["rules_of_report"]}, {PII, "fine"})

    def test_it_says_what_part_was_settled(self):
        def shorten(report):
            report["entries"][0]["body"]["settled_end"] = "2026-03-10T11:59:59.000000000Z"
        body = self.run_on(self.forged(shorten)).stdout
        self.assertRegex(body, "REFUSED|settled    99.99 % of the range")

    def test_what_was_expected(self):
        key_id = self.report["evidence"]["key_id"]
        good = ["framework=soc2", "tenant=", f"range={START}/{END}", f"key={key_id}"]
        arguments = [part for one in good for part in ("--expect", one)]
        done = self.run_on(self.text, *arguments)
        self.assertEqual((done.returncode, done.stdout.strip().splitlines()[-1]), (0, "verified: it is what was signed"))
        for bad, found in (("framework=hipaa", "SOC2"), ("tenant=acme", "(none)"), (f"range={START}/2026-03-11T12:00:00Z", "2026-03-10T12:00:00"),
                           (f"key={'0' * 64}", key_id)):
            with self.subTest(bad):
                done = self.run_on(self.text, *arguments, "--expect", bad, "--traces", self.traces)
                self.assertEqual(done.returncode, 1, done)
                name, value = bad.split("=")
                self.assertRegex(done.stdout, rf"expected   {name} {value}, and it is .*{found.replace('(', '.').replace(')', '.')}")
                self.assertIn("NOT WHAT WAS EXPECTED", done.stdout)
                self.assertNotIn("judged again", done.stdout, "nothing more is looked at")
                body = json.loads(self.run_on(self.text, "--json", "--expect", bad).stdout)
                self.assertEqual((body["outcome"], [one["what"] for one in body["mismatches"]]), ("not_expected", [name]))
                self.assertEqual(body["mismatches"][0]["expected"], value)
        for wrong in ("", "framework", "framework=", "key=", "range=a/b", "range=2026-03-10T12:00:00Z", f"range={END}/{START}", "color=red", "=x"):
            self.assertEqual(self.run_on(self.text, "--expect", wrong).returncode, 2, wrong)

    def test_a_key_is_expected_and_no_signature_was_checked(self):
        file = os.path.join(self.folder.name, "chain-only.json")
        with open(file, "wb") as out:
            out.write(self.text)
        done = run_cli("verify-report", file, "--chain-only", "--expect", f"key={self.report['evidence']['key_id']}")
        self.assertEqual(done.returncode, 1, "what the file says of its key is not shown")
        self.assertIn("not known: no signature was checked", done.stdout)

    def test_what_a_file_says_does_nothing_to_a_terminal(self):
        """Every text of a report that is signed by the right key, and so may be printed."""
        evil = "x\x1b[2J\x9b\x7f\u202e\u2066\n"

        def change(value):
            if isinstance(value, dict):
                return {name: change(one) if name not in ("hash", "previous", "type", "format", "status", "dsl", "condition_hash", "rule_id") else one
                        for name, one in value.items()}
            return [change(one) for one in value] if isinstance(value, list) else value + evil if isinstance(value, str) else value

        texts = [lambda r: r["entries"][0]["body"].update(change(r["entries"][0]["body"])),
                 lambda r: [one["body"].update(title=evil + one["body"].get("title", "")) for one in r["entries"] if one["type"] == "control"],
                 lambda r: [one["body"].update(name=evil, reason=evil) for one in r["entries"] if one["type"] == "rule"],
                 lambda r: [one["body"].update(control=one["body"]["control"] + evil) for one in r["entries"] if one["type"] == "control"],
                 lambda r: r["entries"][0]["body"].update(report_id=evil), lambda r: r["entries"][0]["body"].update(tenant=evil),
                 lambda r: r["entries"][0]["body"]["framework"].update(name=evil), lambda r: r["entries"][0]["body"]["range"].update(start=evil),
                 lambda r: r["entries"][0]["body"].update(settled_end=evil), lambda r: r["entries"][1].update(type=evil),
                 lambda r: r.update(format=evil), lambda r: r["evidence"].update(key_id=evil), lambda r: r.update({evil: 1})]
        shown = 0
        for number, text in enumerate(texts):
            for arguments in ((), ("--json",), ("--traces", self.traces)):
                done = self.run_on(self.forged(text), *arguments)
                self.assertIn(done.returncode, (0, 1, 2, 3), done)
                self.assertNotRegex(done.stdout + done.stderr, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", number)
                shown += "\\x1b[2J" in done.stdout
        self.assertGreater(shown, 3, "some of it is printed")

    def test_traces_that_say_the_same(self):
        done = self.run_on(self.text, "--traces", self.traces, "--replay", 3, "--json")
        body = json.loads(done.stdout)
        self.assertEqual((done.returncode, body["outcome"], body["traces"], body["rules"]),
                         (0, "holds", {"same": 20, "different": 0, "unknown": 0}, {"same": 3, "different": 0, "unknown": 0}), body)
        again = [self.run_on(self.text, "--traces", self.traces, "--seed", seed, "--sample", 3).stdout for seed in (7, 7, 8)]
        self.assertEqual(again[0], again[1])

    # ---- what is refused ----

    def test_a_changed_byte(self):
        """Any byte: either it is not the same content any more and is refused, or it is and holds."""
        done = []
        for at in list(range(0, len(self.text), 1499)) + list(range(len(self.text) - 420, len(self.text), 71)):
            changed = bytearray(self.text)
            changed[at] ^= 1
            try:
                is_same = json.loads(bytes(changed)) == self.report
            except ValueError:
                is_same = False
            code = self.run_on(bytes(changed)).returncode
            self.assertEqual(code, 0 if is_same else 1, (at, bytes(changed[max(0, at - 40):at + 40])))
            done.append(is_same)
        self.assertGreater(len(done), 20)
        self.assertEqual(done.count(True), 0)

    def test_entries_that_were_dropped_added_or_moved(self):
        for name, change in (("dropped", lambda e: e.pop(2)), ("the last", lambda e: e.pop()), ("the first", lambda e: e.pop(0)), ("all", lambda e: e.clear()),
                             ("moved", lambda e: e.insert(1, e.pop(2))), ("twice", lambda e: e.insert(2, copy.deepcopy(e[2]))),
                             ("numbered anew", lambda e: (e.pop(2), [one.update(number=n) for n, one in enumerate(e)]))):
            with self.subTest(change=name):
                report = copy.deepcopy(self.report)
                change(report["entries"])
                self.refused(report)

    def test_a_chain_that_was_made_anew_without_the_key(self):
        report = copy.deepcopy(self.report)
        rule(report, PII)["counts"]["violated"] = 0
        report["evidence"]["head"] = chain(report["entries"])
        self.refused(report, "changed after it was signed")

    def test_another_key(self):
        self.refused(self.text, "signed with another key", key=self.other_public)
        forged = self.forged(lambda r: None, self.other_private, self.other_public)
        self.refused(forged, "signed with another key")
        forged["evidence"]["key_id"] = self.report["evidence"]["key_id"]
        self.refused(forged, "is not this key's")

    def test_a_stripped_signature(self):
        report = copy.deepcopy(self.report)
        report["evidence"].update(signed="unsigned", signature=None, key_id=None)
        self.refused(report, "not signed")
        file = os.path.join(self.folder.name, "unsigned.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(report, out)
        done = run_cli("verify-report", file, "--chain-only")
        self.assertEqual(done.returncode, 0)
        self.assertIn("nothing shows who made it", done.stdout)

    def test_what_stands_beside_the_chain(self):
        for change in (lambda r: r.update(extra=1), lambda r: r["evidence"].update(extra=1), lambda r: r["entries"][1].update(extra=1),
                       lambda r: r.update(format="betrace-report/2"), lambda r: r["evidence"].update(signature=r["evidence"]["signature"][:-2])):
            report = copy.deepcopy(self.report)
            change(report)
            self.refused(report)
        for text in (self.text[:-2], self.text + b"{}", self.text.replace(b'"format":', b'"format":"x","format":', 1)):
            self.refused(text)
        for text in (b"", b"[]", b"{}", b"null", b"\xff"):
            done = self.run_on(text)
            self.assertEqual((done.returncode, done.stdout), (2, ""), "that is no report at all")
            self.assertIn("report.json: ", done.stderr)

    # ---- signed anew with the right key ----

    def test_what_does_not_follow_from_its_own_numbers(self):
        def call_it_a_pass(report):
            rule(report, PII)["status"] = "pass"

        def call_the_control_a_pass(report):
            control(report, "CC6.1")["status"] = "pass"

        def show_other_counts(report):
            control(report, "CC6.1")["rules"][0]["counts"]["violated"] = 0

        def count_controls_otherwise(report):
            bodies(report, "end")[0]["controls"].update(violated=0)

        def another_text(report):
            rule(report, PII)["dsl"] = "trace.has(nothing)"

        for change in (call_it_a_pass, call_the_control_a_pass, show_other_counts, count_controls_otherwise, another_text):
            with self.subTest(change=change.__name__):
                self.refused(self.forged(change), "contradicts itself")

    def embellish(self, report):
        """All of it consistent: no violation any more."""
        body, shown = rule(report, PII), control(report, "CC6.1")
        counts = dict(body["counts"], violated=0, satisfied=body["counts"]["exercised"])
        body.update(counts=counts, status="pass", first_violation=None, last_violation=None)
        body["samples"]["violated"] = []
        shown["rules"][0].update(counts=counts, status="pass")
        shown.update(status="pass", first_violation=None, last_violation=None)
        totals = bodies(report, "end")[0]["controls"]
        totals.update(violated=0)
        totals["pass"] += 1

    def test_a_forgery_with_the_right_key_needs_the_traces(self):
        forged = self.forged(self.embellish)
        self.assertEqual(self.run_on(forged).returncode, 0, "without traces it cannot be told: docs/COMPLIANCE.md says so")
        done = self.run_on(forged, "--traces", self.traces, "--replay", 3)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the report says 0 violations", done.stdout)

    def test_a_rule_that_is_said_to_have_been_exercised_more(self):
        """A pass says how much stands behind it."""
        def add(report):
            body = rule(report, "fine")
            counts = dict(body["counts"], exercised=body["counts"]["exercised"] + 5, satisfied=body["counts"]["satisfied"] + 5)
            body.update(counts=counts)
            body["by_service"].update(counts=counts)
            control(report, "CC7.2")["rules"][0].update(counts=counts)

        done = self.run_on(self.forged(add), "--traces", self.traces, "--replay", 3, "--sample", 0)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("exercised", done.stdout)

    def test_a_range_of_which_nothing_can_be_replayed(self):
        """Else a forger would keep his rules from being counted again."""
        def shorten(report):
            self.embellish(report)
            body = bodies(report, "report")[0]
            body.update(settled_end=body["range"]["start"])

        self.refused(self.forged(shorten), "its settled_end does not follow")

    def test_a_forged_sample_is_found_by_judging_it(self):
        def exchange(report):
            samples = rule(report, PII)["samples"]
            samples["satisfied"], samples["violated"] = samples["violated"], samples["satisfied"]

        done = self.run_on(self.forged(exchange), "--traces", self.traces, "--replay", 0)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the report says violated, now it is satisfied", done.stdout)

    # ---- what cannot be found out ----

    def test_traces_that_are_gone(self):
        done = self.run_on(self.text, "--traces", self.fewer, "--replay", 2)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("the source does not have it (any more)", done.stdout)

    def test_a_source_that_is_gone(self):
        done = self.run_on(self.text, "--tempo", "http://127.0.0.1:1")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)

    def test_the_environment_names_the_store_too(self):
        for name, value in (("BETRACE_TEMPO_URL", "http://127.0.0.1:1"), ("BETRACE_STORE", "tempo+http://127.0.0.1:1")):
            with self.subTest(name=name):
                self.assertEqual(self.run_on(self.text, env={name: value}).returncode, 3)
                done = self.run_on(self.text, "--traces", self.traces, "--seed", 1, env={name: value})
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_usage(self):
        file = os.path.join(self.folder.name, "whole.json")
        with open(file, "wb") as out:
            out.write(self.text)
        for arguments in ((), (file,), (file, "--key", self.public, "--chain-only"), (file, "--key", self.private),
                          (file, "--key", self.public, "--sample", "many")):
            self.assertEqual(run_cli("verify-report", *arguments).returncode, 2, arguments)
        self.assertEqual(run_cli("verify-report", "/nonexistent", "--key", self.public).returncode, 2)
        self.assertEqual(run_cli("verify-report", file, "--key", "/nonexistent").returncode, 2)
        self.assertEqual(run_cli("verify-report", "-", "--key", self.public, stdin=self.text.decode()).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
