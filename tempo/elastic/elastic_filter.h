/* Filters in Elasticsearch's query DSL: one condition on one document, which is one span. An index finds what it made
 * of a value, so a condition of an over-query finds each document whose value may be meant, in each index as it maps
 * the key. One of an under-query finds those alone that nothing speaks against: texts that every span has, whole. What
 * cannot be said is every document in the first, and none in the second. docs/howto/ask-your-opensearch.md has the
 * table. Thread: values, no state. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_FILTER_H
#define BT_TEMPO_ELASTIC_ELASTIC_FILTER_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "tempo/elastic/elastic_map.h"

/* bt_query.manner */
enum { BT_ELASTIC_OVER = 0, BT_ELASTIC_UNDER = 1 };

/* Appends the condition as JSON. `map`: of this query; NULL: for people, as if each value had a type of its own. False:
 * it is every document. */
bool bt_elastic_condition_write(const bt_elastic_fields *fields, const bt_elastic_map *map, bt_query query,
                                bt_buffer *out);
/* One request can ask for it, whatever the mapping. */
bool bt_elastic_is_writable(bt_query query);

/* Such a text is in a document as it was sent. */
bool bt_elastic_is_plain(bt_str text);
/* The pattern in the words of `wildcard`; out may be NULL. False: it has more than literals and .* */
bool bt_elastic_wildcard(bt_str pattern, bt_buffer *out);

#endif
