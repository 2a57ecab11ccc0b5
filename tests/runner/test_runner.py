"""The runner must not be green by mistake: its readers are fed what ctest, unittest and our drivers print, good and bad."""
import glob
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import changed  # noqa: E402  (the folder must be on the path first)
import main  # noqa: E402
import outcome  # noqa: E402
import schedule  # noqa: E402
import suites  # noqa: E402
import variants  # noqa: E402  (main puts its folder on the path)
from outcome import Outcome  # noqa: E402


class UnittestReader(unittest.TestCase):
    def read(self, code, text):
        return outcome.of_unittest(code, text)

    def test_all_passed(self):
        self.assertEqual(self.read(0, "....\nRan 4 tests in 0.1s\n\nOK\n"), Outcome(4, 0, 0))

    def test_failures_errors_and_skips(self):
        self.assertEqual(self.read(1, "Ran 9 tests in 1s\n\nFAILED (failures=2, errors=1, skipped=3)\n"), Outcome(3, 3, 3))

    def test_skips_only(self):
        self.assertEqual(self.read(0, "Ran 2 tests in 1s\n\nOK (skipped=2)\n"), Outcome(0, 0, 2))

    def test_nothing_ran_is_a_failure(self):
        self.assertEqual(self.read(0, "Ran 0 tests in 0s\n\nOK\n"), Outcome(0, 1, 0))
        self.assertEqual(self.read(0, ""), Outcome(0, 1, 0))

    def test_bad_exit_code_is_a_failure_whatever_was_printed(self):
        self.assertEqual(self.read(1, "Ran 4 tests in 1s\n\nOK\n"), Outcome(4, 1, 0))
        self.assertEqual(self.read(-11, ""), Outcome(0, 1, 0))

    def test_77_is_skipped(self):
        self.assertEqual(self.read(77, "skipped: no Tempo: no Go\n"), Outcome(0, 0, 1))


class OtherReaders(unittest.TestCase):
    def test_closing_line(self):
        self.assertEqual(outcome.of_closing_line(0, "ok a\n3 passed, 0 failed, 1 skipped\n"), Outcome(3, 0, 1))
        self.assertEqual(outcome.of_closing_line(1, "3 passed, 2 failed, 0 skipped\n"), Outcome(3, 2, 0))
        self.assertEqual(outcome.of_closing_line(1, "3 passed, 0 failed, 0 skipped\n"), Outcome(3, 1, 0))
        self.assertEqual(outcome.of_closing_line(0, "no such line\n"), Outcome(0, 1, 0))

    def test_playwright(self):
        self.assertEqual(outcome.of_playwright(0, "Running 9 tests\n  ok 1 x\n\n  9 passed (3.1s)\n"), Outcome(9, 0, 0))
        self.assertEqual(outcome.of_playwright(1, "  1 failed\n    [auth] x\n  8 did not run\n  2 passed (1s)\n"), Outcome(2, 9, 0))
        self.assertEqual(outcome.of_playwright(1, "Error: No tests found\n"), Outcome(0, 1, 0))
        self.assertEqual(outcome.of_playwright(77, "skipped: no Grafana\n"), Outcome(0, 0, 1))

    def test_the_table_says_whether_there_was_a_grafana(self):
        def told(*result, name="full:grafana"):
            return main.grafana_told([main.Row(name, 1, 1, 1, Outcome(*result))], "http://g")
        self.assertIn("no Grafana", told(0, 0, 1))
        self.assertEqual(told(3, 1, 0), "Grafana: http://g\n")
        self.assertEqual(told(3, 0, 0, name="lint"), "")

    def test_node_test(self):
        self.assertEqual(outcome.of_node_test(0, "ℹ tests 4\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n"), Outcome(3, 0, 1))
        self.assertEqual(outcome.of_node_test(1, "# pass 3\n# fail 1\n# cancelled 1\n# skipped 0\n"), Outcome(3, 2, 0))
        self.assertEqual(outcome.of_node_test(0, "# pass 0\n# fail 0\n"), Outcome(0, 1, 0))
        self.assertEqual(outcome.of_node_test(0, ""), Outcome(0, 1, 0))
        self.assertEqual(outcome.of_node_test(1, "# pass 2\n# fail 0\n"), Outcome(2, 1, 0))
        self.assertEqual(outcome.of_node_test(77, "skipped: no Node"), Outcome(0, 0, 1))

    def test_jest(self):
        self.assertEqual(outcome.of_jest(0, "Tests:       1 skipped, 30 passed, 31 total\n"), Outcome(30, 0, 1))
        self.assertEqual(outcome.of_jest(1, "Tests:       2 failed, 30 passed, 32 total\n"), Outcome(30, 2, 0))
        self.assertEqual(outcome.of_jest(1, "Test Suites: 1 failed, 3 passed, 4 total\nTests:       30 passed, 30 total\n"), Outcome(30, 1, 0))
        self.assertEqual(outcome.of_jest(0, "No tests found\n"), Outcome(0, 1, 0))

    def test_go_test(self):
        self.assertEqual(outcome.of_go_test(0, "--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\n--- SKIP: TestC (0.00s)\n"), Outcome(1, 0, 1))
        self.assertEqual(outcome.of_go_test(1, "--- FAIL: TestA (0.00s)\n"), Outcome(0, 1, 0))
        self.assertEqual(outcome.of_go_test(1, "--- PASS: TestA (0.00s)\nFAIL x [build failed]\n"), Outcome(1, 1, 0))
        self.assertEqual(outcome.of_go_test(0, "?   x [no test files]\n"), Outcome(0, 1, 0))

    def test_preparation_counts_only_failures(self):
        self.assertEqual(outcome.of_preparation(0, ""), Outcome())
        self.assertEqual(outcome.of_preparation(2, ""), Outcome(0, 1, 0))

    def test_ctest(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "junit.xml")
            self.assertEqual(outcome.of_ctest(path)(0, ""), Outcome(0, 1, 0), "no report is a failure")
            with open(path, "w", encoding="ascii") as file:
                file.write('<testsuite tests="5" failures="1" skipped="1" disabled="0"/>')
            self.assertEqual(outcome.of_ctest(path)(8, ""), Outcome(3, 1, 1))


class Budgets(unittest.TestCase):
    def test_the_sums_of_both_halves(self):
        """In minutes of the processor, of which two cores have two in each by the clock."""
        rows = main.read_budget()
        made = sum(row.minutes for row in rows if row.part == main.BOTH)
        check, more = (sum(row.minutes for row in main.choose(rows, (part,), [])) - made for part in ("check", "more"))
        self.assertLessEqual(check, 2 * 10, "make check has ten minutes")
        self.assertLessEqual(made + check + more, 2 * 60, "both halves have an hour in CI")
        self.assertEqual([made, check, more], [7, 19, 57])

    def test_a_line_of_no_part_is_refused(self):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file, \
                unittest.mock.patch.object(main, "BUDGET", file.name):
            for line in ("lint chekc 1", "lnit check 1"):
                file.truncate(0)
                print(line, file=file, flush=True)
                with self.assertRaisesRegex(SystemExit, line.split()[0]):
                    main.read_budget()

    def test_choice(self):
        deps, lint, dev, fuzz = rows = [main.Budget("deps", "both", 2.0), main.Budget("lint", "check", 1.0),
                                        main.Budget("dev", "more", 3.0), main.Budget("full:fuzz", "full", 60.0)]
        self.assertEqual(main.choose(rows, ("check",), []), [deps, lint])
        self.assertEqual(main.choose(rows, ("more",), []), [deps, dev])
        self.assertEqual(main.choose(rows, main.PARTS, []), rows)
        self.assertEqual(main.choose(rows, ("check",), ["dev", "full:fuzz"]), [dev, fuzz])
        with self.assertRaises(SystemExit):
            main.choose(rows, ("check",), ["lnit"])


class EveryFile(unittest.TestCase):
    """Each test file runs in `make check` or in `make check-more`; what only check-full has stands here with its
    reason."""

    ONLY_FULL = {
        "tests/server/replay/full_job_walk.py": "needs valgrind",
        "tests/grpc/test_grpc.py": "needs a build of its own and libgrpc",
        "tests/grpc/test_listen_grpc.py": "needs a build of its own and libgrpc",
        "tests/bench/bench_rules.py": "goes on for minutes; its rules are a part of bench_replay --medium",
        "tests/bench/bench_series.py": "goes on for minutes",
        "tests/app/full_grafana.py": "needs a Grafana that GRAFANA_URL names",
        "tests/app/full_alerts_grafana.py": "needs a Grafana on this machine, which BETRACE_GRAFANA names",
        "tests/files/full_files_of_tools.py": "needs the registries of five languages, and their compilers",
        "tests/dist/full_collector.py": "needs the network",
        "tests/dist/full_containers.py": "needs root and the network",
        "tests/dist/full_deb.py": "needs root and the network",
        "tests/dist/full_reproducible.py": "takes minutes, and root",
        "tests/dist/full_tutorial.py": "needs root and the network",
    }
    # tests/lint holds every label of ctest to a suite.
    BY_CTEST = ("tests/spec/test_conformance.py", "tests/server/test_hardening_flags.py")

    def setUp(self):
        self.enterContext(unittest.mock.patch.object(suites, "LOGS", self.enterContext(tempfile.TemporaryDirectory())))

    @staticmethod
    def there_are():
        tests = os.path.join(suites.ROOT, "tests")
        told = [os.path.join(folder, name) for folder, _, names in os.walk(tests) for name in names]
        is_test = re.compile(r"(test|facts|bench|full)_\w+\.py|test_\w+\.mjs")
        return {os.path.relpath(path, suites.ROOT) for path in told if is_test.fullmatch(os.path.basename(path))}

    @staticmethod
    def run_by(*parts):
        steps = [step for row in main.read_budget() if row.part in parts for step in suites.steps_of(row.name)]
        return {word for step in steps for word in step.command if word.startswith("tests/")}

    def test_what_check_shortens_leaves_out_or_runs_optimised_runs_whole_in_more(self):
        def commands(suite, folder):
            return {step.command[1]: (step.command[2:], step.env) for step in suites.steps_of(suite) if folder in step.command[1]}
        for suite in ("e2e", "http"):
            folder = f"tests/{suite}/"
            in_check, in_more = commands(suite, folder), commands(f"{suite}-long", folder)
            cut = {path for path, (given, env) in in_check.items() if env or (given and given[0] != "--half")}
            self.assertEqual(cut, set(in_check) & set(in_more))
            self.assertEqual({*in_check, *in_more}, {path for path in self.there_are() if path.startswith(folder)})
            with_sanitizers = {path: given for path, (given, env) in in_more.items() if not env}
            self.assertEqual([path for path, (given, _) in in_more.items() if given], [], "whole")
            optimised = {f"{folder}{name}.py" for name in suites.OPTIMISED_LONG_E2E + suites.OPTIMISED_LONG_HTTP}
            self.assertEqual(set(in_more) - set(with_sanitizers), optimised & set(in_more), "with sanitizers")

    def test_halves_are_both_there(self):
        halves = [step.command[1:4] for step in suites.steps_of("e2e") if "--half" in step.command]
        wanted = [[f"tests/e2e/{name}.py", "--half", half] for name in suites.HALVED_E2E for half in ("1", "2")]
        self.assertEqual(halves, wanted)

    def test_what_check_has_less_of_runs_whole_in_more(self):
        def steps(suite):
            return {step.command[1]: step for step in suites.steps_of(suite) if "tests/faults/" in step.command[1]}
        in_check, in_more = steps("faults"), steps("faults-long")
        self.assertEqual({*in_check, *in_more}, {path for path in self.there_are() if path.startswith("tests/faults/")})
        self.assertEqual({path for path in in_check if in_check[path].env}, set(in_check) & set(in_more))
        self.assertEqual([path for path in in_more if in_more[path].env], [])
        for suite in ("asan-long", "release", "dev"):
            self.assertEqual([step for step in suites.steps_of(suite) if step.command[0] == "ctest" and step.env], [], suite)

    def test_belongs_to_a_half(self):
        by_halves = self.run_by("check", "more")
        lost = self.there_are() - by_halves - set(self.BY_CTEST) - set(self.ONLY_FULL)
        self.assertEqual(lost, set(), "a suite of check or check-more must run them (tests/runner/suites.py)")
        self.assertEqual(set(self.ONLY_FULL) & by_halves, set(), "these are not of make check-full alone any more")
        self.assertEqual({*self.ONLY_FULL, *self.BY_CTEST} - self.there_are(), set(), "these are gone")

    def test_what_only_full_has_is_run_by_full(self):
        self.assertEqual(set(self.ONLY_FULL) - self.run_by("full"), set())

    def test_a_file_that_no_suite_runs_is_seen(self):
        with tempfile.TemporaryDirectory(dir=os.path.join(suites.ROOT, "tests")) as folder:
            open(os.path.join(folder, "test_new.py"), "w", encoding="ascii").close()
            with self.assertRaisesRegex(AssertionError, "test_new.py"):
                self.test_belongs_to_a_half()

    def test_every_journey_is_gone_once_at_every_target(self):
        def gone(suite):
            program = "tests/app/run_journeys.mjs"
            commands = [step.command for step in suites.steps_of(suite) if program in step.command]
            words = [command[command.index(program) + 1:] for command in commands]
            return {target: names for target, *names in words}
        there_are = sorted(os.listdir(os.path.join(suites.ROOT, "tests", "app", "journeys")))
        in_check = gone("app")
        for target in ("host12", "standalone", "host13"):
            first, left = [f"{name}.mjs" for name in in_check.get(target, ())], gone("journeys")[target]
            self.assertEqual(sorted(first + (left or there_are)), there_are, target)
        self.assertEqual(gone("journeys")["host13"], [])

    def test_each_label_of_ctest_runs_in_check_and_in_more_on_the_builds_that_are_left(self):
        ran = {}
        for row in main.read_budget():
            for step in suites.steps_of(row.name) if row.part != "full" else ():
                if step.command[0] == "ctest":
                    chosen = tuple(step.command[5:7]) if step.command[5] in ("-R", "-E") else ()
                    ran.setdefault(row.part, []).append((step.command[2], step.command[4], *chosen))
        every, slow, on_tempo = (suites.named(names) for names in (suites.LABELS, suites.SLOW_UNDER_ASAN, suites.SLOW_ON_TEMPO))
        of_check = suites.named(name for name in suites.SLOW_UNDER_ASAN if name not in suites.FEWER_PAIRS_IN_CHECK)
        slow_alone = suites.named(name for name in suites.SLOW_UNDER_ASAN if name not in suites.SLOW_ON_TEMPO)
        self.assertEqual(ran["check"], [("build/asan", every, "-E", slow), ("build/release", every, "-R", slow),
                                        ("build/asan", "^(e2e)$", "-E", on_tempo)])
        self.assertEqual(sorted(ran["more"]), [("build/asan", "^(e2e)$", "-R", on_tempo), ("build/asan", every, "-R", slow_alone),
                                               ("build/dev", every, "-E", slow), ("build/release", every, "-E", of_check)])
        self.assertEqual(set(suites.FEWER_PAIRS_IN_CHECK), {"diff_eval"}, "what reads the variable of FEW_PAIRS")
        compiled = [preset for row in main.read_budget() if row.part == "more" for preset in self.built_whole(row.name)]
        self.assertEqual(set(compiled), {"asan", "release", "dev"}, "with the warnings of each")

    @staticmethod
    def built_whole(suite):
        """The presets of which a suite builds everything."""
        commands = [step.command for step in suites.steps_of(suite) if step.command[:2] == ["cmake", "--build"]]
        return [command[3] for command in commands if not any("--target" in word for word in command)]

    def test_tests_of_c_that_are_chosen_by_name_are_there(self):
        files = glob.glob(os.path.join(suites.ROOT, "tests", "*", "CMakeLists.txt"))
        told = "".join(pathlib.Path(path).read_text(encoding="utf-8") for path in files)
        self.assertEqual([name for name in {*suites.SLOW_UNDER_ASAN, *suites.SLOW_ON_TEMPO} if not re.search(rf"\b{name}\b", told)], [])


class Tempos(unittest.TestCase):
    """Suites that ask a Tempo run again for each that is found; one that is missing is named, and is no failure."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(unittest.mock.patch.dict(os.environ, {"XDG_CACHE_HOME": self.folder}))
        for name in ("BETRACE_TEMPO_BIN", "BETRACE_TEMPOS", "BETRACE_TEMPO_VARIANT"):
            os.environ.pop(name, None)

    def program(self, name, says):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\necho '{says}'\n")
        os.chmod(path, 0o755)
        return path

    @staticmethod
    def names():
        return [variant.name for variant in variants.extra()]

    def test_programs_are_found_by_name_and_in_the_cache_and_asked_for_their_version(self):
        self.assertEqual(self.names(), [])
        os.environ["BETRACE_TEMPOS"] = f'{self.program("new", "tempo, version 3.0.3 (branch: x)")}:{self.program("odd", "tempo, version 2.9.0 (branch: x)")}'
        self.program("betrace/tempos/any name", "tempo, version v2.10.8 (branch: x)")
        self.program("betrace/tempos/again", "tempo, version 3.0.3 (branch: x)")
        self.assertEqual(self.names(), ["2.9.0", "2.10.8", "2.10.8-dedicated", "3.0.3", "3.0.3-dedicated", "3.0.3-vparquet5"])
        self.assertTrue(all(variant.program.endswith("/new") for variant in variants.extra() if variant.family == "3.0"), "the named one comes first")

    def test_one_that_says_no_version_is_that_of_the_module(self):
        os.environ["BETRACE_TEMPOS"] = self.program("built", "tempo, version  (branch: , revision: unknown)")
        self.assertEqual(self.names(), [])

    def test_what_is_no_tempo_is_said(self):
        for path in (self.program("other", "something else"), os.path.join(self.folder, "none")):
            os.environ["BETRACE_TEMPOS"] = path
            with self.assertRaisesRegex(variants.NoTempo, path):
                self.names()

    def test_rows_for_each(self):
        rows = [main.Budget("lint", "check", 1.0), main.Budget("facts", "check", 2.0),
                main.Budget("full:property", "full", 60.0)]
        others = ["3.0.3", "3.0.3-vparquet5"]
        more = [main.Budget(f"facts@{other}", "more", 2.0) for other in others]
        self.assertEqual(main.choose(rows, ("check",), [], others), rows[:2])
        self.assertEqual(main.choose(rows, ("more",), [], others), more)
        of_full = [main.Budget(f"full:property@{other}", "full", 60.0) for other in others]
        self.assertEqual([row for row in main.choose(rows, main.PARTS, [], others)], rows[:2] + more + rows[2:])
        self.assertEqual(main.choose(rows, ("check",), ["facts"], others), rows[1:2] + more)
        self.assertEqual(main.choose(rows, ("check",), ["facts@3.0.3"], others), more[:1])
        self.assertEqual(main.choose(rows, ("check",), ["full:property"], others), rows[2:])
        self.assertEqual(main.choose(rows, ("check",), ["full:property@3.0.3"], others), of_full[:1])
        self.assertEqual(main.choose(rows, ("more",), [], []), [])
        for wrong in ("facts@2.10.8", "lint@3.0.3"):
            with self.assertRaises(SystemExit):
                main.choose(rows, ("check",), [wrong], others)

    def test_steps_on_another_tempo(self):
        self.enterContext(unittest.mock.patch.object(suites, "LOGS", self.folder))
        steps = {step.command[1]: step for step in suites.steps_of("facts@3.0.3")}
        self.assertIn("tests/facts/facts_search.py", steps)
        self.assertEqual({step.env.get("BETRACE_TEMPO_VARIANT") for step in steps.values()}, {"3.0.3"})
        self.assertEqual({step.env.get("BETRACE_TEMPO_VARIANT") for step in suites.steps_of("facts")}, {None})
        files = [step.command[1] for step in suites.steps_of("e2e@3.0.3")]
        self.assertIn("ctest", [step.command[0] for step in suites.steps_of("e2e-long@3.0.3")])
        self.assertIn("tests/e2e/test_packs_tempo.py", files)
        for asks_none in ("tests/e2e/test_packs.py", "tests/e2e/test_docs.py"):
            self.assertNotIn(asks_none, files)
            self.assertIn(asks_none, [step.command[1] for step in suites.steps_of("e2e")])

    def test_what_the_closing_table_says(self):
        def row(name, *counts):
            return main.Row(name, 1.0, 1.0, 1.0, Outcome(*counts))
        self.assertEqual(main.tempos_told([row("lint", 5)], "2.8"), "")
        self.assertEqual(main.tempos_told([row("facts", 5), row("e2e", 5), row("facts@3.0.3", 0, 1), row("facts@2.10.8-dedicated", 0, 0, 3)], "2.8"),
                         "Tempo versions run: 2.8, 3.0.3; not run: 2.10 (BETRACE_TEMPOS names more programs)\n")
        self.assertEqual(main.tempos_told([row("facts", 0, 0, 9)], "2.8"),
                         "Tempo versions run: none; not run: 2.8, 2.10, 3.0 (BETRACE_TEMPOS names more programs)\n")
        self.assertEqual(main.tempos_told([row("facts", 1), row("facts@2.10.8", 1), row("facts@3.0.3-vparquet5", 1)], "2.8"),
                         "Tempo versions run: 2.8, 2.10.8, 3.0.3-vparquet5; not run: none of 2.8, 2.10, 3.0\n")


class Steps(unittest.TestCase):
    def run_suite(self, *steps, minutes=0.02):
        suites.SUITES["probe"] = lambda: iter(steps)
        self.addCleanup(suites.SUITES.pop, "probe")
        with tempfile.TemporaryDirectory() as folder:
            logs, suites.LOGS = suites.LOGS, folder
            try:
                with unittest.mock.patch.object(main, "HANG_LEAST", 0):
                    row, = main.run_all([main.Budget("probe", "check", minutes)], dict(os.environ))
                with open(os.path.join(folder, "probe.log"), encoding="utf-8") as log:
                    self.log = log.read()
                return row.result
            finally:
                suites.LOGS = logs

    def test_a_failed_preparation_ends_the_suite(self):
        result = self.run_suite(suites.Step(["false"], outcome.of_preparation), suites.Step(["true"]))
        self.assertEqual(result, Outcome(0, 1, 0))

    def test_a_skipped_preparation_ends_the_suite_as_skipped(self):
        result = self.run_suite(suites.Step(["sh", "-c", "echo 'skipped: no Node'; exit 77"], outcome.of_preparation), suites.Step(["false"]))
        self.assertEqual(result, Outcome(0, 0, 1))

    def test_a_failed_test_does_not_hide_the_next(self):
        self.assertEqual(self.run_suite(suites.Step(["false"]), suites.Step(["true"])), Outcome(1, 1, 0))

    def test_a_hanging_step_is_ended_and_fails(self):
        self.assertEqual(self.run_suite(suites.Step(["sleep", "60"])), Outcome(0, 1, 0))

    def test_steps_beside_each_other_all_count_and_one_after_them_waits(self):
        with tempfile.TemporaryDirectory() as folder:
            meet = "touch {0}/{1}; for i in $(seq 100); do test -e {0}/{2} && exit 0; sleep 0.1; done; exit 1"
            first, second = (suites.Step(["sh", "-c", meet.format(folder, *names)], beside=True) for names in (("a", "b"), ("b", "a")))
            last = suites.Step(["sh", "-c", f"test -e {folder}/a && test -e {folder}/b"])
            self.assertEqual(self.run_suite(first, second, suites.Step(["false"], beside=True), last, minutes=1), Outcome(3, 1, 0))

    def test_what_ends_first_is_in_the_log_first(self):
        """A suite that is ended, or looked at while it runs, tells of all that has ended."""
        slow, quick = (suites.Step(["sh", "-c", f"sleep {seconds}"], beside=True) for seconds in (2, 0.1))
        self.assertEqual(self.run_suite(slow, quick, minutes=1), Outcome(2, 0, 0))
        self.assertRegex(self.log, r"^\$ sh -c sleep 0\.1  # [\d.]+ s, processor [\d.]+ s\n\$ sh -c sleep 2")

    def fails_once(self, others=None):
        """A step that fails the first time; with a second try where something is said of the others."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        command = ["sh", "-c", f"test -e {folder}/was || {{ touch {folder}/was; exit 1; }}"]
        return self.run_suite(suites.Step(command, second_try=others and (lambda _: (command, others))))

    def test_a_second_try_counts_instead_of_the_first_and_beside_what_it_leaves_out(self):
        self.assertEqual(self.fails_once(Outcome(3, 0, 1)), Outcome(4, 0, 1))

    def test_a_second_try_is_for_steps_that_say_so(self):
        self.assertEqual(self.fails_once(), Outcome(0, 1, 0))

    def test_of_journeys_those_that_failed_are_tried_again(self):
        report = """TAP version 13
# Subtest: host12
    # Subtest: tempo
        ok 1 - an empty Tempo
          ---
          ...
        not ok 2 - a day of traces
    not ok 1 - tempo
    # Subtest: tempo_grafana
        ok 1 - dashboards (dark)
            ok 1 - a panel
        ok 2 - dashboards (light)
    ok 2 - tempo_grafana
    ok 3 - many.mjs # SKIP it has no such page
    # Subtest: start
        not ok 1 - the first page
    not ok 4 - start
not ok 1 - host12
# pass 3
# fail 2
# cancelled 0
# skipped 1
# todo 0
"""
        step = suites.journeys("host12", "tempo", "many", "start")
        command, others = step.second_try(report)
        self.assertEqual(command, suites.journeys("host12", "tempo.mjs", "start.mjs").command)
        self.assertEqual(others, Outcome(3, 0, 1))
        none_failed = "TAP version 13\nnot ok 1 - host12\n# pass 0\n# fail 1\n"
        broken_off = report[:report.index("    # Subtest: start")]
        for all_again in (none_failed, broken_off, ""):
            self.assertEqual(step.second_try(all_again), (step.command, Outcome()), all_again)

    def test_what_the_first_try_said_is_shown_and_kept(self):
        lines = [f"line {number}" for number in range(500)]
        lines[100] = "    not ok 3 - a page"
        self.assertIn(lines[100], main.telling_lines(lines))
        self.assertEqual(main.telling_lines(lines)[-1], lines[-1])
        self.assertEqual(main.telling_lines(lines[:90]), lines[90 - main.TAIL_LINES:90])
        step = suites.Step(["sh", "-c", "echo a try; exit 1"], second_try=lambda _: (["sh", "-c", "echo once more; exit 1"], Outcome()))
        ran = main.try_step(step, dict(os.environ), time.monotonic() + 60)
        self.assertEqual((ran.code, ran.output, ran.first), (1, "once more\n", "a try\n"))

    def test_processor_seconds_are_those_of_a_command_and_of_what_it_waited_for(self):
        loop = "import time; end = time.process_time() + 1\nwhile time.process_time() < end: pass"
        work = f"{sys.executable} -c '{loop}'"
        def processor(text):
            return main.run_step(suites.Step(["sh", "-c", text]), dict(os.environ), time.monotonic() + 60).processor
        self.assertGreaterEqual(processor(work + "; true"), 1)
        self.assertLess(processor("sleep 1.5"), 1)

    def test_what_fails_twice_fails(self):
        self.assertEqual(self.run_suite(suites.Step(["false"], second_try=lambda _: (["false"], Outcome()))), Outcome(0, 1, 0))

    def test_a_suite_without_files_fails(self):
        self.assertEqual(self.run_suite(*suites.python_files("tests/runner/none_*.py")), Outcome(0, 1, 0))


class Kept(unittest.TestCase):
    """A step that says what it reads is not run again while that is as it was when it passed."""

    def setUp(self):
        self.folder = os.path.realpath(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(unittest.mock.patch.multiple(suites, ROOT=self.folder, LOGS=os.path.join(self.folder, "logs")))
        os.makedirs(suites.LOGS)
        subprocess.run(["git", "init", "-q", self.folder], check=True)
        self.write("src/a", "1")
        self.write("other", "1")
        self.fails = os.path.join(self.folder, "logs", "fails")

    def write(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def runs(self, reads=("src",), text="x", expected=Outcome(2, 0, 0)):
        """How many times it has run when the suite has gone over it once more."""
        script = f"echo {text} >> {self.folder}/logs/ran; test -e {self.fails} && exit 1; echo '2 passed, 0 failed, 0 skipped'"
        step = suites.Step(["sh", "-c", script], outcome.of_closing_line, reads=reads)
        with unittest.mock.patch.dict(suites.SUITES, {"probe": lambda: iter([step])}):
            row, = main.run_all([main.Budget("probe", "check", 1.0)], dict(os.environ))
        self.assertEqual(row.result, expected)
        return len(pathlib.Path(self.folder, "logs", "ran").read_text(encoding="utf-8").split())

    def test_until_a_file_or_the_command_is_another(self):
        self.assertEqual([self.runs(), self.runs()], [1, 1])
        self.write("other", "2")
        self.assertEqual(self.runs(), 1)
        for number, change in enumerate((("src/a", "2"), ("src/new", "1")), 2):
            self.write(*change)
            self.assertEqual([self.runs(), self.runs()], [number, number])
        os.unlink(os.path.join(self.folder, "src", "new"))
        self.assertEqual(self.runs(), 3, "as it was once before")
        self.assertEqual(self.runs(text="y"), 4)

    def test_what_failed_or_says_nothing_of_what_it_reads_runs_again(self):
        self.assertEqual([self.runs(reads=()), self.runs(reads=())], [1, 2])
        pathlib.Path(self.fails).touch()
        self.assertEqual([self.runs(expected=Outcome(0, 1, 0)), self.runs(expected=Outcome(0, 1, 0))], [3, 4])
        os.unlink(self.fails)
        self.assertEqual([self.runs(), self.runs()], [5, 5])

    def test_only_steps_without_a_service_or_a_clock_are_kept(self):
        with unittest.mock.patch.object(suites, "ROOT", os.path.dirname(os.path.dirname(os.path.dirname(suites.__file__)))):
            steps = [step for name in suites.SUITES if not name.startswith("full:") for step in suites.steps_of(name)]
        self.assertEqual([step.command[-1] for step in steps if step.reads], [one for one in suites.APP_SCRIPTS if one in suites.ONLY_READ_FILES])


class Changed(unittest.TestCase):
    """`make test` must not leave out a test that could say something else than when it passed."""

    def setUp(self):
        self.folder = os.path.realpath(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(unittest.mock.patch.object(suites, "ROOT", self.folder))
        told = unittest.mock.patch.object(changed, "paths_in", lambda program: self.paths_in(program, self.folder))
        self.enterContext(told)
        self.write("program", "\0cases/plan\0say cases/plain text\0recorded/a.pb\0")
        self.write("other", "nothing of cases")
        for name in ("cases/plan/a.case", "cases/other/a.case", "recorded/a.pb", "recorded/b.pb", "corpus/a"):
            self.write(name, "1")
        program, other, corpus = (os.path.join(self.folder, name) for name in ("program", "other", "corpus"))
        self.tests = [changed.Test("reads", [program]), changed.Test("alone", [other, "-x"]),
                      changed.Test("replays", [other, corpus])]
        self.kept = {}

    paths_in = staticmethod(changed.paths_in)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def due(self):
        """The names of the tests to run, as if those of before had passed."""
        chosen = changed.choose(self.tests, self.kept)
        self.kept.update({test.name: digests for test, digests in chosen})
        return [test.name for test, _ in chosen]

    def test_what_passed_is_left_out_until_its_program_or_what_it_reads_changes(self):
        self.assertEqual(self.due(), ["reads", "alone", "replays"])
        self.assertEqual(self.due(), [])
        for path, names in (("cases/plan/a.case", ["reads"]), ("cases/plan/new.case", ["reads"]),
                            ("recorded/a.pb", ["reads"]), ("corpus/b", ["replays"]), ("other", ["alone", "replays"]),
                            ("program", ["reads"])):
            self.write(path, "other than before")
            self.assertEqual(self.due(), names, path)
            self.assertEqual(self.due(), [], path)

    def test_what_is_gone_counts_as_changed(self):
        self.due()
        os.unlink(os.path.join(self.folder, "cases/plan/a.case"))
        self.assertEqual(self.due(), ["reads"])

    def test_what_failed_stays_due(self):
        junit = os.path.join(self.folder, "junit.xml")
        kept = os.path.join(self.folder, "kept.json")
        self.enterContext(unittest.mock.patch.multiple(changed, JUNIT=junit, KEPT=kept))
        statuses = {"reads": "run", "alone": "fail", "replays": "notrun"}
        cases = "".join(f'<testcase name="{name}" status="{status}"/>' for name, status in statuses.items())
        told = f'<testsuite tests="3" failures="1" skipped="1">{cases}</testsuite>'
        ended = unittest.mock.Mock(returncode=8)
        writes = unittest.mock.Mock(side_effect=lambda *_, **__: self.write("junit.xml", told) or ended)
        with unittest.mock.patch.object(changed.subprocess, "run", writes):
            self.assertEqual(changed.run_ctest(changed.choose(self.tests, {}), self.kept), Outcome(1, 1, 1))
        self.assertEqual(changed.read_kept(), self.kept)
        self.assertEqual(self.due(), ["alone", "replays"])


class OnePool(unittest.TestCase):
    """Steps of all suites run together, but what needs another's end, its folder, or the machine for itself."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(unittest.mock.patch.object(suites, "LOGS", self.folder))

    def run_suites(self, told):
        """{name of a suite: its steps}, in the order of the check."""
        lambdas = {name: lambda steps=steps: iter(steps) for name, steps in told.items()}
        with unittest.mock.patch.dict(suites.SUITES, lambdas):
            rows = main.run_all([main.Budget(name, "check", 1.0) for name in told], dict(os.environ))
        return {row.name: row.result for row in rows}

    def shell(self, text, **options):
        return suites.Step(["sh", "-c", text.format(self.folder)], **options)

    def meeting(self, own, other):
        return f"touch {{0}}/{own}; for i in $(seq 100); do test -e {{0}}/{other} && exit 0; sleep 0.1; done; exit 1"

    def test_suites_run_beside_each_other_and_what_measures_after_them(self):
        told = {"app": [self.shell(self.meeting("app", "next")), self.shell("sleep 1; touch {0}/done")],
                "probe-next": [self.shell(self.meeting("next", "app"))],
                "demo": [self.shell("test -e {0}/done && test -e {0}/next; sleep 1; touch {0}/measured")],
                "probe-last": [self.shell("test -e {0}/measured")]}
        self.assertEqual(self.run_suites(told), {name: sum([Outcome(1)] * len(steps), Outcome()) for name, steps in told.items()})

    def test_what_holds_the_same_thing_never_runs_at_once(self):
        alone = "mkdir {0}/held && sleep 0.5 && rmdir {0}/held"
        told = {f"probe-{number}": [self.shell(alone, holds="a folder")] for number in range(3)}
        self.assertEqual(self.run_suites(told), {name: Outcome(1) for name in told})

    def test_pages_are_made_by_one_suite_at_a_time(self):
        alone = "mkdir {0}/pages && sleep 0.5 && rmdir {0}/pages"
        told = {name: [self.shell(alone)] for name in suites.SHARE_PAGES}
        self.assertEqual(self.run_suites(told), {name: Outcome(1) for name in told})

    def test_what_is_made_once_is_taken_from_the_suite_that_made_it_unless_it_failed(self):
        made = self.shell("echo x >> {0}/made", holds="made", once=True)
        fails = self.shell("echo x >> {0}/tried; exit 1", holds="tried", once=True)
        told = {f"probe-{number}": [made, fails] for number in range(2)}
        self.assertEqual(self.run_suites(told), {name: Outcome(1, 1, 0) for name in told})
        sizes = [os.path.getsize(os.path.join(self.folder, name)) for name in ("made", "tried")]
        self.assertEqual(sizes, [2, 4])

    def test_who_builds_all_has_built_each_target(self):
        build = ["cmake", "--build", "x"]
        a, b = "--target=a", "--target=b"
        for command, other, expected in (([], [a], True), ([a, b], [b], True), ([a], [a], True), ([], [], True),
                                         ([a], [], False), ([a], [a, b], False)):
            self.assertIs(schedule.makes_all_of(build + command, build + other), expected, (command, other))
        self.assertFalse(schedule.makes_all_of(build, ["cmake", "--build", "y", a]))

    def test_what_is_made_waits_for_nobody_who_holds_its_folder(self):
        made = suites.Step(["true"], holds="folder", once=True)
        told = {"probe-first": [made, self.shell("sleep 1; ! test -e {0}/held", holds="folder")],
                "probe-second": [made, self.shell("touch {0}/held")]}
        result = self.run_suites(told)
        self.assertEqual(result, {"probe-first": Outcome(1, 1, 0), "probe-second": Outcome(2)})

    def test_a_step_takes_its_places_and_is_not_passed_for_ever(self):
        busy = [self.shell("sleep 0.3", beside=True) for _ in range(2 * schedule.PLACES)]
        large = "test $(ls {0}/small* 2>/dev/null | wc -l) -eq 0 && touch {0}/large"
        small = self.shell("touch {0}/small$$; sleep 0.3; rm {0}/small$$", beside=True)
        told = {"probe-large": [self.shell("sleep 0.1"), self.shell(large, places=schedule.PLACES)],
                "probe-busy": busy, "probe-small": [small] * 9}
        self.assertEqual([result.failed for result in self.run_suites(told).values()], [0, 0, 0])

    def test_the_tempo_of_the_check_is_given_to_what_comes_after_it(self):
        told = {"tempo": [self.shell("sleep 0.5; echo /a/tempo; touch {0}/tempo")],
                "lint": [self.shell("! test -e {0}/tempo")],
                "probe": [self.shell("test $BETRACE_TEMPO_BIN = /a/tempo")]}
        self.assertEqual(self.run_suites(told), {name: Outcome(1) for name in told})


if __name__ == "__main__":
    unittest.main()
