/* The bytes of a trace file, to be read at any place and more than once: a regular file as it lies on the disk. What
 * comes from a pipe, or has to be unpacked (unpacking.h), is kept in memory. Past a few MiB it goes into a temporary
 * file without a name (in TMPDIR, or /tmp), so that memory stays small. Thread: any may read at once. Only tempo/
 * includes this. */
#ifndef BT_TEMPO_FILES_FILE_CONTENT_H
#define BT_TEMPO_FILES_FILE_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"

typedef struct bt_file_content bt_file_content;

/* new. "-" is standard input. max_bytes: of the unpacked content (BT_LIMIT above it); 0: none for a regular file, 8 GiB
 * for what has to be unpacked or kept. BT_IO: it cannot be read. BT_INVALID: damaged gzip. Messages do not name the
 * file. */
bt_status bt_file_content_open(const char *path, uint64_t max_bytes, bt_file_content **out,
                               bt_error *error) BT_MUST_CHECK;
void bt_file_content_free(bt_file_content *content); /* NULL is fine */
uint64_t bt_file_content_size(const bt_file_content *content);
/* Exactly so many bytes. BT_IO also when the file is shorter now than it was. */
bt_status bt_file_content_read(const bt_file_content *content, uint64_t offset, char *out, size_t length,
                               bt_error *error) BT_MUST_CHECK;

#endif
