"""Which step of which suite goes next: one pool of places for all suites, so that the processor works while a test
waits for a clock or for a Tempo.

A suite's steps keep their order. Neighbours that say `beside` run together, and with steps of other suites. A step
takes as many places as it has processes at work. What must not run at once says so: suites that stand on an earlier
one (must_end_before), and steps that hold the same thing, such as a build folder.
"""
import itertools
import os
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace

import outcome
import suites

TARGET = "--target="
PLACES = min((os.cpu_count() or 2) + 4, 12)  # most steps wait more than they work


def suite_of(row):
    return row.name.partition("@")[0]


def is_alone(row):
    return suite_of(row) in suites.ALONE or row.part == "full"


def must_end_before(other, row):
    """Whether the row waits for this other one, which stands before it in tests/budget.txt."""
    if is_alone(row) or is_alone(other) or other.name == "deps":
        return True
    if other.name == "tempo":
        return suite_of(row) not in suites.WITHOUT_TEMPO
    return {suite_of(row), suite_of(other)} <= set(suites.SHARE_PAGES)


def in_groups(steps):
    """Lists of steps that may run together: neighbours that say `beside`, and each other step as a list of its own."""
    for beside, group in itertools.groupby(steps, lambda step: step.beside):
        yield from [list(group)] if beside else ([step] for step in group)


def without_targets(command):
    return [word for word in command if not word.startswith(TARGET)]


def makes_all_of(command, other):
    """Whether a command makes what another one makes: the same, or more targets, or all, where it names none."""
    targets = {word for word in command if word.startswith(TARGET)}
    wanted = {word for word in other if word.startswith(TARGET)}
    is_more = wanted <= targets and bool(wanted) or not targets
    return is_more and without_targets(command) == without_targets(other)


class Line:
    """A suite under way. busy: seconds in which at least one of its steps ran."""

    def __init__(self, row):
        self.row = row
        self.groups = None  # not begun
        self.open, self.running, self.is_over = [], 0, False
        self.result, self.processor, self.busy, self._since = outcome.Outcome(), 0.0, 0.0, 0.0

    def begin(self):
        self.groups = list(in_groups(suites.steps_of(self.row.name)))
        self._open_next()

    def _open_next(self):
        if not self.open and not self.running:
            self.open = self.groups.pop(0) if self.groups else []
            self.is_over = not self.open

    def start(self, step):
        self.open.remove(step)
        if not self.running:
            self._since = time.monotonic()
        self.running += 1

    def spare(self, step):
        """The step as it is when there is nothing left to do in it: it needs no place, and waits for nobody."""
        spared = replace(step, places=0, holds="")
        self.open[self.open.index(step)] = spared
        return spared

    def busy_seconds(self):
        return self.busy + (time.monotonic() - self._since if self.running else 0)

    def end(self, step, ran):
        """Takes what a step came to. A failed preparation ends the suite."""
        self.busy = self.busy_seconds()
        self._since = time.monotonic()
        self.running -= 1
        self.result += step.read(ran.code, ran.output) + ran.others
        self.processor += ran.processor
        if ran.code and step.read is outcome.of_preparation:
            self.groups, self.open = [], []
        self._open_next()


class Schedule:
    """The lines in their order, what runs of them, and what ran well once and is not to be run again."""

    def __init__(self, rows):
        self.lines = [Line(row) for row in rows]
        self.places, self.held, self.made = PLACES, set(), []

    def begin_lines(self):
        """Begins each line for which nothing is left to wait; yields it."""
        for index, line in enumerate(self.lines):
            ended = (other.is_over or not must_end_before(other.row, line.row) for other in self.lines[:index])
            if line.groups is None and all(ended):
                line.begin()
                yield line

    def _fits(self, step):
        return self.places == PLACES or step.places <= self.places

    def next_step(self):
        """(line, step) to start, or None. Suites that wait for each other's pages come first: one after the other they take
        the longest. Then the line of which least is running, and then the file's order."""
        begun = [line for line in self.lines if line.open]
        for line in sorted(begun, key=lambda line: (suite_of(line.row) not in suites.SHARE_PAGES, line.running)):
            for step in line.open:
                if self.is_made(step):
                    return line, line.spare(step)
                if step.holds not in self.held:
                    return (line, step) if self._fits(step) else None  # a large one waits for places, and is not passed
        return None

    def start(self, line, step):
        line.start(step)
        self.places -= step.places
        if step.holds:
            self.held.add(step.holds)

    def end(self, line, step, ran):
        self.places += step.places
        self.held.discard(step.holds)
        if step.once and not ran.code:
            self.made.append(step.command)
        line.end(step, ran)

    def is_made(self, step):
        """Whether a suite has made all that this step would make."""
        return step.once and any(makes_all_of(command, step.command) for command in self.made)


def run(rows, run_step, on_begin, on_step, on_end):
    """Runs all rows: their lines, in the order of rows. run_step(line, step) goes in a thread; the others, which are
    told of a line that begins, a step that ended (line, step, ran) and a line that ended, in this one."""
    schedule, running = Schedule(rows), {}
    with ThreadPoolExecutor(PLACES) as pool:
        while not all(line.is_over for line in schedule.lines):
            for line in schedule.begin_lines():
                on_begin(line)
                if line.is_over:
                    on_end(line)
            while chosen := schedule.next_step():
                line, step = chosen
                schedule.start(line, step)
                running[pool.submit(run_step, line, step, schedule.is_made(step))] = chosen
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                line, step = running.pop(future)
                ran = future.result()
                schedule.end(line, step, ran)
                on_step(line, step, ran)
                if line.is_over:
                    on_end(line)
    return schedule.lines
