/* See faulty_vfs.h. A file is our struct with the real file right behind it; every method passes on, and three of them
 * may fail. */
#include "tests/server/faulty_vfs.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>

static sqlite3_vfs *real_vfs, faulty_vfs;
static atomic_int remaining = INT_MAX, fault_code;
static atomic_bool has_failed;

typedef struct faulty_file {
  sqlite3_file base;
  sqlite3_file *real;
} faulty_file;

static sqlite3_file *real(sqlite3_file *file) {
  return ((faulty_file *)file)->real;
}

static bool refuse(void) {
  if (atomic_load(&remaining) == INT_MAX) return false;
  if (atomic_fetch_sub(&remaining, 1) > 0) return false;
  atomic_store(&remaining, 0);
  atomic_store(&has_failed, true);
  return true;
}

void faulty_vfs_fail_after(int n, int code) {
  atomic_store(&fault_code, code);
  atomic_store(&has_failed, false);
  atomic_store(&remaining, n);
}

bool faulty_vfs_stop(void) {
  atomic_store(&remaining, INT_MAX);
  return atomic_load(&has_failed);
}

static int file_close(sqlite3_file *f) {
  return real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
}
static int file_read(sqlite3_file *f, void *to, int count, sqlite3_int64 at) {
  return real(f)->pMethods->xRead(real(f), to, count, at);
}
static int file_write(sqlite3_file *f, const void *from, int count, sqlite3_int64 at) {
  return refuse() ? atomic_load(&fault_code) : real(f)->pMethods->xWrite(real(f), from, count, at);
}
static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
  return refuse() ? atomic_load(&fault_code) : real(f)->pMethods->xTruncate(real(f), size);
}
static int file_sync(sqlite3_file *f, int flags) {
  return refuse() ? atomic_load(&fault_code) : real(f)->pMethods->xSync(real(f), flags);
}
static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
  return real(f)->pMethods->xFileSize(real(f), size);
}
static int file_lock(sqlite3_file *f, int level) {
  return real(f)->pMethods->xLock(real(f), level);
}
static int file_unlock(sqlite3_file *f, int level) {
  return real(f)->pMethods->xUnlock(real(f), level);
}
static int file_check_lock(sqlite3_file *f, int *out) {
  return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
static int file_control(sqlite3_file *f, int op, void *argument) {
  return real(f)->pMethods->xFileControl(real(f), op, argument);
}
static int file_sector(sqlite3_file *f) {
  return real(f)->pMethods->xSectorSize(real(f));
}
static int file_traits(sqlite3_file *f) {
  return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
  return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
static int file_shm_lock(sqlite3_file *f, int offset, int count, int flags) {
  return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *f) {
  real(f)->pMethods->xShmBarrier(real(f));
}
static int file_shm_unmap(sqlite3_file *f, int remove) {
  return real(f)->pMethods->xShmUnmap(real(f), remove);
}

/* Version 2: shared memory for the WAL, no memory mapping of the file, so that every write passes here. */
static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = file_close,
                                           .xRead = file_read,
                                           .xWrite = file_write,
                                           .xTruncate = file_truncate,
                                           .xSync = file_sync,
                                           .xFileSize = file_size,
                                           .xLock = file_lock,
                                           .xUnlock = file_unlock,
                                           .xCheckReservedLock = file_check_lock,
                                           .xFileControl = file_control,
                                           .xSectorSize = file_sector,
                                           .xDeviceCharacteristics = file_traits,
                                           .xShmMap = file_shm_map,
                                           .xShmLock = file_shm_lock,
                                           .xShmBarrier = file_shm_barrier,
                                           .xShmUnmap = file_shm_unmap};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
  (void)vfs;
  faulty_file *self = (faulty_file *)file;
  self->real = (sqlite3_file *)(self + 1);
  int result = real_vfs->xOpen(real_vfs, name, self->real, flags, out_flags);
  self->base.pMethods = self->real->pMethods ? &methods : NULL;
  return result;
}

void faulty_vfs_install(void) {
  real_vfs = sqlite3_vfs_find(NULL);
  faulty_vfs = *real_vfs; /* its other methods use nothing of the file but its path */
  faulty_vfs.zName = "faulty";
  faulty_vfs.szOsFile = real_vfs->szOsFile + (int)sizeof(faulty_file);
  faulty_vfs.xOpen = open_file;
  sqlite3_vfs_register(&faulty_vfs, 1);
}
