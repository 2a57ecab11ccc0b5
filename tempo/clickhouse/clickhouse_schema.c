/* Finding out what is asked. See clickhouse_schema.h. */
#include "tempo/clickhouse/clickhouse_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/clickhouse/clickhouse_far.h"
#include "tempo/clickhouse/clickhouse_layout.h"
#include "tempo/clickhouse/clickhouse_shards.h"
#include "tempo/wire/wall_clock.h"

enum { UNKNOWN_SETTING = 115 };
static const int64_t rare_holds_ns = 5000000000; /* for who does not ask itself, as a replay does when it begins */

/* ---- settings ---- */

/* What a user may set, and what it is now: a limit that is in force here cannot cut this off, because what lacks is
 * sent.
 */
#define QUOTED(name, value, matters) "'" name "', "
static const char settings_sql[] = "SELECT name, value, toUInt8(readonly) FROM system.settings WHERE name IN "
                                   "(" BT_CLICKHOUSE_EACH_SETTING(QUOTED) "'') FORMAT RowBinary";

typedef struct settings_look {
  bt_clickhouse_found *found;
  char unsafe[80]; /* a setting that matters, is another one, and cannot be set */
} settings_look;

static bool take_setting(void *context, bt_row_reader *reader) {
  settings_look *look = context;
  bt_str name = bt_row_text(reader), value = bt_row_text(reader);
  bool is_fixed = bt_row_byte(reader) != 0;
  for (size_t i = 0; i < BT_CLICKHOUSE_SETTINGS; i++) {
    const bt_clickhouse_setting *setting = &bt_clickhouse_settings[i];
    if (!bt_str_equal(name, bt_str_from(setting->name))) continue;
    bool is_right = bt_str_equal(value, bt_str_from(setting->value));
    look->found->sends[i] = !is_fixed;
    if (is_fixed && !is_right && setting->matters)
      snprintf(look->unsafe, sizeof look->unsafe, "%s (%.20s instead of %s)", setting->name,
               value.len ? "set" : "empty", setting->value[0] ? setting->value : "empty");
  }
  return true;
}

static bt_status ask_rows(bt_clickhouse *clickhouse, const bt_clickhouse_found *found, const char *sql,
                          const bt_cancel *cancel, bt_clickhouse_row take, void *context, bt_error *error) {
  bt_clickhouse_question question = {
      .sql = sql, .kind = BT_HTTP_OTHER, .priority = BT_PRIORITY_PEOPLE, .cancel = cancel};
  return bt_clickhouse_ask_rows(clickhouse, &question, found, take, context, NULL, error);
}

/* The setting that the server's sentence names, sent so far. NULL: none. */
static bool *named_setting(bt_clickhouse_found *found, const char *sentence) {
  char quoted[80];
  for (size_t i = 0; i < BT_CLICKHOUSE_SETTINGS; i++) {
    snprintf(quoted, sizeof quoted, "'%s'", bt_clickhouse_settings[i].name);
    if (found->sends[i] && strstr(sentence, quoted)) return &found->sends[i];
  }
  return NULL;
}

static bool take_version(void *context, bt_row_reader *reader) {
  bt_clickhouse_found *found = context;
  bt_str version = bt_row_text(reader);
  snprintf(found->version, sizeof found->version, "%.*s", (int)(version.len < 40 ? version.len : 40), version.ptr);
  found->is_checked = bt_str_starts_with(version, BT_STR("26.9."));
  if (!found->is_checked) snprintf(found->note, sizeof found->note, "not among the versions that were checked (26.9)");
  return true;
}

/* An old server does not know all of them: those are left out, one after another. */
static bt_status try_settings(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                              bt_error *error) {
  bt_clickhouse_question question = {.sql = "SELECT version() FORMAT RowBinary",
                                     .kind = BT_HTTP_OTHER,
                                     .priority = BT_PRIORITY_PEOPLE,
                                     .cancel = cancel};
  for (;;) {
    int code = 0;
    bt_error why = {0};
    bt_status status = bt_clickhouse_ask_rows(clickhouse, &question, found, take_version, found, &code, &why);
    bool *unknown = status == BT_REFUSED && code == UNKNOWN_SETTING ? named_setting(found, why.message) : NULL;
    if (!unknown && status != BT_OK && error) *error = why;
    if (!unknown) return status;
    *unknown = false;
  }
}

static bt_status find_settings(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                               bt_error *error) {
  settings_look look = {.found = found};
  for (size_t i = 0; i < BT_CLICKHOUSE_SETTINGS; i++) found->sends[i] = true;
  bt_status status = ask_rows(clickhouse, NULL, settings_sql, cancel, take_setting, &look, error);
  if (status == BT_OK && look.unsafe[0])
    return bt_error_set(error, BT_REFUSED,
                        "ClickHouse keeps the setting %s for this user, with which an answer may lack rows and not say "
                        "so; let the user set it (readonly = 2), or give it that value in the profile",
                        look.unsafe);
  return status == BT_OK ? try_settings(clickhouse, found, cancel, error) : status;
}

bt_status bt_clickhouse_check_settings(bt_clickhouse *clickhouse, const bt_cancel *cancel, bt_error *error) {
  bt_clickhouse_found found = {0};
  return find_settings(clickhouse, &found, cancel, error);
}

/* ---- the table ---- */

enum { MOST_NAMED = 150 };

typedef struct table_look {
  bt_buffer names; /* of the columns that are there */
  bool has_sign[BT_CLICKHOUSE_LAYOUTS];
  bool has[BT_CLICKHOUSE_LAYOUTS][BT_CLICKHOUSE_MOST_COLUMNS];
  bool is_distributed, is_view, skips_shards; /* its own setting lets it leave out shards */
} table_look;

static void name_column(table_look *look, bt_str name) {
  if (look->names.len < MOST_NAMED)
    bt_buffer_printf(&look->names, "%s%.*s", look->names.len ? ", " : "", (int)(name.len < 40 ? name.len : 40),
                     name.ptr);
  else if (look->names.ptr[look->names.len - 1] != '.')
    bt_buffer_append(&look->names, BT_STR(", ..."));
}

static bool take_column(void *context, bt_row_reader *reader) {
  table_look *look = context;
  bt_str name = bt_row_text(reader), type = bt_row_text(reader);
  for (size_t i = 0; i < BT_CLICKHOUSE_LAYOUTS; i++) {
    const bt_clickhouse_layout *layout = &bt_clickhouse_layouts[i];
    if (bt_clickhouse_shows(layout, name, type)) look->has_sign[i] = true;
    for (size_t k = 0; k < layout->column_count; k++)
      if (bt_clickhouse_column_is(&layout->columns[k], name, type)) look->has[i][k] = true;
  }
  name_column(look, name);
  return true;
}

static bool take_engine(void *context, bt_row_reader *reader) {
  table_look *look = context;
  bt_str engine = bt_row_text(reader);
  look->is_distributed = bt_str_equal(engine, BT_STR("Distributed"));
  look->is_view = bt_str_equal(engine, BT_STR("View"));
  look->skips_shards = bt_row_byte(reader) != 0;
  return true;
}

static bt_status refuse_unknown(const bt_clickhouse *clickhouse, const table_look *look, bt_error *error) {
  if (!look->names.len)
    return bt_error_set(error, BT_REFUSED,
                        "there is no table %.60s.%.60s, or this user may not see it (GRANT SELECT): the URL names both "
                        "as in clickhouse+http://host:8123/otel?table=otel_traces",
                        clickhouse->database, clickhouse->table);
  return bt_error_set(error, BT_REFUSED,
                      "%.40s.%.40s has no schema that is known (by SpanAttributes, ts_bucket_start or "
                      "str_attributes.key), but: %.200s",
                      clickhouse->database, clickhouse->table, look->names.ptr);
}

static bt_status refuse_skipping(const bt_clickhouse *clickhouse, bt_error *error) {
  return bt_error_set(
      error, BT_REFUSED,
      "%.40s.%.40s may leave out shards that do not answer (its setting " BT_CLICKHOUSE_SKIPS "), and "
      "this user may not say otherwise; let the user set it (readonly = 2), or make a Distributed table "
      "without it",
      clickhouse->database, clickhouse->table);
}

/* The layout whose sign is there, with all of its columns. */
static bt_status judge_table(const bt_clickhouse *clickhouse, const table_look *look, bt_clickhouse_found *found,
                             bt_error *error) {
  size_t which = 0, lacking = 0;
  while (which < BT_CLICKHOUSE_LAYOUTS && !look->has_sign[which]) which++;
  if (which == BT_CLICKHOUSE_LAYOUTS) return refuse_unknown(clickhouse, look, error);
  const bt_clickhouse_layout *layout = &bt_clickhouse_layouts[which];
  while (lacking < layout->column_count && look->has[which][lacking]) lacking++;
  found->layout = layout;
  if (lacking == layout->column_count) return BT_OK;
  const bt_clickhouse_column *column = &layout->columns[lacking];
  return bt_error_set(error, BT_REFUSED, "%.40s.%.40s lacks the column %s (%s) of its schema, %s; there are: %.200s",
                      clickhouse->database, clickhouse->table, column->name, column->type, layout->name,
                      look->names.ptr);
}

static bt_status find_table(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                            bt_error *error) {
  table_look look = {0};
  bt_status status = ask_rows(clickhouse, found,
                              "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = "
                              "{table:String} ORDER BY position FORMAT RowBinary",
                              cancel, take_column, &look, error);
  if (status == BT_OK)
    status = ask_rows(clickhouse, found,
                      "SELECT engine, toUInt8(position(engine_full, '" BT_CLICKHOUSE_SKIPS
                      "') > 0) FROM system.tables WHERE "
                      "database = {database:String} AND name = {table:String} FORMAT RowBinary",
                      cancel, take_engine, &look, error);
  if (status == BT_OK) status = judge_table(clickhouse, &look, found, error);
  if (status == BT_OK && look.skips_shards && !bt_clickhouse_sends(found, BT_CLICKHOUSE_SKIPS))
    status = refuse_skipping(clickhouse, error);
  if (status == BT_OK && !look.is_distributed) status = bt_clickhouse_find_shards(clickhouse, found, cancel, error);
  if (status == BT_OK && look.is_view) status = bt_clickhouse_find_view(clickhouse, found, cancel, error);
  if (status == BT_OK) status = bt_clickhouse_find_times(clickhouse, found, cancel, error);
  size_t length = strlen(found->version);
  snprintf(found->version + length, sizeof found->version - length, " (%s%s)", found->layout ? found->layout->name : "",
           look.is_distributed ? ", Distributed" : "");
  bt_buffer_dispose(&look.names);
  return status;
}

bt_status bt_clickhouse_find_out(bt_clickhouse *clickhouse, const bt_cancel *cancel, bt_clickhouse_found *out,
                                 bt_error *error) {
  pthread_mutex_lock(&clickhouse->store.mutex);
  bt_status status = BT_OK;
  if (!clickhouse->found.is_known) {
    bt_clickhouse_found found = {0};
    status = find_settings(clickhouse, &found, cancel, error);
    if (status == BT_OK) status = find_table(clickhouse, &found, cancel, error);
    found.is_known = true;
    if (status == BT_OK) clickhouse->found = found;
    if (status == BT_OK) atomic_store(&clickhouse->layout, found.layout);
  }
  *out = clickhouse->found;
  pthread_mutex_unlock(&clickhouse->store.mutex);
  if (status != BT_OK) return status;
  return bt_clickhouse_find_rare(clickhouse, out, bt_clock_steady_ns() - rare_holds_ns, cancel, error);
}

bt_clickhouse_found bt_clickhouse_known(bt_clickhouse *clickhouse) {
  bt_clickhouse_found found = {0};
  if (pthread_mutex_trylock(&clickhouse->store.mutex) == 0) {
    found = clickhouse->found;
    pthread_mutex_unlock(&clickhouse->store.mutex);
  }
  return found;
}
