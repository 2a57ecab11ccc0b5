"""A bench on one Tempo, or on several one after the other, whose ratios are then printed next to each other. Standard
library only.

    --tempos 2.8,3.0.3    which, by their names in variants.py; without it the one that BETRACE_TEMPO_VARIANT names
    --settled             each holds its data in blocks alone, as an operator's Tempo those that are some hours old (run_tempo.py, config "settled");
                          without it, config "fast", in which 2.x asks the ingester only, and 3.x reads each trace by id from live store and backend
"""
import replay_cost  # noqa: F401  (sets the path)
import variants
from run_tempo import TempoServer


def add_options(parser):
    parser.add_argument("--settled", action="store_true", help="measure Tempos whose ingesters have let go of the data")
    parser.add_argument("--tempos", help="names of variants, joined by commas, to be measured one after the other")


def tempos(options, **server):
    """Each Tempo that the options name, not started yet."""
    names = options.tempos.split(",") if options.tempos else [None]
    for name in names:
        yield TempoServer("settled" if options.settled else "fast", variant=variants.named(name) if name else None, **server)


class Ratios:
    """A table: a row for each thing that was measured, a column for each Tempo. Ratios of time, and in parentheses of Tempo's processor time."""

    def __init__(self):
        self.columns, self.rows, self.goals = [], {}, {}

    def note(self, tempo, what, ratio, of_processor=None, goal=None, at_least=False):
        """goal: what the ratio of time may be at most, or with at_least has to be."""
        column = f"{tempo.variant.name} {tempo.config}"
        if column not in self.columns:
            self.columns.append(column)
        missed = goal is not None and (ratio < goal if at_least else ratio > goal)
        text = f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"
        processor = f" ({of_processor:.2f})" if of_processor is not None else ""
        self.rows.setdefault(what, {})[column] = (f"**{text}**" if missed else text) + processor
        self.goals[what] = "none" if goal is None else f"at least {goal:g}" if at_least else f"{goal:g}"

    def note_pair(self, tempo, what, pair, times, work, goal=None):
        """pair: the names of what is compared and of what it is compared with, in times and in work (seconds)."""
        ours, other = pair
        self.note(tempo, what, times[ours] / times[other], work[ours] / max(work[other], 0.01), goal)

    def text(self):
        lines = ["| what | " + " | ".join(self.columns) + " | goal |", "|---" * (len(self.columns) + 2) + "|"]
        for what, cells in self.rows.items():
            lines.append(f"| {what} | " + " | ".join(cells.get(column, "") for column in self.columns) + f" | {self.goals[what]} |")
        return "\n".join(lines)
