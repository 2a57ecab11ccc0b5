/* Records of one span (one id, kind and service) that do not agree: which of them is right nobody knows, so each may
 * be. A record with an attribute key that stands twice with different values is as many records, each with one of the
 * values. Only trace.c and evaluation_worlds.c include this. Thread: no state. */
#ifndef BT_DSL_TRACE_RECORDS_H
#define BT_DSL_TRACE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/arena.h"
#include "dsl/trace.h"

/* Of one span. Where there are more nobody asks each of them. */
enum { BT_RECORDS_MAX = 16 };

typedef struct bt_records {
  bt_span items[BT_RECORDS_MAX]; /* they differ */
  uint32_t count;
  bool are_more;
} bt_records;

/* Those of the record before, which most records share. */
typedef struct bt_plain_parts {
  const bt_attributes *of_resource, *of_scope; /* without such keys; NULL: none is known */
} bt_plain_parts;

/* Whether some key of the record's attributes (or of its resource's, scope's, events' or links') stands there twice
 * with different values. */
bool bt_record_has_doubled_key(const bt_span *record, bt_plain_parts *plain);
/* Adds the record, or those that it may be, unless they are there. False: the arena has no room. */
bool bt_records_add(bt_records *records, const bt_span *record, bt_arena *arena) BT_MUST_CHECK;
/* Of records some of which have ended the others count no more. The order is that of what they say, whatever order they
 * came in. */
void bt_records_settle(bt_records *records);
/* The first one, with the others behind it (bt_span.other). False: no room. */
bool bt_records_join(const bt_records *records, bt_arena *arena, bt_span *out) BT_MUST_CHECK;

#endif
