"""What a rule over linked traces costs: every message has to be processed within ten minutes, some are lost, over 24 hours. Compared in one run with
the two bare projections that any answer needs: all spans that send, and all spans that process with what they link to. Prints medians, requests and
ratios (of Tempo's processor time in parentheses); asserts that the lost messages are found and no others, never times. Goal: at most 2 x the
projections. `--short`: 200 traces. `--medium`: 400. Full size: 4,000, about half of which are messages. beside.py says on which Tempos it runs."""
import argparse
import json
import tempfile

import beside
from replay_cost import PROTOBUF, curl, load, medians_with_work, search_url
from betrace_process import run_cli  # noqa: E402  (replay_cost sets the path)
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULE = ('when { span(span.kind == producer and messaging.destination.name == "orders") as sent } '
        "always { span(span.kind == consumer) linked to sent within 10m }")
PROJECTIONS = ('{ kind = producer && span.messaging.destination.name = "orders" } | select(span:id)',
               "{ kind = consumer && link:spanID != nil } | select(link:traceID, link:spanID)")


def replay(url, bounds):
    done = run_cli("replay", "--dsl", RULE, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", "at_least", "--json", timeout=3600)
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return answer


def compare(tempo, ratios, bounds, seconds, lost, runs):
    projections = [(search_url(tempo.url, query, seconds, spans=100), PROTOBUF) for query in PROJECTIONS]
    times, work, values = medians_with_work(tempo.pid, runs, {
        "replay": lambda: replay(tempo.url, bounds),
        "two projections": lambda: curl(projections),
    })
    answer = values["replay"]
    found = {one["trace_id"] for one in answer["violations"]}
    assert found == lost, f"missing {len(lost - found)}, too many {len(found - lost)}"
    (rule,) = answer["rules"]
    print(f"{tempo.variant.name}: {len(lost)} lost of {rule['traces_exercised']} messages, {answer['queries']} requests; "
          + ", ".join(f"{name} {times[name]:.2f} s" for name in times), flush=True)
    ratios.note_pair(tempo, "replay over links / two projections", ("replay", "two projections"), times, work, 2)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    beside.add_options(parser)
    options = parser.parse_args()
    traces, runs = by_size(options.size, (200, 3), (400, 3), (4000, 3))
    ratios = beside.Ratios()
    for server in beside.tempos(options):
        with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
            bounds, seconds, truth = load(tempo, traces, folder, "messaging")
            compare(tempo, ratios, bounds, seconds, truth["lost-message"], runs)
    print(ratios.text())


if __name__ == "__main__":
    require_tempo()
    main()
