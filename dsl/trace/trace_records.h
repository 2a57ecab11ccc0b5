/* Records of one span (one id, kind and service) that do not agree: which of them is right nobody knows, so each may
 * be. A record with an attribute key that stands twice with different values is as many records, each with one of the
 * values: it is split. Several such keys make the product of their values, so where these are too many only the keys
 * that somebody reads are. Only trace.c, evaluation_worlds.c and record_differences.c include this. Thread: no state.
 */
#ifndef BT_DSL_TRACE_TRACE_RECORDS_H
#define BT_DSL_TRACE_TRACE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/trace/trace.h"

enum {
  BT_RECORDS_KEPT = 16, /* with a span at most */
  BT_RECORDS_MAX = 64   /* that anybody asks each of */
};

typedef struct bt_records {
  bt_span items[BT_RECORDS_MAX]; /* they differ */
  uint32_t count;
  uint32_t most; /* that are wanted, up to BT_RECORDS_MAX; who adds the first one sets it */
  bool are_more; /* than wanted */
} bt_records;

/* Keys of attributes that rules read, wherever they stand. */
typedef struct bt_read_keys {
  const bt_str *items; /* by bt_str_compare */
  uint32_t count;
} bt_read_keys;

bool bt_read_keys_have(const bt_read_keys *keys, bt_str key);

/* Those of the record before, which most records share. */
typedef struct bt_plain_parts {
  const bt_attributes *of_resource, *of_scope; /* without such keys; NULL: none is known */
} bt_plain_parts;

/* Whether some key of the record's attributes (or of its resource's, scope's, events' or links') stands there twice
 * with different values. */
bool bt_record_has_doubled_key(const bt_span *record, bt_plain_parts *plain);
/* Whether one of these keys does. */
bool bt_record_doubles(const bt_span *record, const bt_read_keys *read);
/* Adds the record, or those that it may be, unless they are there. It is split by the keys that are read, NULL: by all;
 * and always by those that nobody can leave out, which say its service or that it was pruned. Of other keys one value
 * stays: the same one in any order. False: the arena has no room. */
bool bt_records_add(bt_records *records, const bt_span *record, const bt_read_keys *read,
                    bt_arena *arena) BT_MUST_CHECK;
/* Adds it as it is, unless it is there. False: the arena has no room. */
bool bt_records_add_unsplit(bt_records *records, const bt_span *record, bt_arena *arena) BT_MUST_CHECK;
/* Of records some of which have ended the others count no more. The order is that of what they say, whatever order they
 * came in. */
void bt_records_settle(bt_records *records);
/* The first one, with the others behind it (bt_span.other). False: no room. */
bool bt_records_join(const bt_records *records, bt_arena *arena, bt_span *out) BT_MUST_CHECK;

#endif
