#!/usr/bin/env python3
"""Runs the conformance suite of BeTraceDSL against an implementation. Needs nothing but Python 3.9.

    python3 run.py --adapter 'COMMAND' [--claims verdicts,witnesses,validity,diagnostics,formatting] [--only TEXT]

COMMAND is started once. It gets one request a line on its standard input and writes one answer a line, in the same order; README.md in this
folder says what they hold. Exit code 0: every claim holds; 1: some entry differs, and each difference was printed; 2: the run was not possible.
"""
import argparse
import collections
import glob
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CLAIMS = ("verdicts", "witnesses", "validity", "diagnostics", "formatting")
KINDS = ("eval", "parse", "format")
VERSION = 1
EXACT_BELOW = 2 ** 53
MOST_SHOWN = 25


class Broken(Exception):
    """The suite or the adapter cannot be used; the text says why."""


def read_file(kind, path):
    """Entries of one file."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    head = lines[0]
    if head.get("conformance") != kind or head.get("version") != VERSION:
        raise Broken(f"{path}: expected the first line to say conformance {kind}, version {VERSION}")
    return lines[1:]


def read_suite(folder):
    """[(kind, entry)]; names are unique."""
    found, names = [], set()
    for kind in KINDS:
        for path in sorted(glob.glob(os.path.join(folder, kind, "*.jsonl"))):
            for entry in read_file(kind, path):
                if entry["name"] in names:
                    raise Broken(f"{path}: {entry['name']} stands twice in the suite")
                names.add(entry["name"])
                check_numbers(entry["name"], entry)
                found.append((kind, entry))
    return found


def check_numbers(name, value):
    """Any JSON reader has to get the numbers right, one that makes doubles of them too."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            check_numbers(name, item)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_BELOW and int(float(value)) != value:
        raise Broken(f"{name}: {value} is no double: write it as a string")


def request(kind, entry):
    if kind == "eval":
        others = {"others": entry["others"]} if "others" in entry else {}
        return {"do": "eval", "rule": entry["rule"], "trace": entry["trace"], **others, "options": entry["options"]}
    return {"do": kind, "text": entry["text"]}


def ask(command, requests):
    """The adapter's answers."""
    text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in requests)
    done = subprocess.run(shlex.split(command), input=text.encode(), stdout=subprocess.PIPE, check=False)
    lines = done.stdout.decode("utf-8").splitlines()
    if done.returncode or len(lines) != len(requests):
        raise Broken(f"the adapter ended with {done.returncode} after {len(lines)} answers to {len(requests)} requests")
    return [json.loads(line) for line in lines]


def choice_differs(expected, got):
    """Of a choice only what the entry names has to agree."""
    return any(got.get(key) != value for key, value in expected.items())


def compare_eval(entry, answer):
    """(claim, what differs) for each difference."""
    expect = entry["expect"]
    for key in ("verdict", "reason", "exercised"):
        if (key in expect or key == "reason") and answer.get(key) != expect.get(key):
            yield "verdicts", f"{key}: expected {expect.get(key)}, got {answer.get(key)}"
    if "choice_total" in expect and answer.get("choice_total") != expect["choice_total"]:
        yield "witnesses", f"choice_total: expected {expect['choice_total']}, got {answer.get('choice_total')}"
    choices = answer.get("choices", [])
    for number, expected in enumerate(expect.get("choices", [])):
        if number >= len(choices) or choice_differs(expected, choices[number]):
            yield "witnesses", f"choice {number}: expected {expected}, got {choices[number] if number < len(choices) else None}"


def compare_parse(entry, answer):
    if answer.get("valid") is not entry["valid"]:
        yield "validity", f"valid: expected {entry['valid']}, got {answer.get('valid')}"
    for key in ("errors", "warnings"):
        if answer.get(key) != entry[key]:
            yield "diagnostics", f"{key}: expected {entry[key]}, got {answer.get(key)}"


def compare_format(entry, answer):
    if answer.get("canonical") != entry["canonical"]:
        yield "formatting", f"expected\n{entry['canonical']}\ngot\n{answer.get('canonical')}"


COMPARE = {"eval": compare_eval, "parse": compare_parse, "format": compare_format}
CLAIMS_OF = {"eval": {"verdicts", "witnesses"}, "parse": {"validity", "diagnostics"}, "format": {"formatting"}}


def with_fixed_points(suite):
    """A canonical text is its own canonical text."""
    for kind, entry in suite:
        yield kind, entry
        if kind == "format":
            yield kind, {**entry, "name": entry["name"] + "/again", "text": entry["canonical"]}


def run(arguments):
    claims = set(arguments.claims.split(","))
    if claims - set(CLAIMS):
        raise Broken(f"unknown claims {', '.join(sorted(claims - set(CLAIMS)))}: known are {', '.join(CLAIMS)}")
    suite = [(kind, entry) for kind, entry in with_fixed_points(read_suite(arguments.suite))
             if arguments.only in entry["name"] and CLAIMS_OF[kind] & claims]
    answers = ask(arguments.adapter, [request(kind, entry) for kind, entry in suite])
    counts, differences = collections.Counter(kind for kind, _ in suite), []
    for (kind, entry), answer in zip(suite, answers):
        differences += [(entry["name"], what) for claim, what in COMPARE[kind](entry, answer) if claim in claims]
    for name, what in differences[:MOST_SHOWN]:
        print(f"{name}: {what}")
    if len(differences) > MOST_SHOWN:
        print(f"… and {len(differences) - MOST_SHOWN} more")
    print(f"{counts['eval']} verdicts, {counts['parse']} texts, {counts['format']} layouts: {len(differences)} differences")
    if not suite:
        raise Broken("no entry was asked for")
    return 1 if differences else 0


def main():
    parser = argparse.ArgumentParser(description="Runs the conformance suite of BeTraceDSL against an implementation.")
    parser.add_argument("--adapter", required=True, help="command that answers requests, one JSON object a line")
    parser.add_argument("--claims", default=",".join(CLAIMS), help="what the implementation claims, joined by commas")
    parser.add_argument("--only", default="", help="only entries whose name contains this text")
    parser.add_argument("--suite", default=HERE, help="folder with eval/, parse/ and format/ (default: the one of this file)")
    try:
        return run(parser.parse_args())
    except (Broken, OSError, ValueError, KeyError) as error:
        print(f"run.py: {error!r}" if isinstance(error, KeyError) else f"run.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
