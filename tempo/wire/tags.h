/* Names and values that a source's spans have, for the editor's completion: hints, never evidence. Every list is
 * bounded, may lack what the source did not look at, and says when it was cut. Tempo answers from its tag API,
 * ClickHouse from its table; files and memory from their own traces. Thread: any; each call blocks its caller for at
 * most the request's time. */
#ifndef BT_TEMPO_WIRE_TAGS_H
#define BT_TEMPO_WIRE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/value.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

/* Whose attributes, or which field of a span. */
typedef enum bt_tag_scope {
  BT_TAG_SPAN = 0,       /* attributes of spans */
  BT_TAG_RESOURCE,       /* of resources */
  BT_TAG_EVENT,          /* of events */
  BT_TAG_LINK,           /* of links */
  BT_TAG_SCOPE,          /* of instrumentation scopes */
  BT_TAG_ANY,            /* spans and resources, as a name without a scope means in the language */
  BT_TAG_SPAN_NAME,      /* the name of a span: it has values and no key */
  BT_TAG_SERVICE_NAME,   /* the service of a span, likewise */
  BT_TAG_STATUS_MESSAGE, /* its status message, likewise */
  BT_TAG_SCOPES          /* how many there are */
} bt_tag_scope;

enum { BT_TAGS_LIMIT_MAX = 10000, BT_TAG_TEXT_MAX = 2048 };

typedef struct bt_tag_request {
  bt_tag_scope scope;
  bt_str key;    /* of values: an attribute's key as it is, without scope or quotes; ptr NULL: names are asked for */
  bt_str prefix; /* only what begins with it, byte by byte; len 0: all */
  bt_time_range range;     /* where to look: the caller keeps it short, because a long one costs Tempo time */
  size_t limit;            /* entries (names or values) at most, up to BT_TAGS_LIMIT_MAX; 0: 100 */
  int64_t timeout_ms;      /* of the whole call; 0: 2,000. BT_UNAVAILABLE past it */
  const char *tenant;      /* X-Scope-OrgID or NULL */
  const bt_cancel *cancel; /* or NULL */
} bt_tag_request;

/* A key (type BT_VALUE_MISSING), or a value as text and its type: BT_VALUE_STRING, BT_VALUE_INT, BT_VALUE_DOUBLE or
 * BT_VALUE_BOOL. */
typedef struct bt_tag {
  bt_str text; /* UTF-8; of the list */
  bt_value_type type;
} bt_tag;

typedef struct bt_tag_list { /* ordered by text, then type; each once */
  bt_tag *items;
  size_t count, capacity;
  bool is_cut; /* there may be more: the limit, or what the source itself holds back */
  bt_arena arena;
} bt_tag_list;
void bt_tag_list_dispose(bt_tag_list *list);

/* The keys of a scope's attributes (BT_TAG_SPAN to BT_TAG_ANY). *list is set up by the call; dispose of it in every
 * case. An empty list is BT_OK. BT_INVALID: a scope without keys, a limit above the maximum, a tenant that cannot be
 * sent. BT_UNAVAILABLE: no answer in time, or none that can be read. BT_REFUSED: Tempo said no. BT_CANCELLED,
 * BT_NO_MEMORY. A source that knows no names gives BT_UNAVAILABLE. */
bt_status bt_source_tag_names(bt_source *source, const bt_tag_request *request, bt_tag_list *list,
                              bt_error *error) BT_MUST_CHECK;
/* The values of request->key in its scope, or of the span field that the scope names. Errors as above. Values above
 * BT_TAG_TEXT_MAX bytes are left out, and the list is cut then. */
bt_status bt_source_tag_values(bt_source *source, const bt_tag_request *request, bt_tag_list *list,
                               bt_error *error) BT_MUST_CHECK;

/* For sources: adds one entry unless it is there, does not begin with the prefix, or is over the limit. False: no
 * memory. */
bool bt_tag_list_add(bt_tag_list *list, const bt_tag_request *request, bt_str text, bt_value_type type) BT_MUST_CHECK;

#endif
