/* A state machine over bytes; data are copied in runs. See chunks.h. */
#include "server/http/chunks.h"

enum { MAX_DIGITS = 8, MAX_PASSED_BYTES = 16 * 1024 };

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bt_chunks_state state_after_size(const bt_chunks *chunks) {
  return chunks->left_bytes ? BT_CHUNKS_DATA : BT_CHUNKS_TRAILER_START;
}

static bool take_size(bt_chunks *chunks, char c) {
  int value = hex_value(c);
  if (value >= 0) {
    chunks->left_bytes = chunks->left_bytes * 16 + (uint64_t)value;
    return ++chunks->digits <= MAX_DIGITS;
  }
  if (!chunks->digits || (c != '\r' && c != ';')) return false;
  chunks->state = c == ';' ? BT_CHUNKS_EXTENSION : BT_CHUNKS_SIZE_LF;
  return true;
}

/* Of an extension or a trailer: a line that ends with CR LF. */
static bool pass_over(bt_chunks *chunks, char c, bt_chunks_state at_end) {
  if (c == '\n' || c == '\0' || ++chunks->passed_bytes > MAX_PASSED_BYTES) return false;
  if (c == '\r') chunks->state = at_end;
  return true;
}

static bool expect_character(bt_chunks *chunks, char c, char expected, bt_chunks_state next) {
  chunks->state = next;
  return c == expected;
}

/* One byte that is no data. False: it may not stand here. */
static bool take_byte(bt_chunks *chunks, char c) {
  switch (chunks->state) {
  case BT_CHUNKS_SIZE: return take_size(chunks, c);
  case BT_CHUNKS_EXTENSION: return pass_over(chunks, c, BT_CHUNKS_SIZE_LF);
  case BT_CHUNKS_SIZE_LF: return expect_character(chunks, c, '\n', state_after_size(chunks));
  case BT_CHUNKS_DATA_CR: return expect_character(chunks, c, '\r', BT_CHUNKS_DATA_LF);
  case BT_CHUNKS_DATA_LF: chunks->digits = 0; return expect_character(chunks, c, '\n', BT_CHUNKS_SIZE);
  case BT_CHUNKS_TRAILER_START:
    chunks->state = BT_CHUNKS_TRAILER;
    return c == '\r' ? expect_character(chunks, c, '\r', BT_CHUNKS_LAST_LF)
                     : pass_over(chunks, c, BT_CHUNKS_TRAILER_LF);
  case BT_CHUNKS_TRAILER: return pass_over(chunks, c, BT_CHUNKS_TRAILER_LF);
  case BT_CHUNKS_TRAILER_LF: return expect_character(chunks, c, '\n', BT_CHUNKS_TRAILER_START);
  case BT_CHUNKS_LAST_LF: return expect_character(chunks, c, '\n', BT_CHUNKS_END);
  case BT_CHUNKS_DATA:
  case BT_CHUNKS_END: break;
  }
  return false;
}

static size_t take_data(bt_chunks *chunks, bt_str input, bt_buffer *out) {
  size_t length = input.len < chunks->left_bytes ? input.len : (size_t)chunks->left_bytes;
  bt_buffer_append(out, (bt_str){input.ptr, length});
  chunks->left_bytes -= length;
  if (!chunks->left_bytes) chunks->state = BT_CHUNKS_DATA_CR;
  return length;
}

bt_status bt_chunks_read(bt_chunks *chunks, bt_str input, bt_buffer *out, size_t *used) {
  *used = 0;
  while (*used < input.len && chunks->state != BT_CHUNKS_END) {
    if (chunks->state != BT_CHUNKS_DATA) {
      if (!take_byte(chunks, input.ptr[(*used)++])) return BT_INVALID;
      continue;
    }
    *used += take_data(chunks, (bt_str){input.ptr + *used, input.len - *used}, out);
    if (out->failed) return BT_LIMIT;
  }
  return BT_OK;
}
