/* Looking for Distributed tables over a table, and into a view. See clickhouse_shards.h. */
#include "tempo/clickhouse/clickhouse_shards.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_OVER = 8, NAME_BYTES = 80 };

/* Distributed('cluster', 'database', 'table', …); older servers write names without quotes. */
static const char over_sql[] =
    "SELECT database, name, args[1], args[2] FROM (SELECT database, name, arrayMap(a -> trim(BOTH ' \\'`\")' FROM a), "
    "splitByChar(',', extract(engine_full, '^Distributed[(](.*)'))) AS args FROM system.tables "
    "WHERE engine = 'Distributed') WHERE args[3] = {table:String} AND args[2] IN ('', {database:String}) "
    "ORDER BY database, name LIMIT 8 FORMAT RowBinary";
/* How many shards a cluster has, and whether the databases that it has for tables without one are all others. */
#define SHARDS_OF                                                                                                      \
  "SELECT toInt64(uniqExact(shard_num)), toUInt8(countIf(default_database IN ('', {database:String})) = 0) "           \
  "FROM system.clusters WHERE cluster = "
static const char shards_sql[] = SHARDS_OF "{f0:String} FORMAT RowBinary";
static const char shards_of_macro_sql[] =
    SHARDS_OF "arrayFold((name, m) -> replaceAll(name, concat('{', m.1, '}'), m.2), "
              "(SELECT groupArray((macro, substitution)) FROM system.macros), {f0:String}) FORMAT RowBinary";

/* A view's own settings, too, hold against those of a question. */
static const char view_sql[] =
    "SELECT toUInt8(multiSearchAny(as_select, [' WHERE ', ' PREWHERE ', ' LIMIT ', ' SETTINGS ', ' SAMPLE ', "
    "' UNION ', ' JOIN ', ' DISTINCT ', ' GROUP BY ', ' INTERSECT ', ' EXCEPT ']) "
    "OR replaceAll(extract(as_select, ' FROM ([^ ()]+)$'), '`', '') "
    "NOT IN (SELECT concat(database, '.', name) FROM system.tables WHERE engine != 'View')) FROM system.tables "
    "WHERE database = {database:String} AND name = {table:String} AND engine = 'View' FORMAT RowBinary";

typedef struct over_table {
  char database[NAME_BYTES], name[NAME_BYTES], cluster[NAME_BYTES];
  bool is_by_default; /* it names no database: each shard's default */
  bool is_elsewhere;  /* and those are others */
  int64_t shards;     /* 0: not known */
} over_table;

typedef struct over_tables {
  over_table items[MOST_OVER];
  size_t count;
} over_tables;

static void take_name(bt_row_reader *reader, char out[NAME_BYTES]) {
  bt_str name = bt_row_text(reader);
  snprintf(out, NAME_BYTES, "%.*s", (int)(name.len < NAME_BYTES ? name.len : NAME_BYTES - 1), name.ptr ? name.ptr : "");
}

static bool take_over(void *context, bt_row_reader *reader) {
  over_tables *all = context;
  over_table table = {0};
  take_name(reader, table.database);
  take_name(reader, table.name);
  take_name(reader, table.cluster);
  table.is_by_default = bt_row_text(reader).len == 0;
  if (all->count < MOST_OVER) all->items[all->count++] = table;
  return true;
}

static bool take_shards(void *context, bt_row_reader *reader) {
  over_table *table = context;
  table->shards = bt_row_int64(reader);
  table->is_elsewhere = bt_row_byte(reader) != 0 && table->shards && table->is_by_default;
  return true;
}

/* What is refused is not known. */
static bt_status ask_if_allowed(bt_clickhouse *clickhouse, const bt_clickhouse_found *found,
                                bt_clickhouse_question *question, bt_clickhouse_row take, void *context,
                                bt_error *error) {
  question->kind = BT_HTTP_OTHER;
  question->priority = BT_PRIORITY_PEOPLE;
  bt_status status = bt_clickhouse_ask_rows(clickhouse, question, found, take, context, NULL, error);
  return status == BT_REFUSED ? BT_OK : status;
}

static bt_status count_shards(bt_clickhouse *clickhouse, const bt_clickhouse_found *found, const bt_cancel *cancel,
                              over_table *table, bt_error *error) {
  bt_str cluster = bt_str_from(table->cluster);
  bt_clickhouse_question question = {.sql = strchr(table->cluster, '{') ? shards_of_macro_sql : shards_sql,
                                     .texts = &cluster,
                                     .text_count = 1,
                                     .cancel = cancel};
  return ask_if_allowed(clickhouse, found, &question, take_shards, table, error);
}

static void note_lacks(bt_clickhouse_found *found) {
  size_t length = strlen(found->note);
  snprintf(found->note + length, sizeof found->note - length, "%s%s", length ? "; " : "", found->lacks);
}

static void say_lacks(const over_table *table, bt_clickhouse_found *found) {
  char shards[32] = "";
  if (table->shards) snprintf(shards, sizeof shards, ", %" PRId64 " shards", table->shards);
  snprintf(found->lacks, sizeof found->lacks,
           "this table is one shard's part of %.30s.%.30s (cluster %.30s%s) and has some spans only: name "
           "/%.30s?table=%.30s",
           table->database, table->name, table->cluster, shards, table->database, table->name);
  note_lacks(found);
}

bt_status bt_clickhouse_find_shards(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                                    bt_error *error) {
  over_tables all = {.count = 0};
  bt_clickhouse_question question = {.sql = over_sql, .cancel = cancel};
  bt_status status = ask_if_allowed(clickhouse, found, &question, take_over, &all, error);
  for (size_t i = 0; status == BT_OK && i < all.count && !found->lacks[0]; i++) {
    over_table *table = &all.items[i];
    status = count_shards(clickhouse, found, cancel, table, error);
    if (status == BT_OK && table->shards != 1 && !table->is_elsewhere) say_lacks(table, found);
  }
  return status;
}

static bool take_view(void *context, bt_row_reader *reader) {
  bool *leaves_out = context;
  *leaves_out = bt_row_byte(reader) != 0;
  return true;
}

bt_status bt_clickhouse_find_view(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                                  bt_error *error) {
  bool leaves_out = false;
  bt_clickhouse_question question = {.sql = view_sql, .cancel = cancel};
  bt_status status = ask_if_allowed(clickhouse, found, &question, take_view, &leaves_out, error);
  if (status != BT_OK || !leaves_out || found->lacks[0]) return status;
  snprintf(found->lacks, sizeof found->lacks,
           "%.40s.%.40s is a view that is more than columns of one table, and may leave out spans: name the table that "
           "it reads",
           clickhouse->database, clickhouse->table);
  note_lacks(found);
  return status;
}
