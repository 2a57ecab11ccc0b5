/* The bytes of a trace file. See file_content.h. */
#include "tempo/files/file_content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/base/text.h"
#include "tempo/files/unpacking.h"

enum { PIECE_BYTES = 64 * 1024, MEMORY_BYTES = 16 << 20 };
static const uint64_t default_max_kept_bytes = (uint64_t)8 << 30;

struct bt_file_content {
  int descriptor; /* of the file, or of the temporary one; -1: in memory */
  uint64_t size;
  bt_buffer memory; /* what is kept, while it is small */
};

static bt_status no_read(bt_error *error) {
  return bt_error_set(error, BT_IO, "it cannot be read: %s", strerror(errno));
}

/* ---- keeping what cannot be read twice ---- */

typedef struct keeper {
  bt_file_content *content;
  uint64_t max_bytes;
  bool is_unpacking;
} keeper;

static bt_status no_spool(bt_error *error) {
  return bt_error_set(error, BT_IO, "its content cannot be kept in a temporary file (TMPDIR says where): %s",
                      strerror(errno));
}

static bt_status open_spool(bt_file_content *content, bt_error *error) {
  const char *folder = getenv("TMPDIR");
  char path[512];
  int length = snprintf(path, sizeof path, "%s/betrace-traces-XXXXXX", folder && *folder ? folder : "/tmp");
  if (length < 0 || (size_t)length >= sizeof path) return bt_error_set(error, BT_INVALID, "TMPDIR is too long");
  content->descriptor = mkostemp(path, O_CLOEXEC);
  if (content->descriptor < 0) return no_spool(error);
  unlink(path); /* it goes with its descriptor */
  return BT_OK;
}

static bt_status write_spool(bt_file_content *content, bt_str piece, bt_error *error) {
  while (piece.len) {
    ssize_t written = write(content->descriptor, piece.ptr, piece.len);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return no_spool(error);
    piece = (bt_str){piece.ptr + written, piece.len - (size_t)written};
  }
  return BT_OK;
}

static bt_status move_to_spool(bt_file_content *content, bt_error *error) {
  bt_status status = open_spool(content, error);
  if (status == BT_OK) status = write_spool(content, bt_buffer_str(&content->memory), error);
  bt_buffer_dispose(&content->memory);
  return status;
}

static bt_status keep_piece(void *context, bt_str piece, bt_error *error) {
  keeper *k = context;
  bt_file_content *content = k->content;
  if (piece.len > k->max_bytes - content->size)
    return bt_error_set(error, BT_LIMIT,
                        k->is_unpacking ? "unpacked it is larger than the %llu bytes allowed"
                                        : "it is larger than the %llu bytes that are still allowed",
                        (unsigned long long)k->max_bytes);
  content->size += piece.len;
  if (content->descriptor < 0 && content->size > MEMORY_BYTES) {
    bt_status status = move_to_spool(content, error);
    if (status != BT_OK) return status;
  }
  if (content->descriptor >= 0) return write_spool(content, piece, error);
  bt_buffer_append(&content->memory, piece);
  return content->memory.failed ? bt_error_no_memory(error) : BT_OK;
}

static bt_status read_piece(int descriptor, char *piece, size_t capacity, size_t *length, bt_error *error) {
  ssize_t got;
  do got = read(descriptor, piece, capacity);
  while (got < 0 && errno == EINTR);
  *length = got > 0 ? (size_t)got : 0;
  return got < 0 ? no_read(error) : BT_OK;
}

static bt_status keep_all(bt_unpacking *unpacking, int descriptor, bt_str start, bt_error *error) {
  char piece[PIECE_BYTES];
  bt_status status = BT_OK;
  while (status == BT_OK && start.len) {
    status = bt_unpacking_feed(unpacking, start, error);
    start = (bt_str){piece, 0};
    if (status == BT_OK) status = read_piece(descriptor, piece, sizeof piece, &start.len, error);
  }
  return status == BT_OK ? bt_unpacking_end(unpacking, error) : status;
}

static bt_status keep_content(bt_file_content *content, int descriptor, bt_str start, uint64_t max_bytes,
                              bt_error *error) {
  keeper k = {.content = content, .max_bytes = max_bytes ? max_bytes : default_max_kept_bytes};
  bt_unpacking *unpacking = NULL;
  k.is_unpacking = bt_unpacking_is_needed(start);
  bt_status status = bt_unpacking_new(start, keep_piece, &k, &unpacking, error);
  if (status == BT_OK) status = keep_all(unpacking, descriptor, start, error);
  bt_unpacking_free(unpacking);
  return status;
}

/* ---- opening ---- */

static bt_status fill_content(bt_file_content *content, const char *path, uint64_t max_bytes, bt_error *error) {
  bool is_stdin = strcmp(path, "-") == 0;
  char start[PIECE_BYTES];
  size_t length, more = 1;
  struct stat about;
  bt_status status = BT_OK;
  int descriptor = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return bt_error_set(error, BT_IO, "it cannot be opened: %s", strerror(errno));
  bool is_regular = !is_stdin && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
  /* As many bytes as there are, up to the capacity: pipes give them as they come. */
  for (length = 0; status == BT_OK && more && length < sizeof start; length += more)
    status = read_piece(descriptor, start + length, sizeof start - length, &more, error);
  if (status == BT_OK && (!is_regular || bt_unpacking_is_needed((bt_str){start, length}))) {
    status = keep_content(content, descriptor, (bt_str){start, length}, max_bytes, error);
  } else if (status == BT_OK && max_bytes && (uint64_t)about.st_size > max_bytes) {
    status = bt_error_set(error, BT_LIMIT, "it is larger than the %llu bytes that are still allowed",
                          (unsigned long long)max_bytes);
  } else if (status == BT_OK) {
    content->descriptor = descriptor; /* the content has it now */
    content->size = (uint64_t)about.st_size;
    return BT_OK;
  }
  close(descriptor);
  return status;
}

bt_status bt_file_content_open(const char *path, uint64_t max_bytes, bt_file_content **out, bt_error *error) {
  bt_file_content *content = *out = calloc(1, sizeof *content);
  if (!content) return bt_error_no_memory(error);
  content->descriptor = -1;
  bt_status status = fill_content(content, path, max_bytes, error);
  if (status == BT_OK) return BT_OK;
  bt_file_content_free(content);
  *out = NULL;
  return status;
}

void bt_file_content_free(bt_file_content *content) {
  if (!content) return;
  if (content->descriptor >= 0) close(content->descriptor);
  bt_buffer_dispose(&content->memory);
  free(content);
}

uint64_t bt_file_content_size(const bt_file_content *content) {
  return content->size;
}

bt_status bt_file_content_read(const bt_file_content *content, uint64_t offset, char *out, size_t length,
                               bt_error *error) {
  if (offset > content->size || length > content->size - offset)
    return bt_error_set(error, BT_IO, "bytes past its end were asked for");
  if (content->descriptor < 0) {
    if (length) memcpy(out, content->memory.ptr + offset, length);
    return BT_OK;
  }
  while (length) {
    ssize_t got = pread(content->descriptor, out, length, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return no_read(error);
    if (got == 0) return bt_error_set(error, BT_IO, "it was cut short while it was read");
    out += got;
    offset += (uint64_t)got;
    length -= (size_t)got;
  }
  return BT_OK;
}
