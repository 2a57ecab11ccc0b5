"""Writes the generated files of docs/spec/conformance out of tests/cases/{eval,parse,format}.

    python3 tests/spec/generate.py            writes them
    python3 tests/spec/generate.py --check    exit code 1, with a list, when they are not what would be written

Left out are verdicts under a step budget, which is no part of the language, and texts that are not UTF-8, which JSON cannot hold. Files of
the suite whose first line says "written" are made by hand and not touched.
"""
import json
import os
import re
import sys

import case_text

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASES = os.path.join(ROOT, "tests", "cases")
SUITE = os.path.join(ROOT, "docs", "spec", "conformance")
VERSION = 1
DIAGNOSTIC = re.compile(r"^([EW]\d{3}) \d+:\d+ ", re.M)


class Names:
    """Names of entries: file, what the case says of itself, and a number."""

    def __init__(self, kind, path):
        self.stem, self.counts = f"{kind}/{os.path.basename(path).removesuffix('.case')}", {}

    def next(self, comment):
        slug = re.sub(r"[^a-z0-9]+", "-", comment.lower()).strip("-") or "general"
        self.counts[slug] = self.counts.get(slug, 0) + 1
        return f"{self.stem}/{slug}/{self.counts[slug]}"


def is_text(value):
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def in_suite(span):
    """A span with its times as text: not every JSON reader has integers of 64 bits."""
    out = {**span, **{key: str(span[key]) for key in ("start_ns", "end_ns") if span[key] is not None}}
    if "events" in span:
        out["events"] = [event | ({"time_ns": str(event["time_ns"])} if "time_ns" in event else {}) for event in span["events"]]
    return out


def choice(words):
    """{"bound": {binding: id}, "others": [id]} of "c=a b"."""
    bound, others = {}, []
    for word in words.split():
        name, equals, identity = word.rpartition("=")
        if equals:
            bound[name] = case_text.span_id(identity)
        else:
            others.append(case_text.span_id(identity))
    return {"bound": bound, "others": others}


class EvalCase:
    """Follows one case field by field, as its C runner does, and collects entries."""

    def __init__(self, comment, names):
        self.comment, self.names = comment, names
        self.rule, self.spans, self.options, self.has_budget = None, None, {}, False
        self.entry, self.entries = {}, []

    def set_options(self, words):
        for word in words.split():
            if word == "incomplete":
                self.options["incomplete"] = True
            elif word == "coarse":
                self.options["coarse_clocks"] = "unknown"
            elif word.startswith("skew="):
                self.options["clock_skew_ns"] = case_text.duration_ns(word[5:])
            elif word.startswith(("budget=", "text=")):
                self.has_budget = True
            else:
                raise case_text.Unreadable(f"unknown option {word}")

    def add_verdict(self, words):
        said, _, witnesses = words.partition("witness")
        verdict, _, reason = said.strip().partition(" ")
        expect = {"verdict": verdict, **({"reason": reason} if reason else {})}
        asks_id = "trace.id" in self.rule or "span.trace_id" in self.rule
        trace = {**({"id": case_text.TRACE_ID} if asks_id else {}), "spans": self.spans}
        self.entry = {"name": None, "rule": self.rule, "trace": trace, "options": dict(self.options), "expect": expect}
        if witnesses.strip():
            expect["choices"] = [choice(witnesses)]
        if not self.has_budget and is_text(self.entry):
            self.entry["name"] = self.names.next(self.comment)
            self.entries.append(self.entry)

    def add_choice(self, words):
        choices = self.entry["expect"].setdefault("choices", [])
        if choices and "bound" not in choices[-1]:
            raise case_text.Unreadable(f"`failed` of a choice stands behind `choice {words}`")
        choices.append(choice(words))

    def take(self, key, value):
        if key == "rule":
            self.rule = value
        elif key == "trace":
            self.spans, self.options, self.has_budget = [in_suite(span) for span in case_text.read_trace(value)], {}, False
        elif key == "options":
            self.set_options(value)
        elif key == "verdict":
            self.add_verdict(value)
        elif key == "choice":
            self.add_choice(value)
        elif key == "failed":  # of the choice looked at last, or of the first one
            self.entry["expect"].setdefault("choices", [{}])[-1]["failed"] = value
        elif key == "total":
            self.entry["expect"]["choice_total"] = int(value)
        elif key == "exercised":
            self.entry["expect"]["exercised"] = value
        elif key not in ("flags", "spent", "says"):  # not of the language: of a trace, of a budget, a sentence of ours
            raise case_text.Unreadable(f"unknown field {key}")


def eval_entries(path):
    names = Names("eval", path)
    for comment, fields in case_text.read_cases(path):
        case = EvalCase(comment, names)
        for key, value in fields:
            case.take(key, value)
        yield from case.entries


def parse_entries(path):
    names = Names("parse", path)
    for comment, fields in case_text.read_cases(path):
        values = dict(fields)
        codes = DIAGNOSTIC.findall(values.get("says", ""))
        errors = [code for code in codes if code[0] == "E"]
        if ("rule" in values) == bool(errors):
            raise case_text.Unreadable(f"{path}: a rule or an error, not both: {values['text']}")
        yield {"name": names.next(comment), "text": values["text"], "valid": not errors, "errors": errors,
               "warnings": [code for code in codes if code[0] == "W"]}


def format_entries(path):
    names = Names("format", path)
    for comment, fields in case_text.read_cases(path):
        values = dict(fields)
        canonical = "\n".join(line.removeprefix("|") for line in values["prints"].split("\n"))
        if not DIAGNOSTIC.match(canonical):
            yield {"name": names.next(comment), "text": values["text"], "canonical": canonical}


def file_text(kind, entries):
    head = {"conformance": kind, "version": VERSION, "origin": "generated"}
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [head, *entries])


def generated():
    """{path: text} of all generated files."""
    files = {}
    for kind, entries in (("eval", eval_entries), ("parse", parse_entries), ("format", format_entries)):
        for path in case_text.case_files(os.path.join(CASES, kind)):
            found = list(entries(path))
            if found:
                name = os.path.basename(path).removesuffix(".case") + ".jsonl"
                files[os.path.join(SUITE, kind, name)] = file_text(kind, found)
    return files


def present():
    """Paths of the suite's files that say that they are generated."""
    for kind in ("eval", "parse", "format"):
        for name in sorted(os.listdir(os.path.join(SUITE, kind))):
            path = os.path.join(SUITE, kind, name)
            with open(path, encoding="utf-8") as file:
                if json.loads(file.readline()).get("origin") == "generated":
                    yield path


def read(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(arguments):
    files = generated()
    wrong = [path for path, text in files.items() if read(path) != text]
    stale = [path for path in present() if path not in files]
    if arguments == ["--check"]:
        for path in wrong + stale:
            print(f"{os.path.relpath(path, ROOT)} is not what tests/cases gives: run tests/spec/generate.py and look at the difference")
        return 1 if wrong or stale else 0
    for path in stale:
        os.unlink(path)
    for path in wrong:
        with open(path, "w", encoding="utf-8") as file:
            file.write(files[path])
    print(f"{len(files)} files, {len(wrong)} written, {len(stale)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
