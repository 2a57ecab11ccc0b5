"""A strict reader of the Prometheus text format (0.0.4) for tests: what promtool and a scraper would refuse is an error here. Standard library only."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)$")
SUFFIXES = ("_bucket", "_sum", "_count")


class Malformed(Exception):
    """The page is no Prometheus text."""


class Family:
    """type, help and samples: [(sample name, {label: value}, number)]."""

    def __init__(self, name, kind, text):
        self.name, self.kind, self.help, self.samples = name, kind, text, []


def read_labels(text, line):
    labels, rest = {}, text
    while rest:
        match = LABEL.match(rest)
        if not match or (match.group(3) == "," and match.end() == len(rest)):
            raise Malformed(f"labels of {line!r}")
        name, value = match.group(1), match.group(2)
        if name in labels or name.startswith("__"):
            raise Malformed(f"label {name} of {line!r}")
        labels[name] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m.group(1), m.group(1)), value)
        rest = rest[match.end():]
    return labels


def number(text):
    if not re.fullmatch(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|Inf)|NaN", text):
        raise Malformed(f"{text!r} is no number")
    return float(text)


def check_histogram(family):
    """Buckets rise with le, the last is +Inf and equals _count, and _sum is there, for each set of labels."""
    groups = {}
    for name, labels, value in family.samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        group = groups.setdefault(key, {"buckets": []})
        if name.endswith("_bucket"):
            group["buckets"].append((number("+Inf" if labels["le"] == "+Inf" else labels["le"]), value))
        else:
            group[name[len(family.name):]] = value
    for key, group in groups.items():
        bounds = [bound for bound, _ in group["buckets"]]
        counts = [count for _, count in group["buckets"]]
        if bounds != sorted(set(bounds)) or not bounds or bounds[-1] != float("inf") or counts != sorted(counts) or counts[-1] != group["_count"] or group["_sum"] < 0:
            raise Malformed(f"histogram {family.name}{dict(key)}: {group}")


def check_family(family):
    if family.kind not in ("counter", "gauge", "histogram"):
        raise Malformed(f"type {family.kind} of {family.name}")
    if (family.kind == "counter") != family.name.endswith("_total"):
        raise Malformed(f"{family.name}: counters, and they alone, end with _total")
    if re.search(r"(milliseconds|_ms|minutes|kilobytes|megabytes|_kb|_mb)(_total)?$", family.name):
        raise Malformed(f"{family.name}: base units only")
    seen = set()
    for name, labels, value in family.samples:
        key = (name, tuple(sorted(labels.items())))
        if key in seen:
            raise Malformed(f"{name}{labels} stands twice")
        seen.add(key)
        if family.kind != "gauge" and value < 0:
            raise Malformed(f"{name}{labels} is below 0")
    if family.kind == "histogram":
        check_histogram(family)


def read(text):
    """{name: Family}; Malformed says what is wrong."""
    families, current, helped = {}, None, {}
    if text and not text.endswith("\n"):
        raise Malformed("the last line has no end")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, help_text = line[7:].partition(" ")
            if name in helped or not help_text:
                raise Malformed(line)
            helped[name] = help_text
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            if name in families or name not in helped:
                raise Malformed(f"{line}: twice, or without HELP")
            current = families[name] = Family(name, kind, helped[name])
        elif line:
            match = SAMPLE.match(line)
            if not match or not current:
                raise Malformed(line)
            base = next((match.group(1)[:-len(s)] for s in SUFFIXES if match.group(1) == current.name + s), match.group(1)) if current.kind == "histogram" else match.group(1)
            if base != current.name:
                raise Malformed(f"{line}: not in its family {current.name}")
            current.samples.append((match.group(1), read_labels(match.group(2) or "", line), number(match.group(3))))
    for family in families.values():
        check_family(family)
    return families
