"""Replays in shards, put together again, against one replay of the whole. For tests of `betrace merge`."""
import json
import os

from betrace_process import all_at_once, run_cli

# What a merged answer says of the work of its shards, which is more than one replay would have done.
WORK = {"duration_seconds", "queries", "bytes_inspected", "bytes_received", "traces_read", "traces_decided_unread", "sample_unread", "sample_differences",
        "traces_candidate", "strategy"}
WORK_OF_COVERAGE = {"outside", "compared", "unended"}
# Each shard's, or of the merging.
OWN = {"notes", "traces_noted", "merged"}


def run_shards(folder, shards, *arguments, allowed=(0, 3)):
    """The files of all shards of a replay with these arguments, in their order."""
    def run(number):
        path = os.path.join(folder, f"{number}-of-{shards}.json")
        done = run_cli("replay", *arguments, "--shard", f"{number}/{shards}", timeout=600)
        if done.returncode not in allowed or not done.stdout:
            raise AssertionError(f"shard {number}/{shards} ended with {done.returncode}: {done.stderr}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(done.stdout)
        return path
    return all_at_once(run, range(1, shards + 1))


def merge(files, *flags):
    """(status, answer) of betrace merge."""
    done = run_cli("merge", "--json", *flags, *files, timeout=600)
    if not done.stdout:
        raise AssertionError(f"merge ended with {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)


def without(mapping, names):
    return {name: value for name, value in mapping.items() if name not in names}


def comparable(answer):
    """What has to be the same in the whole answer and in the merged one."""
    kept = without(answer, WORK | OWN)
    kept["coverage"] = without(answer["coverage"], WORK_OF_COVERAGE)
    kept["rules"] = [without(rule, WORK) for rule in answer["rules"]]
    kept["unexercised"] = [(idle["rule_id"], idle["known"]) for idle in answer["unexercised"]]
    return kept


def differences(whole, merged):
    """Lines that say where two answers differ; empty where they do not."""
    lines = []

    def look(path, left, right):
        if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
            for name in left:
                look(f"{path}.{name}", left[name], right[name])
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            for at, pair in enumerate(zip(left, right)):
                look(f"{path}[{at}]", *pair)
        elif left != right:
            lines.append(f"{path}: whole {left!r:.300}, merged {right!r:.300}")
    look("", comparable(whole), comparable(merged))
    return lines
