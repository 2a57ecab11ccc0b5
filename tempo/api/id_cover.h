/* A regex on trace:id for all ids between two, so that many traces are asked for in few words. Thread: no state.
 * Internal to tempo/. */
#ifndef BT_TEMPO_API_ID_COVER_H
#define BT_TEMPO_API_ID_COVER_H

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

/* Writes a regex, anchored by Tempo, that finds every id from low to high (low ≤ high), and few beyond them: those that
 * agree with low (high) in one digit more than low and high agree with each other, and in every f (0) behind that, and
 * in one digit more. So ids next to each other have a narrow cover also where they agree in no digit, as 5fff… and
 * 6000… do. Nothing is written when that is every id. Appends to an empty buffer. Tempo matches ids without their
 * leading zeros, so the length of what follows is said. */
void bt_id_cover(const bt_trace_id *low, const bt_trace_id *high, bt_buffer *regex);

#endif
