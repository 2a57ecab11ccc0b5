/* What names and values one trace has, as Tempo's tag API gives them: for sources that have no such API. Thread: no
 * state. Only tempo/ includes this. */
#ifndef BT_TEMPO_WIRE_TAGS_TRACE_H
#define BT_TEMPO_WIRE_TAGS_TRACE_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/tags.h"

/* What is asked for, as far as the trace has it. False: no memory. */
bool bt_tags_of_trace(const bt_trace *trace, const bt_tag_request *request, bt_tag_list *list) BT_MUST_CHECK;
/* The same of attributes alone. */
bool bt_tags_of_attributes(const bt_attributes *attributes, const bt_tag_request *request,
                           bt_tag_list *list) BT_MUST_CHECK;

#endif
