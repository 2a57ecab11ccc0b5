/* Questions of the suite of stores, in one line each. A question that fails fails the test. */
#ifndef BT_TESTS_TEMPO_CONFORMANCE_ASKING_H
#define BT_TESTS_TEMPO_CONFORMANCE_ASKING_H

#include "tempo/wire/source.h"

/* Whoever asks disposes of the list. */
bt_found_list ask_search(bt_source *source, bt_query query, bt_time_range range, const char *tenant);
/* Of all time; what cannot be asked is left out. */
bt_found_list ask_under(bt_source *source, bt_query query, const char *tenant);
bt_found_list ask_links(bt_source *source, const bt_links_request *request);
/* Of all time. */
bt_found_list ask_formula(bt_source *source, const char *tenant, const bt_over *over);
/* The traces that violate the condition, and maybe more. */
bt_found_list ask_condition(bt_source *source, const char *tenant, const char *condition);
/* Of both, or of either; `from` is disposed of. */
void found_join(bt_found_list *into, bt_found_list *from, bool is_and);
/* Every trace of the wanted list is in the list. */
void assert_holds(const bt_found_list *list, const bt_found_list *wanted, const char *what);

/* One trace, copied. */
typedef struct read_copy {
  bool was_given, needs_by_id, is_there;
  bt_trace trace;
  void *room;
} read_copy;
/* projection: NULL for a read by id. */
read_copy ask_trace(bt_source *source, const char *tenant, const bt_trace_id *id, const bt_projection *projection);
void read_copy_dispose(read_copy *copy);

#endif
