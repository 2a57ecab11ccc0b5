/* What a sample of traces has in common: which spans occur together, in which order, how often, how long. Rules are
 * proposed from these numbers and from nothing else; whether a proposed rule holds is then asked of a replay. Thread:
 * no state of its own. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_QUERY_MINING_H
#define BT_SERVER_QUERY_MINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

enum {
  BT_MINED_NAMES = 256,      /* span names looked at: the first that are met; others are counted in names_beyond, */
  BT_MINED_NAME_BYTES = 1024 /* and longer ones */
};

typedef struct bt_mined_values { /* one for each trace that has the span */
  int64_t *items;
  size_t count, capacity;
} bt_mined_values;

typedef struct bt_mined_name {
  bt_str name;
  uint32_t traces;                 /* that have such a span */
  bt_mined_values longest, counts; /* of each trace: its longest such span in ns; how many of them */
  bt_trace_id example;             /* the smallest trace with such a span */
  uint32_t example_spans;
} bt_mined_name;

typedef struct bt_mining {
  uint32_t traces, name_count;
  uint64_t names_beyond;
  bt_mined_name names[BT_MINED_NAMES];
  uint32_t together[BT_MINED_NAMES][BT_MINED_NAMES]; /* traces with both */
  uint32_t before[BT_MINED_NAMES]
                 [BT_MINED_NAMES]; /* traces with both where the first of a starts before the first of b */
  uint32_t child[BT_MINED_NAMES][BT_MINED_NAMES]; /* [a][b]: spans b whose parent is a span a */
  bool above[BT_MINED_NAMES][BT_MINED_NAMES];     /* [a][b]: b was seen under a, at any depth; after bt_mining_finish */
  bt_arena arena;
} bt_mining;

/* new; on the heap because of its size. */
bt_status bt_mining_new(bt_mining **out, bt_error *error) BT_MUST_CHECK;
void bt_mining_free(bt_mining *mining);
bt_status bt_mining_add(bt_mining *mining, const bt_trace *trace, bt_error *error) BT_MUST_CHECK;
void bt_mining_finish(bt_mining *mining);
/* The smallest value that at least `share` (0 to 1) of the values do not exceed. Sorts them. 0 without values. */
int64_t bt_mined_quantile(bt_mined_values *values, double share);

typedef enum bt_proposal_kind {
  BT_PROPOSE_ORDER,
  BT_PROPOSE_PRESENCE,
  BT_PROPOSE_COUNT,
  BT_PROPOSE_LATENCY
} bt_proposal_kind;
typedef struct bt_proposal {
  bt_proposal_kind kind;
  uint32_t name, other; /* numbers of names: of `when`, and of what it asks for */
  int64_t bound;        /* of COUNT; of LATENCY in ns */
  double score;         /* higher: says more */
} bt_proposal;
/* The best `most` proposals that at least `share` of the sample keeps, each with at least `least` traces, best first.
 * *out is new. */
bt_status bt_mining_propose(bt_mining *mining, uint32_t least, double share, size_t most, bt_proposal **out,
                            size_t *count, bt_error *error) BT_MUST_CHECK;
/* Appends the rule's text, and an id for it. */
void bt_proposal_write(const bt_mining *mining, const bt_proposal *proposal, bt_buffer *dsl, bt_buffer *id);
const char *bt_proposal_kind_name(bt_proposal_kind kind);

#endif
