/* Marks of a few spans that a search showed of a trace, and of values by which it found them, so that who reads it sees
 * whether the read has them. The mark of a span is 32 bits of its id and its times, that of a value 64 bits of the
 * span's id, the key and the value. What is there always has its mark. Of a span that is missing each span of the read
 * has it in one case of 65,536. Marks lie in order, so that the same rows give the same marks in whatever order they
 * come. Thread: no state. */
#ifndef BT_TEMPO_WIRE_SHOWN_SPANS_H
#define BT_TEMPO_WIRE_SHOWN_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace/trace.h"

enum { BT_SHOWN_MAX = 2 }; /* of each kind: 24 bytes of each trace that is found */

typedef struct bt_shown { /* all-zero: none is known */
  uint32_t marks[BT_SHOWN_MAX];
  uint64_t values[BT_SHOWN_MAX];
} bt_shown;

/* A span of a row, as the store wrote its times. An id of zeros is none. Times that are out of the ordinary (a start of
 * 0, no length, an end before the start, beyond 2^63 − 1) are left out of the mark: stores write them in several ways.
 */
void bt_shown_add(bt_shown *shown, const bt_span_id *id, uint64_t start_ns, uint64_t duration_ns);
/* A value that the row shows of that span. A row has the span's own, its resource's and its events' side by side, and
 * fields such as `kind` among them: these have no mark, nor has an array. */
void bt_shown_add_value(bt_shown *shown, const bt_span_id *id, const bt_attribute *attribute);
/* Of more than BT_SHOWN_MAX of a kind the smallest marks stay. */
void bt_shown_join(bt_shown *into, const bt_shown *from);
/* Whether the read has a span of each mark, with these times. Where copies of a span do not agree, any times do: the
 * row may have shown another copy. */
bool bt_shown_are_in(const bt_shown *shown, const bt_trace *trace);
/* The same, whatever the times. */
bool bt_shown_ids_are_in(const bt_shown *shown, const bt_trace *trace);
/* False: the read shows nothing but other values of a mark's key. Stores show values in several ways, so that nothing
 * more follows than that another read may say more. Where copies do not agree, any values do. */
bool bt_shown_values_are_in(const bt_shown *shown, const bt_trace *trace);

#endif
