/* A regex on trace:id for all ids between two, so that many traces are asked for in few words. Thread: no state.
 * Internal to tempo/. */
#ifndef BT_TEMPO_API_ID_COVER_H
#define BT_TEMPO_API_ID_COVER_H

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

/* Writes a regex, anchored by Tempo, that finds every id from low to high (low ≤ high), and some beyond them: those
 * that agree with both as far as these agree with each other, with a next digit between theirs. Nothing is written when
 * that is every id. Tempo matches ids without their leading zeros, so the length of what follows is said. */
void bt_id_cover(const bt_trace_id *low, const bt_trace_id *high, bt_buffer *regex);

#endif
