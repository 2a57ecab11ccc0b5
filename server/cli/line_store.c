/* Lines in the order of the traces that they are about. See line_store.h. */
#include "server/cli/line_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsl/base/arena.h"

enum { MEMORY_BYTES = 64 << 20 };

static bt_status no_file(bt_error *error) {
  return bt_error_set(error, BT_IO, "what is to be written cannot be kept in a temporary file (TMPDIR says where): %s",
                      strerror(errno));
}

static bt_status open_file(bt_line_store *store, bt_error *error) {
  const char *folder = getenv("TMPDIR");
  char path[512];
  int length = snprintf(path, sizeof path, "%s/betrace-lines-XXXXXX", folder && *folder ? folder : "/tmp");
  if (length < 0 || (size_t)length >= sizeof path) return bt_error_set(error, BT_INVALID, "TMPDIR is too long");
  store->descriptor = mkostemp(path, O_CLOEXEC);
  if (store->descriptor < 0) return no_file(error);
  unlink(path); /* it goes with its descriptor */
  return BT_OK;
}

static bt_status move_to_file(bt_line_store *store, bt_error *error) {
  bt_status status = store->descriptor < 0 ? open_file(store, error) : BT_OK;
  bt_str rest = bt_buffer_str(&store->recent);
  while (status == BT_OK && rest.len) {
    ssize_t written = write(store->descriptor, rest.ptr, rest.len);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return no_file(error);
    rest = (bt_str){rest.ptr + written, rest.len - (size_t)written};
  }
  if (status == BT_OK) bt_buffer_clear(&store->recent);
  return status;
}

static bt_stored_lines *make_room(bt_line_store *store) {
  bt_stored_lines *items = bt_grow_array(store->items, store->count, &store->capacity, sizeof *items);
  if (items) store->items = items;
  return items ? &items[store->count] : NULL;
}

bt_status bt_line_store_add(bt_line_store *store, const bt_trace *trace, bt_str text, bt_error *error) {
  if (!text.len) return BT_OK;
  bt_stored_lines *lines = make_room(store);
  bt_buffer_append(&store->recent, text);
  if (!lines || store->recent.failed) return bt_error_no_memory(error);
  *lines = (bt_stored_lines){trace->id, bt_trace_start_ns(trace), store->bytes, text.len};
  store->count++;
  store->bytes += text.len;
  return BT_OK;
}

bt_status bt_line_store_move(bt_line_store *to, bt_line_store *from, bt_error *error) {
  for (size_t i = 0; i < from->count; i++) {
    bt_stored_lines *lines = make_room(to);
    if (!lines) return bt_error_no_memory(error);
    *lines = from->items[i];
    lines->offset += to->bytes;
    to->count++;
  }
  bt_buffer_append(&to->recent, bt_buffer_str(&from->recent));
  to->bytes += from->bytes;
  bt_buffer_clear(&from->recent);
  from->count = 0;
  from->bytes = 0;
  if (to->recent.failed) return bt_error_no_memory(error);
  return bt_buffer_str(&to->recent).len > MEMORY_BYTES ? move_to_file(to, error) : BT_OK;
}

static int compare_lines(const void *left, const void *right) {
  const bt_stored_lines *a = left, *b = right;
  if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
  int order = bt_trace_id_compare(&a->id, &b->id);
  return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static bt_status give_from_file(const bt_line_store *store, const bt_stored_lines *lines, bt_line_sink sink,
                                void *context, bt_error *error) {
  char *text = malloc(lines->length);
  size_t done = 0;
  if (!text) return bt_error_no_memory(error);
  while (done < lines->length) {
    ssize_t came = pread(store->descriptor, text + done, lines->length - done, (off_t)(lines->offset + done));
    if (came < 0 && errno == EINTR) continue;
    if (came <= 0) break;
    done += (size_t)came;
  }
  bt_status status = done == lines->length ? sink(context, (bt_str){text, done}, error) : no_file(error);
  free(text);
  return status;
}

bt_status bt_line_store_give(bt_line_store *store, bt_line_sink sink, void *context, bt_error *error) {
  bt_str recent = bt_buffer_str(&store->recent);
  uint64_t in_file = store->bytes - recent.len;
  bt_status status = BT_OK;
  if (store->count) qsort(store->items, store->count, sizeof *store->items, compare_lines);
  for (size_t i = 0; status == BT_OK && i < store->count; i++) {
    const bt_stored_lines *lines = &store->items[i];
    bt_str text = {lines->offset < in_file ? NULL : recent.ptr + (lines->offset - in_file), lines->length};
    status = text.ptr ? sink(context, text, error) : give_from_file(store, lines, sink, context, error);
  }
  return status;
}

void bt_line_store_dispose(bt_line_store *store) {
  free(store->items);
  bt_buffer_dispose(&store->recent);
  if (store->descriptor >= 0) close(store->descriptor);
  *store = BT_LINE_STORE_EMPTY;
}
