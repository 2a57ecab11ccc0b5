/* One question to Elasticsearch or OpenSearch, and what its answer is worth. Every shard has to have answered, in time
 * and to its end; whoever asks compares the rows with the total, too. Thread: a question belongs to one thread; what
 * the server was found to be is set under a lock. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_QUERY_H
#define BT_TEMPO_ELASTIC_ELASTIC_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/otlp_json.h"
#include "tempo/wire/remote_store.h"
#include "tempo/wire/source.h"

/* What was found out about the server and the indices. */
typedef struct bt_elastic_found {
  bool is_known, is_opensearch, is_checked;
  const struct bt_elastic_schema *schema; /* of all indices; NULL: not known */
  char version[BT_SOURCE_VERSION_BYTES], note[BT_SOURCE_NOTE_BYTES];
  char lacks[BT_SOURCE_NOTE_BYTES]; /* an index shows nothing that is new, as a sentence; "": each does */
  uint32_t most_rows;               /* of one answer */
  int64_t refresh_ns;               /* how long the slowest index hides what is new */
  int64_t asked_ns;                 /* by the steady clock */
} bt_elastic_found;

/* The source itself. */
typedef struct bt_elastic {
  bt_remote store;          /* its lock is for `found` and `lacks` */
  char *index;              /* new */
  uint32_t rows_per_answer; /* 0: as many as the indices allow */
  bt_elastic_found found;
  char lacks[BT_SOURCE_NOTE_BYTES];                 /* once it is there, it stays */
  _Atomic(const struct bt_elastic_fields *) fields; /* of the schema that was found; once it is there, it stays */
} bt_elastic;

/* Of an address: an index that is closed or not there is an error. */
#define BT_ELASTIC_ALL_INDICES "allow_no_indices=false&ignore_unavailable=false&expand_wildcards=open,closed"

/* As bt_remote_ask (BT_CANCELLED, BT_NO_MEMORY), which is told what a complete answer means. A body is JSON. */
bt_status bt_elastic_ask(bt_elastic *elastic, const bt_remote_question *question, bt_remote_answer *answer,
                         bt_error *error) BT_MUST_CHECK;

/* The answer to a search, which may have hits and the buckets of an aggregation named "traces". */
typedef struct bt_elastic_page {
  uint64_t total;  /* as the server counts */
  size_t rows;     /* hits or buckets that were read */
  uint64_t shards; /* that answered: all */
} bt_elastic_page;
/* Reads one row, which comes next. Errors end the reading. */
typedef bt_status (*bt_elastic_row)(void *context, bt_json_place *place);
/* Gives each hit, or each bucket, to `take`. `place` has a build and an error. What the answer lacks, or what is no
 * such answer, makes its outcome FAILED. BT_LIMIT: there is no room; BT_NO_MEMORY. */
bt_status bt_elastic_read_page(bt_remote_answer *answer, bt_json_place *place, bool takes_buckets, bt_elastic_row take,
                               void *context, bt_elastic_page *page) BT_MUST_CHECK;
/* Appends the text as JSON has it, with its quotes. */
void bt_elastic_quote(bt_buffer *out, bt_str text);

/* All searches see the same data through one of these ("point in time"). */
typedef struct bt_elastic_view {
  bt_buffer id; /* as JSON, with its quotes */
} bt_elastic_view;
/* `ask` without a path. Not ANSWERED: the answer says why; dispose of it in every case. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_elastic_view_open(bt_elastic *elastic, const bt_elastic_found *found, const bt_remote_question *ask,
                               bt_elastic_view *view, bt_remote_answer *answer, bt_error *error) BT_MUST_CHECK;
void bt_elastic_view_close(bt_elastic *elastic, const bt_elastic_found *found, bt_elastic_view *view);

#endif
