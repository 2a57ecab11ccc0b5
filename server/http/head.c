/* Reading heads with the library's own parser, so that both see the same. See head.h. */
#include "server/http/head.h"

#include <string.h>

enum { MAX_HEADERS = 100 };

/* Of the library that h2o carries (picohttpparser): it exports the function and installs no header for it. */
struct phr_header {
  const char *name; /* NULL: a line that goes on with the one before it */
  size_t name_len;
  const char *value;
  size_t value_len;
};
int phr_parse_request(const char *bytes, size_t length, const char **method, size_t *method_length, const char **path,
                      size_t *path_length, int *minor_version, struct phr_header *headers, size_t *header_count,
                      size_t scanned);

typedef struct parsed_head {
  bt_str method, target;
  int minor_version;
  struct phr_header headers[MAX_HEADERS];
  size_t header_count;
} parsed_head;

static bool is_header(const struct phr_header *header, bt_str name) {
  return header->name && bt_str_equal_nocase((bt_str){header->name, header->name_len}, name);
}

static bt_str value_of(const struct phr_header *header) {
  return (bt_str){header->value, header->value_len};
}

/* ---- what it says of the body ---- */

static bool parse_length(bt_str value, uint64_t *out) {
  if (!value.len || value.len > 18) return false;
  *out = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (value.ptr[i] < '0' || value.ptr[i] > '9') return false;
    *out = *out * 10 + (uint64_t)(value.ptr[i] - '0');
  }
  return true;
}

static bool is_about_body(const struct phr_header *header) {
  return is_header(header, BT_STR("content-length")) || is_header(header, BT_STR("transfer-encoding")) ||
         is_header(header, BT_STR("expect"));
}

static bt_guard_refusal take_body_header(const struct phr_header *header, int minor_version, bt_http_head *out) {
  bt_str value = value_of(header);
  if (is_header(header, BT_STR("content-length")) && !parse_length(value, &out->body_bytes))
    return (bt_guard_refusal){400, "bad-request", "Content-Length has to be a number of bytes in decimal digits."};
  if (is_header(header, BT_STR("transfer-encoding"))) {
    out->is_chunked = minor_version > 0 && bt_str_equal_nocase(value, BT_STR("chunked"));
    if (!out->is_chunked)
      return (bt_guard_refusal){400, "bad-request", "The only Transfer-Encoding is chunked, in HTTP/1.1."};
  }
  if (is_header(header, BT_STR("expect"))) {
    out->wants_continue = bt_str_equal_nocase(value, BT_STR("100-continue"));
    if (!out->wants_continue)
      return (bt_guard_refusal){417, "expectation", "The only expectation that is met is 100-continue."};
  }
  return (bt_guard_refusal){0};
}

static void read_body_headers(const parsed_head *head, bt_http_head *out) {
  for (size_t i = 0; i < head->header_count; i++) {
    if (!is_about_body(&head->headers[i])) continue;
    bt_guard_refusal refusal = take_body_header(&head->headers[i], head->minor_version, out);
    if (!out->refusal.status) out->refusal = refusal;
  }
}

/* ---- the target ---- */

typedef struct target_parts {
  bool is_absolute;
  bt_str authority, path;
} target_parts;

static target_parts split_target(bt_str target) {
  static const bt_str schemes[] = {{"http://", 7}, {"https://", 8}};
  for (size_t i = 0; i < 2; i++) {
    bt_str scheme = schemes[i];
    if (target.len <= scheme.len || !bt_str_equal_nocase((bt_str){target.ptr, scheme.len}, scheme)) continue;
    bt_str rest = {target.ptr + scheme.len, target.len - scheme.len};
    size_t length = 0;
    while (length < rest.len && rest.ptr[length] != '/' && rest.ptr[length] != '?') length++;
    return (target_parts){true, {rest.ptr, length}, {rest.ptr + length, rest.len - length}};
  }
  return (target_parts){.path = target};
}

/* ---- the head to be read ---- */

static void write_header(bt_buffer *out, bt_str name, bt_str value) {
  bt_buffer_append(out, name);
  bt_buffer_append(out, BT_STR(": "));
  bt_buffer_append(out, value);
  bt_buffer_append(out, BT_STR("\r\n"));
}

static bt_guard_refusal check_target(bt_str target) {
  target_parts parts = split_target(target);
  bool has_user = parts.authority.len && memchr(parts.authority.ptr, '@', parts.authority.len);
  if (!parts.is_absolute || (parts.authority.len && !has_user)) return (bt_guard_refusal){0};
  return (bt_guard_refusal){400, "bad-request", "A target in absolute form has to name a host, and nobody before it."};
}

static void write_head(const parsed_head *head, bt_buffer *out) {
  target_parts target = split_target(head->target);
  bool is_absolute = target.is_absolute;
  bt_buffer_append(out, head->method);
  bt_buffer_append_char(out, ' ');
  if (is_absolute && !bt_str_starts_with(target.path, BT_STR("/"))) bt_buffer_append_char(out, '/');
  bt_buffer_append(out, target.path);
  bt_buffer_printf(out, " HTTP/1.%d\r\n", head->minor_version);
  if (is_absolute) write_header(out, BT_STR("Host"), target.authority);
  for (size_t i = 0; i < head->header_count; i++) {
    const struct phr_header *header = &head->headers[i];
    bool is_replaced = is_absolute && is_header(header, BT_STR("host"));
    if (!header->name || is_replaced || is_about_body(header)) continue;
    write_header(out, (bt_str){header->name, header->name_len}, value_of(header));
  }
  bt_buffer_append(out, BT_STR("\r\n"));
}

bt_status bt_http_head_read(bt_str input, size_t scanned_bytes, bt_http_head *out) {
  parsed_head head = {.header_count = MAX_HEADERS};
  *out = (bt_http_head){0};
  size_t length = input.len < BT_HEAD_MAX_BYTES ? input.len : BT_HEAD_MAX_BYTES;
  if (scanned_bytes > length) scanned_bytes = length;
  int came = phr_parse_request(input.ptr, length, &head.method.ptr, &head.method.len, &head.target.ptr,
                               &head.target.len, &head.minor_version, head.headers, &head.header_count, scanned_bytes);
  if (came == -2) return length == BT_HEAD_MAX_BYTES ? BT_LIMIT : BT_NOT_FOUND;
  if (came < 0) return BT_INVALID;
  out->came_bytes = (size_t)came;
  out->refusal = bt_guard_check_head((bt_str){input.ptr, out->came_bytes});
  if (!out->refusal.status) out->refusal = check_target(head.target);
  read_body_headers(&head, out);
  write_head(&head, &out->text);
  return out->text.failed ? BT_NO_MEMORY : BT_OK;
}
