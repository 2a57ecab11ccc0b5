/* Checks of a request's head that come before routing (api.md, Access). They keep out request smuggling, DNS rebinding
 * (Host) and pages of other sites (Origin, Sec-Fetch-Site). Thread: no state. */
#ifndef BT_SERVER_HTTP_GUARD_H
#define BT_SERVER_HTTP_GUARD_H

#include <stdbool.h>

#include "dsl/base/text.h"

typedef struct bt_guard {
  const char *listen_host;  /* "127.0.0.1" */
  const char *const *hosts; /* further names, NULL-terminated; or NULL */
} bt_guard;

typedef struct bt_guard_refusal {
  int status;       /* 0: nothing to refuse */
  const char *kind; /* of the problem document */
  const char *detail;
} bt_guard_refusal;

/* `head` is the request as it came, at least up to the empty line: more than one of Content-Length and
 * Transfer-Encoding is refused. */
bt_guard_refusal bt_guard_check_head(bt_str head);
/* origin and fetch_site have len 0 when they were not sent. */
bt_guard_refusal bt_guard_check_site(const bt_guard *guard, bt_str host, bt_str origin, bt_str fetch_site);
/* Host without its port; brackets of an IPv6 address are taken off. */
bt_str bt_guard_host_name(bt_str authority);
bool bt_guard_is_loopback(bt_str host_name);

#endif
