"""Runs the suites that tests/budget.txt lists, in its order, each against its minutes. Ends with a table and one closing line.

    python3 tests/runner/main.py [--more | --full] [suite …]

Without names: the part `check` of the file, with --more the part `more`, with --full all parts. A suite that is named
runs, whatever its part. Suites that ask a Tempo run again for each other Tempo that is found, in rows of their own
(`facts@3.0.3`, tests/tempo/variants.py), which are of the part `more`.
The steps of all suites share one pool (schedule.py); one that suites.ALONE names has the machine for itself.
Output of each suite goes to build/check/<suite>.log; the end of a failed step's output is shown. Exit code 0 only when nothing failed.
Test programs get BETRACE_BIN (ASan build), BETRACE_RELEASE_BIN and, once it is built, BETRACE_TEMPO_BIN.
"""
import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace

import kept
import outcome
import schedule
import suites

sys.path.insert(0, os.path.join(suites.ROOT, "tests", "tempo"))
import variants  # noqa: E402  (the folder must be on the path first)

BUDGET = os.path.join(suites.ROOT, "tests", "budget.txt")
PARTS = ("check", "more", "full")
BOTH = "both"
PARTS_OF_OPTION = {"--more": ("more",), "--full": PARTS}
TAIL_LINES = 60
HANG_FACTOR, HANG_LEAST = 3, 30  # times its minutes of the processor, and minutes for waiting, for others and for cold caches
KEPT = "not run: it passed, and nothing that it reads has changed since"
_running = set()


@dataclass(frozen=True)
class Budget:
    """A line of tests/budget.txt. part: one of PARTS, or BOTH, of what each half stands on."""
    name: str
    part: str
    minutes: float


def read_budget():
    """The lines, in the file's order."""
    rows = []
    with open(BUDGET, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words and not line.startswith("#"):
                rows.append(Budget(words[0], words[1], float(words[2])))
    unknown = [row.name for row in rows if row.name not in suites.SUITES]
    if unknown:
        sys.exit(f"tests/budget.txt names unknown suites: {', '.join(unknown)}; known are {', '.join(suites.SUITES)}")
    strange = [f"{row.name} {row.part}" for row in rows if row.part not in (*PARTS, BOTH)]
    if strange:
        sys.exit(f"tests/budget.txt has lines of no known part: {', '.join(strange)}; parts are {', '.join([*PARTS, BOTH])}")
    return rows


def per_tempo(rows, others):
    """The rows, and behind each suite that asks a Tempo the same, with its minutes, for each other Tempo there is:
    in the second half."""
    asking = suites.PER_TEMPO + suites.PER_TEMPO_BY_NAME
    return [one for row in rows
            for one in [row, *(Budget(f"{row.name}@{other}", "full" if row.part == "full" else "more", row.minutes)
                               for other in others if row.name in asking)]]


def choose(rows, parts, wanted, others=()):
    """The rows to run: those of the parts, or those that are wanted by name. others: names of variants but the
    default."""
    def is_wanted(row):
        suite, _, variant = row.name.partition("@")
        if row.name in wanted:
            return True
        if variant and suite not in suites.PER_TEMPO:
            return False
        return suite in wanted if wanted else row.part in (*parts, BOTH)
    known = per_tempo(rows, others)
    missing = set(wanted) - {row.name for row in known}
    if missing:
        there_are = ", ".join(row.name for row in rows)
        sys.exit(f"unknown suite {', '.join(sorted(missing))}; tests/budget.txt has {there_are}; "
                 f"other Tempos that were found (suite@…): {', '.join(others) or 'none, see BETRACE_TEMPOS'}")
    return [row for row in known if is_wanted(row)]


def environment():
    env = dict(os.environ, BETRACE_BIN=suites.binary("asan"), BETRACE_RELEASE_BIN=suites.binary("release"), PYTHONDONTWRITEBYTECODE="1")
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
    env.setdefault("LSAN_OPTIONS", f"suppressions={os.path.join(suites.ROOT, 'tests', 'support', 'lsan.supp')}:print_suppressions=0")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("CTEST_OUTPUT_ON_FAILURE", "1")
    env.setdefault("MALLOC_PERTURB_", "254")  # malloc gives bytes of 1: a flag that nobody set is seen
    env.pop("BETRACE_TEMPO_VARIANT", None)  # each row says its own
    return env


def end_groups(processes):
    """Each step's whole process group, of which the step's process is the leader."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        time.sleep(2 if number == signal.SIGTERM else 0)


@dataclass
class Ran:
    """What a command came to. processor: seconds of it and of all that it waited for, which says more than the
    clock on a machine that is shared."""
    code: int
    output: str
    processor: float
    first: str = ""  # what the first try wrote, where there were two
    others: outcome.Outcome = field(default_factory=outcome.Outcome)  # what passed in the first try and had no second
    seconds: float = 0


def wait_for(process, seconds):
    """Processor seconds of a process that ended in time, with its exit code in process.returncode; else None."""
    ended = os.pidfd_open(process.pid)
    try:
        if not select.select([ended], [], [], seconds)[0]:
            return None
    finally:
        os.close(ended)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def run_step(step, env, deadline):
    """Runs one step. Past the deadline it is ended and the code is 124."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(step.command, cwd=suites.ROOT, env={**env, **step.env}, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        _running.add(process)
        processor = wait_for(process, max(deadline - time.monotonic(), 1))
        is_late = processor is None
        if is_late:
            end_groups([process])
            processor = wait_for(process, None)
            output.write(b"ended: far over the suite's budget\n")
        _running.discard(process)
        output.seek(0)
        return Ran(124 if is_late else process.returncode, output.read().decode("utf-8", "replace"), processor)


def try_step(step, env, deadline):
    """A step with its second try, where it has one. Of what is run twice the second try counts."""
    ran = run_step(step, env, deadline)
    if not ran.code or not step.second_try or time.monotonic() > deadline:
        return ran
    show_failure(step, ran)
    command, others = step.second_try(ran.output)
    print(f"    it is tried once more: {' '.join(command)}", flush=True)
    again = run_step(replace(step, command=command), env, deadline)
    return replace(again, first=ran.output, others=others, processor=ran.processor + again.processor)


def time_step(step, env, deadline):
    """What a step came to, with its seconds."""
    begin = time.monotonic()
    ran = try_step(step, env, deadline)
    return replace(ran, seconds=time.monotonic() - begin)


def telling_lines(lines):
    """The end, and before it what the first TAP test that failed said, when the end does not hold it."""
    failed = next((i for i, line in enumerate(lines) if line.lstrip().startswith("not ok")), None)
    if failed is None or failed >= len(lines) - TAIL_LINES:
        return lines[-TAIL_LINES:]
    return [*lines[failed:failed + TAIL_LINES // 2], "…", *lines[-TAIL_LINES // 2:]]


def show_failure(step, ran):
    print(f"--- failed ({ran.code}): {' '.join(step.command)}")
    print("\n".join(telling_lines(ran.output.rstrip("\n").split("\n"))))
    print("---", flush=True)


def log_step(log, step, ran):
    """What a step wrote, whole, after its command, its seconds and those of the processor."""
    took = f"{ran.seconds:.1f} s, processor {ran.processor:.1f} s"
    log.write(f"$ {' '.join(step.command)}  # {took}\n{ran.first}{ran.output}")
    log.flush()


def verdict(result, processor, minutes):
    word = "failed" if result.failed else "ok"
    return word + (", over budget" if processor > 60 * minutes else "")


@dataclass
class Row:
    """One row of the closing table."""
    name: str
    minutes: float
    seconds: float
    processor: float
    result: outcome.Outcome


class Check:
    """A run: the environment that the next step gets, and the logs of suites under way."""

    def __init__(self, env):
        self.env, self.logs = env, {}

    def begin(self, line):
        name = line.row.name
        print(f"{name} …", flush=True)
        self.logs[name] = open(os.path.join(suites.LOGS, name.replace(":", "-") + ".log"), "w", encoding="utf-8")

    def run(self, line, step, is_made):
        if is_made:
            return Ran(0, "made before in this run\n", 0)
        path = kept.path_of(step)
        said = kept.output_of(path)
        if said is not None:
            return Ran(0, f"{KEPT}\n{said}", 0)
        left = 60 * (HANG_FACTOR * line.row.minutes + HANG_LEAST) - line.busy_seconds()
        ran = time_step(step, dict(self.env), time.monotonic() + left)
        if path and ran.code == 0 and not step.read(ran.code, ran.output).failed and kept.path_of(step) == path:
            kept.keep(path, ran.output)
        return ran

    def tell(self, line, step, ran):
        """Logs a step that ended, and shows what failed or was skipped."""
        log_step(self.logs[line.row.name], step, ran)
        if step.read(ran.code, ran.output).failed:
            show_failure(step, ran)
        if ran.code == outcome.EXIT_SKIPPED:
            print("    " + (ran.output.strip().split("\n") or [""])[-1], flush=True)
        if line.row.name == "tempo" and ran.code == 0:
            self.env["BETRACE_TEMPO_BIN"] = ran.output.strip().split("\n")[-1]

    def end(self, line):
        self.logs.pop(line.row.name).close()
        took = f"{line.busy:.0f} s, processor {line.processor:.0f} s"
        print(f"{line.row.name}: {verdict(line.result, line.processor, line.row.minutes)} ({line.result}, {took})", flush=True)


def run_all(chosen, env):
    """The suites in one pool: rows of the table, in the order of chosen."""
    check = Check(env)
    lines = schedule.run(chosen, check.run, check.begin, check.tell, check.end)
    return [Row(line.row.name, line.row.minutes, line.busy, line.processor, line.result) for line in lines]


def times_of(name, seconds, processor, minutes):
    return f"{name:<28}{seconds / 60:>8.1f}m{processor / 60:>10.1f}m{minutes:>8g}m"


def print_table(rows, wall):
    print(f"\n{'suite':<28}{'took':>9}{'processor':>11}{'budget':>9}  {'passed':>7}{'failed':>7}{'skipped':>8}")
    for row in rows:
        result = row.result
        print(f"{times_of(row.name, row.seconds, row.processor, row.minutes)}  {result.passed:>7}{result.failed:>7}"
              f"{result.skipped:>8}  {verdict(result, row.processor, row.minutes)}")
    print(times_of("sum", *(sum(getattr(row, name) for row in rows) for name in ("seconds", "processor", "minutes"))))
    print(f"{'wall clock':<28}{wall / 60:>8.1f}m\n")


def tempos_told(rows, default):
    """Which Tempos the rows ran on, and which of those that answers are promised for were not found. Nothing where no row asks a Tempo."""
    asking = [row for row in rows if row.name.partition("@")[0] in suites.PER_TEMPO + suites.PER_TEMPO_BY_NAME]
    if not asking:
        return ""
    ran = [row.name for row in asking if row.result.passed + row.result.failed]
    run = list(dict.fromkeys(name.partition("@")[2] or default for name in ran))
    missing = [family for family in variants.MAIN_FAMILIES if not any(name == family or name.startswith((family + ".", family + "-")) for name in run)]
    return (f"Tempo versions run: {', '.join(run) or 'none'}; not run: {', '.join(missing) or 'none of ' + ', '.join(variants.MAIN_FAMILIES)}"
            f"{' (BETRACE_TEMPOS names more programs)' if missing else ''}\n")


def grafana_told(rows, url):
    """Whether a real Grafana was asked, where a row is about that."""
    result = next((row.result for row in rows if row.name == "full:grafana"), None)
    if result is None:
        return ""
    return f"Grafana: {url}\n" if result.passed + result.failed else "Grafana: no Grafana (GRAFANA_URL names one)\n"


def on_signal(number, _frame):
    end_groups(list(_running))
    os._exit(128 + number)  # the threads that wait for them need no goodbye


def main(arguments):
    options = [word for word in arguments if word.startswith("--")]
    if len(options) > 1 or set(options) - set(PARTS_OF_OPTION):
        sys.exit(f"expected at most one of {', '.join(PARTS_OF_OPTION)}, got {' '.join(options)}")
    parts = PARTS_OF_OPTION[options[0]] if options else ("check",)
    try:
        others = [variant.name for variant in variants.extra()]
    except variants.NoTempo as wrong:
        sys.exit(str(wrong))
    chosen = choose(read_budget(), parts, [word for word in arguments if word not in options], others)
    os.makedirs(suites.LOGS, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    begin = time.monotonic()
    rows = run_all(chosen, environment())
    total = sum((row.result for row in rows), outcome.Outcome())
    print_table(rows, time.monotonic() - begin)
    print(tempos_told(rows, variants.default_version()), end="")
    print(grafana_told(rows, os.environ.get("GRAFANA_URL", "")), end="")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
