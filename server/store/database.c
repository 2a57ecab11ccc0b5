/* Opening the rule database and speaking about its errors. WAL with synchronous=FULL: a commit that returned is on the
 * disk. The connection is defensive (no writable schema, no double-quoted strings, an untrusted schema), so that a
 * tampered file can do less. With an untrusted schema this SQLite refuses JSON functions inside the schema: no CHECK
 * may use them. One thread at a time. */
#include "server/store/database.h"

#include <string.h>
#include <time.h>

#include "server/base/clock.h"
#include "server/store/migrations.h"

enum {
  BUSY_TIMEOUT_MS = 5000,
  AGAIN_BUSY_MS = 200,
  BUSY_LOOK_MS = 10,
  MILLISECOND_NS = 1000000,
  LONGEST_VALUE_BYTES = 16 * 1024 * 1024
};

typedef struct explanation {
  int code; /* primary result code */
  bt_status status;
  const char *text;
} explanation;

static const explanation explanations[] = {
    {SQLITE_FULL, BT_IO, "the disk is full; free some space, nothing was changed"},
    {SQLITE_IOERR, BT_IO, "the disk does not read or write it; look at the system's log, nothing was changed"},
    {SQLITE_READONLY, BT_IO, "it is read-only; give the service the right to write the file and its directory"},
    {SQLITE_CANTOPEN, BT_IO,
     "it cannot be opened; its directory must exist and the service must have the right to write there"},
    {SQLITE_PERM, BT_IO, "the service has no right to it"},
    {SQLITE_AUTH, BT_IO, "the service has no right to it"},
    {SQLITE_BUSY, BT_IO, "another program holds a lock on it; end that program and try again"},
    {SQLITE_LOCKED, BT_IO, "another program holds a lock on it; end that program and try again"},
    {SQLITE_CORRUPT, BT_IO, "it is damaged; stop the service, keep a copy, and restore a backup"},
    {SQLITE_ERROR, BT_IO,
     "its tables are not what betrace made: it is damaged, or another program changed it; restore a backup"},
    {SQLITE_NOTADB, BT_IO, "it is not a database; move it away or name another file"},
    {SQLITE_TOOBIG, BT_LIMIT, "a value is too long for it"},
    {SQLITE_NOMEM, BT_NO_MEMORY, "out of memory"},
};

bt_status bt_database_fail(sqlite3 *handle, const char *doing, bt_error *error) {
  int code = handle ? sqlite3_extended_errcode(handle) : SQLITE_NOMEM;
  for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++)
    if (explanations[i].code == (code & 0xFF))
      return bt_error_set(error, explanations[i].status, "cannot %s the rule database: %s", doing,
                          explanations[i].text);
  return bt_error_set(error, BT_IO, "cannot %s the rule database: unexpected SQLite error %d", doing, code);
}

bt_status bt_database_execute(sqlite3 *handle, const char *sql, const char *doing, bt_error *error) {
  return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK ? BT_OK : bt_database_fail(handle, doing, error);
}

bt_status bt_database_integer(sqlite3 *handle, const char *sql, const char *doing, int64_t *out, bt_error *error) {
  sqlite3_stmt *statement = NULL;
  bt_status status = BT_OK;
  if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
    *out = sqlite3_column_int64(statement, 0);
  else
    status = bt_database_fail(handle, doing, error);
  sqlite3_finalize(statement);
  return status;
}

bt_status bt_database_begin(sqlite3 *handle, bt_error *error) {
  /* IMMEDIATE: a transaction that reads first and then writes can fail at its first write, whatever the timeout. */
  return bt_database_execute(handle, "BEGIN IMMEDIATE", "write", error);
}

void bt_database_rollback(sqlite3 *handle) {
  /* After some errors SQLite has rolled back already; another failure here leaves nothing to roll back either. */
  if (!sqlite3_get_autocommit(handle)) sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
}

bt_status bt_database_commit(sqlite3 *handle, bt_error *error) {
  bt_status status = bt_database_execute(handle, "COMMIT", "write", error);
  if (status) bt_database_rollback(handle);
  return status;
}

static bt_status configure_handle(sqlite3 *handle, bt_error *error) {
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  static const int settings[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                    {SQLITE_DBCONFIG_DQS_DML, 0},
                                    {SQLITE_DBCONFIG_DQS_DDL, 0}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    if (sqlite3_db_config(handle, settings[i][0], settings[i][1], NULL) != SQLITE_OK)
      return bt_database_fail(handle, "configure", error);
  return BT_OK;
}

bt_status bt_database_check(sqlite3 *handle, const char *path, bt_error *error) {
  sqlite3_stmt *statement = NULL;
  bt_status status = BT_OK;
  if (sqlite3_prepare_v2(handle, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW) {
    status = bt_database_fail(handle, "check", error);
  } else {
    const char *found = (const char *)sqlite3_column_text(statement, 0);
    if (!found || strcmp(found, "ok") != 0)
      status = bt_error_set(error, BT_IO,
                            "the rule database %.200s is damaged (%.120s); keep a copy, and put a backup in its place "
                            "(as \"betrace backup\" "
                            "makes one) or rebuild it with \"sqlite3 FILE .recover\" before starting again",
                            path, found ? found : "out of memory");
  }
  sqlite3_finalize(statement);
  return status;
}

/* Another program holds a lock: for a moment, or until somebody ends it. So those who come soon after one who waited in
 * vain wait little, or a line of writes would take its own length times the patience. Called by SQLite; 0: give up. */
static int wait_for_lock(void *context, int tries) {
  bt_database *database = context;
  int64_t now_ns = bt_clock_monotonic_ns();
  if (!tries) database->waits_since_ns = now_ns;
  int64_t since_ns = database->waits_since_ns, vain_ns = database->waited_in_vain_ns;
  bool is_again = vain_ns && since_ns - vain_ns < (int64_t)BUSY_TIMEOUT_MS * MILLISECOND_NS;
  int64_t patience_ns = (int64_t)(is_again ? AGAIN_BUSY_MS : BUSY_TIMEOUT_MS) * MILLISECOND_NS;
  if (atomic_load(&database->hurries) || now_ns - since_ns >= patience_ns) {
    database->waited_in_vain_ns = now_ns;
    return 0;
  }
  nanosleep(&(struct timespec){.tv_nsec = (long)BUSY_LOOK_MS * MILLISECOND_NS}, NULL);
  return 1;
}

static bt_status prepare_database(sqlite3 *handle, const char *path, bt_error *error) {
  bt_status status = configure_handle(handle, error);
  if (!status) status = bt_migrations_check(handle, path, error);
  if (!status) status = bt_database_check(handle, path, error);
  if (!status) status = bt_migrations_compare(handle, path, error);
  if (!status)
    status = bt_database_execute(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", "set up", error);
  if (!status) status = bt_migrations_run(handle, error);
  return status;
}

bt_status bt_database_open(const char *path, bt_database *out, bt_error *error) {
  *out = (bt_database){0};
  bt_status status = bt_file_lock_take(path, &out->lock, error);
  if (status) return status;
  bt_error detail = {0};
  if (sqlite3_open_v2(path, &out->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
      SQLITE_OK)
    status = bt_database_fail(out->handle, "open", &detail);
  else
    status = prepare_database(out->handle, path, &detail);
  if (!status && out->lock) status = bt_file_lock_still_holds(out->lock, path, &detail);
  if (!status && out->lock)
    status = bt_file_lock_keep_private(out->lock, sqlite3_db_filename(out->handle, "main"), &detail);
  if (!status) sqlite3_busy_handler(out->handle, wait_for_lock, out);
  if (!status) return BT_OK;
  /* This one is for who starts the service, so it names the file. */
  return strstr(detail.message, path) ? bt_error_set(error, status, "%s", detail.message)
                                      : bt_error_set(error, status, "%.200s: %.300s", path, detail.message);
}

void bt_database_close(bt_database *database) {
  sqlite3_close(database->handle);
  bt_file_lock_release(database->lock); /* last: see file_lock.h */
  *database = (bt_database){0};
}
