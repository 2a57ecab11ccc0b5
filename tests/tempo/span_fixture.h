/* Searches for spans of the scripted Tempo (span_server.h), and what was given of each trace. Thread: the test's. */
#ifndef BT_TESTS_SPAN_FIXTURE_H
#define BT_TESTS_SPAN_FIXTURE_H

#include "tempo/api/tempo_source.h"
#include "tests/tempo/span_server.h"

enum { MANY_PARTS = 35000 }; /* so many traces expected are asked for in four */

typedef struct span_fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_source_account account;
  bt_error error;
  bt_projection projection;
  bt_projected fields[2];
  bt_cancel cancel;
  size_t calls[TRACES], total, by_id, in_doubt, doubted; /* doubted: the last one by id */
  bt_time_range range;                                   /* empty: all of it */
  bt_ahead *before, *ahead;                              /* of what has to be known before; what requests give along */
  bt_apart apart;
  bool is_beside;
  int64_t longest_ns; /* as the request says */
  size_t stop_at;     /* the sink says stop_with at this call, or cancels; 0: never */
  bt_status stop_with;
} span_fixture;

/* For cmocka: a scripted Tempo and a source over it, in *state. */
int span_fixture_set_up(void **state);
int span_fixture_tear_down(void **state);
#define SPAN_TEST(name) cmocka_unit_test_setup_teardown(name, span_fixture_set_up, span_fixture_tear_down)

/* Another source, with these limits. */
bt_status span_fixture_open(span_fixture *f, const bt_tempo_options *extra);
bt_spans_request span_fixture_request(span_fixture *f, uint64_t expected);
/* A sink, of a fixture: checks what is given, and counts it. */
bt_status see_spans(void *context, const bt_found_spans *given, bt_error *error);
bt_status find_scripted(span_fixture *f, uint64_t expected);
void expect_each_once(span_fixture *f, uint64_t expected);
void expect_all(span_fixture *f, uint64_t expected); /* and none is to be read by id */

#endif
