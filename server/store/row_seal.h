/* Seals: a checksum of each row of rule_versions, kept in a table of its own. A row that changed differs from its seal,
 * a row that is gone leaves its seal behind, and one that this program did not write has none. It finds damage and
 * hands that know no better; who can write the file and computes seals as we do is not found out. For server/store
 * alone. Thread: the caller's connection. */
#ifndef BT_SERVER_STORE_ROW_SEAL_H
#define BT_SERVER_STORE_ROW_SEAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/base/sha256.h"

/* The checksum of a row that has ROW_COLUMNS as its first columns: SHA-256 (sha256.h) over "betrace.row.1" and for each
 * column its kind
 * ("n": NULL, "i": an integer, "t": a text) and its bytes: nothing, decimal digits, the text. BT_NO_MEMORY alone. */
bt_status bt_row_seal(sqlite3_stmt *row, char out[BT_SHA256_HEX + 1], bt_error *error) BT_MUST_CHECK;
/* Seals every row that has no seal: for the step of the schema that brings seals. BT_IO, BT_NO_MEMORY. */
bt_status bt_row_seals_add_missing(sqlite3 *handle, bt_error *error) BT_MUST_CHECK;
/* Seals one row, which was just added. BT_IO: also where it is not there. BT_NO_MEMORY. */
bt_status bt_row_seals_add(sqlite3 *handle, const char *tenant, const char *id, int64_t version,
                           bt_error *error) BT_MUST_CHECK;

/* Seals without a row, by tenant, id and version. */
typedef struct bt_lost_row {
  const char *tenant, *id; /* borrowed until the visit returns */
  int64_t version;
  bool is_latest; /* no row of this id has a higher version */
} bt_lost_row;
typedef bt_status (*bt_lost_row_visit)(void *context, const bt_lost_row *row, bt_error *error);
/* BT_IO, BT_NO_MEMORY, or what the visit returned. */
bt_status bt_row_seals_lost(sqlite3 *handle, bt_lost_row_visit visit, void *context, bt_error *error) BT_MUST_CHECK;

#endif
