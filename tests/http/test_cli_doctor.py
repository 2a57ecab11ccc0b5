"""`betrace doctor` on scripted stores: one whose searches are empty, one that refuses, one that makes values up, one that knows names alone, and some
that cannot be asked. A real Tempo: tests/e2e/test_doctor_tempo.py."""
import json
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import doc_pages  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from partial_store import EMPTY, REFUSED, PartialStore  # noqa: E402
from run_tempo import free_ports  # noqa: E402

ROOTS = re.compile(r'\{ (?:trace:id =~ "[^"]*" && \()?name = "doctor\.(root|late|long)"\)? \}')


def names_only(store, query, ids):
    """Knows the test of one name, and answers everything else empty, in silence."""
    if not ROOTS.fullmatch(query):
        return EMPTY
    name = f'doctor.{ROOTS.fullmatch(query)[1]}'
    return store.rows([one for one in (ids if ids is not None else sorted(store.spans)) if any(s.name == name for s in store.spans[one])])


def makes_up(store, query, ids):
    """Finds every trace whatever is asked, and says of every attribute that a read asks for that it is some text."""
    if ROOTS.fullmatch(query):
        return names_only(store, query, ids)
    ids = sorted(store.spans) if ids is None else ids
    is_read = "| by(span:id)" in query
    keys = re.findall(r'(?:span|resource)\.("(?:[^"\\]|\\.)*"|[\w./-]+) =~ ', query) if is_read else []
    made_up = {json.loads(key) if key.startswith('"') else key: "made up" for key in keys}
    return store.rows(ids, made_up if is_read else None)


PATTERN = re.compile(r'(?:span|resource)\.\S+ =~ "(?!\(\?s:\.\*\)")')
STUMBLED = (500, "text/plain", b"error querying: unexpected numbers of pre-compiled regexp")


def stumbles(store, query, ids):
    """As Tempo 3 over an array: no pattern but that of every text is answered. Everything else finds every trace."""
    return STUMBLED if PATTERN.search(query) else makes_up(store, query, ids)


def stumbles_and_loses(store, query, ids):
    """The same, and where any text is asked for it finds nothing."""
    is_any_text = '=~ "(?s:.*)"' in query and "| by(span:id)" not in query
    return EMPTY if is_any_text else stumbles(store, query, ids)


class DoctorTest(unittest.TestCase):
    def ask(self, store, *arguments, otlp=None, tempo=None, env=None):
        return run_cli("doctor", "--tempo", tempo or store.url, "--otlp", otlp or store.url, "--again-after", "0s", *arguments, env=env)

    def report(self, store, *arguments):
        done = self.ask(store, "--json", *arguments)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        report = json.loads(done.stdout)
        return done.returncode, report, {fact["id"]: fact for fact in report["facts"]}

    def test_searches_that_are_empty_are_named(self):
        with PartialStore(lambda *_: EMPTY) as store:
            code, report, facts = self.report(store, "--wait", "1s")
            self.assertEqual((code, report["outcome"]), (1, "fails"))
            self.assertEqual(facts["by-id"]["outcome"], "holds")
            seen = facts["by-search"]["passes"][0]
            self.assertEqual(seen["outcome"], "fails")
            self.assertIn("an empty answer where a match is certain", seen["means"])
            self.assertIn("replay files (--traces)", seen["means"])
            self.assertEqual(set(facts), {"by-id", "by-search"})
            text = self.ask(store, "--wait", "1s")
            self.assertRegex(text.stdout, r"(?s)When searches show what has odd times\n +a span that comes 1 min late +in no search within \d+s")
            self.assertIn('"0 violations" says nothing of such traces', " ".join(text.stdout.split()))
            self.assertIn("ingestion_time_range_slack", text.stdout)
            self.assertIn("not among the versions that were checked", " ".join(text.stdout.split()))
            self.assertRegex(text.stdout, r"(?m)^FAIL a search shows what is there by its id +\d+ traces +0 after 1 s$")
            self.assertIn("Nothing else was asked", text.stdout)
            self.assertRegex(text.stderr, r"waiting for the store to show the probes: 0 of \d+ are found after \d+ s, at most 1 s \(--wait\)")

    def test_a_store_is_named_by_its_url(self):
        with PartialStore(lambda *_: EMPTY) as store:
            done = run_cli("doctor", "--store", f"tempo+{store.url}", "--otlp", store.url, "--again-after", "0s", "--wait", "1s", "--json",
                           env={"BETRACE_TEMPO_URL": "http://127.0.0.1:1"})
            report = json.loads(done.stdout)
            self.assertEqual((done.returncode, report["outcome"]), (1, "fails"), done.stderr)
            asked = {(made["what"], made["query"]) for made in report["requests"]}
            self.assertLessEqual({("search", '{ name = "doctor.root" }'), ("push", "/v1/traces"), ("other", "/status/config")}, asked)

    def test_a_store_that_knows_names_alone(self):
        """Everything about one run, since a run that finds something wrong takes its time: it asks again after a moment."""
        with PartialStore(names_only) as store:
            done = self.ask(store, "--json", "--tenant", "ward-7", "--key", "span.order.id", "--key", 'resource.te"am', "--tempo-user", "anna",
                            env={"BETRACE_TEMPO_PASSWORD": "s3cret-word"})
            self.assertEqual(done.returncode, 1, done.stderr)
            report = json.loads(done.stdout)
            facts = {fact["id"]: fact for fact in report["facts"]}
            with self.subTest("the object that docs/reference/output.md promises"):
                (promised,) = [entry for entry in doc_pages.entries(doc_pages.read("reference/output.md")) if entry.startswith("`doctor`: ")]
                self.assertEqual(set(promised.split(": ")[1].split(", ")), set(report))
            with self.subTest("what holds and what does not"):
                self.check_names_only(report, facts)
            with self.subTest("more keys, and a tenant"):
                self.assertIn("span.order.id/searched", facts)
                self.assertIn('resource.te"am/read/arrays', facts)
                self.assertEqual({path for path, tenant in store.headers if tenant != "ward-7"}, {"/api/status/buildinfo", "/status/version", "/status/config"})
                self.assertEqual(len(report["probes"]) + len(report["odd_times"]["probes"]), len(store.spans))
            with self.subTest("what comes late, and what has not ended"):
                self.check_odd_times(store, report)
            with self.subTest("no secret and no address"):
                for secret in ("s3cret-word", "anna", "127.0.0.1", "Basic", "ward-7"):
                    self.assertNotIn(secret, done.stdout)
            with self.subTest("the same probes again"):
                self.check_again(store, report)

    def check_names_only(self, report, facts):
        self.assertEqual([facts[name]["outcome"] for name in ("by-id", "by-search", "same", "absent", "full-answer", "window")], ["holds"] * 6)
        searched = facts["span.http.method/searched"]["passes"][0]
        self.assertEqual(searched["outcome"], "fails")
        self.assertIn("find nothing here and nothing says so", searched["means"])
        self.assertIn("use files (--traces)", searched["means"])
        finding = next(one for one in searched["findings"] if one["rule"] == 'trace.has(span.attributes["http.method"] == "GET")')
        self.assertEqual(finding["text"], "finds nothing, lacks: text GET")
        queries = finding["query"].split("\n")
        self.assertEqual(queries[0], '{ span.http.method = "GET" }')
        self.assertEqual(facts["span.http.method/subtracted"]["outcome"], "holds")
        self.assertEqual(facts["fields/read"]["passes"][0]["seen"].split(",")[0], "0 wrong")
        self.assertLessEqual(set(queries), {request["query"] for request in report["requests"] if request["status"] == 200})

    def check_odd_times(self, store, report):
        """Of a store that shows none of them: each is looked for over its own time, and nothing waits for that."""
        odd = {one["id"]: one for one in report["odd_times"]["probes"]}
        self.assertEqual(set(odd), {"age-1m", "age-5m", "age-10m", "age-20m", "late-part", "not-ended"})
        self.assertEqual({(one["pushed"], one["found_after_seconds"], one["by_id"]) for one in odd.values()}, {(True, None, True)})
        self.assertGreater(report["odd_times"]["looked_for_seconds"], 0)
        (unended,) = store.spans[odd["not-ended"]["trace_id"]]
        early, late = store.spans[odd["late-part"]["trace_id"]]
        self.assertEqual((unended.end, early.name, late.name, late.parent_id), (0, "doctor.prompt", "doctor.aged", early.span_id))
        starts = {name: store.spans[one["trace_id"]][-1].start for name, one in odd.items()}
        ages = [(unended.start - starts[name]) // 60_000_000_000 for name in ("age-1m", "age-5m", "age-10m", "age-20m", "late-part")]
        self.assertEqual(ages, [1, 5, 10, 20, 10])
        self.assertFalse(report["store"]["checked"])
        self.assertIn("not among the versions that were checked", report["store"]["note"])

    def check_again(self, store, report):
        pushed = sum(map(len, store.spans.values()))
        store.answer = lambda *_: EMPTY  # by id is enough
        done = self.ask(store, "--json", "--wait", "1s", "--again", report["run"], "--key", "span.order.id", "--key", 'resource.te"am')
        again = json.loads(done.stdout)
        self.assertEqual(again["probes"], report["probes"])
        self.assertEqual((again["times"]["pushed"], {fact["id"]: fact for fact in again["facts"]}["by-id"]["outcome"]), (None, "holds"))
        self.assertEqual(sum(map(len, store.spans.values())), pushed)
        done = self.ask(store, "--again", "1767225600-aaaaaa", "--wait", "1s")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("none of the probes of run 1767225600-aaaaaa is there any more", done.stderr)

    def test_a_store_that_refuses(self):
        with PartialStore(lambda store, query, ids: names_only(store, query, ids) if ROOTS.fullmatch(query) else REFUSED) as store:
            code, report, facts = self.report(store)
            self.assertEqual(code, 1)
            searched = facts["span.betrace.plain/searched"]["passes"][0]
            self.assertIn("refuses what has to be asked", searched["means"])
            self.assertIn("end 'incomplete' and say so", searched["means"])
            self.assertIn("this store does not know that query", searched["findings"][0]["text"])
            self.assertEqual(facts["span.betrace.plain/subtracted"]["outcome"], "holds")  # it costs reads alone
            refused = [request for request in report["requests"] if request["status"] == 400]
            self.assertGreater(len(refused), 100)
            self.assertTrue(all(request["query"] and request["answer"] for request in refused))

    def test_what_a_store_stumbles_over_is_asked_in_the_wider_form(self):
        with PartialStore(stumbles) as store:
            _, report, facts = self.report(store)
            searched = facts["span.betrace.plain/searched"]["passes"][0]
            self.assertEqual((searched["outcome"], searched["findings"]), ("holds", []))
            self.assertRegex(searched["seen"], r"^all, [1-9]\d* in a wider form$")
            self.assertEqual(facts["fields/searched"]["passes"][0]["seen"], f"all {facts['fields/searched']['expected'].split()[0]}")
            asked = {request["query"] for request in report["requests"] if request["status"] == 200}
            self.assertIn('{ span.betrace.plain =~ "(?s:.*)" || (span.betrace.plain =~ "(?s:.*)" && true) }', asked)
            # What is subtracted is asked as it is or not at all: nothing was taken away by a query that stumbled.
            taken = {one["query"] for one in facts["span.betrace.plain/subtracted"]["passes"][0]["findings"]}
            self.assertEqual({query for query in taken if PATTERN.search(query) or "(?s:.*)" in query}, set())
            counted = {one["query"] for one in facts["span.betrace.plain/counted"]["passes"][0]["findings"]}
            self.assertEqual({query for query in counted if PATTERN.search(query.split("\n")[0])}, set())

    def test_a_wider_form_that_finds_too_little_does_not_hold(self):
        with PartialStore(stumbles_and_loses) as store:
            code, _, facts = self.report(store)
            searched = facts["span.betrace.plain/searched"]["passes"][0]
            self.assertEqual((code, searched["outcome"]), (1, "fails"))
            texts = {one["rule"]: one["text"] for one in searched["findings"]}
            self.assertEqual(texts['trace.has(span.attributes["betrace.plain"] =~ "G.*")'], "finds nothing, lacks: text GET")

    def test_refused_searches_alone_are_no_reason_to_wait(self):
        with PartialStore(lambda *_: REFUSED) as store:
            code, _, facts = self.report(store, "--wait", "60s")
            self.assertEqual((code, facts["by-search"]["passes"][0]["seen"]), (1, "refused"))

    def test_what_is_made_up_is_seen(self):
        with PartialStore(makes_up) as store:
            code, report, facts = self.report(store, "--again-after", "1s")
            self.assertEqual((code, len(report["times"]["asked"])), (1, 2))
            self.assertEqual([seen["outcome"] for seen in facts["span.http.method/subtracted"]["passes"]], ["fails", "fails"])
            self.assertEqual([seen["outcome"] for seen in facts["by-search"]["passes"]], ["holds", "holds"])
            self.assertEqual(facts["span.http.method/searched"]["outcome"], "holds")  # more than there is loses nothing
            for fact in ("span.http.method/subtracted", "span.http.method/counted", "span.http.method/read"):
                self.assertEqual(facts[fact]["outcome"], "fails", fact)
            texts = [one["text"] for one in facts["span.http.method/read"]["passes"][0]["findings"]]
            self.assertIn('trace "int 500": http.method was pushed as 500 and comes as "made up" (span "doctor.probe")', texts)
            taken = facts["span.http.method/subtracted"]["passes"][0]["findings"]
            self.assertIn("takes away: missing, mixed array", [one["text"] for one in taken])

    def test_what_cannot_be_found_out_is_3(self):
        (closed,) = free_ports(1)
        nobody = f"http://127.0.0.1:{closed}"
        with PartialStore(names_only) as store, PartialStore(names_only) as other:
            done = self.ask(store, tempo=nobody)
            self.assertEqual((done.returncode, done.stdout, store.spans), (3, "", {}), done.stderr)  # nothing was pushed for nothing
            done = self.ask(store, otlp=nobody)
            self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
            done = self.ask(store, "--wait", "1s", otlp=other.url)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn("does --otlp lead to the store of --store or --tempo, and to the same tenant", done.stderr)
            store.push_status = 400
            done = self.ask(store)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
        with PartialStore(lambda *_: (401, "text/plain", b"who are you")) as store:
            done = self.ask(store)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn("wants credentials", done.stderr)

    def test_wrong_usage_is_2(self):
        tempo = ("--tempo", "http://127.0.0.1:9")
        for arguments in ((), tempo, (*tempo, "--again", "yesterday"), (*tempo, "--otlp", "http://127.0.0.1:9", "--key", "order.id"),
                          (*tempo, "--otlp", "http://127.0.0.1:9", "--wait", "soon"), ("--traces", "t.jsonl", "--otlp", "http://127.0.0.1:9")):
            self.assertEqual(run_cli("doctor", *arguments, env={"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main(verbosity=1)
