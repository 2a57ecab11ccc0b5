/* See file_lock.h. The locks of this process are in a list, by device and inode. */
#include "server/store/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct bt_file_lock {
  int descriptor;
  struct stat file; /* when it was locked */
  bt_file_lock *next;
};

static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static bt_file_lock *held; /* behind held_lock */

static bool is_same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_held_here(const char *path) {
  struct stat file;
  if (stat(path, &file)) return false;
  for (const bt_file_lock *lock = held; lock; lock = lock->next)
    if (is_same_file(&lock->file, &file)) return true;
  return false;
}

static bt_status say_taken(const char *path, bt_error *error) {
  return bt_error_set(
      error, BT_REFUSED,
      "another betrace has the rule database %.200s open; stop it, or give this one a database of its own", path);
}

static bt_status open_and_lock(const char *path, bt_file_lock *lock, bt_error *error) {
  lock->descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (lock->descriptor < 0)
    return bt_error_set(
        error, BT_IO,
        "the rule database %.200s cannot be opened (%s): its directory must exist and be writable by the service", path,
        strerror(errno));
  if (flock(lock->descriptor, LOCK_EX | LOCK_NB))
    return errno == EWOULDBLOCK
               ? say_taken(path, error)
               : bt_error_set(error, BT_IO, "the rule database %.200s cannot be locked: %s", path, strerror(errno));
  if (fstat(lock->descriptor, &lock->file))
    return bt_error_set(error, BT_IO, "the rule database %.200s cannot be looked at: %s", path, strerror(errno));
  if (!S_ISREG(lock->file.st_mode))
    return bt_error_set(error, BT_IO, "the rule database %.200s has to be a file", path);
  return BT_OK;
}

static bt_status take_lock(const char *path, bt_file_lock *lock, bt_error *error) {
  if (is_held_here(path)) return say_taken(path, error);
  bt_status status = open_and_lock(path, lock, error);
  if (status) return status;
  lock->next = held;
  held = lock;
  return BT_OK;
}

bt_status bt_file_lock_take(const char *path, bt_file_lock **out, bt_error *error) {
  *out = NULL;
  if (strcmp(path, ":memory:") == 0 || path[0] == '\0') return BT_OK;
  if (strlen(path) > 4000)
    return bt_error_set(error, BT_INVALID,
                        "the path of the rule database is too long: expected at most 4,000 bytes, got %zu",
                        strlen(path));
  bt_file_lock *lock = calloc(1, sizeof *lock);
  if (!lock) return bt_error_no_memory(error);
  lock->descriptor = -1;
  pthread_mutex_lock(&held_lock);
  bt_status status = take_lock(path, lock, error);
  pthread_mutex_unlock(&held_lock);
  if (!status) return *out = lock, BT_OK;
  if (lock->descriptor >= 0) close(lock->descriptor);
  free(lock);
  return status;
}

bt_status bt_file_lock_still_holds(const bt_file_lock *lock, const char *path, bt_error *error) {
  struct stat now;
  if (stat(path, &now) == 0 && is_same_file(&now, &lock->file)) return BT_OK;
  return bt_error_set(error, BT_IO,
                      "the rule database %.200s was replaced while it was opened; start again when nobody touches it",
                      path);
}

/* Rules say what is looked for and their history who changed them: nobody else's to read. A file that is not ours but
 * that we may use is the business of who gave it to us. */
bt_status bt_file_lock_keep_private(const bt_file_lock *lock, const char *path, bt_error *error) {
  static const char *const endings[] = {"-wal", "-shm"};
  char name[4096 + 8];
  if (lock->file.st_mode & 077 && fchmod(lock->descriptor, 0600) && errno != EPERM)
    return bt_error_set(error, BT_IO, "the rule database %.200s cannot be kept from others (chmod 600): %s", path,
                        strerror(errno));
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    struct stat beside;
    int length = snprintf(name, sizeof name, "%s%s", path, endings[i]);
    if (length > 0 && (size_t)length < sizeof name && lstat(name, &beside) == 0 && beside.st_mode & 077 &&
        chmod(name, 0600) && errno != EPERM && errno != ENOENT)
      return bt_error_set(error, BT_IO, "%.200s cannot be kept from others (chmod 600): %s", name, strerror(errno));
  }
  return BT_OK;
}

void bt_file_lock_release(bt_file_lock *lock) {
  if (!lock) return;
  pthread_mutex_lock(&held_lock);
  for (bt_file_lock **link = &held; *link; link = &(*link)->next)
    if (*link == lock) {
      *link = lock->next;
      break;
    }
  pthread_mutex_unlock(&held_lock);
  close(lock->descriptor);
  free(lock);
}
