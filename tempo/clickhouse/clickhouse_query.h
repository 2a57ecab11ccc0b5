/* One question to ClickHouse: a statement of our own words, with values as parameters and trace ids as external data,
 * so that no value ever becomes a part of SQL. With it go settings that would hide rows if a server had them otherwise.
 * An answer counts where its status, its end and the number of rows that the server says agree. Thread: a question
 * belongs to one thread; what the server was found to be is set once, under a lock. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_QUERY_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_QUERY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/clickhouse/clickhouse_layout.h"
#include "tempo/clickhouse/row_binary.h"
#include "tempo/wire/remote_store.h"
#include "tempo/wire/source.h"

/* Settings that go along: name, value, and whether with another value an answer may lack rows and say nothing. */
#define BT_CLICKHOUSE_EACH_SETTING(ROW)                                                                                \
  ROW("readonly", "2", false)                                                                                          \
  ROW("result_overflow_mode", "throw", true)                                                                           \
  ROW("timeout_overflow_mode", "throw", true)                                                                          \
  ROW("timeout_overflow_mode_leaf", "throw", true)                                                                     \
  ROW("read_overflow_mode", "throw", true)                                                                             \
  ROW("read_overflow_mode_leaf", "throw", true)                                                                        \
  ROW("group_by_overflow_mode", "throw", true)                                                                         \
  ROW("set_overflow_mode", "throw", true)                                                                              \
  ROW("join_overflow_mode", "throw", true)                                                                             \
  ROW("distinct_overflow_mode", "throw", true)                                                                         \
  ROW("sort_overflow_mode", "throw", true)                                                                             \
  ROW("transfer_overflow_mode", "throw", true)                                                                         \
  ROW("limit", "0", true)                                                                                              \
  ROW("offset", "0", true)                                                                                             \
  ROW("additional_table_filters", "{}", true)                                                                          \
  ROW("additional_result_filter", "", true)                                                                            \
  ROW("use_query_cache", "0", true)                                                                                    \
  ROW("skip_unavailable_shards", "0", true)                                                                            \
  ROW("optimize_skip_unused_shards", "0", true)                                                                        \
  ROW("distributed_group_by_no_merge", "0", true)                                                                      \
  ROW("fallback_to_stale_replicas_for_distributed_queries", "0", true)                                                 \
  ROW("transform_null_in", "0", false)                                                                                 \
  ROW("cancel_http_readonly_queries_on_client_close", "1", false)                                                      \
  ROW("output_format_binary_write_json_as_string", "0", true)                                                          \
  ROW("http_zlib_compression_level", "1", false) /* of zstd, too: with gzip to pack costs more than to find */         \
  ROW("log_comment", "betrace", false)
#define BT_CLICKHOUSE_ONE(name, value, matters) +1
enum { BT_CLICKHOUSE_SETTINGS = BT_CLICKHOUSE_EACH_SETTING(BT_CLICKHOUSE_ONE) };

/* The one that a table has as well (ENGINE = Distributed(…) SETTINGS …). */
#define BT_CLICKHOUSE_SKIPS "skip_unavailable_shards"

/* What was found out about the server and the table. */
typedef struct bt_clickhouse_found {
  bool is_known;
  bool sends[BT_CLICKHOUSE_SETTINGS]; /* which settings go along: the server knows them, and lets us set them */
  char version[BT_SOURCE_VERSION_BYTES];
  char note[BT_SOURCE_NOTE_BYTES];
  bool is_checked;
  char lacks[BT_SOURCE_NOTE_BYTES];   /* the table is a shard's part of another one, as a sentence; "": it is not */
  char times[120];                    /* the table of first and last times (clickhouse_far.h), */
  bool has_times;                     /* and whether it is of use */
  const bt_clickhouse_layout *layout; /* how the table is laid out */
  bool has_rare[BT_CLICKHOUSE_RARE];  /* whether the table has such rows, */
  int64_t rare_asked_ns;              /* when that was asked, by the steady clock; 0: never */
} bt_clickhouse_found;

/* The source itself. */
typedef struct bt_clickhouse {
  bt_remote store;        /* its lock is for `found` */
  char *database, *table; /* new */
  uint32_t ids_per_read;
  bt_clickhouse_found found;                  /* what is not rare stays once it is known */
  const bt_clickhouse_layout *_Atomic layout; /* NULL until it is known */
} bt_clickhouse;

/* On whose behalf, and what. Texts are borrowed. */
typedef struct bt_clickhouse_question {
  const char *sql; /* parameters are {name:Type} */
  struct {
    const char *name;
    int64_t number;
  } numbers[5];
  size_t number_count;
  const bt_str *texts; /* parameters f0, f1, …: any bytes */
  size_t text_count;
  const bt_trace_id *ids; /* the table `ids` has them in its column `id`, as 32 digits; of zeros: none */
  size_t id_count;
  bt_http_kind kind;
  const bt_cancel *cancel;
  const char *rule_id;
  bt_priority priority;
  bt_source_account *account; /* or NULL */
  int64_t timeout_ms;         /* of one attempt, with the time in the queue: somebody waits for it. 0: the source's, and
                                 several attempts */
} bt_clickhouse_question;

/* Reads what rows the answer has; false: it is no such answer. */
typedef bool (*bt_clickhouse_row)(void *context, bt_row_reader *reader);

/* As bt_remote_ask (BT_CANCELLED, BT_NO_MEMORY), which is told what a complete answer means. */
bt_status bt_clickhouse_ask(bt_clickhouse *clickhouse, const bt_clickhouse_question *question,
                            const bt_clickhouse_found *found, bt_remote_answer *answer, bt_error *error) BT_MUST_CHECK;
/* Gives each row to `take`. Where the bytes do not end with the last row, or the rows are not as many as the server
 * says, the outcome becomes FAILED. */
void bt_clickhouse_take_rows(bt_remote_answer *answer, bt_clickhouse_row take, void *context);
bool bt_clickhouse_is_too_much(
    int code); /* an exception that says so: more of something than is allowed, or than there is */
/* Another number of the server's account of it, as "read_rows"; 0 where it does not say. */
uint64_t bt_clickhouse_summary(const bt_remote_answer *answer, const char *name);
/* Asks, and gives each row. BT_REFUSED: the server refuses it, with *code where that is asked for. BT_UNAVAILABLE:
 * there is no answer that counts. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_clickhouse_ask_rows(bt_clickhouse *clickhouse, const bt_clickhouse_question *question,
                                 const bt_clickhouse_found *found, bt_clickhouse_row take, void *context, int *code,
                                 bt_error *error) BT_MUST_CHECK;

typedef struct bt_clickhouse_setting {
  const char *name, *value;
  bool matters;
} bt_clickhouse_setting;
extern const bt_clickhouse_setting bt_clickhouse_settings[BT_CLICKHOUSE_SETTINGS];
/* Whether this setting goes along. */
bool bt_clickhouse_sends(const bt_clickhouse_found *found, const char *setting);

#endif
