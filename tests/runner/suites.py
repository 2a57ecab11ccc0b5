"""The suites of tests/budget.txt: what each runs. Test files are discovered, so a new one needs no line here.

A suite is a function that yields steps. Every path is absolute or from the project's root, which is the working folder of all steps.
"""
import glob
import itertools
import os
import re
import shutil
import sys
from dataclasses import dataclass, field, replace
from typing import Callable

import outcome

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGS = os.path.join(ROOT, "build", "check")
# ctest labels that every build runs, and those that need a Tempo. tests/lint refuses others, which would never run.
LABELS = ("unit", "case", "oom", "diff", "fuzz-replay", "http")
TEMPO_LABELS = ("e2e",)
JOBS = str(os.cpu_count() or 2)
TESTS_AT_ONCE = str((os.cpu_count() or 2) + 2)  # many of them wait for a clock or for an answer
PYTHON = sys.executable
# Files that take longest come first, so that none of them is left alone at the end: by what their names hold.
LONG = ("doctor_clickhouse", "watch", "stock", "property", "test_replay", "conformance", "clickhouse", "opensearch", "changed_tempo", "schemathesis", "visibility", "facts_late", "late_tempo", "odd_times", "bent_answers",
        "test_cli_grammar", "test_spans", "failed_replay", "test_listen", "cli_unknown", "cli_frame")
# Scripts of grafana-betrace-app/package.json that a check runs; the first makes dist/ and dist-ui/, which the browser then loads.
APP_SCRIPTS = ("build", "typecheck", "typecheck:e2e", "lint", "test:ci", "i18n:check", "api-types:check", "size")
# Of these the answer follows from the files alone: from those of the app, and from what its tests read besides.
ONLY_READ_FILES = ("typecheck", "typecheck:e2e", "lint", "test:ci", "i18n:check", "api-types:check")
APP_READS = ("grafana-betrace-app", "docs", "distribution", "server/compliance", "tests/app")
# Where the pages live. make check goes those journeys of which jest, without a browser, can show nothing: pages drawn
# and read by axe, the way through addresses, keys and focus, what leaves the machine. make check-more goes the others.
TARGETS = ("host12", "standalone", "host13")
JOURNEYS_IN_CHECK = {
    "host12": ("rule", "violations", "outside", "keyboard"),
    "standalone": ("start", "tour", "outside"),
}
# make check leaves these to make check-more: random rules on what answers as newer Tempos do and while blocks are handed
# over, test_replay_tempo once more with answers as protobuf, a clock that jumps, a real Prometheus, large
# traces, and parts of the service of which tests/http asks most over files: series, doctor, reports, contrast, the first
# violation; spans of odd times, bent answers, late spans and a day in parts. test_newer_model holds a model of Tempo, and nothing
# of ours. Of others it has fewer rules or traces
# (--short). test_sampler_collector builds the Collector's sampler, which takes minutes once. What is left here is the way of a replay, of watch and of the docs over a Tempo.
LONG_E2E = ("test_newer_property", "test_property_stock", "test_replay_protobuf", "test_watch_clock",
            "test_watch_links_tempo", "test_newer_proxy", "test_query_tempo", "test_doctor_tempo", "test_pruned_tempo", "test_compliance_tempo",
            "test_contrast_tempo", "test_replay_stock", "test_arrays_tempo", "test_conformance_tempo",
            "test_source_version_tempo", "test_prometheus", "test_first_tempo", "test_large_tempo", "test_newer_model",
            "test_linked_property_tempo", "test_odd_times_tempo", "test_bent_answers_tempo", "test_late_tempo",
            "test_watch_late_tempo", "test_bent_property_tempo", "test_shards_tempo", "test_replay_clickhouse",
            "test_filters_clickhouse", "test_parts_tempo", "test_conformance_clickhouse", "test_signoz_clickhouse",
            "test_doctor_clickhouse", "test_stores_clickhouse", "test_replay_opensearch", "test_filters_opensearch",
            "test_conformance_opensearch", "test_kibana_opensearch", "test_sampler_collector", "test_backtest_prometheus", "test_changed_tempo", "test_conventions_tempo")
SHORT_E2E = ("test_property_tempo", "test_docs", "test_replay_tempo", "test_links_tempo")
HALVED_E2E = ("test_docs",)
# These run many commands or rules: make check takes the optimised program for them, and make check-more the one with
# sanitizers.
OPTIMISED_E2E = ("test_docs",)
# Of these most of the time is the store's, and what is left is the start of many commands. make check-more, too, takes the optimised program for them.
# With sanitizers the same is done over files (test_changed), by fewer rules (--short, test_bent_property_tempo), and of ClickHouse and OpenSearch by the
# conformance tests, which make each of a source's answers.
OPTIMISED_LONG_E2E = ("test_property_tempo", "test_changed_tempo", "test_shards_tempo", "test_parts_tempo", "test_newer_property",
                      "test_replay_clickhouse", "test_filters_clickhouse", "test_doctor_clickhouse", "test_replay_opensearch", "test_filters_opensearch")
OPTIMISED_HTTP = ("test_cli_frame", "test_eval_cli", "test_cli_grammar", "test_cli_printing", "test_packs_recorded")
# Eight hundred commands over one file; what they do with memory is seen where there are few (test_cli_merge).
OPTIMISED_LONG_HTTP = ("test_cli_merge_property",)
# make check leaves these, too: doctor against every kind of store, full disks, kill -9 at random, requests made from
# the contract, what reports are signed, chained and checked with, stories of other scenarios, rules of other dialects,
# a load of everything at once, which tests/faults makes in other ways, and how far commands say that they have come.
LONG_HTTP = ("test_cli_doctor", "test_bent_reports", "test_forged_reports", "test_disk", "test_kill",
             "test_schemathesis", "test_report_check_script", "test_report_time_stamp", "test_report_chain",
             "test_cli_verify_report", "test_cli_generate", "test_changed", "test_import", "test_listen_sdks", "test_doors_sdks", "test_listen_agents",
             "test_mcp", "test_mcp_http", "test_mcp_inspector", "test_stress", "test_cli_progress", "test_cli_merge_property")
# Of tests/faults, --short in both halves: a mixed load goes on for a minute, and so do random schedules.
LONG_FAULTS = ("test_soak", "test_schedules")
# Random cases and large texts, which take half of all the time that tests of C take under AddressSanitizer: make check
# runs them in the optimised build, make check-more under AddressSanitizer, too.
SLOW_UNDER_ASAN = ("plan_property_test", "diff_eval", "test_completion", "pattern_test", "test_calls_oom",
                   "diff_family", "eval_text_test", "eval_property_test", "plan_differential", "fix_property", "format_property",
                   "test_replay_property", "test_first_property", "test_decode_differential", "diff_pruned", "diff_sharing")
# Random rules and reads on a Tempo. Under AddressSanitizer they are in e2e-long, for every Tempo that is there.
SLOW_ON_TEMPO = ("plan_differential", "test_batches")
# And fewer pairs of the two evaluators; the suite `release` has all. It leaves out what make check ran on its build.
FEW_PAIRS, FEWER_PAIRS_IN_CHECK = {"BETRACE_DIFF_PAIRS": "25000"}, ("diff_eval",)
# The bench of make check: what a replay costs. The others are in make check-more. Both halves hold their verdicts with
# --short, and their times are those of a busy machine. Full size and a machine of their own are for make check-full.
BENCHES_IN_CHECK = ("bench_replay",)
# Files of e2e that say nothing of other Tempos: pages of documentation, proxies that make 2.8 answer as later ones do,
# what Prometheus does, and what a service does while some answers do not come.
OF_ONE_TEMPO = ("test_docs", "test_replay_protobuf", "test_newer_model", "test_newer_proxy", "test_newer_property",
                "test_prometheus", "test_backtest_prometheus", "test_soak")
# Benches that only make check-full runs: they go on for minutes. What there is room for of bench_rules is a part of
# bench_replay.
FULL_BENCHES = ("bench_rules", "bench_series")


# What runs under ThreadSanitizer besides, because all that the service does is under way at once there.
RACING = ("test_stop", "test_starvation", "test_held_places", "test_full_lanes", "test_leaving", "test_memory",
          "test_memory_edge", "test_attacks", "test_soak", "test_stop_alone")


@dataclass
class Step:
    command: list
    read: Callable = outcome.of_command
    env: dict = field(default_factory=dict)
    beside: bool = False  # may run at the same time as its neighbours that say so too
    places: int = 1  # of the pool: as many processes are at work in it
    holds: str = ""  # what no two steps may use at once, whatever their suites
    once: bool = False  # a suite after another that ran it well does not run it again
    reads: tuple = ()  # folders and files: while all of it is as it was when the step passed, it is not run (kept.py)
    # what fails is shown, and run once more from nothing: a browser waits for a machine that others use. Of the output of
    # the first try: (the command of what failed, the outcome of the rest).
    second_try: Callable = None


def compiler_cache():
    """What makes cmake compile through ccache, where that is installed: three builds of a fresh clone then cost what has changed."""
    if not shutil.which("ccache"):
        return {}
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_BASEDIR": ROOT, "CCACHE_NOHASHDIR": "1",
            "CCACHE_DIR": os.path.join(cache, "betrace", "ccache"), "CCACHE_MAXSIZE": "2G"}


def build_folder(preset):
    return os.path.join("build", preset)


def binary(preset):
    return os.path.join(ROOT, build_folder(preset), "server", "betrace")


def configure_and_build(preset, *targets):
    """The folder of a preset as cmake makes it, and these targets or all. Suites that want the same have it made once."""
    build = Step([], outcome.of_preparation, compiler_cache(), places=2, holds=build_folder(preset), once=True)
    # ON by name: make demo may have configured this folder without tests.
    yield replace(build, command=["cmake", "--preset", preset, "-DBETRACE_TESTS=ON"])
    targets = [f"--target={name}" for name in targets]
    yield replace(build, command=["cmake", "--build", "--preset", preset, "-j", JOBS, *targets])


def ctest(preset, labels, *choice):
    """The tests of these labels; choice: further words for ctest, such as -E and a pattern. They take three places, though
    more are at work: many wait, and four would be free only when no two journeys run."""
    junit = os.path.join(LOGS, f"{preset}-{labels[0]}{'-some' if choice else ''}.junit.xml")
    if os.path.exists(junit):
        os.unlink(junit)
    yield Step(["ctest", "--test-dir", build_folder(preset), "-L", f"^({'|'.join(labels)})$", *choice, "-j", TESTS_AT_ONCE,
                "--output-on-failure", "--no-tests=error", "--output-junit", junit], outcome.of_ctest(junit),
               places=3, holds=build_folder(preset))


def named(names):
    return f"^({'|'.join(names)})$"


def build_and_ctest(preset, *choice):
    """A whole build, and its tests that need no Tempo; choice: as of ctest()."""
    yield from configure_and_build(preset)
    yield from ctest(preset, LABELS, *choice)


def asan():
    return build_and_ctest("asan", "-E", named(SLOW_UNDER_ASAN))


def asan_long():
    return build_and_ctest("asan", "-R", named(name for name in SLOW_UNDER_ASAN if name not in SLOW_ON_TEMPO))


def dev():
    """Random cases and large texts say nothing here that they do not say on the optimised build or with sanitizers."""
    return build_and_ctest("dev", "-E", named(SLOW_UNDER_ASAN))


def release():
    """What make check left of the optimised build."""
    return build_and_ctest("release", "-E", named(name for name in SLOW_UNDER_ASAN if name not in FEWER_PAIRS_IN_CHECK))


def optimised_tests():
    """The program as the optimised build compiles it, with its warnings, and those tests that are slow under
    AddressSanitizer. The second half has the other tests on this build, and all on the debug build."""
    configure, build = configure_and_build("release", "betrace", *SLOW_UNDER_ASAN)
    yield from (configure, replace(build, read=outcome.of_command))
    yield from (replace(step, env=FEW_PAIRS) for step in ctest("release", LABELS, "-R", named(SLOW_UNDER_ASAN)))


def python_files(pattern, *arguments, beside=False):
    """Each file of the pattern as a test program of its own; no file at all is a failure. beside: they may run next to each other, and
    then those that wait longest come first."""
    def place(file):
        return next((place for place, part in enumerate(LONG) if part in os.path.basename(file)), len(LONG))
    files = sorted(glob.glob(os.path.join(ROOT, pattern)), key=lambda file: (beside and place(file), file))
    if not files:
        yield Step(["sh", "-c", f"echo 'no file matches {pattern}: write one, or take the suite out of tests/budget.txt'; exit 1"])
    for file in files:
        yield Step([PYTHON, os.path.relpath(file, ROOT), *arguments], outcome.of_unittest, beside=beside)


def name_of(step):
    return os.path.splitext(os.path.basename(step.command[1]))[0]


def only(names, steps):
    return (step for step in steps if name_of(step) in names)


def without(names, steps):
    return (step for step in steps if name_of(step) not in names)


def shortened(names, steps):
    """Those of the names with fewer rules and traces, or for a shorter time."""
    return (replace(step, command=[*step.command, "--short"]) if name_of(step) in names else step for step in steps)


def optimised(names, steps):
    """Those of the names with the release build of the program."""
    return (replace(step, env={"BETRACE_BIN": binary("release")}) if name_of(step) in names else step for step in steps)


def with_programs(steps):
    """Both builds of the program first: the ASan one to be tested, the release one where speed counts."""
    yield from configure_and_build("asan", "betrace")
    yield from configure_and_build("release", "betrace")
    yield from steps


def halved(names, steps):
    """Those of the names as two steps, one after the other in the list: each waits for a Tempo most of the time."""
    for step in steps:
        if name_of(step) in names:
            yield from (replace(step, command=[*step.command[:2], "--half", half, *step.command[2:]]) for half in ("1", "2"))
        else:
            yield step


def deps():
    yield Step(["distribution/install-build-deps.sh", "check"])


def lint():
    yield Step([PYTHON, "tests/lint/run.py"], outcome.of_closing_line, beside=True)
    yield Step([PYTHON, "tests/runner/test_runner.py"], outcome.of_unittest, beside=True)


def tempo():
    yield Step([PYTHON, "tests/tempo/tempo_binary.py"])


def e2e():
    """ctest's own tests against a Tempo, and the Python ones beside them."""
    yield from configure_and_build("asan")
    files = optimised(OPTIMISED_E2E, without(LONG_E2E, python_files("tests/e2e/test_*.py", beside=True)))
    of_c = (replace(step, beside=True) for step in ctest("asan", TEMPO_LABELS, "-E", named(SLOW_ON_TEMPO)))
    yield from with_programs(itertools.chain(of_c, halved(HALVED_E2E, shortened(SHORT_E2E, files))))


def e2e_long():
    """What e2e leaves out, at its own size what it shortens, and with sanitizers what make check runs optimised."""
    yield from configure_and_build("asan")
    of_c = (replace(step, beside=True) for step in ctest("asan", TEMPO_LABELS, "-R", named(SLOW_ON_TEMPO)))
    files = optimised(OPTIMISED_LONG_E2E, only(LONG_E2E + SHORT_E2E + OPTIMISED_E2E, python_files("tests/e2e/test_*.py", beside=True)))
    yield from with_programs(itertools.chain(of_c, files))


def faults(*arguments):
    yield from with_programs(python_files("tests/faults/test_*.py", *arguments))


def faults_in_check():
    yield from without(LONG_FAULTS, faults("--short"))


def faults_long():
    """What of faults is left out in make check, and no longer than that would be there."""
    yield from with_programs(only(LONG_FAULTS, python_files("tests/faults/test_*.py", "--short")))


def asks_tempo(step):
    """Whether a Python test runs a Tempo of its own and says something of every version. Other steps are taken as they are."""
    files = [word for word in step.command[1:2] if word.startswith("tests/") and word.endswith(".py")]
    if not files:
        return True
    with open(os.path.join(ROOT, files[0]), encoding="utf-8") as file:
        text = file.read()
    return name_of(step) not in OF_ONE_TEMPO and re.search("TempoServer|require_tempo|TempoCase", text) is not None


def on(variant, steps):
    """The steps of a suite again, with another Tempo (tests/tempo/variants.py)."""
    for step in steps:
        if asks_tempo(step):
            yield replace(step, env={**step.env, "BETRACE_TEMPO_VARIANT": variant})


def steps_of(name):
    """The steps of a row of the table: a suite, or `suite@variant`."""
    suite, _, variant = name.partition("@")
    return on(variant, SUITES[suite]()) if variant else SUITES[suite]()


def node(*command, read=outcome.of_command, beside=False):
    """A command with a Node that is new enough; npm ones in the folder of the app."""
    prefix = ["npm", "--prefix", "grafana-betrace-app", "run", "--silent"] if command[0] in APP_SCRIPTS else []
    return Step([PYTHON, "tests/app/node_packages.py", "--run", *prefix, *command], read, beside=beside)


def journeys(target, *names):
    """All journeys of the browser at a target, or those of these names. A browser, a service and a Tempo are at work in it.
    Those that fail have a second try."""
    def again(output):
        failed, others = outcome.of_journeys(output)
        return journeys(target, *([f"{name}.mjs" for name in failed] or names)).command, others
    step = node("node", "tests/app/run_journeys.mjs", target, *names, read=outcome.of_node_test, beside=True)
    return replace(step, places=2, second_try=again)


def go(what, read=outcome.of_command, beside=True):
    return Step([PYTHON, "tests/app/go_backend.py", what], read, beside=beside)


def app():
    """The Grafana app, its data source and the standalone pages: built, as contracts, as code, and in a browser
    against a real betrace what units cannot show."""
    yield Step([PYTHON, "tests/app/node_packages.py", "grafana-betrace-app"], outcome.of_preparation)
    yield from configure_and_build("release", "betrace")
    build = node("build", read=outcome.of_preparation, beside=True)
    yield from (build, go("build"), go("host"))
    yield node("node", "--test", *(f"tests/app/test_{name}.mjs" for name in ("routes", "build", "pictures", "shells", "shell_pages")),
               read=outcome.of_node_test)
    yield from (journeys(target, *names) for target, names in JOURNEYS_IN_CHECK.items())
    for script in APP_SCRIPTS[1:]:
        step = node(script, read=outcome.of_jest if script == "test:ci" else outcome.of_command, beside=True)
        yield replace(step, reads=APP_READS, places=2) if script in ONLY_READ_FILES else step
    yield from (go("vet"), go("test", outcome.of_go_test), go("acceptance", outcome.of_go_test))


def left_journeys(target):
    """Those that make check did not go at this target, as words of run_journeys.mjs."""
    there_are = sorted(os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "tests", "app", "journeys", "*.mjs")))
    gone = {f"{name}.mjs" for name in JOURNEYS_IN_CHECK.get(target, ())}
    return [name for name in there_are if name not in gone] if gone else []


def all_journeys():
    """With those of make check every journey at every target, also among the packages of the newest Grafana, for which
    nothing is built again."""
    yield Step([PYTHON, "tests/app/node_packages.py", "grafana-betrace-app", "grafana-betrace-app/harness/host13"], outcome.of_preparation)
    yield from (*configure_and_build("release", "betrace"), *tempo())
    yield from (node("build", read=outcome.of_preparation), go("build", beside=False), go("host", beside=False))
    yield from (journeys(target, *left_journeys(target)) for target in TARGETS)


def grafana():
    """The specs of @grafana/plugin-e2e against the Grafana that GRAFANA_URL names."""
    yield Step([PYTHON, "tests/app/full_grafana.py"], outcome.of_playwright)


def alerts():
    """The shipped alert files in a Grafana of this machine, through outages."""
    yield from (*configure_and_build("dev", "betrace"), *tempo())
    yield Step([PYTHON, "tests/app/node_packages.py", "grafana-betrace-app"], outcome.of_preparation)
    yield from (node("build", read=outcome.of_preparation), go("build", beside=False))
    yield Step([PYTHON, "tests/app/full_alerts_grafana.py"], outcome.of_unittest)


def http():
    yield from with_programs(optimised(OPTIMISED_HTTP, without(LONG_HTTP, python_files("tests/http/test_*.py", beside=True))))


def http_long():
    """What http leaves out, and with sanitizers what it runs optimised."""
    files = only(LONG_HTTP + OPTIMISED_HTTP, python_files("tests/http/test_*.py", beside=True))
    yield from with_programs(optimised(OPTIMISED_LONG_HTTP, files))


def demo():
    yield Step(["make", "--no-print-directory", "demo", "ONCE=1"])


def bench(*arguments):
    yield from configure_and_build("release", "betrace")
    for step in python_files("tests/bench/bench_*.py", *arguments):
        if step.read is outcome.of_unittest:
            step.read = outcome.of_command
        step.env = {**step.env, "MALLOC_PERTURB_": "0"}  # what is measured is not what malloc fills
        if arguments and any(name in step.command[1] for name in FULL_BENCHES):
            continue
        yield step


def only_benches(names, steps):
    """Of the steps of benches those of these names, and what builds the program."""
    return (step for step in steps if not step.command[1].startswith("tests/bench/") or name_of(step) in names)


def fuzz():
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from configure_and_build("fuzz", "fuzz_targets")
    yield Step([PYTHON, "tests/runner/fuzz.py", os.environ.get("FUZZ_SECONDS", "300")], outcome.of_closing_line)


def diff_large():
    """The differential test of the two evaluators at full size."""
    yield from configure_and_build("release", "diff_eval")
    yield Step(["build/release/tests/diff/diff_eval", "2000000"])


def property_large():
    """Random rules on the real Tempo at full size, with every strategy forced on all of them; then those that follow links, the Collector's sampler, and
    the other stores."""
    yield from with_programs(python_files("tests/e2e/test_property_tempo.py", "--full"))
    yield from python_files("tests/e2e/test_linked_property_tempo.py", "--full")
    yield from python_files("tests/e2e/test_sampler_collector.py", "--full")
    yield from python_files("tests/e2e/test_conformance_opensearch.py", "--full")
    for store in ("replay_opensearch", "filters_opensearch", "replay_clickhouse"):
        yield from (replace(step, env={"BETRACE_RULES": "100"}) for step in python_files(f"tests/e2e/test_{store}.py"))


def tsan():
    """The same labels, and everything at once on the service: a race ends it with a status of its own."""
    yield from build_and_ctest("tsan")
    env = {"BETRACE_BIN": binary("tsan"), "STRESS_SECONDS": "120"}
    yield Step([PYTHON, "tests/http/test_stress.py"], outcome.of_unittest, env=env)
    for name in RACING:
        yield Step([PYTHON, f"tests/faults/{name}.py", "--short"], outcome.of_unittest, env=env)


def faults_large():
    """Everything of tests/faults at full size, and the contract while Tempo misbehaves."""
    yield from faults()
    yield Step([PYTHON, "tests/faults/contract.py"], outcome.of_unittest)


def grpc():
    """A build of its own, under AddressSanitizer, and a client of another make on every method."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    folder = os.path.join(ROOT, "build", "grpc")
    yield Step(["cmake", "--preset", "asan", "-B", folder, "-DBETRACE_GRPC=ON", "-DBETRACE_TESTS=OFF"], outcome.of_preparation, compiler_cache())
    yield Step(["cmake", "--build", folder, "-j", JOBS, "--target=betrace"], outcome.of_preparation, compiler_cache())
    for step in python_files("tests/grpc/test_*.py"):
        yield replace(step, env={"BETRACE_BIN": os.path.join(folder, "server", "betrace")})


def soak():
    """An hour of mixed load, a tenth of Tempo's answers hang: nothing is lost, memory, files and threads stay flat."""
    yield from configure_and_build("release", "betrace")
    env = {"BETRACE_BIN": binary("release"), "SOAK_SECONDS": "3600"}
    yield Step([PYTHON, "tests/faults/test_soak.py"], outcome.of_unittest, env=env)


def cluster():
    """What a Tempo of seven processes answers while a part is away, then replays in the middle of which parts end and come back."""
    yield from configure_and_build("release", "betrace")
    yield Step([PYTHON, "tests/facts/cluster_facts.py"], outcome.of_unittest)
    yield Step([PYTHON, "tests/e2e/cluster_tempo.py"], outcome.of_unittest, env={"BETRACE_BIN": binary("release")})


def coverage():
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield Step([PYTHON, "tests/runner/coverage.py"], outcome.of_closing_line)


def dist():
    """What is handed out, as far as it can be held in a minute: chart, compose file, settings, the local stack, what
    editors are given."""
    yield from with_programs(python_files("tests/dist/test_*.py", beside=True))
    yield from python_files("tests/editors/test_*.py", beside=True)


def backtest_large():
    """Alerts of 20 rules over 30 days, and 700 random expressions, against a real Prometheus."""
    yield from configure_and_build("release", "betrace", "backtest_series")
    yield Step([PYTHON, "tests/e2e/test_backtest_prometheus.py", "--full"], outcome.of_unittest, env={"BETRACE_BIN": binary("release")})


def dist_large():
    """The package, the image and two `make dist` for real."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from python_files("tests/dist/full_*.py")


def tools():
    """Files that real tools write: the Collector's exporter, SDKs of five languages, Jaeger, Zipkin."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from with_programs(python_files("tests/files/full_*.py"))


def libraries():
    """What real libraries write today, in right and wrong runs, held to the same rules as what is recorded."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from configure_and_build("dev", "betrace")
    yield Step([PYTHON, "tests/libraries/record.py", "--check"], outcome.of_unittest, env={"BETRACE_BIN": binary("dev")})


def tidy():
    """clang-tidy over dsl/, tempo/ and server/, as the debug build compiles them."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from configure_and_build("dev")
    yield Step([PYTHON, "tests/lint/tidy.py"], outcome.of_closing_line)


def includes():
    """include-what-you-use over all C, as the debug build compiles it."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from configure_and_build("dev")
    yield Step([PYTHON, "tests/lint/includes.py"], outcome.of_closing_line)


def walk():
    """How many files a job passes."""
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from configure_and_build("dev")
    yield Step([PYTHON, "tests/server/replay/full_job_walk.py"], outcome.of_unittest)


def clean_root():
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield Step(["tests/runner/clean_root.sh"])


# Suites that run again for every Tempo that was found besides the one that the tests build, and those that do so when they are asked for by name.
PER_TEMPO = ("facts", "e2e", "e2e-long", "faults", "faults-long")
PER_TEMPO_BY_NAME = ("full:property", "full:faults")

# Suites that nothing may run beside: they measure, or use what the others built. Suites that make or read the pages in
# dist/ and dist-ui/, which come one after the other. Suites that need no Tempo, and begin while one is built.
ALONE = ("demo",)
SHARE_PAGES = ("app", "journeys", "dist")
WITHOUT_TEMPO = ("lint", "app")

SUITES = {
    "deps": deps,
    "lint": lint,
    "dev": dev,
    "asan": asan,
    "asan-long": asan_long,
    "release": release,
    "tempo": tempo,
    "facts": lambda: python_files("tests/facts/facts_*.py", beside=True),
    "http": http,
    "http-long": http_long,
    "e2e": e2e,
    "e2e-long": e2e_long,
    "faults": faults_in_check,
    "faults-long": faults_long,
    "app": app,
    "journeys": all_journeys,
    "optimised": optimised_tests,
    "dist": dist,
    "demo": demo,
    "bench": lambda: only_benches(BENCHES_IN_CHECK, bench("--short")),
    "benches": lambda: without(BENCHES_IN_CHECK, bench("--short")),
    "full:fuzz": fuzz,
    "full:diff": diff_large,
    "full:property": property_large,
    "full:faults": faults_large,
    "full:tsan": tsan,
    "full:grpc": grpc,
    "full:soak": soak,
    "full:cluster": cluster,
    "full:coverage": coverage,
    "full:grafana": grafana,
    "full:alerts": alerts,
    "full:backtest": backtest_large,
    "full:dist": dist_large,
    "full:tools": tools,
    "full:libraries": libraries,
    "full:tidy": tidy,
    "full:iwyu": includes,
    "full:walk": walk,
    "full:clean-root": clean_root,
    "full:bench-large": bench,
}
