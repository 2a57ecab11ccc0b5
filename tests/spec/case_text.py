"""Reads the text cases of tests/cases and their traces, by tests/support/case_file.h and trace_text.h but without
their code. Both readers must make the same of one text, or the conformance suite differs from the verdicts of the
case tests. Standard library only."""
import os
import re

UNITS_NS = {"ns": 1, "us": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
MILLISECOND_NS = 10**6
SPAN_ID_BYTES = 8
TRACE_ID_BYTES = 16
TRACE_ID = bytes(range(TRACE_ID_BYTES)).hex()  # of every trace of tests/support/trace_text.h


class Unreadable(Exception):
    """A text that is no case or no trace."""


def read_cases(path):
    """Yields (comment, [(key, value)]) for each case of a file."""
    comment, fields = "", []
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = file.read().split("\n")
    for line in lines + [""]:
        if line.startswith("#"):
            comment = line[1:].lstrip(" ")
        elif line == "":
            if fields:
                yield comment, [(key, "\n".join(values)) for key, values in fields]
            fields = []
        elif line[0] in " \t":
            if not fields:
                raise Unreadable(f"{path}: a continuation line without a field above: {line}")
            fields[-1][1].append(line.lstrip(" \t"))
        else:
            key, _, value = line.replace("\t", " ").partition(" ")
            fields.append((key, [value.lstrip(" ")]))


def duration_ns(text):
    """Nanoseconds of "5ms", "1s500ms" or "-1s"."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    if not re.fullmatch(r"(\d+(\.\d+)?(ns|us|ms|s|m|h|d))+", rest):
        raise Unreadable(f"{text} is no duration")
    return sign * sum(round(float(number) * UNITS_NS[unit]) for number, _, unit in re.findall(r"(\d+(\.\d+)?)(ns|us|ms|s|m|h|d)", rest))


class Line:
    """One line of a trace while it is read."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def skip_blanks(self):
        while self.text[self.at:self.at + 1] in (" ", "\t"):
            self.at += 1

    def is_done(self):
        return self.at >= len(self.text)

    def peek(self):
        return self.text[self.at:self.at + 1]

    def word(self, stops=""):
        """(text, was it quoted). Quoted texts have the escapes \\" \\\\ \\n \\xHH."""
        if self.peek() != '"':
            start = self.at
            while not self.is_done() and self.peek() not in " " + stops:
                self.at += 1
            return self.text[start:self.at], False
        self.at += 1
        out = bytearray()
        while not self.is_done() and self.peek() != '"':
            out += self.character()
        self.at += 1
        return out.decode("utf-8", "surrogateescape"), True

    def character(self):
        """The bytes of one character or escape of a quoted text."""
        character = self.peek()
        if character != "\\":
            self.at += 1
            return character.encode("utf-8", "surrogateescape")
        escape = self.text[self.at + 1]
        if escape == "x":
            self.at += 4
            return bytes([int(self.text[self.at - 2:self.at], 16)])
        self.at += 2
        return b"\n" if escape == "n" else escape.encode()


def scalar(word, was_quoted):
    """A value in the suite's form: {"int": "5"}, {"string": "x"}, …"""
    if was_quoted:
        return {"string": word}
    if re.fullmatch(r"-?\d+", word):
        return {"int": str(int(word))}
    if re.fullmatch(r"-?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+|nan|inf)", word):
        return {"double": {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(word) or float(word)}
    return {"null": {"null": True}, "{}": {"map": []}, "true": {"bool": True}, "false": {"bool": False}}.get(word) or {"string": word}


def read_value(line):
    if line.peek() != "[":
        return scalar(*line.word())
    line.at += 1
    items = []
    while not line.is_done() and line.peek() != "]":
        items.append(scalar(*line.word(",]")))
        if line.peek() == ",":
            line.at += 1
    line.at += 1
    return {"array": items}


def span_id(word):
    """16 hex digits of an id: as they stand, or the bytes of 1 to 8 characters, right-aligned."""
    if re.fullmatch(r"[0-9a-fA-F]{16}", word):
        return word.lower()
    raw = word.encode()
    if not 1 <= len(raw) <= SPAN_ID_BYTES:
        raise Unreadable(f"{word}: an id has 1 to 8 characters, or 16 hex digits")
    return raw.rjust(SPAN_ID_BYTES, b"\0").hex()


def usual_start_ns(span):
    """Its start, or where that is not known what it would have been without "?"."""
    return span["usual_ns"] if span["start_ns"] is None else span["start_ns"]


def set_field(span, key, line):
    """Reads the value of one field into the span."""
    if key in ("at", "end"):
        word = line.word()[0]
        span["start_ns" if key == "at" else "end_ns"] = None if word == "?" else duration_ns(word)
        span["has_end"] = span["has_end"] or key == "end"
    elif key == "duration":
        span["end_ns"] = usual_start_ns(span) + duration_ns(line.word()[0])
        span["has_end"] = True
    elif key in ("dropped", "dropped_events", "dropped_links"):
        span["dropped_attributes" if key == "dropped" else key] = int(line.word()[0])
    elif key in ("event_dropped", "link_dropped"):
        span[key.replace("_dropped", "s")][-1]["dropped_attributes"] = int(line.word()[0])
    elif key == "resource_dropped":
        span[key] = int(line.word()[0])
    elif key == "scope_dropped":
        span.setdefault("scope", {})["dropped_attributes"] = int(line.word()[0])
    elif key == "flags":
        span["flags"] = int(line.word()[0])
    elif key == "trace_state":
        span["trace_state"] = line.word()[0]
    elif key == "parent":
        word = line.word()[0]
        span["parent"] = span_id(word) if word else None
    elif key == "service":
        span.setdefault("resource", []).append(["service.name", {"string": line.word()[0]}])
    elif key in ("kind", "status", "message"):
        span["status_message" if key == "message" else key] = line.word()[0]
    elif key in ("scope", "scope_version"):
        span.setdefault("scope", {})["name" if key == "scope" else "version"] = line.word()[0]
    elif key == "event":
        span.setdefault("events", []).append({"name": line.word()[0]})
    elif key == "event.at":
        span["events"][-1]["time_ns"] = duration_ns(line.word()[0])
    elif key.startswith("event."):
        span["events"][-1].setdefault("attributes", []).append([key[6:], read_value(line)])
    elif key == "link":
        trace, _, other = line.word()[0].partition("/")
        span.setdefault("links", []).append({"trace_id": trace.rjust(2 * TRACE_ID_BYTES, "0") if trace else "",
                                             "span_id": span_id(other) if other else ""})
    elif key.startswith("link."):
        span["links"][-1].setdefault("attributes", []).append([key[5:], read_value(line)])
    elif key.startswith("resource."):
        span.setdefault("resource", []).append([key[9:], read_value(line)])
    elif key.startswith("scope."):
        span.setdefault("scope", {}).setdefault("attributes", []).append([key[6:], read_value(line)])
    else:
        span.setdefault("attributes", []).append([key.removeprefix("span."), read_value(line)])


def read_span(text, start_ns, at_depth):
    line = Line(text)
    depth = len(text) - len(text.lstrip("."))
    line.at = depth
    line.skip_blanks()
    identity = span_id(line.word()[0])
    line.skip_blanks()
    span = {"id": identity, "parent": at_depth[depth - 1] if depth else None, "name": line.word()[0], "start_ns": start_ns, "end_ns": None,
            "usual_ns": start_ns, "has_end": False}
    line.skip_blanks()
    while not line.is_done():
        key, _ = line.word("=")
        if line.peek() != "=":
            raise Unreadable(f"{text}: expected KEY=VALUE at {key}")
        line.at += 1
        set_field(span, key, line)
        line.skip_blanks()
    if not span.pop("has_end"):
        span["end_ns"] = usual_start_ns(span) + MILLISECOND_NS
    usual_ns = span.pop("usual_ns")
    for event in span.get("events", []):
        if span["start_ns"] is None:
            event.setdefault("time_ns", usual_ns)
    if span["parent"] is None:
        del span["parent"]
    at_depth[depth] = identity
    return span


def read_trace(text):
    """The spans of a trace as the suite has them, but with times as numbers. Times count from 0."""
    spans, at_depth, next_start_ns = [], {}, 0
    for line in text.split("\n"):
        if line.strip(" \t"):
            spans.append(read_span(line.strip(" \t"), next_start_ns, at_depth))
            if spans[-1]["start_ns"] is not None:
                next_start_ns = spans[-1]["start_ns"] + MILLISECOND_NS
    return spans


def case_files(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".case")]
