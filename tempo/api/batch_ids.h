/* The ids of a read in batches, each once, in order, with what is known of its size, and what one question may ask of
 * them. Thread: one. Internal to tempo/. Tempo answers `| by(span:id) | by(kind)` in the square of the spans of one
 * trace. Measured on 2.8, 2.10 and 3.0 alike: 100 spans take 0.06 s of its processor, 500 spans 0.6, 2,000 spans 7, and
 * 4,000 spans 28. By id a trace of 500 takes 0.03 s and one of 20,000 takes 0.7 s. So a batch asks for no trace above
 * some size, and holds what Tempo answers within a few seconds. */
#ifndef BT_TEMPO_API_BATCH_IDS_H
#define BT_TEMPO_API_BATCH_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/source.h"

enum {
  /* Spans of a trace that is read by id. Each by itself costs Tempo less so from some 70 on, where it has all in one
   * process; in a cluster a read by id asks more of them. */
  BT_READ_LARGE_FROM = 256
};

typedef struct bt_read_place { /* of one id */
  size_t first, end;           /* items of `order` */
} bt_read_place;

typedef struct bt_read_ids {
  bt_trace_id *ids; /* distinct, sorted */
  uint32_t *spans;  /* of each, at least; 0: not known */
  bt_read_place *places;
  size_t *order; /* indices into the request's ids, by id */
  size_t count;
} bt_read_ids;

/* False: no memory. Dispose in every case. */
bool bt_read_ids_init(bt_read_ids *read, const bt_read_request *request) BT_MUST_CHECK;
void bt_read_ids_dispose(bt_read_ids *read);

/* How many of those from `first` on (`count` of them) one question may ask for: at most `most`, and at least one. */
size_t bt_read_ids_fit(const bt_read_ids *read, size_t first, size_t count, size_t most);
/* Whether it is to be read by id. */
bool bt_read_ids_is_large(const bt_read_ids *read, size_t index);
/* Puts `from` into the place of `to`, below it. */
void bt_read_ids_move(bt_read_ids *read, size_t from, size_t to);

#endif
