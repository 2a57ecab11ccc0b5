/* What is known of each trace that some search found: its id, its times, who found it; and sets of traces as bits
 * over their numbers. It asks nobody. Traces lie by id and get their numbers once, when all searches are answered;
 * afterwards only marks are added, bounds that the listing gives later, and the times of traces that were read whole.
 * Who keeps numbers or sets says how much memory that is (bt_trace_holder). It owns its arrays; times are in ns.
 * Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_TRACE_TABLE_H
#define BT_SERVER_REPLAY_TRACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/memory/account.h"
#include "server/replay/replay_plan.h"
#include "server/replay/window.h"
#include "tempo/wire/source.h"

enum {
  BT_KNOWN_OWN = 1,      /* BeTrace's own: neither judged nor counted */
  BT_KNOWN_BY_ID = 2,    /* waits to be read by id, or was */
  BT_KNOWN_MATCHED = 4,  /* some filter found it */
  BT_KNOWN_LISTED = 8,   /* the listing of all traces has it */
  BT_KNOWN_ASKED = 16,   /* was chosen to be read, whatever came of it */
  BT_KNOWN_UNENDED = 32, /* was read, and a span of it has no end */
  BT_KNOWN_SEEN = 64,    /* an earlier part of the range decided it (bt_seen_traces): it is not read */
  BT_KNOWN_LONG = 128,   /* was read, and is longer than margin */
  BT_KNOWN_COPIES = 256, /* was read, and copies of a span of it do not agree */
  /* What the source says of it contradicts itself: the read that counts lacks a span that a search showed, or says
   * otherwise than the batch. Unless it violates all the same, nobody knows. */
  BT_KNOWN_CONTRADICTED = 512,
  /* And its spans are there, with other times than a search showed, or as one copy of two: of a violation nobody knows
   * either whether it is one. */
  BT_KNOWN_IN_DOUBT = 1024,
  BT_KNOWN_WITHOUT_TIME = 2048 /* was read, and no span of it has a start or an end */
};

/* A trace that some search found. */
typedef struct bt_known {
  bt_found matched; /* what filters saw of it; meaningful with BT_KNOWN_MATCHED */
  bt_found listed;  /* what the listing saw of it; meaningful with BT_KNOWN_LISTED */
  uint16_t flags;
  uint8_t kept;    /* in which way (judgement.h), from 1; 0: it was not read whole */
  uint32_t judged; /* it was read whole: number of its places in the table's, from 1; 0: not yet */
} bt_known;

/* Somebody who keeps numbers of traces. */
typedef struct bt_trace_holder {
  void *context;
  size_t (*bytes)(const void *context); /* what it keeps for them */
} bt_trace_holder;

enum { BT_TRACE_HOLDERS = 4 };

typedef struct bt_trace_table {
  const bt_replay_plan *plan;
  bt_known *traces; /* by id */
  size_t count, word_count;
  bt_placed *places; /* of traces that were read whole: one in each of the plan's windows */
  size_t judged_count, places_capacity;
  bool is_listed; /* the listing of all traces is there, and complete */
  bt_trace_holder holders[BT_TRACE_HOLDERS];
  size_t holder_count;
  bt_memory_hold hold; /* what all this takes */
  bool has_no_room;    /* for what was found */
} bt_trace_table;

static inline bool bt_bit_get(const uint64_t *bits, size_t index) {
  return (bits[index / 64] >> (index % 64) & 1) != 0;
}
static inline void bt_bit_set(uint64_t *bits, size_t index) {
  bits[index / 64] |= (uint64_t)1 << (index % 64);
}
uint64_t *bt_bits_new(const bt_trace_table *table); /* new, empty; NULL: no memory */
size_t bt_bits_count(const bt_trace_table *table, const uint64_t *bits);

/* Says that it keeps numbers; at most BT_TRACE_HOLDERS do. */
void bt_trace_table_register(bt_trace_table *table, bt_trace_holder holder);
/* Tells the account of memory what the replay holds now, and so much more that it is about to. BT_LIMIT: there is no
 * room, and has_no_room says so. */
bt_status bt_trace_table_hold(bt_trace_table *table, size_t more_bytes, bt_error *error) BT_MUST_CHECK;
/* Joins what a search found (by id) and marks it with the flag: BT_KNOWN_MATCHED or BT_KNOWN_LISTED. Numbers change.
 * BT_NO_MEMORY alone. */
bt_status bt_trace_table_join(bt_trace_table *table, const bt_found_list *found, uint16_t flag,
                              bt_error *error) BT_MUST_CHECK;
void bt_trace_table_dispose(bt_trace_table *table);

/* The trace with that id, or NULL. */
bt_known *bt_trace_table_find(const bt_trace_table *table, const bt_trace_id *id);
/* What is known of its bounds: what filters saw, else the listing. */
const bt_found *bt_known_bounds(const bt_known *known);
/* As many spans at least; 0: not known. */
uint32_t bt_known_span_count(const bt_known *known);
/* Whether the read has each span that searches showed of the trace, as far as marks of them were kept. */
bool bt_known_is_whole_in(const bt_known *known, const bt_trace *read);
/* The same, whatever the times of the spans. */
bool bt_known_has_ids_in(const bt_known *known, const bt_trace *read);
/* False: it shows other values than those by which the filters found the trace (bt_shown_values_are_in). */
bool bt_known_has_values_in(const bt_known *known, const bt_trace *read);
/* The bounds of its fragments that tell of its place. True: of all fragments in the search range; false: others may lie
 * up to margin before them. */
bool bt_trace_table_bounds(const bt_trace_table *table, const bt_known *known, bt_found *bounds);
/* Keeps where a trace that was read whole lies in each window: that is its place from now on, whatever is found of it
 * later. BT_NO_MEMORY alone. */
bt_status bt_trace_table_keep_places(bt_trace_table *table, bt_known *known, const bt_trace *trace,
                                     bt_error *error) BT_MUST_CHECK;
/* Whether a search saw the trace begin in a window, at a time at which no span of the read begins. */
bool bt_trace_table_began_otherwise(const bt_trace_table *table, const bt_known *known, const bt_trace *read);
/* Its place is where a search saw it begin. After bt_trace_table_keep_places. */
void bt_trace_table_keep_found(bt_trace_table *table, const bt_known *known);
/* What was kept of it in one of the plan's windows. Of a trace that was read whole alone. */
const bt_placed *bt_trace_table_placed_in(const bt_trace_table *table, const bt_window *window, const bt_known *known);
/* Its place in a window, as far as its bounds tell, or as the whole trace said. */
bt_place bt_trace_table_place_in(const bt_trace_table *table, const bt_window *window, const bt_known *known);
/* Its place for all rules: undecided where it is for any, else settled where it is for any, else in the tail where
 * it is for any. */
bt_place bt_trace_table_place(const bt_trace_table *table, const bt_known *known);
/* Whether it is sure to lie in no window. A length that a store says may have wrapped, so of a trace that seems to end
 * before them it is not. What may violate is read unless this holds. */
bool bt_trace_table_is_outside(const bt_trace_table *table, const bt_known *known);
bool bt_trace_table_is_in_tail(const bt_trace_table *table, const bt_known *known); /* of some rule */

/* ---- a sample of known traces: those with the smallest keys, which are the same in whatever order they are offered
 * (owned by who takes it) ---- */

enum { BT_RESERVOIR_MAX = 200 };

typedef struct bt_keyed {
  uint64_t key;
  size_t known;
} bt_keyed;

typedef struct bt_reservoir {       /* all-zero: empty */
  bt_keyed items[BT_RESERVOIR_MAX]; /* by key */
  size_t count;
} bt_reservoir;

/* room: how many are kept, at most BT_RESERVOIR_MAX; the same each time. */
void bt_reservoir_offer(bt_reservoir *reservoir, size_t room, bt_keyed item);

#endif
