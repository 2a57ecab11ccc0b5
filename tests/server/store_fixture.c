/* See store_fixture.h. */
#include "tests/server/store_fixture.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/store/row_seal.h"

static void stop(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  abort();
}

void store_folder_make(store_folder *folder) {
  const char *base = getenv("TMPDIR");
  snprintf(folder->path, sizeof folder->path, "%.200s/betrace-store-XXXXXX", base && base[0] ? base : P_tmpdir);
  if (!mkdtemp(folder->path)) stop(folder->path, "cannot be made");
  snprintf(folder->database, sizeof folder->database, "%s/rules.db", folder->path);
}

void store_folder_remove(store_folder *folder) {
  DIR *listing = opendir(folder->path);
  if (!listing) stop(folder->path, "cannot be read");
  for (struct dirent *entry; (entry = readdir(listing));) {
    char name[600];
    snprintf(name, sizeof name, "%s/%s", folder->path, entry->d_name);
    if (entry->d_name[0] != '.') unlink(name);
  }
  closedir(listing);
  if (rmdir(folder->path) != 0) stop(folder->path, "is not empty after the test");
}

bt_rule_definition *make_definition(const char *id, const char *dsl) {
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  fields.id = strdup(id);
  fields.dsl = strdup(dsl ? dsl : "when { pii.read } always { audit.log }");
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_error error = {0};
  bt_rule_definition *definition = NULL;
  if (bt_rule_definition_new(&fields, &definition, &diagnostics, &error)) stop(id, error.message);
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

bt_rule_store *open_store(const char *path) {
  bt_error error = {0};
  bt_rule_store *store = NULL;
  if (bt_rule_store_open(path, 0, &store, &error)) stop(path, error.message);
  return store;
}

void run_sql(const char *path, const char *sql) {
  sqlite3 *handle = NULL;
  char *message = NULL;
  if (sqlite3_open(path, &handle) != SQLITE_OK || sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
    stop(sql, message ? message : sqlite3_errmsg(handle));
  sqlite3_close(handle);
}

void seal_rows(const char *path) {
  sqlite3 *handle = NULL;
  bt_error error = {0};
  if (sqlite3_open(path, &handle) != SQLITE_OK || bt_row_seals_add_missing(handle, &error)) stop(path, error.message);
  sqlite3_close(handle);
}

bool sql_is_refused(const char *path, const char *sql, const char *expected) {
  sqlite3 *handle = NULL;
  char *message = NULL;
  if (sqlite3_open(path, &handle) != SQLITE_OK) stop(path, "cannot be opened");
  bool is_refused =
      sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK && message && strstr(message, expected);
  sqlite3_free(message);
  sqlite3_close(handle);
  return is_refused;
}
