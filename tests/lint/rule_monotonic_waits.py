"""A wait that ends by the wall clock ends early, or an hour late, when somebody sets that clock: watch stood still so, once."""
import re

from sources import code_only

SUMMARY = "timed waits go by the monotonic clock"
MAKERS = {"server/base/condition.c"}  # makes condition variables for all of server/
READERS = {"tempo/wire/wall_clock.c"}  # reads the wall clock for everybody
TIMED = re.compile(r"\b(pthread_cond_timedwait|pthread_cond_clockwait|bt_condition_wait)\s*\(")
DEFAULT_CLOCK = re.compile(r"\bpthread_cond_init\s*\([^;]*,\s*(?:NULL|0)\s*\)|\bPTHREAD_COND_INITIALIZER\b")
BY_WALL_CLOCK = re.compile(r"\b(sem_timedwait|pthread_mutex_timedlock|pthread_rwlock_timed(?:rd|wr)lock|mtx_timedlock|cnd_timedwait|mq_timed(?:send|receive))\s*\(")
WALL_CLOCK = re.compile(r"\b(CLOCK_REALTIME(?:_COARSE)?|TIME_UTC|gettimeofday)\b")


def folder_of(file):
    return file.rsplit("/", 1)[0]


def in_folder(tree, folders, pattern):
    """Folders with a file in which the pattern is found: a condition variable is often made in one file and waited for in the next."""
    return {folder_of(file) for file in tree.matching(".c", ".h", ".cc", under=folders) if pattern.search(code_only(tree.read(file)))}


def line_findings(file, line, timed):
    room = file.split("/", 1)[0]
    if DEFAULT_CLOCK.search(line) and (room == "server" or folder_of(file) in timed):
        yield "a condition variable of the wall clock: make it with bt_condition_init (server/base/condition.h)"
    if room == "server" and file not in MAKERS and re.search(r"\bpthread_(cond_init|cond_timedwait|cond_clockwait|condattr_setclock)\s*\(", line):
        yield "make and await condition variables with server/base/condition.h"
    if file in MAKERS and "setclock" in line and "CLOCK_MONOTONIC" not in line:
        yield "waits go by CLOCK_MONOTONIC"
    found = BY_WALL_CLOCK.search(line)
    if found:
        yield f"{found.group(1)} waits by the wall clock: use a condition variable of server/base/condition.h"
    found = WALL_CLOCK.search(line)
    if found and file not in READERS and "GPR_CLOCK_REALTIME" not in line:
        yield f"{found.group(1)}: the wall clock is read in tempo/wire/wall_clock.c alone (bt_clock_wall_ns), and nothing waits for it"


def findings(tree):
    rooms = ("server", "tempo", "dsl")
    timed = in_folder(tree, rooms, TIMED)
    for file in tree.matching(".c", ".h", ".cc", under=rooms):
        for number, line in enumerate(code_only(tree.read(file)).split("\n"), 1):
            for problem in line_findings(file, line, timed):
                yield f"{file}:{number}: {problem}"


WAITS = "void g(void) { pthread_cond_timedwait(&c, &m, &at); }\n"
BAD = [{"server/watch/a.c": "void f(void) { pthread_cond_init(&c, NULL); }\n"},
       {"server/watch/a.c": "static pthread_cond_t c = PTHREAD_COND_INITIALIZER;\n"},
       {"server/watch/a.c": WAITS},
       {"server/watch/a.c": "void f(void) { pthread_cond_init(&c, &attributes); }\n"},
       {"tempo/a.c": "void f(void) { pthread_cond_init(&c, NULL); }\n", "tempo/b.c": WAITS},
       {"tempo/a.c": "static pthread_cond_t c = PTHREAD_COND_INITIALIZER;\n" + WAITS},
       {"server/base/condition.c": "void f(void) { pthread_condattr_setclock(&a, CLOCK_REALTIME); }\n"},
       {"server/a.c": "void f(void) { clock_gettime(CLOCK_REALTIME, &at); }\n"},
       {"tempo/a.c": "void f(void) { clock_gettime(CLOCK_REALTIME, &at); }\n"},
       {"server/a.c": "void f(void) { sem_timedwait(&s, &at); }\n"}]
GOOD = [{"server/base/condition.c": "void f(void) { pthread_condattr_setclock(&a, CLOCK_MONOTONIC); pthread_cond_init(c, &a); }\n"},
        {"tempo/wire/wall_clock.c": "void f(void) { clock_gettime(CLOCK_REALTIME, &now); }\n"},
        {"tempo/a.c": "void f(void) { pthread_cond_init(&c, NULL); pthread_cond_wait(&c, &m); }\n"},
        {"server/a.c": "/* pthread_cond_init(&c, NULL) */\nvoid f(void) { bt_condition_init(&c); bt_condition_wait(&c, &m, at_ns); }\n"}]
