/* What each rule has cost Tempo so far, and how often Tempo contradicted itself about it: added up by replays, shown
 * by explain and as metrics. Keyed by tenant, rule id and condition hash, so that another text begins anew. Bounded:
 * of more rules than it has room for, those that were added to longest ago are forgotten. Kept in memory only; a
 * restart begins at zero. Thread: any; it has a lock of its own. */
#ifndef BT_SERVER_PRICE_H
#define BT_SERVER_PRICE_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"

enum { BT_PRICE_ROOM = 4096 }; /* rules */

typedef struct bt_price_table bt_price_table;

typedef struct bt_price_key {
  const char *tenant; /* or NULL */
  const char *rule_id, *condition_hash;
} bt_price_key;

/* Of work that several rules share each carries an equal part. All-zero: nothing so far. */
typedef struct bt_price {
  uint64_t replays, requests;
  uint64_t bytes_inspected; /* as Tempo says */
  uint64_t bytes_received;
  uint64_t traces_read;
  int64_t duration_ns;  /* of the replays, as a clock saw them */
  uint64_t differences; /* traces of samples that were judged otherwise when they were read again, or that searches had
                           ruled out */
} bt_price;

/* new. room: for so many rules; 0: BT_PRICE_ROOM. BT_NO_MEMORY alone. */
bt_status bt_price_table_new(size_t room, bt_price_table **out, bt_error *error) BT_MUST_CHECK;
void bt_price_table_free(bt_price_table *table); /* NULL is fine */
/* Adds to what is known. A key without memory for it is left out: a price is a hint. */
void bt_price_table_add(bt_price_table *table, const bt_price_key *key, const bt_price *price);
bt_price bt_price_table_get(bt_price_table *table, const bt_price_key *key);

#endif
