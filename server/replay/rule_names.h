/* The names of spans, services and attributes that rules speak of, and those that a source has: what `betrace vacuity`
 * compares. What a source lists are hints for "did you mean"; that a name is *not there* is said only where a search,
 * or a whole file, shows it. Of a request the range, tenant, cancel and priority are used. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_RULE_NAMES_H
#define BT_SERVER_REPLAY_RULE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/near_names.h"
#include "dsl/base/text.h"
#include "dsl/rule/used_names.h"
#include "server/replay/replay.h"
#include "tempo/wire/source.h"
#include "tempo/wire/tags.h"

typedef struct bt_known_names {
  bt_tag_list spans, services, attributes;
  bool has_some; /* false: the source lists none */
  char problem[200];
} bt_known_names;

/* Asks the source. A source that lists nothing is no error. BT_CANCELLED, BT_NO_MEMORY. Dispose in each case. */
bt_status bt_known_names_read(bt_source *source, const bt_replay_request *asked, bt_known_names *out,
                              bt_error *error) BT_MUST_CHECK;
void bt_known_names_dispose(bt_known_names *names);

/* The nearest names, of spans and services, or of attributes. */
bt_near_names bt_known_names_near(const bt_known_names *names, bt_str name, bool is_attribute);

/* Appends a rule's text that exactly those traces violate that have it. */
void bt_name_rule_write(bt_name_kind kind, bt_str name, bt_buffer *out);
/* Whether some trace of the range has such a span. One cheap search, or the list of a file. BT_CANCELLED, BT_NO_MEMORY;
 * other failures are BT_NAME_UNKNOWN. */
bt_status bt_name_presence(bt_source *source, const bt_replay_request *asked, const bt_known_names *known,
                           const bt_used_name *name, bt_presence *out, bt_error *error) BT_MUST_CHECK;

#endif
