/* A SQLite VFS that stands before the real one and lets the n-th write or sync fail, as a full or dying disk does. */
#ifndef BT_TESTS_FAULTY_VFS_H
#define BT_TESTS_FAULTY_VFS_H

#include <stdbool.h>

void faulty_vfs_install(void); /* becomes the default for every database opened from now on */
/* From now on write or sync number `n` (from 0) and all later ones fail with this SQLite code. */
void faulty_vfs_fail_after(int n, int code);
/* All work again. True when one has failed since. */
bool faulty_vfs_stop(void);

#endif
