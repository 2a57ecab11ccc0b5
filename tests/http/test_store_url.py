"""--store names a store by a URL with its kind before the scheme, and says the same as --tempo; what it does not know it refuses by name, and shows
nothing of the URL besides."""
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, binary, run_cli  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402
from test_settings import printed_config, without_settings  # noqa: E402

DSL = "when { checkout } always { fraud-check }"
NOWHERE = "http://127.0.0.1:1"
KNOWN = "it knows: tempo+http, tempo+https, clickhouse+http, clickhouse+https, elasticsearch+http, elasticsearch+https, opensearch+http, opensearch+https"
NONE = {"BETRACE_STORE": "", "BETRACE_TEMPO_URL": ""}
# The value, and what is said of it.
REFUSED = [
    ("elastic+https://host", f"--store: elastic+https is not one that this version knows; {KNOWN}"),
    ("tempo+grpc://host", f"--store: tempo+grpc is not one that this version knows; {KNOWN}"),
    ("tempo://host", f"--store: tempo is not one that this version knows; {KNOWN}"),
    ("tempox+http://host", f"--store: tempox+http is not one that this version knows; {KNOWN}"),
    ("http://user:hush@host", f"--store: http:// does not say which store answers there; write tempo+http:// ({KNOWN})"),
    ("https://host", f"--store: https:// does not say which store answers there; write tempo+https:// ({KNOWN})"),
    ("user:hush@host:3200", f"--store has to be a URL whose scheme names the store; {KNOWN}"),
    ("", f"--store has to be a URL whose scheme names the store; {KNOWN}"),
    ("tempo+http://user:hush@host", "without user, query or fragment"),
    ("tempo+http://host?key=hush", "without user, query or fragment"),
]
TWO = "--store and --tempo (BETRACE_STORE, BETRACE_TEMPO_URL) name two stores; give one of them"


def replay(*flags, env=None):
    return run_cli("replay", "--dsl", DSL, "--since", "1h", "--json", *flags, env={**NONE, **(env or {})})


def commands():
    return run_cli("help", "--names").stdout.split()


class StoreUrlTest(unittest.TestCase):
    def assert_refused(self, done, says):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertNotIn("hush", done.stdout + done.stderr)

    def assert_asked(self, tempo, done):
        self.assertIn(json.loads(done.stdout)["status"], ("completed", "incomplete"), done.stderr)
        self.assertGreater(tempo.asked, 0)

    # ---- commands ----

    def test_it_is_asked(self):
        for flags, env in ((("--store", "tempo+{}"), {}), (("--store", "tempo+{}/"), {}), ((), {"BETRACE_STORE": "tempo+{}"}), ((), {"BETRACE_TEMPO_URL": "{}"}),
                           (("--store", "tempo+{}", "--tempo", "{}/"), {}), ((), {"BETRACE_STORE": "tempo+{}", "BETRACE_TEMPO_URL": "{}"}),
                           (("--tempo", "{}"), {"BETRACE_STORE": f"tempo+{NOWHERE}"}), (("--store", "tempo+{}"), {"BETRACE_TEMPO_URL": NOWHERE})):
            with self.subTest(flags=flags, env=env), StubTempo() as tempo:
                done = replay(*(flag.format(tempo.url) for flag in flags), env={name: value.format(tempo.url) for name, value in env.items()})
                self.assert_asked(tempo, done)

    def test_the_answer_is_that_of_tempo(self):
        with StubTempo() as tempo:
            range_of_both = ("--start", "2026-01-01T00:00:00Z", "--end", "2026-01-01T01:00:00Z")
            of_store, of_tempo = (run_cli("explain", "--dsl", DSL, *range_of_both, *flags, env=NONE)
                                  for flags in (("--store", f"tempo+{tempo.url}"), ("--tempo", tempo.url)))
        self.assertEqual((of_store.returncode, of_store.stdout), (of_tempo.returncode, of_tempo.stdout))
        self.assertIn("probes", of_store.stdout)

    def test_what_is_refused(self):
        for value, says in REFUSED:
            with self.subTest(value=value):
                self.assert_refused(replay("--store", value), says)
                if value:
                    self.assert_refused(replay(env={"BETRACE_STORE": value}), says)

    def test_rules_of_two_stores_are_not_asked_in_one(self):
        """By no command: one that asked would find nothing of the rule that lives elsewhere, and call that no violation."""
        asks = [name for name in commands() if name != "help" and all(flag in run_cli(name, "--help").stdout for flag in ("--store-name NAME", "--rules FILE"))]
        self.assertGreaterEqual(len(asks), 8)
        more = {"trace": [f"{1:032x}"], "record": [f"{1:032x}"], "diff": ["--dsl", "a"], "gate": ["--baseline", "1", "--candidate", "2"], "compare": ["--before", "now-2h..now-1h", "--after", "now-1h..now"]}
        with tempfile.TemporaryDirectory() as folder:
            rules = os.path.join(folder, "rules.yaml")
            with open(rules, "w", encoding="utf-8") as file:
                file.write("rules:\n- {id: old, store: archive, dsl: a}\n- {id: new, store: hot, dsl: b}\n- {id: any, dsl: c}\n")

            def ask(name, *flags):
                return run_cli(name, *more.get(name, []), "--rules", rules, "--store", f"tempo+{NOWHERE}", *flags, env=NONE)
            for name in asks:
                with self.subTest(command=name):
                    self.assert_refused(ask(name), '"old" is of the store "archive", and ')
                    self.assertIn(": say which one is asked with --store-name NAME", ask(name).stderr)
                    if name != "diff":
                        self.assert_refused(ask(name, "--rule", "old", "--rule", "any"), '"old" is of the store "archive", and "any" of no named store')
                        self.assert_refused(ask(name, "--rule", "new", "--store-name", "archive"), 'no rule is of the store "archive": all 1 are of others')
            one = ask("replay", "--rule", "old", "--rule", "new", "--store-name", "archive")
            self.assertIn('1 of 2 rules are of other stores than "archive" and left out', one.stderr)
            self.assertNotIn("--store-name", ask("replay", "--rule", "old").stderr)

    def test_two_stores(self):
        self.assert_refused(replay("--store", f"tempo+{NOWHERE}", "--tempo", "http://127.0.0.1:2"), TWO)
        self.assert_refused(replay(env={"BETRACE_STORE": f"tempo+{NOWHERE}", "BETRACE_TEMPO_URL": "http://127.0.0.1:2"}), TWO)
        self.assert_refused(replay("--store", f"tempo+{NOWHERE}", "--traces", "x.jsonl"), "exclude each other")

    def test_who_has_tempo_has_store(self):
        with_it = []
        for name in commands():
            text = run_cli(name, "--help").stdout
            has_tempo, has_store = (re.search(rf"^ +--{flag} +URL", text, re.M) is not None for flag in ("tempo", "store"))
            self.assertEqual(has_tempo, has_store, name)
            with_it += [name] if has_store else []
        self.assertGreater(len(with_it), 14, with_it)
        self.assertLessEqual({"serve", "replay", "first", "doctor", "gate", "compare", "contrast", "canary", "mcp", "verify-report"}, set(with_it))

    def test_commands_that_look_at_it_in_their_own_way(self):
        with tempfile.TemporaryDirectory() as folder:
            report, rules = os.path.join(folder, "report.json"), os.path.join(folder, "rules.yaml")
            for path, text in ((report, "{}"), (rules, f"rules:\n- id: a\n  dsl: {json.dumps(DSL)}\n")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            for words in (("verify-report", report, "--chain-only"), ("mcp",), ("doctor", "--otlp", NOWHERE), ("canary", "--otlp", NOWHERE),
                          ("first", rules), ("explain", rules), ("trace", "1", "--rules", rules), ("diff", rules, rules), ("diff", "--old-program", binary(), rules),
                          ("gate", "--rules", rules, "--baseline", "1", "--candidate", "2"), ("init", os.path.join(folder, "new"))):
                with self.subTest(command=words[0]):
                    value, says = REFUSED[0]
                    done = run_cli(*words, "--store", value, env=NONE, stdin="")
                    self.assertEqual(done.returncode, 2, (done.stdout, done.stderr))
                    self.assertIn(says, done.stderr)

    def test_programs_of_before_are_given_a_tempo(self):
        """A program that does not know --store gets --tempo, and finds no other store in its environment."""
        with tempfile.TemporaryDirectory() as folder, StubTempo() as tempo:
            rules, old, said = (os.path.join(folder, name) for name in ("rules.yaml", "old", "said"))
            with open(rules, "w", encoding="utf-8") as file:
                file.write(f"rules:\n- id: a\n  dsl: {json.dumps(DSL)}\n")
            with open(old, "w", encoding="utf-8") as file:
                file.write(f'#!/bin/sh\necho "$@" >>{said}\nunset BETRACE_STORE\nexec {binary()} "$@"\n')
            os.chmod(old, 0o755)
            for flags, env in ((("--store", f"tempo+{tempo.url}"), {}), ((), {"BETRACE_STORE": f"tempo+{tempo.url}"}),
                               ((), {"BETRACE_STORE": f"tempo+{tempo.url}", "BETRACE_TEMPO_URL": tempo.url}),
                               (("--tempo", tempo.url), {"BETRACE_STORE": f"tempo+{NOWHERE}", "BETRACE_TEMPO_URL": tempo.url})):
                with self.subTest(flags=flags, env=env):
                    done = run_cli("diff", "--old-program", old, rules, "--since", "1h", *flags, env={**NONE, **env})
                    self.assertIn(done.returncode, (0, 3), (done.stdout, done.stderr))
                    self.assertNotIn("refused the connection", done.stdout + done.stderr)
                    with open(said, encoding="utf-8") as file:
                        self.assertIn(f"--tempo {tempo.url}", file.read().splitlines()[-1])

    # ---- the service ----

    def printed(self, *flags, text="", env=None):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            return run_cli("serve", "--print-config", "--config", file.name, *flags, env={**without_settings(), **(env or {})})

    def test_an_upper_layer_names_the_store(self):
        """A flag over the environment, the environment over the file; what gives way is not there."""
        store, tempo = f"tempo+{NOWHERE}", "http://127.0.0.1:2"
        for kept, flags, text, env in (("store", ("--store", store), f"tempo = {tempo}\n", {}), ("tempo", ("--tempo", tempo), f"store = {store}\n", {}),
                                       ("tempo", ("--tempo", tempo), "", {"BETRACE_STORE": store}), ("store", ("--store", store), "", {"BETRACE_TEMPO_URL": tempo}),
                                       ("store", (), f"tempo = {tempo}\n", {"BETRACE_STORE": store}), ("tempo", (), f"store = {store}\n", {"BETRACE_TEMPO_URL": tempo})):
            with self.subTest(kept=kept, flags=flags, text=text, env=env):
                done = self.printed(*flags, text=text, env=env)
                self.assertEqual(done.returncode, 0, done.stderr)
                printed = printed_config(done.stdout)
                other = "tempo" if kept == "store" else "store"
                self.assertEqual(printed[kept][0], store if kept == "store" else tempo)
                self.assertEqual(printed[other], ("(none)", "default"))

    def test_one_layer_that_names_two(self):
        store, tempo = f"tempo+{NOWHERE}", "http://127.0.0.1:2"
        for flags, text, env in ((("--store", store, "--tempo", tempo), "", {}), ((), f"store = {store}\ntempo = {tempo}\n", {}),
                                 ((), "", {"BETRACE_STORE": store, "BETRACE_TEMPO_URL": tempo})):
            with self.subTest(flags=flags, text=text, env=env):
                self.assert_refused(self.printed(*flags, text=text, env=env), TWO)
        for flags in (("--store", store, "--traces", "x"), ("--store", store, "--memory-source")):
            with self.subTest(flags=flags):
                self.assert_refused(self.printed(*flags), "exclude")
        same = self.printed("--store", f"{store}/", "--tempo", NOWHERE)
        self.assertEqual(same.returncode, 0, same.stderr)

    def test_what_the_service_refuses(self):
        for value, says in REFUSED[:7]:
            with self.subTest(value=value):
                self.assert_refused(self.printed("--store", value), says)
                self.assert_refused(self.printed(text=f"store = {value}\n"), says)
        with tempfile.TemporaryDirectory() as folder:
            done = run_cli("serve", "--db", os.path.join(folder, "rules.db"), "--listen", "127.0.0.1:0", "--store", REFUSED[8][0], env=without_settings())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(REFUSED[8][1], done.stderr)
        self.assertNotIn("hush", done.stdout + done.stderr)

    def test_secrets_are_not_shown(self):
        done = self.printed("--store", "tempo+http://user:hush@host:3200")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("hush", done.stdout)

    def test_the_service_asks_it(self):
        with StubTempo() as tempo, Betrace("--store", f"tempo+{tempo.url}", "--otlp", NOWHERE) as server:
            self.assertTrue(server.get("/ready").json()["parts"]["source"]["ready"])
            self.assertGreater(tempo.asked, 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
