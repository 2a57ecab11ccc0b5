/* A bounded sample of traces in two groups, in the few bytes that mining needs. Traces come one at a time, in any
 * order. Of each group those stay whose id has the smallest mixed value: a random sample (ids are random), which is the
 * same for the same seed whatever the order. Where they would take too many bytes the sample gets smaller in the same
 * way. Owns copies of all it keeps. Thread: one. Errors: BT_NO_MEMORY alone. */
#ifndef BT_DSL_MINE_SAMPLE_H
#define BT_DSL_MINE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/symbol.h"
#include "dsl/trace/trace.h"

enum { BT_MINE_BASELINE, BT_MINE_CANDIDATE, BT_MINE_GROUPS };
enum {
  BT_MINE_NAMES = 256,       /* of spans, each with its service; later ones are not looked at */
  BT_MINE_SPANS = 512,       /* of a trace; larger ones are not taken */
  BT_MINE_ATTRIBUTES = 48,   /* of a span, with those of its resource; more are not looked at */
  BT_MINE_TEXTS = 1 << 16,   /* different keys and values that are known by their text */
  BT_MINE_NAME_BYTES = 1024, /* of a span's name and service; longer ones are not looked at */
  BT_MINE_TEXT_BYTES = 200   /* longer values are known by their hash alone */
};

typedef enum bt_mine_type { BT_MINE_TEXT, BT_MINE_NUMBER, BT_MINE_BOOL } bt_mine_type;

typedef struct bt_mine_attribute {
  uint32_t key;  /* of sample.texts: "amount", or "resource.cloud.region" */
  uint32_t text; /* of sample.texts; BT_NO_SYMBOL: a number, a boolean, or a text that is not kept */
  uint64_t hash; /* equal values have equal ones */
  double number;
  bt_mine_type type;
} bt_mine_attribute;

typedef struct bt_mine_span {
  uint32_t name;            /* number in sample.names; BT_NO_SPAN: of none that is looked at */
  uint32_t parent;          /* its number in the trace; BT_NO_SPAN: a root */
  int64_t start_ns, end_ns; /* of the epoch */
  bool is_error;
  uint32_t attribute_count;
  const bt_mine_attribute *attributes;
} bt_mine_span;

typedef struct bt_mine_trace {
  bt_trace_id id;
  uint64_t order; /* what the sample goes by */
  int64_t start_ns;
  size_t bytes;
  int group;
  bool is_learned; /* of the half of the baseline from which behaviours are found; the other half confirms them */
  uint32_t span_count;
  bt_mine_span spans[]; /* behind them their attributes */
} bt_mine_trace;

typedef struct bt_mine_name {
  bt_str service, name;
} bt_mine_name;

typedef struct bt_mine_group {
  bt_mine_trace **traces; /* a heap, the largest `order` first; after bt_mine_sample_finish by start */
  size_t count, capacity;
  uint64_t most_order; /* only traces below it are kept */
  uint64_t seen;       /* traces that were given */
} bt_mine_group;

typedef struct bt_mine_sample {
  uint64_t seed;
  size_t most_traces, most_bytes, bytes; /* of each group · of both */
  bt_mine_group groups[BT_MINE_GROUPS];
  bt_symbols texts, name_symbols;
  bt_mine_name names[BT_MINE_NAMES];
  uint32_t name_count;
  uint64_t too_large, incomplete, names_beyond, texts_beyond; /* traces · traces · spans · values not looked at */
  bt_arena arena;
} bt_mine_sample;

/* new; dispose in each case. */
bt_status bt_mine_sample_new(uint64_t seed, size_t most_traces, size_t most_bytes, bt_mine_sample **out,
                             bt_error *error) BT_MUST_CHECK;
void bt_mine_sample_free(bt_mine_sample *sample); /* NULL is fine */
/* Takes a trace for a group, or counts it alone. */
bt_status bt_mine_sample_add(bt_mine_sample *sample, const bt_trace *trace, int group, bt_error *error) BT_MUST_CHECK;
/* Brings the traces of each group into the order of their starts, and numbers names and texts by what they say. So
 * nothing that follows depends on the order in which the traces came. Once, after the last trace. */
bt_status bt_mine_sample_finish(bt_mine_sample *sample, bt_error *error) BT_MUST_CHECK;
bt_str bt_mine_text(const bt_mine_sample *sample, uint32_t symbol);
/* NULL: the span has no such key. */
const bt_mine_attribute *bt_mine_find(const bt_mine_span *span, uint32_t key);

#endif
