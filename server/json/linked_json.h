/* The traces that span links tie to the one that was asked for, and which of their spans link to which. Thread: no
 * state. */
#ifndef BT_SERVER_LINKED_JSON_H
#define BT_SERVER_LINKED_JSON_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "dsl/trace/family.h"

/* A batch may have a thousand traces and links. So many of the family are listed, and so many links of each; of each of
 * many traces fewer, so that there are never more than 500 and the answer still fits what an assistant takes. */
enum { BT_LINKED_TRACES_SHOWN = 100, BT_LINKS_SHOWN = 20, BT_MANY_LINKED_TRACES = 25, BT_LINKS_SHOWN_OF_MANY = 5 };

/* new: the array `linked` of openapi.yaml, of the family's traces but its first. NULL: there is no family. BT_NO_MEMORY
 * alone. */
bt_status bt_linked_json(const bt_family *family, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
