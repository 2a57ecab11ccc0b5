/* The traces of a range: ids with bounds, by a composite aggregation over those of its spans that a query finds, within
 * one view of the data. Thread: as of any source. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_SEARCH_H
#define BT_TEMPO_ELASTIC_ELASTIC_SEARCH_H

#include "tempo/elastic/elastic_query.h"

typedef struct bt_elastic_search {
  bt_elastic *elastic;
  bt_elastic_found server;
  bt_remote_question question; /* on whose behalf */
  bt_time_range range;
  bt_query query;
  const bt_trace_id *linked; /* only traces with a link to one of these; NULL: all */
  size_t linked_count;
  size_t max_found; /* 0: none */
  /* Of the search itself. */
  uint32_t page_traces; /* of a page, at most */
  bool needs_view;      /* there are more pages */
  bt_found_list *found;
} bt_elastic_search;

/* Adds what it finds, sorted. What cannot be had is a failed window in the question's account. BT_LIMIT: more than
 * max_found. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_elastic_search_run(bt_elastic_search *search, bt_error *error) BT_MUST_CHECK;

#endif
