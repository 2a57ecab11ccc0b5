/* SQLite's online backup into a file next to the wanted one, which gets its name last. See backup.h. The copy leaves
 * WAL mode, so that it is one file; a service that opens it goes back. */
#include "server/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/store/database.h"
#include "server/store/migrations.h"

enum { PATH_BYTES = 4096, BUSY_TIMEOUT_MS = 5000 };

static bt_status open_source(const char *path, sqlite3 **out, bt_error *error) {
  if (access(path, F_OK) != 0)
    return bt_error_set(error, BT_NOT_FOUND, "there is no rule database %.200s: say which with --db", path);
  if (sqlite3_open_v2(path, out, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return bt_database_fail(*out, "read", error);
  sqlite3_extended_result_codes(*out, 1);
  sqlite3_busy_timeout(*out, BUSY_TIMEOUT_MS);
  return bt_migrations_check(*out, path, error);
}

/* All pages in one step: a step holds the reader's view, and in WAL mode no writer waits for it. */
static bt_status copy_pages(sqlite3 *from, sqlite3 *to, bt_error *error) {
  sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
  if (!backup) return bt_database_fail(to, "back up", error);
  int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return BT_OK;
  /* The finished backup left its error in the destination, unless the source was the one that could not be read. */
  bool is_source = (sqlite3_errcode(from) & 0xFF) != SQLITE_OK;
  return bt_database_fail(is_source ? from : to, "back up", error);
}

static bt_status finish_copy(sqlite3 *copy, const char *path, bt_backup_result *out, bt_error *error) {
  bt_status status = bt_database_execute(copy, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", "back up", error);
  if (!status) status = bt_database_check(copy, path, error);
  if (!status)
    status = bt_database_integer(copy, "SELECT count(*) FROM rule_versions", "back up", &out->versions, error);
  if (!status)
    status = bt_database_integer(copy, "SELECT count(*) FROM (SELECT DISTINCT tenant, rule_id FROM rule_versions)",
                                 "back up", &out->rules, error);
  return status;
}

static bt_status fail_file(const char *file, const char *doing, bt_error *error) {
  if (errno == EEXIST)
    return bt_error_set(error, BT_CONFLICT, "%.200s is there already: name a file that is not", file);
  return bt_error_set(error, BT_IO, "%.200s cannot be %s: %s", file, doing, strerror(errno));
}

/* An empty file for its owner alone: SQLite would make one for everybody. */
static bt_status make_private(const char *path, bt_error *error) {
  int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return fail_file(path, "made", error);
  close(fd);
  return BT_OK;
}

static bt_status write_copy(sqlite3 *source, const char *path, bt_backup_result *out, bt_error *error) {
  sqlite3 *copy = NULL;
  bt_status status = make_private(path, error);
  if (status) return status;
  if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    status = bt_database_fail(copy, "back up", error);
  if (!status) sqlite3_extended_result_codes(copy, 1);
  if (!status) status = copy_pages(source, copy, error);
  if (!status) status = finish_copy(copy, path, out, error);
  sqlite3_close(copy);
  return status;
}

static bt_status sync_path(const char *path, int flags, bt_error *error) {
  int fd = open(path, flags | O_CLOEXEC);
  bool is_synced = fd >= 0 && fsync(fd) == 0;
  bt_status status = is_synced ? BT_OK : fail_file(path, "written", error);
  if (fd >= 0) close(fd);
  return status;
}

/* The name comes last: a link is made only where nothing is, and then the folder is put on the disk too. */
static bt_status give_name(const char *part, const char *file, bt_error *error) {
  char folder[PATH_BYTES];
  const char *slash = strrchr(file, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".");
  bt_status status = sync_path(part, O_RDWR, error);
  if (!status && link(part, file) != 0) status = fail_file(file, "made", error);
  return status ? status : sync_path(folder, O_RDONLY | O_DIRECTORY, error);
}

/* With what SQLite left beside it when it failed. */
static void remove_part(const char *part) {
  static const char *const endings[] = {"", "-journal", "-wal", "-shm"};
  char name[PATH_BYTES + 16];
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    snprintf(name, sizeof name, "%s%s", part, endings[i]);
    unlink(name);
  }
}

bt_status bt_rule_store_backup(const char *database, const char *file, bt_backup_result *out, bt_error *error) {
  char part[PATH_BYTES];
  sqlite3 *source = NULL;
  *out = (bt_backup_result){0};
  int length = snprintf(part, sizeof part, "%s.part.%ld", file, (long)getpid());
  if (length < 0 || (size_t)length >= sizeof part)
    return bt_error_set(error, BT_INVALID, "the path is too long: expected at most 4,000 bytes, got %zu", strlen(file));
  if (access(file, F_OK) == 0) return errno = EEXIST, fail_file(file, "made", error);
  bt_status status = open_source(database, &source, error);
  if (!status) status = write_copy(source, part, out, error);
  sqlite3_close(source);
  if (!status) status = give_name(part, file, error);
  remove_part(part);
  return status;
}
