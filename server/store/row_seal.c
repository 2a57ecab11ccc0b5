/* Seals of rows: made, and looked for where their row is gone. See row_seal.h. */
#include "server/store/row_seal.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/store/database.h"
#include "server/store/row_columns.h"

/* One column as two fields, its kind and its bytes. `digits` holds those of an integer. false: no memory. */
static bool take_column(sqlite3_stmt *row, int column, char digits[24], bt_str fields[2]) {
  int type = sqlite3_column_type(row, column);
  if (type == SQLITE_NULL) return fields[0] = BT_STR("n"), fields[1] = BT_STR(""), true;
  if (type == SQLITE_INTEGER) {
    int length = snprintf(digits, 24, "%" PRId64, (int64_t)sqlite3_column_int64(row, column));
    return fields[0] = BT_STR("i"), fields[1] = (bt_str){digits, (size_t)length}, true;
  }
  const char *text = (const char *)sqlite3_column_text(row, column);
  fields[0] = BT_STR("t");
  fields[1] = (bt_str){text, (size_t)sqlite3_column_bytes(row, column)};
  return text != NULL;
}

/* Columns of later schemas count up to the last that says something: what was sealed before them is as it was. */
static int columns_that_count(sqlite3_stmt *row) {
  int count = ROW_COLUMN_COUNT;
  while (count > FIRST_COLUMN_COUNT && sqlite3_column_type(row, count - 1) == SQLITE_NULL) count--;
  return count;
}

bt_status bt_row_seal(sqlite3_stmt *row, char out[BT_SHA256_HEX + 1], bt_error *error) {
  bt_str fields[1 + 2 * ROW_COLUMN_COUNT] = {BT_STR("betrace.row.1")};
  char digits[ROW_COLUMN_COUNT][24];
  bt_sha256 hash;
  for (int i = 0; i < ROW_COLUMN_COUNT; i++)
    if (!take_column(row, i, digits[i], &fields[1 + 2 * i])) return bt_error_no_memory(error);
  bt_status status = bt_sha256_fields(fields, 1 + 2 * (size_t)columns_that_count(row), &hash, error);
  if (!status) bt_sha256_format(&hash, out);
  return status;
}

static bt_status write_seal(sqlite3 *handle, sqlite3_stmt *row, bt_error *error) {
  char checksum[BT_SHA256_HEX + 1];
  sqlite3_stmt *statement = NULL;
  bt_status status = bt_row_seal(row, checksum, error);
  if (status) return status;
  if (sqlite3_prepare_v2(handle, "INSERT INTO version_seals (tenant, rule_id, version, checksum) VALUES (?, ?, ?, ?)",
                         -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_bind_value(statement, 1, sqlite3_column_value(row, TENANT)) != SQLITE_OK ||
      sqlite3_bind_value(statement, 2, sqlite3_column_value(row, RULE_ID)) != SQLITE_OK ||
      sqlite3_bind_int64(statement, 3, sqlite3_column_int64(row, VERSION)) != SQLITE_OK ||
      sqlite3_bind_text(statement, 4, checksum, -1, SQLITE_STATIC) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_DONE)
    status = bt_database_fail(handle, "write", error);
  sqlite3_finalize(statement);
  return status;
}

/* Seals what a query gives, and counts it. */
static bt_status seal_rows(sqlite3 *handle, sqlite3_stmt *rows, size_t *count, bt_error *error) {
  int step;
  bt_status status = BT_OK;
  for (; !status && (step = sqlite3_step(rows)) == SQLITE_ROW; ++*count) status = write_seal(handle, rows, error);
  if (status) return status;
  return step == SQLITE_DONE ? BT_OK : bt_database_fail(handle, "read", error);
}

/* For rows of the first schema. */
bt_status bt_row_seals_add_missing(sqlite3 *handle, bt_error *error) {
  sqlite3_stmt *rows = NULL;
  size_t count = 0;
  bt_status status = BT_OK;
  if (sqlite3_prepare_v2(handle,
                         "SELECT " FIRST_ROW_COLUMNS
                         ", NULL, NULL, NULL FROM rule_versions AS r WHERE NOT EXISTS (SELECT 1 FROM version_seals "
                         "AS s WHERE s.tenant = r.tenant AND s.rule_id = r.rule_id AND s.version = r.version)",
                         -1, &rows, NULL) != SQLITE_OK)
    status = bt_database_fail(handle, "read", error);
  else
    status = seal_rows(handle, rows, &count, error);
  sqlite3_finalize(rows);
  return status;
}

/* The row is read back, so that what is sealed is what the database holds. */
bt_status bt_row_seals_add(sqlite3 *handle, const char *tenant, const char *id, int64_t version, bt_error *error) {
  sqlite3_stmt *row = NULL;
  size_t count = 0;
  bt_status status;
  if (sqlite3_prepare_v2(handle,
                         "SELECT " ROW_COLUMNS " FROM rule_versions WHERE tenant = ? AND rule_id = ? AND version = ?",
                         -1, &row, NULL) != SQLITE_OK ||
      sqlite3_bind_text(row, 1, tenant, -1, SQLITE_STATIC) != SQLITE_OK ||
      sqlite3_bind_text(row, 2, id, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_bind_int64(row, 3, version) != SQLITE_OK)
    status = bt_database_fail(handle, "read", error);
  else
    status = seal_rows(handle, row, &count, error);
  if (!status && count != 1)
    status = bt_error_set(error, BT_IO, "cannot write the rule database: a row that was just written is not there");
  sqlite3_finalize(row);
  return status;
}

static bt_status visit_lost(sqlite3 *handle, sqlite3_stmt *seals, bt_lost_row_visit visit, void *context,
                            bt_error *error) {
  int step;
  while ((step = sqlite3_step(seals)) == SQLITE_ROW) {
    bt_lost_row lost = {.tenant = (const char *)sqlite3_column_text(seals, 0),
                        .id = (const char *)sqlite3_column_text(seals, 1),
                        .version = sqlite3_column_int64(seals, 2),
                        .is_latest = sqlite3_column_int(seals, 3) != 0};
    bt_status status = lost.tenant && lost.id ? visit(context, &lost, error) : bt_error_no_memory(error);
    if (status) return status;
  }
  return step == SQLITE_DONE ? BT_OK : bt_database_fail(handle, "read", error);
}

bt_status bt_row_seals_lost(sqlite3 *handle, bt_lost_row_visit visit, void *context, bt_error *error) {
  static const char sql[] =
      "SELECT tenant, rule_id, version, version > (SELECT coalesce(max(version), 0) FROM rule_versions AS r WHERE "
      "r.tenant = s.tenant AND r.rule_id = s.rule_id) FROM version_seals AS s WHERE NOT EXISTS (SELECT 1 FROM "
      "rule_versions AS r WHERE r.tenant = s.tenant AND r.rule_id = s.rule_id AND r.version = s.version) "
      "ORDER BY tenant, rule_id, version";
  sqlite3_stmt *seals = NULL;
  bt_status status = sqlite3_prepare_v2(handle, sql, -1, &seals, NULL) == SQLITE_OK
                         ? visit_lost(handle, seals, visit, context, error)
                         : bt_database_fail(handle, "read", error);
  sqlite3_finalize(seals);
  return status;
}
