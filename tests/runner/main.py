"""Runs the suites that tests/budget.txt lists, in its order, each against its minutes. Ends with a table and one closing line.

    python3 tests/runner/main.py [--full] [suite …]

Suites that ask a Tempo run again for each other Tempo that is found, in rows of their own (`facts@3.0.3`, tests/tempo/variants.py).
A suite that suites.ASIDE names runs beside the ones after it, until one that suites.ALONE names, which measures or needs what it made.
Output of each suite goes to build/check/<suite>.log; the end of a failed step's output is shown. Exit code 0 only when nothing failed.
Test programs get BETRACE_BIN (ASan build), BETRACE_RELEASE_BIN and, once it is built, BETRACE_TEMPO_BIN.
"""
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import outcome
import suites

sys.path.insert(0, os.path.join(suites.ROOT, "tests", "tempo"))
import variants  # noqa: E402  (the folder must be on the path first)

BUDGET = os.path.join(suites.ROOT, "tests", "budget.txt")
TAIL_LINES = 60
HANG_FACTOR = 3
BESIDE = min((os.cpu_count() or 2) + 1, 4)  # they wait more than they work
BESIDE_ASIDE = 2  # steps at once of a suite that is itself beside others
_running = set()


def read_budget():
    """[(suite, minutes)] in the file's order."""
    rows = []
    with open(BUDGET, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words and not line.startswith("#"):
                rows.append((words[0], float(words[1])))
    unknown = [name for name, _ in rows if name not in suites.SUITES]
    if unknown:
        sys.exit(f"tests/budget.txt names unknown suites: {', '.join(unknown)}; known are {', '.join(suites.SUITES)}")
    return rows


def per_tempo(rows, others):
    """The rows, and behind each suite that asks a Tempo the same for each other Tempo there is, with the same minutes."""
    return [(name + mark, minutes) for name, minutes in rows
            for mark in ["", *(f"@{other}" for other in others if name in suites.PER_TEMPO + suites.PER_TEMPO_BY_NAME)]]


def choose(rows, full, wanted, others=()):
    """The rows to run. Without names: all but the full ones, which --full adds. others: names of variants besides the default."""
    def is_wanted(name):
        suite, _, variant = name.partition("@")
        if name in wanted:
            return True
        if variant and suite not in suites.PER_TEMPO:
            return False
        return suite in wanted if wanted else full or not suite.startswith("full:")
    known = per_tempo(rows, others)
    missing = [name for name in wanted if name not in dict(known)]
    if missing:
        sys.exit(f"unknown suite {', '.join(missing)}; tests/budget.txt has {', '.join(name for name, _ in rows)}; "
                 f"other Tempos that were found (suite@…): {', '.join(others) or 'none, see BETRACE_TEMPOS'}")
    return [row for row in known if is_wanted(row[0])]


def environment():
    env = dict(os.environ, BETRACE_BIN=suites.binary("asan"), BETRACE_RELEASE_BIN=suites.binary("release"), PYTHONDONTWRITEBYTECODE="1")
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
    env.setdefault("LSAN_OPTIONS", f"suppressions={os.path.join(suites.ROOT, 'tests', 'support', 'lsan.supp')}:print_suppressions=0")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("CTEST_OUTPUT_ON_FAILURE", "1")
    env.pop("BETRACE_TEMPO_VARIANT", None)  # each row says its own
    return env


def end_group(process):
    """A step's whole process group, of which the step's process is the leader."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        time.sleep(2 if number == signal.SIGTERM else 0)


def run_step(step, env, deadline):
    """Runs one step: (exit code, its output). Past the deadline it is ended and the code is 124."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(step.command, cwd=suites.ROOT, env={**env, **step.env}, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        _running.add(process)
        try:
            code = process.wait(max(deadline - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            end_group(process)
            process.wait()
            code = 124
            output.write(b"ended: far over the suite's budget\n")
        _running.discard(process)
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")


def try_step(step, env, deadline):
    """A step with its second try, where it has one: what counts is the last. (exit code, output, output of the first try)"""
    code, output = run_step(step, env, deadline)
    if not code or not step.second_try or time.monotonic() > deadline:
        return code, output, ""
    show_failure(step, code, output)
    print("    it is tried once more", flush=True)
    return *run_step(step, env, deadline), output


def time_step(step, env, deadline):
    """(step, seconds, exit code, output, output of the first try)"""
    begin = time.monotonic()
    code, output, first = try_step(step, env, deadline)
    return step, time.monotonic() - begin, code, output, first


def results_of(steps, env, deadline, log, workers=BESIDE):
    """(step, code, output) of each in its order. Neighbours that say `beside` run together, a few at a time; what each wrote is logged whole, after its
    command and seconds."""
    with ThreadPoolExecutor(workers) as pool:
        for beside, group in itertools.groupby(steps, lambda step: step.beside):
            run_each = pool.map if beside else map  # map runs one when it is asked for the next
            for step, seconds, code, output, first in run_each(lambda step: time_step(step, env, deadline), group):
                log.write(f"$ {' '.join(step.command)}  # {seconds:.1f} s\n{first}{output}")
                log.flush()
                yield step, code, output


def telling_lines(lines):
    """The end, and before it what the first TAP test that failed said, when the end does not hold it."""
    failed = next((i for i, line in enumerate(lines) if line.lstrip().startswith("not ok")), None)
    if failed is None or failed >= len(lines) - TAIL_LINES:
        return lines[-TAIL_LINES:]
    return [*lines[failed:failed + TAIL_LINES // 2], "…", *lines[-TAIL_LINES // 2:]]


def show_failure(step, code, output):
    print(f"--- failed ({code}): {' '.join(step.command)}")
    print("\n".join(telling_lines(output.rstrip("\n").split("\n"))))
    print("---", flush=True)


def run_suite(name, minutes, env, workers=BESIDE):
    """Runs the steps of one suite: its outcome. A failed preparation ends it."""
    total = outcome.Outcome()
    deadline = time.monotonic() + 60 * minutes * HANG_FACTOR
    with open(os.path.join(suites.LOGS, name.replace(":", "-") + ".log"), "w", encoding="utf-8") as log:
        for step, code, output in results_of(suites.steps_of(name), env, deadline, log, workers):
            result = step.read(code, output)
            total += result
            if result.failed:
                show_failure(step, code, output)
            if code == outcome.EXIT_SKIPPED:
                print("    " + (output.strip().split("\n") or [""])[-1], flush=True)
            if name == "tempo" and code == 0:
                env["BETRACE_TEMPO_BIN"] = output.strip().split("\n")[-1]
            if code and step.read is outcome.of_preparation:
                break
    return total


def verdict(result, seconds, minutes):
    word = "failed" if result.failed else "ok"
    return word + (", over budget" if seconds > 60 * minutes else "")


def run_timed(name, minutes, env, workers=BESIDE):
    """One row of the table."""
    print(f"{name} …", flush=True)
    begin = time.monotonic()
    result = run_suite(name, minutes, env, workers)
    seconds = time.monotonic() - begin
    print(f"{name}: {verdict(result, seconds, minutes)} ({result}, {seconds:.0f} s)", flush=True)
    return name, minutes, seconds, result


def run_all(chosen, env):
    """The suites in their order, those of suites.ASIDE in a thread beside the ones that follow: rows of the table, in the order of chosen."""
    rows, aside = {}, {}

    def join():
        for name, future in aside.items():
            rows[name] = future.result()
        aside.clear()

    with ThreadPoolExecutor(1) as pool:
        for name, minutes in chosen:
            if name in suites.ASIDE:
                aside[name] = pool.submit(run_timed, name, minutes, env, BESIDE_ASIDE)
                continue
            if name in suites.ALONE or name.startswith("full:"):
                join()
            rows[name] = run_timed(name, minutes, env)
        join()
    return [rows[name] for name, _ in chosen]


def print_table(rows, wall):
    print(f"\n{'suite':<28}{'took':>9}{'budget':>9}  {'passed':>7}{'failed':>7}{'skipped':>8}")
    for name, minutes, seconds, result in rows:
        print(f"{name:<28}{seconds / 60:>8.1f}m{minutes:>8g}m  {result.passed:>7}{result.failed:>7}{result.skipped:>8}  "
              f"{verdict(result, seconds, minutes)}")
    print(f"{'sum':<28}{sum(row[2] for row in rows) / 60:>8.1f}m{sum(row[1] for row in rows):>8g}m")
    print(f"{'wall clock':<28}{wall / 60:>8.1f}m\n")


def tempos_told(rows, default):
    """Which Tempos the rows ran on, and which of those that answers are promised for were not found. Nothing where no row asks a Tempo."""
    asking = [row for row in rows if row[0].partition("@")[0] in suites.PER_TEMPO + suites.PER_TEMPO_BY_NAME]
    if not asking:
        return ""
    run = list(dict.fromkeys(name.partition("@")[2] or default for name, _, _, result in asking if result.passed + result.failed))
    missing = [family for family in variants.MAIN_FAMILIES if not any(name == family or name.startswith((family + ".", family + "-")) for name in run)]
    return (f"Tempo versions run: {', '.join(run) or 'none'}; not run: {', '.join(missing) or 'none of ' + ', '.join(variants.MAIN_FAMILIES)}"
            f"{' (BETRACE_TEMPOS names more programs)' if missing else ''}\n")


def grafana_told(rows, url):
    """Whether a real Grafana was asked, where a row is about that."""
    result = next((row[3] for row in rows if row[0] == "full:grafana"), None)
    if result is None:
        return ""
    return f"Grafana: {url}\n" if result.passed + result.failed else "Grafana: no Grafana (GRAFANA_URL names one)\n"


def on_signal(number, _frame):
    for process in list(_running):
        end_group(process)
    os._exit(128 + number)  # the threads that wait for them need no goodbye


def main(arguments):
    full = "--full" in arguments
    try:
        others = [variant.name for variant in variants.extra()]
    except variants.NoTempo as wrong:
        sys.exit(str(wrong))
    chosen = choose(read_budget(), full, [name for name in arguments if name != "--full"], others)
    os.makedirs(suites.LOGS, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    begin = time.monotonic()
    rows = run_all(chosen, environment())
    total = sum((row[3] for row in rows), outcome.Outcome())
    print_table(rows, time.monotonic() - begin)
    print(tempos_told(rows, variants.default_version()), end="")
    print(grafana_told(rows, os.environ.get("GRAFANA_URL", "")), end="")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
