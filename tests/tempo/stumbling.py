"""Searches as the program makes them. Tempo 3 stumbles over some filters: it answers 500 because of a value in the
data. Then this asks once more in the wider form, and takes a subtraction or a count for nothing."""
import json
import os
import subprocess

STUMBLES = ("unexpected numbers of pre-compiled regexp", "array operators must consist of a scalar and an array operand")


def is_stumble(tempo, status, body):
    """Whether this answer of this Tempo is one of those. Of another version it is an error like any other."""
    return status == 500 and tempo.variant.major == 3 and any(sentence in body for sentence in STUMBLES)


class Searches:
    """Ids by filter. folder: build/<preset>, whose tests were built; it has the program that widens a filter."""

    def __init__(self, tempo, folder):
        self.tempo = tempo
        self.widen = os.path.join(folder, "tests", "tempo", "traceql_widen")
        self.stumbled = 0  # filters that were asked in their wider form, or taken for nothing

    def ids(self, traceql, start, end, limit=10000, is_over=True):
        """The ids that it finds. is_over: it may find too much; else it may find too little. Nothing but a stumble is forgiven."""
        status, body = self.tempo.search_raw(traceql, start, end, limit, 1)
        if is_stumble(self.tempo, status, body):
            self.stumbled += 1
            if not is_over:
                return set()
            wider = subprocess.run([self.widen, traceql], check=True, stdout=subprocess.PIPE, text=True).stdout.rstrip("\n")
            if wider == traceql:
                raise AssertionError(f"{traceql}: Tempo stumbles over it, and there is no wider form")
            status, body = self.tempo.search_raw(wider, start, end, limit, 1)
        if status != 200:
            raise AssertionError(f"search {traceql}: expected 200, got {status}: {body[:500]}")
        return {row["traceID"].rjust(32, "0") for row in json.loads(body).get("traces") or []}
