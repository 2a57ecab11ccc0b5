/* The checks before routing. See guard.h. */
#include "server/http/guard.h"

#include <string.h>

bt_str bt_guard_host_name(bt_str authority) {
  bool is_v6 = authority.len && authority.ptr[0] == '[';
  const char *end = authority.len ? memchr(authority.ptr, is_v6 ? ']' : ':', authority.len) : NULL;
  if (!end) return authority;
  size_t length = (size_t)(end - authority.ptr), first = is_v6 ? 1 : 0;
  bt_str port = {end + first, authority.len - length - first};
  bool is_port = !port.len || port.ptr[0] == ':';
  for (size_t i = 1; i < port.len && is_port; i++) is_port = port.ptr[i] >= '0' && port.ptr[i] <= '9';
  return is_port ? (bt_str){authority.ptr + first, length - first} : authority;
}

/* 127.a.b.c written with digits and three dots. */
static bool is_loopback_v4(bt_str name) {
  size_t dots = 0;
  for (size_t i = 0; i < name.len; i++) {
    if (name.ptr[i] == '.')
      dots++;
    else if (name.ptr[i] < '0' || name.ptr[i] > '9')
      return false;
  }
  return dots == 3 && bt_str_starts_with(name, BT_STR("127."));
}

bool bt_guard_is_loopback(bt_str name) {
  return bt_str_equal_nocase(name, BT_STR("localhost")) || bt_str_equal(name, BT_STR("::1")) || is_loopback_v4(name);
}

static bool is_own_host(const bt_guard *guard, bt_str name) {
  if (bt_guard_is_loopback(name) || bt_str_equal_nocase(name, bt_str_from(guard->listen_host))) return true;
  for (size_t i = 0; guard->hosts && guard->hosts[i]; i++)
    if (bt_str_equal_nocase(name, bt_str_from(guard->hosts[i]))) return true;
  return false;
}

/* An origin is ours when it is http or https at the very host and port that the request names. */
static bool is_own_origin(bt_str origin, bt_str host) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < 2; i++) {
    bt_str scheme = bt_str_from(schemes[i]);
    if (!bt_str_starts_with(origin, scheme)) continue;
    return bt_str_equal_nocase((bt_str){origin.ptr + scheme.len, origin.len - scheme.len}, host);
  }
  return false;
}

bt_guard_refusal bt_guard_check_site(const bt_guard *guard, bt_str host, bt_str origin, bt_str fetch_site) {
  if (!is_own_host(guard, bt_guard_host_name(host)))
    return (bt_guard_refusal){
        421, "misdirected",
        "The Host header has to name this service: a loopback name, the listen address, or a name given with --host."};
  if (origin.len && !is_own_origin(origin, host))
    return (bt_guard_refusal){403, "foreign-origin",
                              "Requests from pages of another origin are refused; nothing was changed."};
  if (bt_str_equal(fetch_site, BT_STR("cross-site")) || bt_str_equal(fetch_site, BT_STR("same-site")))
    return (bt_guard_refusal){403, "foreign-origin",
                              "Requests from pages of another site are refused; nothing was changed."};
  return (bt_guard_refusal){0};
}

/* The next line without its end; false at the empty line or when nothing is left. */
static bool next_line(bt_str *head, bt_str *line) {
  if (!head->len) return false;
  const char *end = memchr(head->ptr, '\n', head->len);
  size_t length = end ? (size_t)(end - head->ptr) : head->len;
  *line = (bt_str){head->ptr, length};
  if (line->len && line->ptr[line->len - 1] == '\r') line->len--;
  size_t used = end ? length + 1 : length;
  *head = (bt_str){head->ptr + used, head->len - used};
  return line->len > 0;
}

/* The parser passes over an empty line before a request, as RFC 9112 has it: it is not where this head ends. */
static bt_str from_request_line(bt_str head) {
  while (head.len && (head.ptr[0] == '\r' || head.ptr[0] == '\n')) head = (bt_str){head.ptr + 1, head.len - 1};
  return head;
}

static bool has_name(bt_str line, bt_str name) {
  return line.len > name.len && line.ptr[name.len] == ':' && bt_str_equal_nocase((bt_str){line.ptr, name.len}, name);
}

bt_guard_refusal bt_guard_check_head(bt_str head) {
  bt_str line;
  size_t lengths = 0, hosts = 0;
  head = from_request_line(head);
  while (next_line(&head, &line)) {
    /* A line that goes on with the one before it: whoever forwarded it may have read one value, where the parser here
     * reads another. */
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
      return (bt_guard_refusal){400, "folded-header", "A header must be on one line; a folded one came."};
    lengths += has_name(line, BT_STR("content-length")) || has_name(line, BT_STR("transfer-encoding"));
    hosts += has_name(line, BT_STR("host"));
  }
  if (lengths > 1)
    return (bt_guard_refusal){
        400, "ambiguous-length",
        "A request may say the length of its body once: one Content-Length or one Transfer-Encoding."};
  if (hosts > 1)
    return (bt_guard_refusal){400, "ambiguous-host", "A request has to have one Host header; several came."};
  return (bt_guard_refusal){0};
}
