/* The windows of time that a search for spans is divided into. A part of the ids costs Tempo a look at all ids, and a
 * part of the time a look at what lies there. Each window has time of its own, and is asked for some time around it.
 * The window in whose time a trace begins sees all of it, where it is no longer than that, and no other gives it. A
 * longer one is given by each window that sees that it is longer, and by each that sees no more than a later part of
 * it. So whoever joins what was given of a trace finds it longer than that. Thread: values, no state. Internal to
 * tempo/. */
#ifndef BT_TEMPO_API_SPAN_WINDOWS_H
#define BT_TEMPO_API_SPAN_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/source.h"

typedef struct bt_span_windows {
  int64_t start_s, end_s; /* the range */
  int64_t step_s;         /* own time of each; the last one has what is left */
  int64_t longest_ns;     /* traces that are longer are given more than once */
  int64_t around_s;       /* asked for before and after a window's own time, */
  int64_t reach_s;        /* and after that, for spans that came late */
  uint32_t count;         /* 1: the range is not divided */
} bt_span_windows;

/* At most `most` of [start_s, end_s]; none has less time of its own than is asked for around it. longest_ns of 0: one.
 * reach_ns: how far beyond its own time a span that came late may lie (bt_late_reach_ns). */
bt_span_windows bt_span_windows_plan(int64_t start_s, int64_t end_s, uint64_t most, int64_t longest_ns,
                                     int64_t reach_ns);
/* Of so many traces of the range, how many one window sees, about. */
uint64_t bt_span_windows_share(const bt_span_windows *windows, uint64_t traces);
/* What is asked for, in closed seconds. */
void bt_span_windows_bounds(const bt_span_windows *windows, uint32_t number, int64_t *start_s, int64_t *end_s);
/* Whether this window gives a trace that it sees with these bounds. */
bool bt_span_windows_gives(const bt_span_windows *windows, uint32_t number, const bt_found *found);

#endif
