/* In what records of one span differ, as bits, and which of these bits a rule reads: records that differ in nothing
 * that a rule reads are one record to it. Only evaluation_worlds.c includes this. Thread: no state. */
#ifndef BT_DSL_RECORD_DIFFERENCES_H
#define BT_DSL_RECORD_DIFFERENCES_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/arena.h"
#include "dsl/rule.h"
#include "dsl/text.h"
#include "dsl/trace.h"

enum { BT_DIFFERING_KEYS_MAX = 61 };

/* Keys of attributes, of spans, resources and scopes alike, each with a bit: 1 << its number. */
typedef struct bt_differing_keys {
  bt_str items[BT_DIFFERING_KEYS_MAX]; /* borrowed from the records */
  uint32_t count;
} bt_differing_keys;

/* Further bits: what every rule reads (names, times, parents, …, and keys for which there is no bit), events, links. */
#define BT_DIFFERS_IN_EVENTS ((uint64_t)1 << BT_DIFFERING_KEYS_MAX)
#define BT_DIFFERS_IN_LINKS  ((uint64_t)2 << BT_DIFFERING_KEYS_MAX)
#define BT_DIFFERS_FOR_ALL   ((uint64_t)4 << BT_DIFFERING_KEYS_MAX)

/* The bits in which two records of one span differ; adds the keys. The arena gives scratch memory. False: no room. */
bool bt_find_differences(const bt_span *a, const bt_span *b, bt_differing_keys *keys, bt_arena *arena,
                         uint64_t *out) BT_MUST_CHECK;
/* The bits that the rule reads. */
uint64_t bt_rule_reads_of(const bt_rule *rule, const bt_differing_keys *keys);

#endif
