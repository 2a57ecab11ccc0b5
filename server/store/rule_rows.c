/* Rows of rule_versions ↔ definitions. Labels and annotations are JSON objects, written here and read back by SQLite's
 * own json_each. Thread: the caller's connection. */
#include "server/store/rule_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/rules/rule_fields.h"
#include "server/store/database.h"
#include "server/store/row_columns.h"
#include "server/store/row_seal.h"

static void append_json_string(bt_buffer *out, const char *text) {
  bt_buffer_append_char(out, '"');
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\') bt_buffer_append_char(out, '\\');
    if ((unsigned char)*c < ' ')
      bt_buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
    else
      bt_buffer_append_char(out, *c);
  }
  bt_buffer_append_char(out, '"');
}

static void append_json_object(bt_buffer *out, const bt_string_pair *pairs, size_t count) {
  bt_buffer_append_char(out, '{');
  for (size_t i = 0; i < count; i++) {
    if (i) bt_buffer_append_char(out, ',');
    append_json_string(out, pairs[i].key);
    bt_buffer_append_char(out, ':');
    append_json_string(out, pairs[i].value);
  }
  bt_buffer_append_char(out, '}');
}

/* Parameters are numbered from 1, columns from 0. */
static bool bind_text(sqlite3_stmt *statement, int column, const char *text) {
  return sqlite3_bind_text(statement, column + 1, text ? text : "", -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_integer(sqlite3_stmt *statement, int column, int64_t number) {
  return sqlite3_bind_int64(statement, column + 1, number) == SQLITE_OK;
}

static bool bind_override(sqlite3_stmt *statement, int column, int64_t number) {
  return number < 0 ? sqlite3_bind_null(statement, column + 1) == SQLITE_OK : bind_integer(statement, column, number);
}

static bool bind_fields(sqlite3_stmt *statement, const bt_rule_fields *fields) {
  return bind_text(statement, RULE_ID, fields->id) && bind_text(statement, NAME, fields->name) &&
         bind_text(statement, DESCRIPTION, fields->description) && bind_text(statement, DSL, fields->dsl) &&
         bind_text(statement, SEVERITY, bt_severity_name(fields->severity)) &&
         bind_integer(statement, HAS_SEVERITY, fields->has_severity) &&
         bind_integer(statement, ENABLED, fields->enabled) && bind_integer(statement, SHADOW, fields->shadow) &&
         bind_integer(statement, WATCH_ALL, fields->watch_all) &&
         bind_override(statement, SETTLE_NS, fields->settle_ns) &&
         bind_override(statement, MARGIN_NS, fields->margin_ns) &&
         bind_override(statement, CLOCK_SKEW_NS, fields->clock_skew_ns) &&
         bind_override(statement, REQUIRE_COMPLETE, fields->require_complete) &&
         bind_override(statement, BUDGET, fields->budget) &&
         bind_override(statement, LINKS_SAMPLED, fields->links_sampled) &&
         (fields->store ? bind_text(statement, STORE, fields->store) : bind_override(statement, STORE, -1));
}

static bool bind_record(sqlite3_stmt *statement, const bt_rule_record *record) {
  return bind_integer(statement, VERSION, record->version) &&
         bind_text(statement, CONDITION_HASH, record->condition_hash) &&
         bind_integer(statement, CREATED_AT_NS, record->created_at_ns) &&
         bind_integer(statement, UPDATED_AT_NS, record->updated_at_ns) &&
         bind_text(statement, UPDATED_BY, record->updated_by);
}

bt_status bt_rule_rows_insert(sqlite3 *handle, const char *tenant, const bt_rule_fields *fields,
                              const bt_rule_record *record, bool is_deletion, bt_error *error) {
  static const char sql[] =
      "INSERT INTO rule_versions (" ROW_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
  sqlite3_stmt *statement = NULL;
  bt_buffer labels = {0}, annotations = {0};
  bt_status status = BT_OK;
  append_json_object(&labels, fields->labels, fields->label_count);
  append_json_object(&annotations, fields->annotations, fields->annotation_count);
  if (labels.failed || annotations.failed) {
    status = bt_error_no_memory(error);
    goto out;
  }
  if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK || !bind_text(statement, TENANT, tenant) ||
      !bind_integer(statement, IS_DELETION, is_deletion) || !bind_text(statement, LABELS, labels.ptr) ||
      !bind_text(statement, ANNOTATIONS, annotations.ptr) || !bind_fields(statement, fields) ||
      !bind_record(statement, record) || sqlite3_step(statement) != SQLITE_DONE)
    status = bt_database_fail(handle, "write", error);
out:
  sqlite3_finalize(statement);
  bt_buffer_dispose(&labels);
  bt_buffer_dispose(&annotations);
  return status ? status : bt_row_seals_add(handle, tenant, fields->id, record->version, error);
}

bt_status bt_rule_rows_highest(sqlite3 *handle, const char *tenant, const char *id, int64_t *version, bt_error *error) {
  sqlite3_stmt *statement = NULL;
  bt_status status = BT_OK;
  if (sqlite3_prepare_v2(handle,
                         "SELECT max(coalesce((SELECT max(version) FROM rule_versions WHERE tenant = ?1 AND rule_id = "
                         "?2), 0), coalesce((SELECT max(version) FROM version_seals WHERE tenant = ?1 AND rule_id = "
                         "?2), 0))",
                         -1, &statement, NULL) == SQLITE_OK &&
      bind_text(statement, 0, tenant) && bind_text(statement, 1, id) && sqlite3_step(statement) == SQLITE_ROW)
    *version = sqlite3_column_int64(statement, 0);
  else
    status = bt_database_fail(handle, "read", error);
  sqlite3_finalize(statement);
  return status;
}

bt_status bt_rule_rows_count(sqlite3 *handle, const char *tenant, int64_t *count, bt_error *error) {
  sqlite3_stmt *statement = NULL;
  bt_status status = BT_OK;
  if (sqlite3_prepare_v2(handle, "SELECT count(*) FROM version_seals WHERE tenant = ?1", -1, &statement, NULL) ==
          SQLITE_OK &&
      bind_text(statement, 0, tenant) && sqlite3_step(statement) == SQLITE_ROW)
    *count = sqlite3_column_int64(statement, 0);
  else
    status = bt_database_fail(handle, "read", error);
  sqlite3_finalize(statement);
  return status;
}

typedef struct row_reader {
  sqlite3 *handle;
  sqlite3_stmt *rows, *pairs; /* pairs: members of one JSON object */
  bt_error *error;
} row_reader;

static bt_status read_text(row_reader *reader, sqlite3_stmt *statement, int column, bt_str *out) {
  *out = (bt_str){NULL, 0};
  const char *text = (const char *)sqlite3_column_text(statement, column);
  if (!text) return bt_error_no_memory(reader->error); /* the schema allows no NULL here */
  *out = (bt_str){text, (size_t)sqlite3_column_bytes(statement, column)};
  return BT_OK;
}

/* A heap copy; a text with a NUL inside cannot have been written here. */
static bt_status copy_column(row_reader *reader, int column, char **out) {
  bt_str text;
  bt_status status = read_text(reader, reader->rows, column, &text);
  if (status) return status;
  if (text.len && memchr(text.ptr, 0, text.len))
    return bt_error_set(reader->error, BT_IO,
                        "cannot read the rule database: a text in it has a NUL; it was changed by another program");
  *out = bt_rule_text_copy(text);
  return *out ? BT_OK : bt_error_no_memory(reader->error);
}

static bt_status read_pairs(row_reader *reader, int column, bt_string_pair **pairs, size_t *count) {
  bt_str json, key, value;
  bt_status status = read_text(reader, reader->rows, column, &json);
  if (status) return status;
  sqlite3_reset(reader->pairs);
  if (sqlite3_bind_text(reader->pairs, 1, json.ptr, (int)json.len, SQLITE_TRANSIENT) != SQLITE_OK)
    return bt_database_fail(reader->handle, "read", reader->error);
  int step;
  while ((step = sqlite3_step(reader->pairs)) == SQLITE_ROW) {
    status = read_text(reader, reader->pairs, 0, &key);
    if (!status) status = read_text(reader, reader->pairs, 1, &value);
    if (!status && !bt_string_pairs_add(pairs, count, key, value)) status = bt_error_no_memory(reader->error);
    if (status) return status;
  }
  return step == SQLITE_DONE ? BT_OK : bt_database_fail(reader->handle, "read", reader->error);
}

static int64_t read_override(row_reader *reader, int column) {
  return sqlite3_column_type(reader->rows, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(reader->rows, column);
}

static bt_status read_texts(row_reader *reader, bt_rule_fields *fields) {
  bt_status status = copy_column(reader, RULE_ID, &fields->id);
  if (!status) status = copy_column(reader, NAME, &fields->name);
  if (!status) status = copy_column(reader, DESCRIPTION, &fields->description);
  if (!status) status = copy_column(reader, DSL, &fields->dsl);
  if (!status && sqlite3_column_type(reader->rows, STORE) != SQLITE_NULL)
    status = copy_column(reader, STORE, &fields->store);
  if (!status) status = read_pairs(reader, LABELS, &fields->labels, &fields->label_count);
  if (!status) status = read_pairs(reader, ANNOTATIONS, &fields->annotations, &fields->annotation_count);
  return status;
}

static bt_status read_fields(row_reader *reader, bt_rule_fields *fields) {
  bt_rule_fields_init(fields);
  bt_str severity;
  bt_status status = read_texts(reader, fields);
  if (!status) status = read_text(reader, reader->rows, SEVERITY, &severity);
  if (!status && !bt_severity_parse(severity, &fields->severity))
    status = bt_error_set(reader->error, BT_IO,
                          "cannot read the rule database: it has a severity that is none; another program changed it");
  fields->has_severity = sqlite3_column_int(reader->rows, HAS_SEVERITY) != 0;
  fields->enabled = sqlite3_column_int(reader->rows, ENABLED) != 0;
  fields->shadow = sqlite3_column_int(reader->rows, SHADOW) != 0;
  fields->watch_all = sqlite3_column_int(reader->rows, WATCH_ALL) != 0;
  fields->settle_ns = read_override(reader, SETTLE_NS);
  fields->margin_ns = read_override(reader, MARGIN_NS);
  fields->clock_skew_ns = read_override(reader, CLOCK_SKEW_NS);
  fields->require_complete = (int)read_override(reader, REQUIRE_COMPLETE);
  fields->budget = read_override(reader, BUDGET);
  fields->links_sampled = (int)read_override(reader, LINKS_SAMPLED);
  if (status) bt_rule_fields_dispose(fields);
  return status;
}

static bt_rule_record read_record(row_reader *reader) {
  return (bt_rule_record){.version = sqlite3_column_int64(reader->rows, VERSION),
                          .created_at_ns = sqlite3_column_int64(reader->rows, CREATED_AT_NS),
                          .updated_at_ns = sqlite3_column_int64(reader->rows, UPDATED_AT_NS),
                          .updated_by = (const char *)sqlite3_column_text(reader->rows, UPDATED_BY),
                          .condition_hash = (const char *)sqlite3_column_text(reader->rows, CONDITION_HASH)};
}

static bt_status read_definition(row_reader *reader, bt_rule_definition **out) {
  bt_rule_fields fields;
  bt_status status = read_fields(reader, &fields);
  if (status) return status;
  bt_rule_record record = read_record(reader);
  return bt_rule_definition_restore(&fields, &record, out, reader->error);
}

/* ---- rows that are not as they were written ---- */

/* A text that can be shown; else, and for want of memory, an empty one. */
static bt_str shown_text(row_reader *reader, int column) {
  const char *text = (const char *)sqlite3_column_text(reader->rows, column);
  bt_str whole = {text, text ? (size_t)sqlite3_column_bytes(reader->rows, column) : 0};
  return text && !memchr(text, 0, whole.len) && bt_utf8_valid(whole) ? whole : BT_STR("");
}

/* Its tenant, id and version say where it belongs, as far as they can be believed; its text is there to be looked at;
 * nothing else is taken. */
static bt_status read_damaged(row_reader *reader, const char *why, bt_rule_definition **out) {
  bt_rule_record record = read_record(reader);
  bt_str id = shown_text(reader, RULE_ID), tenant = shown_text(reader, TENANT);
  *out = NULL;
  if (!bt_rule_id_is_valid(id) || tenant.len != (size_t)sqlite3_column_bytes(reader->rows, TENANT)) return BT_OK;
  return bt_rule_definition_damaged(id, shown_text(reader, DSL), record.version, why, out, reader->error);
}

/* *why stays NULL for a row that is as it was written. */
static bt_status compare_seal(row_reader *reader, const char **why) {
  char checksum[BT_SHA256_HEX + 1];
  bt_status status = bt_row_seal(reader->rows, checksum, reader->error);
  if (status) return status;
  const char *sealed = (const char *)sqlite3_column_text(reader->rows, ROW_COLUMN_COUNT);
  if (!sealed)
    *why = "it has no checksum, so betrace did not write it, or the checksum was lost";
  else if (strcmp(sealed, checksum) != 0)
    *why = "it is not what was written: its checksum is another";
  return BT_OK;
}

static bt_status read_row(row_reader *reader, bt_stored_row *row) {
  bt_str tenant;
  bt_status status = read_text(reader, reader->rows, TENANT, &tenant);
  if (!status) status = compare_seal(reader, &row->damage);
  if (status) return status;
  status =
      row->damage ? read_damaged(reader, row->damage, &row->definition) : read_definition(reader, &row->definition);
  row->tenant = tenant.ptr;
  row->id = (const char *)sqlite3_column_text(reader->rows, RULE_ID);
  row->version = sqlite3_column_int64(reader->rows, VERSION);
  row->is_deletion = sqlite3_column_int(reader->rows, IS_DELETION) != 0;
  return status;
}

static bt_status visit_rows(row_reader *reader, bt_rule_rows_visit visit, void *context) {
  int step;
  while ((step = sqlite3_step(reader->rows)) == SQLITE_ROW) {
    bt_stored_row row = {0};
    bt_status status = read_row(reader, &row);
    if (!status) status = visit(context, &row, reader->error);
    if (status) return status;
  }
  return step == SQLITE_DONE ? BT_OK : bt_database_fail(reader->handle, "read", reader->error);
}

static bt_status read_all(sqlite3 *handle, const char *sql, const char *tenant, const char *id,
                          bt_rule_rows_visit visit, void *context, bt_error *error) {
  row_reader reader = {.handle = handle, .error = error};
  bt_status status;
  if (sqlite3_prepare_v2(handle, sql, -1, &reader.rows, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(handle, "SELECT key, value FROM json_each(?)", -1, &reader.pairs, NULL) != SQLITE_OK ||
      (tenant && !bind_text(reader.rows, 0, tenant)) || (id && !bind_text(reader.rows, 1, id)))
    status = bt_database_fail(handle, "read", error);
  else
    status = visit_rows(&reader, visit, context);
  sqlite3_finalize(reader.rows);
  sqlite3_finalize(reader.pairs);
  return status;
}

/* Each row with its seal, NULL where it has none. */
#define SEALED_ROWS                                                                                                    \
  "SELECT " ROW_COLUMNS ", checksum FROM rule_versions LEFT JOIN version_seals USING (tenant, rule_id, version) "

bt_status bt_rule_rows_all(sqlite3 *handle, bt_rule_rows_visit visit, void *context, bt_error *error) {
  return read_all(handle, SEALED_ROWS "ORDER BY tenant, rule_id, version", NULL, NULL, visit, context, error);
}

bt_status bt_rule_rows_history(sqlite3 *handle, const char *tenant, const char *id, bt_rule_rows_visit visit,
                               void *context, bt_error *error) {
  return read_all(handle, SEALED_ROWS "WHERE tenant = ? AND rule_id = ? ORDER BY version", tenant, id, visit, context,
                  error);
}

bt_status bt_rule_rows_changed(sqlite3 *handle, const char *tenant, int64_t since_ns, bt_rule_rows_visit visit,
                               void *context, bt_error *error) {
  char since[24];
  snprintf(since, sizeof since, "%" PRId64, since_ns);
  return read_all(handle,
                  SEALED_ROWS "WHERE tenant = ?1 AND rule_id IN (SELECT rule_id FROM rule_versions WHERE tenant = ?1 "
                              "AND updated_at_ns >= CAST(?2 AS INTEGER)) AND rule_id IN (SELECT rule_id FROM "
                              "rule_versions WHERE tenant = ?1 AND (instr(dsl, '@') OR instr(annotations, '_control') "
                              "OR instr(annotations, 'compliance_framework'))) ORDER BY rule_id, version",
                  tenant, since, visit, context, error);
}
