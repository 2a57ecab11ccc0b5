"""server/replay is built in floors (docs/ARCHITECTURE.md, "A replay, floor by floor"). A file includes headers of its
own floor and of those below it. Modules of the floors do not include each other in circles, and only the questions
ask the source. Only the plan looks at the modes of the request."""
import os
import re

from sources import without_comments

SUMMARY = "server/replay keeps its floors: includes go down, in no circle, only the questions ask the source, and only the plan looks at modes"

FOLDER = "server/replay"
# From the ground up. A module is a .c and a .h of one name; replay.c stands above the floors, and replay.h is what it promises.
FLOORS = [
    ("the contract", """replay.h estimate sampling_setting policy_seen kept_traces sampled_text window shard price trust violation strategy strategy_cost"""),
    ("the plan", "replay_plan"),
    ("the table of traces", "trace_table"),
    ("the questions", "replay_account questions marked_traces data_gaps search_probe linker_table linking_index family"),
    ("the decider", """decision decider candidates spans_verdict projection_way
     projection_first_way links_way linked_evidence"""),
    ("the judge", """judgement entry_services keeping_look judge counted_violations page_reader trace_judge delivery violation_sample"""),
    ("the ledger", "ledger"),
    ("the replay", "replay.c"),
    ("who starts replays", """given_families explanation first_violation rule_names idle_rules unseen_names job job_queue job_share queue emission trace_link"""),
]
QUESTIONS, REPLAY, STARTERS = 3, 7, 8
INCLUDE = re.compile(r'^\s*#\s*include\s*"server/replay/([^"]+)"')
ASKS = re.compile(r"\bbt_source_(search|read|find_spans|find_linking|tags|check)\s*\(")
MODES = re.compile(r"\bplan(->|\.)request\.(strategy|count|wants_earliest|random_part|most_reads|joins_searches|takes_notes)\b")
FLOOR_OF = {name: number for number, (_, names) in enumerate(FLOORS) for name in names.split()}


def floor_of(name):
    """Of a file's name in the folder; None: it has no place yet."""
    return FLOOR_OF.get(name, FLOOR_OF.get(os.path.splitext(name)[0]))


def module_of(name):
    """replay.c is no part of what replay.h promises."""
    return name if name == "replay.c" else os.path.splitext(name)[0]


def includes(tree, file):
    """(line, header's name in the folder)"""
    for number, line in enumerate(without_comments(tree.read(file)).split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def check_file(tree, file, graph):
    name = os.path.basename(file)
    floor = floor_of(name)
    if floor is None:
        yield f"{file}:1: has no floor: give it one in tests/lint/rule_replay_floors.py"
        return
    for number, header in includes(tree, file):
        below = floor_of(header)
        if 0 < floor < STARTERS and module_of(header) != module_of(name):  # outside a part may show what it is a part of
            graph.setdefault(module_of(name), {}).setdefault(module_of(header), f"{file}:{number}")
        if below is not None and below > floor:
            yield f"{file}:{number}: {FLOORS[floor][0]} includes {header} of a floor above it, {FLOORS[below][0]}"
    if name != "replay_plan.c":
        for _, number, match in tree.grep(MODES, [file]):
            yield f"{file}:{number}: asks for a mode, {match.group(2)}: replay_plan.c turns it into an answer, once"
    if floor in (QUESTIONS, STARTERS):
        return
    for _, number, match in tree.grep(ASKS, [file]):
        yield f"{file}:{number}: {match.group(0)}…): only the questions ask the source; go through questions.h"


def circles(graph):
    """Each circle once, as the place of one include in it."""
    done, path = set(), []

    def walk(module):
        if module in path:
            circle = path[path.index(module):]
            yield f"{graph[circle[-1]][module]}: these include each other in a circle: {', '.join(circle)}"
            return
        if module in done:
            return
        path.append(module)
        for other in sorted(graph.get(module, {})):
            yield from walk(other)
        path.pop()
        done.add(module)

    for module in sorted(graph):
        yield from walk(module)


def findings(tree):
    graph = {}
    for file in tree.matching(".c", ".h", under=("server",)):
        if os.path.dirname(file) == FOLDER:
            yield from check_file(tree, file, graph)
            continue
        for number, header in includes(tree, file):
            floor = floor_of(header)
            if floor is not None and 0 < floor < STARTERS:
                yield f"{file}:{number}: includes {header}, which is inside of a replay: replay.h has what others need"
    yield from circles(graph)


BAD = [
    {"server/replay/trace_table.c": '#include "server/replay/questions.h"\n', "server/replay/questions.h": ""},
    {"server/replay/decider.c": '#include "server/replay/judge.h"\n', "server/replay/judge.h": ""},
    {"server/replay/judge.c": '#include "server/replay/ledger.h"\n', "server/replay/ledger.h": ""},
    {"server/replay/replay_plan.h": '#include "server/replay/trace_table.h"\n', "server/replay/trace_table.h": ""},
    {"server/replay/page_reader.c": "void f(void) {\n  bt_source_read(source, 0);\n}\n"},
    {"server/replay/ledger.c": "void f(void) {\n  bt_source_search(source, 0);\n}\n"},
    {"server/replay/helpers.c": "int x;\n"},
    {"server/replay/judge.c": "void f(void) {\n  if (judge->plan->request.random_part) g();\n}\n"},
    {"server/replay/explanation.c": "void f(void) {\n  if (plan.request.count) g();\n}\n"},
    {"server/replay/marked_traces.c": '#include "server/replay/data_gaps.h"\n', "server/replay/data_gaps.c": '#include "server/replay/marked_traces.h"\n',
     "server/replay/data_gaps.h": "", "server/replay/marked_traces.h": ""},
    {"server/http/a.c": '#include "server/replay/trace_table.h"\n', "server/replay/trace_table.h": ""},
]
GOOD = [
    {"server/replay/judge.c": '#include "server/replay/judge.h"\n#include "server/replay/page_reader.h"\n',
     "server/replay/judge.h": '#include "server/replay/judgement.h"\n', "server/replay/page_reader.h": '#include "server/replay/judgement.h"\n',
     "server/replay/judgement.h": '#include "server/replay/decider.h"\n', "server/replay/decider.h": ""},
    {"server/replay/replay.c": '#include "server/replay/replay.h"\n#include "server/replay/ledger.h"\n',
     "server/replay/ledger.h": '#include "server/replay/replay.h"\n', "server/replay/replay.h": ""},
    {"server/replay/questions.c": "void f(void) {\n  bt_source_search(source, 0);\n}\n"},
    {"server/replay/replay_plan.c": "void f(void) {\n  if (plan->request.count) g();\n}\n"},
    {"server/replay/judge.c": "void f(void) {\n  if (judge->plan->request.now_ns) g();\n}\n"},
    {"server/replay/explanation.c": '#include "server/replay/search_probe.h"\n', "server/replay/search_probe.h": ""},
    {"server/query/a.c": '#include "server/replay/replay.h"\n#include "server/replay/job.h"\n', "server/replay/replay.h": "",
     "server/replay/job.h": ""},
    {"tests/server/a.c": '#include "server/replay/questions.h"\n'},
]
