/* Which rules a request is about: the filters that the listing and the export share. Thread: workers. */
#ifndef BT_SERVER_HTTP_RULE_FILTER_H
#define BT_SERVER_HTTP_RULE_FILTER_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "server/http/call.h"
#include "server/http/service.h"
#include "server/store/rule_store.h"

/* For bt_call_query_allows. */
#define BT_RULE_FILTER_PARAMETERS "enabled", "severity", "label", "framework", "q"

typedef struct bt_label_filter {
  bt_str key, value;
  bool any_value;
  const struct bt_label_filter *next;
} bt_label_filter;

typedef struct bt_rule_filter {           /* its strings live in the call */
  bt_str enabled, severity, framework, q; /* len 0: any */
  const bt_label_filter *labels;          /* all of them have to be there; NULL: any */
} bt_rule_filter;

/* False: answered 400, or 503 when there is no memory: a filter is read whole or not at all. */
bool bt_rule_filter_read(bt_call *call, bt_rule_filter *filter);
/* The tenant's rules that match, by id; also broken ones, because who looks has to see them. False: answered. */
bool bt_rule_filter_list(const bt_service *service, bt_call *call, const bt_rule_filter *filter, bt_rule_list *out);

#endif
