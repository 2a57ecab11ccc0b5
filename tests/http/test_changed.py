"""`betrace changed`: planted faults are named, with when they began, and where nothing changed nothing is said.

Worlds are those of tests/support/changed_worlds.py. Without an option a few of them; --full takes 20 faults and 200 pairs in which
nothing changed. --seed N takes other worlds: those of the seeds below are what the miner was made with.
"""
import datetime
import json
import os
import random
import sys
import tempfile
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import changed_worlds as worlds  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

FULL = "--full" in sys.argv
SEED = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else 1
TRACES, FAULTS, PAIRS = (5000, 20, 200) if FULL else (2500, 4, 6)
LEAST_AFFECTED = 30
END, ROLLOUT = "2026-03-10T12:00:00Z", "2026-03-10T06:00:00Z"
VERSIONS = ("--baseline", "service.version=1.4.2", "--candidate", "service.version=1.4.3")


def seconds(text):
    return datetime.datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


class Changed(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="betrace-changed-"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def ask(self, path, *arguments, status=(0, 1)):
        done = run_cli("changed", "--traces", path, *arguments, "--json")
        self.assertIn(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def ask_world(self, world):
        path = self.path("world.jsonl")
        worlds.write(world, path, TRACES)
        return self.ask(path, "--around", str(int(worlds.START_S + worlds.RANGE_S)))

    # ---- worlds ----

    def fault_worlds(self):
        """World by world until there are enough with so many affected traces, each kind in turn."""
        seed, kind, given = SEED * 1000, 0, 0
        while given < FAULTS:
            world = worlds.World(seed, worlds.KINDS[kind % len(worlds.KINDS)])
            seed += 1
            answer = self.ask_world(world)
            if world.affected < LEAST_AFFECTED:
                continue
            kind, given = kind + (1 if FULL else 3), given + 1
            yield world, answer

    def is_named(self, world, answer):
        for change in answer["changes"][:3]:
            words = change["behaviour"]
            if any(name in words for name in world.names) or (not world.names and world.key in words):
                return change
        return None

    def test_faults_are_named(self):
        missed, mistimed = [], []
        for world, answer in self.fault_worlds():
            change = self.is_named(world, answer)
            about = (f"{world.kind} of {sorted(world.names) or world.key}, {world.affected} traces of {world.share:.1%}, {len(world.steps)} steps: "
                     f"{[(c['behaviour'], c['after']['share'], c['chance']) for c in answer['changes'][:4]]}")
            if not change:
                missed.append(about)
            elif not seconds(change["since"]["from"]) <= world.first_s <= seconds(change["since"]["until"]) + 1:
                mistimed.append(f"{world.first_s} is not in {change['since']}: {about}")
        print(f"{FAULTS - len(missed)} of {FAULTS} named, {len(mistimed)} of them mistimed", *missed, *mistimed, sep="\n  ")
        self.assertLessEqual(len(missed), FAULTS // 10)
        self.assertLessEqual(len(mistimed), FAULTS // 10)

    def test_nothing_is_said_where_nothing_changed(self):
        said = []
        for pair in range(PAIRS):
            answer = self.ask_world(worlds.World(SEED * 100000 + pair, "none"))
            self.assertGreater(answer["behaviours"], 20)
            if answer["changes"]:
                said.append(answer["changes"][0]["behaviour"])
        print(f"{len(said)} of {PAIRS} pairs say that something changed", *said, sep="\n  ")
        self.assertLessEqual(len(said), 17 if FULL else 2)

    # ---- the sample scenarios ----

    def make(self, scenario, traces=5000, seed=1):
        path = self.path(scenario + ".pb")
        self.assertEqual(run_cli("generate", "--scenario", scenario, "--traces", traces, "--seed", seed, "--end", END, "--out", path).returncode, 0)
        return path

    def words(self, answer):
        return [(change["behaviour"], sorted(mark["value"] for mark in change["marks"])) for change in answer["changes"]]

    def test_a_rollout_is_told_by_its_three_faults(self):
        path, written = self.make("rollout"), self.path("was.yaml")
        answer = self.ask(path, "--around", ROLLOUT, "--write", written, status=[1])
        self.assertEqual(self.words(answer), [
            ("payment.process takes less than 300ms (payment-service)", ["1.4.3", "eu-west-1"]),
            ("retry with db.query where span.duration > 1s (inventory-service)", ["1.4.3", "eu-west-1"]),
            ("audit.log with data.access where data.classification == PII (profile-service)", ["1.4.3", "eu-west-1", "globex"])])
        for change in answer["changes"]:
            self.assertEqual(change["before"]["share"], 1)
            self.assertNotEqual(change["trace_before"], change["trace_after"])
        # What it wrote are rules that hold before, with tests, and find the incident after.
        self.assertEqual(run_cli("check", written).returncode, 0)
        self.assertRegex(run_cli("test", written).stdout, "6 passed, 0 failed")
        before = run_cli("replay", "--rules", written, "--traces", path, "--start", "2026-03-09T12:10:00Z", "--end", ROLLOUT)
        self.assertEqual(before.returncode, 0, before.stdout)
        found = run_cli("replay", "--rules", written, "--traces", path, "--start", ROLLOUT, "--json", "--limit", "0")
        self.assertEqual(len({one["rule_id"] for one in json.loads(found.stdout)["violations"]}), 3)

    def test_a_version_is_compared_where_it_ran(self):
        answer = self.ask(self.make("rollout"), *VERSIONS, status=[1])
        self.assertEqual([mark["value"] for mark in answer["matched"]], ["eu-west-1"])
        behaviours = " ".join(change["behaviour"] for change in answer["changes"])
        for name in ("payment.process", "retry", "audit.log"):
            self.assertIn(name, behaviours)
        self.assertNotIn("region", behaviours)
        retry = next(change for change in answer["changes"] if "retry" in change["behaviour"])
        self.assertEqual(retry["after"]["kept"], 0)
        self.assertIsNone(retry["since"])

    def test_noise_is_nothing(self):
        path = self.make("noise")
        for sides in (("--around", ROLLOUT), VERSIONS):
            answer = self.ask(path, *sides, status=[0])
            self.assertEqual((answer["status"], answer["changes"]), ("as_before", []))
            self.assertGreater(answer["least_seen"], 0)

    def test_other_scenarios_name_their_faults(self):
        """And nothing else. Of messages more fail, too. Its seed 1 is the one of 40 for which there is a line by chance, as 2.5 % may have."""
        answer = self.ask(self.make("messaging", 20000, seed=2), "--around", ROLLOUT, status=[1])
        self.assertEqual([behaviour for behaviour, _ in self.words(answer)],
                         ["no error of process orders (fulfilment-worker)", "publish orders-dead-letter called by process orders (fulfilment-worker)"])
        answer = self.ask(self.make("agent"), "--around", ROLLOUT, status=[1])
        self.assertEqual(self.words(answer), [("approval.grant with execute_tool send_email (support-agent)", ["2.1.0"]),
                                              ("at most 5 chat large-2 in one invoke_agent support (support-agent)", ["2.1.0"])])

    def test_the_same_traces_in_any_order_say_the_same(self):
        path, turned = self.path("rollout.jsonl"), self.path("turned.jsonl")
        self.assertEqual(run_cli("generate", "--traces", 2000, "--end", END, "--out", path).returncode, 0)
        with open(path, encoding="utf-8") as file, open(turned, "w", encoding="utf-8") as other:
            other.writelines(reversed(file.readlines()))
        first, second = (run_cli("changed", "--traces", one, "--around", ROLLOUT, "--sample", "1400", "--seed", "7", "--json").stdout for one in (path, turned))
        self.assertIn("retry", first)
        self.assertEqual(first, second)

    def test_a_trace_of_both_ranges_counts_once(self):
        path = self.path("long.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(trace(number, span("order", duration=600_000), at=number * 1000) for number in range(1, 401))
        begin, middle, end = (f"2026-01-01T00:{minute}:00Z" for minute in ("00", "05", "10"))
        for sides in (("--around", middle), ("--baseline", f"{begin}..{end}", "--candidate", f"{middle}..{end}")):
            answer = self.ask(path, *sides, status=[0])
            self.assertEqual((answer["baseline_traces"], answer["candidate_traces"]), (299, 101))

    def test_a_sample_is_chosen_by_the_smallest_change(self):
        """A call is missing in that part of the candidate's traces. Of 20 worlds 17 and more tell it: with a chance of 95 % fewer would do so once in a thousand times."""
        told, traces = 0, 1500
        for seed in range(20):
            rng, lines = random.Random(seed), []
            for number in range(2 * traces):
                calls = [span("charge", at=1, duration=rng.uniform(1, 9))] + [span("mail", at=3)] * (rng.random() < 0.5)
                calls += [span("audit", at=4)] * (number < traces or rng.random() >= 0.03)
                lines.append(trace(number + 1, span("checkout", duration=20), *calls, at=1000 * number))
            with open(self.path("world.jsonl"), "w", encoding="utf-8") as file:
                file.writelines(lines)
            answer = self.ask(self.path("world.jsonl"), "--around", str(1767225600 + traces), "--smallest", "3%", "--seed", str(seed))
            self.assertEqual((answer["baseline_traces"], answer["candidate_traces"]), (1001, 1001))
            told += any("audit" in change["behaviour"] for change in answer["changes"])
        self.assertGreaterEqual(told, 17)
        for wrong in ("0", "0.02%", "101", "x", "3 %"):
            self.assertEqual(run_cli("changed", "--traces", self.path("world.jsonl"), "--around", "now", "--smallest", wrong).returncode, 2, wrong)

    def test_its_traces_are_drawn(self):
        path = self.make("rollout")
        change = self.ask(path, "--around", ROLLOUT)["changes"][0]
        done = run_cli("changed", "--traces", path, "--around", ROLLOUT, "--draw")
        self.assertEqual(done.returncode, 1, done.stderr)
        for side in ("before", "after"):
            trace_id = change["trace_" + side]
            drawn = run_cli("trace", trace_id, "--traces", path).stdout
            self.assertIn(trace_id, drawn)
            self.assertIn(f"\n{side}: {drawn}", done.stdout)
        self.assertEqual(run_cli("changed", "--traces", path, "--around", ROLLOUT, "--draw", "--json").returncode, 2)

    def test_a_long_trace_is_cut(self):
        path = self.path("long.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for number in range(1, 401):
                file.write(trace(number, *[span(f"step {i}") for i in range(30 if number <= 200 else 29)], at=number * 1000))
        done = run_cli("changed", "--traces", path, "--around", "2026-01-01T00:03:20Z", "--draw")
        self.assertEqual((done.returncode, done.stdout.count("… and more: betrace trace draws all of it\n")), (1, 2), done.stdout)
        self.assertLess(len(done.stdout.splitlines()), 50)

    # ---- for pull requests ----

    def form(self, path, form, status, *sides):
        done = run_cli("changed", "--traces", path, *(sides or ("--around", ROLLOUT)), "--output", form)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_each_form_has_each_change(self):
        path = self.make("rollout")
        changes = self.ask(path, "--around", ROLLOUT)["changes"]
        junit = ElementTree.fromstring(self.form(path, "junit", 1))
        self.assertEqual((junit.get("tests"), junit.get("failures"), junit.get("errors")), ("4", "3", "0"))
        cases = junit.findall("testsuite/testcase")
        self.assertEqual([case.get("name") for case in cases], [change["behaviour"] for change in changes] + ["everything else"])
        self.assertRegex(cases[-1].findtext("system-out"), r"baseline 3750 traces, candidate 1250 traces\n\d+ behaviours as before")
        notes = self.form(path, "github", 1).splitlines()
        self.assertEqual([note.split(" ")[0] for note in notes], ["::error"] * 3 + ["::notice"])
        parts = self.form(path, "markdown", 1).split("\n**`")[1:]
        for change, case, note, part in zip(changes, cases, notes, parts, strict=False):
            outcome = case.find("failure")
            for text in (outcome.get("message") + outcome.text, note, part):
                for wanted in (change["behaviour"], change["trace_before"], change["trace_after"], change["since"]["until"][:19], "all in 1.4.3", change["dsl"].splitlines()[0]):
                    self.assertIn(wanted, text)

    def test_no_form_passes_what_is_not_known(self):
        path = self.make("noise", 300)
        unknown = ("--candidate", "service.version=9")
        junit = ElementTree.fromstring(self.form(path, "junit", 3, *unknown))
        self.assertEqual((junit.get("failures"), junit.get("errors")), ("0", "1"))
        self.assertRegex(self.form(path, "github", 3, *unknown), "^::error .*too few traces")
        self.assertRegex(self.form(path, "markdown", 3, *unknown), "^### BeTrace: what changed is not known\n(.*\n)+UNKNOWN: ")
        path = self.make("noise")
        self.assertEqual(ElementTree.fromstring(self.form(path, "junit", 0)).get("errors"), "0")
        self.assertRegex(self.form(path, "github", 0), "^::notice .*nothing changed in [0-9]+ behaviours")

    def test_names_stay_names(self):
        """A span's name is any text: it forges no line, no workflow command and no Markdown."""
        path, name = self.path("forged.jsonl"), "a`b``\n::error::x\n</failure>\n# @x"
        with open(path, "w", encoding="utf-8") as file:
            for number in range(1, 401):
                spans = [span("order"), span(name)][:1 if number > 200 and number % 2 else 2]
                file.write(trace(number, *spans, at=number * 1000))
        sides = ("--around", "2026-01-01T00:03:20Z")
        self.assertTrue(all(line.startswith("::error title=") or line.startswith("::notice ") for line in self.form(path, "github", 1, *sides).splitlines()))
        case = ElementTree.fromstring(self.form(path, "junit", 1, *sides)).find("testsuite/testcase")
        self.assertIn("a`b``\\n::error::x\\n</failure>\\n# @x", case.get("name"))
        markdown = self.form(path, "markdown", 1, *sides)
        self.assertIn("**``` a`b``\\n::error::x", markdown)
        for line in markdown.splitlines() + run_cli("changed", "--traces", path, *sides).stdout.splitlines():
            self.assertFalse(line.startswith(("::error", "</failure>", "# @x")), line)

    # ---- what cannot be answered ----

    def test_without_traces_nothing_is_as_before(self):
        path = self.make("noise", 300)
        for sides in (("--around", "2026-03-09T12:10:00Z"), ("--baseline", "2026-01-01T00:00Z..2026-01-02T00:00Z", "--candidate", "2026-03-01T00:00Z..2026-03-20T00:00Z"),
                      ("--baseline", "service.version=1.4.2", "--candidate", "service.version=9")):
            done = run_cli("changed", "--traces", path, *sides)
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertIn("UNKNOWN", done.stdout)
            self.assertNotIn("nothing changed", done.stdout)

    def test_wrong_sides_are_refused(self):
        path = self.make("noise", 100)
        for sides in (("--around", ROLLOUT, "--candidate", "a=b"), ("--baseline", "a=b"), ("--candidate", "yesterday"), ("--around", "2020-01-01T00:00:00Z")):
            self.assertEqual(run_cli("changed", "--traces", path, *sides).returncode, 2, sides)


if __name__ == "__main__":
    own = {"--full", "--seed", str(SEED)} if "--seed" in sys.argv else {"--full"}
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument not in own])
