/* Cursors as text. See cursor.h. Numbers are big-endian. */
#include "server/query/cursor.h"

#include <string.h>

#include "server/base/sha256.h"

enum {
  FORMAT = 1,
  SUM_BYTES = 8,
  TRACE_ID_BYTES = sizeof(bt_trace_id),
  BODY_BYTES = 1 + 1 + 3 * 8 + 8 + TRACE_ID_BYTES + BT_QUESTION_BYTES + BT_RULES_HASH_BYTES,
  RAW_BYTES = BODY_BYTES + SUM_BYTES
};
enum { NEWEST_FIRST = 1, HAS_POSITION = 2 };
_Static_assert((RAW_BYTES * 8 + 5) / 6 < BT_CURSOR_TEXT, "the text has to fit");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- base64url without padding ---- */

static size_t encode_bytes(const uint8_t *bytes, size_t count, char *out) {
  size_t length = 0;
  uint32_t bits = 0;
  unsigned held = 0;
  for (size_t i = 0; i < count; i++) {
    bits = bits << 8 | bytes[i];
    for (held += 8; held >= 6; held -= 6) out[length++] = alphabet[bits >> (held - 6) & 63];
  }
  if (held) out[length++] = alphabet[bits << (6 - held) & 63];
  out[length] = '\0';
  return length;
}

/* Exactly `count` bytes and nothing left over, not even bits that would be dropped: one cursor has one text. */
static bool decode_bytes(bt_str text, uint8_t *bytes, size_t count) {
  size_t length = 0;
  uint32_t bits = 0;
  unsigned held = 0;
  if (text.len != (count * 8 + 5) / 6) return false;
  for (size_t i = 0; i < text.len; i++) {
    const char *digit = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;
    if (!digit) return false;
    bits = bits << 6 | (uint32_t)(digit - alphabet);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[length++] = (uint8_t)(bits >> held);
  }
  return length == count && (bits & ((1u << held) - 1)) == 0;
}

/* ---- fields ---- */

static void put_bytes(uint8_t **at, const void *bytes, size_t count) {
  memcpy(*at, bytes, count);
  *at += count;
}

static void put_number(uint8_t **at, int64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) *(*at)++ = (uint8_t)((uint64_t)number >> shift);
}

static void get_bytes(const uint8_t **at, void *bytes, size_t count) {
  memcpy(bytes, *at, count);
  *at += count;
}

static int64_t get_number(const uint8_t **at) {
  uint64_t number = 0;
  for (int i = 0; i < 8; i++) number = number << 8 | *(*at)++;
  return (int64_t)number;
}

static bt_status check_sum(const uint8_t *body, const char *tenant, uint8_t sum[SUM_BYTES], bt_error *error) {
  bt_str fields[] = {BT_STR("betrace.cursor"), bt_str_from(tenant ? tenant : ""), {(const char *)body, BODY_BYTES}};
  bt_sha256 hash;
  bt_status status = bt_sha256_fields(fields, sizeof fields / sizeof fields[0], &hash, error);
  if (status == BT_OK) memcpy(sum, hash.bytes, SUM_BYTES);
  return status;
}

bt_status bt_cursor_write(const bt_cursor *cursor, const char *tenant, char out[BT_CURSOR_TEXT], bt_error *error) {
  uint8_t raw[RAW_BYTES], *at = raw;
  *at++ = FORMAT;
  *at++ = (uint8_t)((cursor->newest_first ? NEWEST_FIRST : 0) | (cursor->has_position ? HAS_POSITION : 0));
  put_number(&at, cursor->range.start_ns);
  put_number(&at, cursor->range.end_ns);
  put_number(&at, cursor->now_ns);
  put_number(&at, cursor->has_position ? cursor->after.time_ns : 0);
  if (cursor->has_position)
    put_bytes(&at, cursor->after.id.bytes, TRACE_ID_BYTES);
  else
    for (size_t i = 0; i < TRACE_ID_BYTES; i++) *at++ = 0;
  put_bytes(&at, cursor->question, BT_QUESTION_BYTES);
  put_bytes(&at, cursor->rules, BT_RULES_HASH_BYTES);
  bt_status status = check_sum(raw, tenant, raw + BODY_BYTES, error);
  if (status == BT_OK) (void)encode_bytes(raw, RAW_BYTES, out);
  return status;
}

static void read_fields(const uint8_t *at, uint8_t flags, bt_cursor *out) {
  out->newest_first = flags & NEWEST_FIRST;
  out->has_position = flags & HAS_POSITION;
  out->range.start_ns = get_number(&at);
  out->range.end_ns = get_number(&at);
  out->now_ns = get_number(&at);
  out->after.time_ns = get_number(&at);
  get_bytes(&at, out->after.id.bytes, TRACE_ID_BYTES);
  get_bytes(&at, out->question, BT_QUESTION_BYTES);
  get_bytes(&at, out->rules, BT_RULES_HASH_BYTES);
}

bt_status bt_cursor_read(bt_str text, const char *tenant, bt_cursor *out, bt_error *error) {
  uint8_t raw[RAW_BYTES], sum[SUM_BYTES];
  *out = (bt_cursor){0};
  bool is_whole = decode_bytes(text, raw, RAW_BYTES) && raw[0] == FORMAT && raw[1] <= (NEWEST_FIRST | HAS_POSITION);
  if (is_whole) {
    bt_status status = check_sum(raw, tenant, sum, error);
    if (status != BT_OK) return status;
    is_whole = memcmp(sum, raw + BODY_BYTES, SUM_BYTES) == 0;
  }
  if (is_whole) read_fields(raw + 2, raw[1], out);
  if (is_whole && out->range.start_ns < out->range.end_ns) return BT_OK;
  *out = (bt_cursor){0};
  return bt_error_set(error, BT_INVALID,
                      "the cursor is not one that this service gave for this tenant: it has to be sent as it came; "
                      "leave it out to begin with the first page");
}
