/* What the parts of a trace are called elsewhere: in OTLP, Jaeger, Zipkin, Elastic APM, Datadog, X-Ray, SigNoz and the
 * ClickHouse exporter, and what they are called here. A key that nobody's spans have reads as an attribute that is
 * never there, and a rule about it is green for ever: the checker warns of such keys. Thread: no state. */
#ifndef BT_DSL_CHECK_FOREIGN_NAMES_H
#define BT_DSL_CHECK_FOREIGN_NAMES_H

#include <stdbool.h>

#include "dsl/base/text.h"

/* Behind what a key stands: `k`, `span.k`, `event.k`, `link.k`, `resource.k`. */
typedef enum bt_foreign_owner {
  BT_FOREIGN_BARE = 1,
  BT_FOREIGN_SPAN = 2,
  BT_FOREIGN_EVENT = 4,
  BT_FOREIGN_LINK = 8,
  BT_FOREIGN_RESOURCE = 16
} bt_foreign_owner;

/* The field that a key means, as "span.service" for service_name; NULL: none is known. Upper case, `_` and `-` make no
 * difference. */
const char *bt_foreign_field(bt_str key, bt_foreign_owner owner);
/* "span.", "event." … for a key that keeps something of ours under a word of its own, as `tags.k` does, and then `rest`
 * is what stands behind that word; NULL: it does not. */
const char *bt_foreign_head(bt_str key, bt_foreign_owner owner, bt_str *rest);
/* What to say of a key that means what no field says, such as childCount; NULL: nothing. */
const char *bt_foreign_hint(bt_str key, bt_foreign_owner owner);

/* Equal without regard to case, `_` and `-`; `plain` has none of them. */
bool bt_is_spelled(bt_str written, const char *plain);

#endif
