"""What a replay over Tempo costs, compared in one run with
  - the very same Tempo requests by curl (recorded from our replay, same Accept, same number at once),
  - the cheapest complete pair of ids-only searches (the slow queries; the retries) by curl,
  - a straightforward Python script that finds candidates and reads each trace by id over Tempo's JSON API (on at most 1,000 candidates; its
    rate is scaled, and that is said).
Prints medians and ratios; asserts verdicts only, never times. Goals: at most 1.2 x the same requests, at most 2 x the pair, at least 20 x the
script's rate. And what the first violation costs relative to a replay, for a rule that is violated everywhere (goal: at most 10 %).
`--short` makes fewer traces and runs.
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
os.environ["BETRACE_BIN"] = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
from betrace_process import run_cli  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from run_tempo import TempoServer, http  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SCRIPT_CANDIDATES = 1000
DENSE = 'trace.has(span.name == "db.query") and not trace.has(span.name == "no.such.span")'


def timed(function):
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def replay(url, bounds, count):
    done = run_cli("replay", "--dsl", SLOW_DB["dsl"], "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", count, "--json", timeout=300)
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return answer


def dense(command, url, bounds):
    done = run_cli(command, "--dsl", DENSE, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--json", timeout=300)
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return answer


def curl(requests):
    """Runs requests (url, headers, body or None) in one curl process, two at once, as our client does."""
    with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
        lines = []
        for url, headers, body in requests:
            if lines:
                lines.append("next")
            lines += [f'url = "{url}"', "output = /dev/null", "silent", "show-error", "fail"]
            lines += [f'header = "{name}: {value}"' for name, value in headers.items()]
            if body is not None:
                lines.append("data-binary = " + json.dumps(body.decode("latin-1")))
        config.write("\n".join(lines) + "\n")
        config.flush()
        subprocess.run(["curl", "--no-progress-meter", "--parallel", "--parallel-max", "2", "-K", config.name], check=True, stdout=subprocess.DEVNULL)


def record(tempo_url, bounds, count):
    """The requests of one replay, to be sent again by curl."""
    with CountingProxy(tempo_url) as proxy:
        replay(proxy.url, bounds, count)
        kept = ("accept", "accept-encoding", "content-type")
        return [(tempo_url + path, {k: v for k, v in headers.items() if k.lower() in kept}, body if method == "POST" else None)
                for method, path, headers, body in proxy.seen]


def pair(tempo_url, seconds):
    common = {"start": seconds[0] - 900, "end": seconds[1] + 900, "limit": 100000, "spss": 1}
    filters = ('{ name = "db.query" && duration > 1s }', '{ name = "retry" }')
    return [(f"{tempo_url}/api/search?" + urllib.parse.urlencode({"q": q, **common}), {"Accept": "application/protobuf"}, None) for q in filters]


def script(tempo, seconds):
    """What one would write in an afternoon: search, then read each candidate and look at its spans. Returns (candidates, violating ids)."""
    params = {"q": '{ name = "db.query" && duration > 1s }', "start": seconds[0], "end": seconds[1], "limit": SCRIPT_CANDIDATES}
    _, _, body = http("GET", f"{tempo.url}/api/search?" + urllib.parse.urlencode(params))
    candidates = [row["traceID"] for row in json.loads(body)["traces"]]
    violating = []
    for trace_id in candidates:
        spans = tempo.trace(trace_id)
        slow = any(s["name"] == "db.query" and s["end_ns"] - s["start_ns"] > 10**9 for s in spans)
        if slow and not any(s["name"] == "retry" for s in spans):
            violating.append(trace_id.rjust(32, "0"))
    return len(candidates), set(violating)


def load(tempo, traces, folder):
    end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
    start = end - datetime.timedelta(hours=24)
    truth = os.path.join(folder, "truth.json")
    bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
    pushed = run_cli("generate", "--traces", traces, "--end", bounds[1], "--since", "24h", "--otlp", tempo.otlp_url, "--truth", truth, timeout=600)
    assert pushed.returncode == 0, pushed.stderr
    seconds = (int(start.timestamp()), int(end.timestamp()))
    tempo.wait_until(lambda: len(tempo.search("{}", seconds[0] - 900, seconds[1] + 900, limit=200000, spss=1)) >= traces, "searchable")
    time.sleep(35)  # the block is cut and complete, as it is in a Tempo that was not just started
    with open(truth, encoding="utf-8") as file:
        return bounds, seconds, set(json.load(file)["slow-db-no-retry"])


def medians(runs, functions):
    """Runs all functions in turn, several times over, so that noise hits them alike; median seconds and the last value of each."""
    times, values = {name: [] for name in functions}, {}
    for _ in range(runs):
        for name, function in functions.items():
            seconds, values[name] = timed(function)
            times[name].append(seconds)
    return {name: statistics.median(all_of) for name, all_of in times.items()}, values


def check_first(everything, first):
    assert everything["violations_found"] > everything["traces_evaluated"] // 4, "the dense rule is not dense"
    earliest = everything["violations"][0]
    assert first["proven"] and (first["violation"]["trace_id"], first["violation"]["time"]) == (earliest["trace_id"], earliest["time"])


def report(seconds, answer, candidates, script_seconds, script_rate):
    ours_rate = candidates / seconds["replay at_least"]
    print(f"{answer['traces_evaluated']} traces, {answer['violations_found']} violations, {answer['queries']} requests")
    for name, value in seconds.items():
        print(f"  {name:28s} {value * 1000:9.1f} ms (median)")
    print(f"  python script                {script_seconds * 1000:9.1f} ms for {candidates} candidates (rate {script_rate:.0f}/s; ours {ours_rate:.0f}/s)")
    print(f"ratio replay exact / same requests by curl:    {seconds['replay exact'] / seconds['same requests exact']:.2f} (goal 1.2)")
    print(f"ratio replay at_least / same requests by curl: {seconds['replay at_least'] / seconds['same requests at_least']:.2f} (goal 1.2)")
    print(f"ratio replay at_least / ids-only pair:         {seconds['replay at_least'] / seconds['ids-only pair']:.2f} (goal 2)")
    print(f"ratio replay exact / ids-only pair:            {seconds['replay exact'] / seconds['ids-only pair']:.2f} (also counts every trace)")
    print(f"ratio first violation / replay, dense:         {seconds['dense first'] / seconds['dense replay']:.3f} (goal 0.1)")
    print(f"ratio rate replay / rate script:               {ours_rate / script_rate:.1f} (goal 20)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    traces, runs = (4000, 3) if short else (15420, 7)
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, TempoServer(config="fast") as tempo:
        bounds, seconds, truth = load(tempo, traces, folder)
        same = {count: record(tempo.url, bounds, count) for count in ("auto", "at_least")}
        times, values = medians(runs, {
            "replay exact": lambda: replay(tempo.url, bounds, "auto"),
            "same requests exact": lambda: curl(same["auto"]),
            "replay at_least": lambda: replay(tempo.url, bounds, "at_least"),
            "same requests at_least": lambda: curl(same["at_least"]),
            "ids-only pair": lambda: curl(pair(tempo.url, seconds)),
            "dense replay": lambda: dense("replay", tempo.url, bounds),
            "dense first": lambda: dense("first", tempo.url, bounds),
        })
        check_first(values["dense replay"], values["dense first"])
        script_seconds, (candidates, by_script) = timed(lambda: script(tempo, seconds))
        answer = values["replay exact"]
        assert {v["trace_id"] for v in answer["violations"]} == truth, "the replay's verdicts are wrong"
        assert by_script == truth or candidates == SCRIPT_CANDIDATES and by_script <= truth, "the script's verdicts are wrong"
        report(times, answer, candidates, script_seconds, candidates / script_seconds)


if __name__ == "__main__":
    require_tempo()
    main()
