/* Who did what: one JSON object a line in the file of --audit-log. There is one for each call that changes something or
 * reads a report, written before the answer, and for requests that were refused (without a file those go into the log).
 * Refused ones are counted and not all written, so that nobody fills the disk with them. A strict log has a line on the
 * disk before such a call begins, too, or the call is refused. A line holds names of tokens,
 * tenants, paths and addresses, and no header, query or body. The log holds no path either. Thread: any; a line is
 * written with one call. */
#ifndef BT_SERVER_HTTP_AUDIT_H
#define BT_SERVER_HTTP_AUDIT_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/call.h"
#include "server/http/http_server.h"

typedef struct bt_audit bt_audit;

typedef struct bt_audit_line {
  bt_str method, path, tenant, user; /* user len 0: nobody who is known */
  bt_str from;                       /* the address of who asks; len 0: not known */
  int status;
  const char *why; /* of a refusal: the problem's kind; else NULL */
} bt_audit_line;

/* new. file NULL: none. BT_IO: it cannot be opened, and why. */
bt_status bt_audit_new(const char *file, bool is_strict, bt_audit **out, bt_error *error) BT_MUST_CHECK;
void bt_audit_free(bt_audit *audit); /* NULL is fine */
/* Opens the file of this name again, after it was moved away. After an error the old one goes on. BT_IO as above. */
bt_status bt_audit_reopen(bt_audit *audit, bt_error *error) BT_MUST_CHECK;

/* Whether calls of this route are written: those that change something, and reports. */
bool bt_audit_wants(const bt_route *route);
/* Before the handler, on a worker: a strict log gets the line of a call that it wants. False: it did not take it, the
 * call is answered with 503, and its handler must not run. `from` as in bt_audit_line. */
bool bt_audit_begin(bt_audit *audit, const bt_route *route, bt_call *call, bt_str from) BT_MUST_CHECK;
/* After it, with the status of the answer. */
void bt_audit_end(bt_audit *audit, const bt_route *route, const bt_call *call, bt_str from);
/* Of a request that was refused before it reached a handler. */
void bt_audit_refused(bt_audit *audit, const bt_audit_line *line);

#endif
