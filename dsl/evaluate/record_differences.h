/* In what records of one span differ, as bits, and which of these bits rules read: records that differ in nothing that
 * a rule reads are one record to it. Only evaluation_worlds.c includes this. Thread: no state. */
#ifndef BT_DSL_EVALUATE_RECORD_DIFFERENCES_H
#define BT_DSL_EVALUATE_RECORD_DIFFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/program.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/trace_records.h"

enum { BT_DIFFERING_KEYS_MAX = 61 };

/* Keys whose values differ between some records. The key of number n, be it of a span, its resource or its scope, has
 * the bit 1 << n. */
typedef struct bt_differing_keys {
  bt_str items[BT_DIFFERING_KEYS_MAX]; /* borrowed from the records */
  uint32_t count;
} bt_differing_keys;

/* The other three bits. */
#define BT_DIFFERS_IN_EVENTS ((uint64_t)1 << BT_DIFFERING_KEYS_MAX)
#define BT_DIFFERS_IN_LINKS  ((uint64_t)2 << BT_DIFFERING_KEYS_MAX)
/* What every rule is taken to read: names, times, parents, …, all of summaries, and keys for which no bit is left. */
#define BT_DIFFERS_FOR_ALL ((uint64_t)4 << BT_DIFFERING_KEYS_MAX)

/* *out: the bits in which two records of one span differ. Keys that have none yet get one. The arena gives scratch
 * memory. False: no room. */
bool bt_find_differences(const bt_span *a, const bt_span *b, bt_differing_keys *keys, bt_arena *arena,
                         uint64_t *out) BT_MUST_CHECK;
/* What some rules read. */
typedef struct bt_reading {
  bt_read_keys keys;
  uint64_t others; /* the bits that are not of keys, BT_DIFFERS_FOR_ALL among them */
} bt_reading;

/* What these rules read, in the arena; keys are borrowed from them. False: no room. */
bool bt_find_reading(const bt_program *programs, size_t count, bt_arena *arena, bt_reading *out) BT_MUST_CHECK;
/* The same as bits. */
uint64_t bt_reading_bits(const bt_reading *reading, const bt_differing_keys *keys);

#endif
