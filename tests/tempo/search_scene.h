/* A source over a scripted Tempo, and what it has to find there. set_up and tear_down stand around each TEST. */
#ifndef BT_TESTS_TEMPO_SEARCH_SCENE_H
#define BT_TESTS_TEMPO_SEARCH_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_source.h"
#include "tests/tempo/scripted_tempo.h"

enum { FIRST_S = 1700000000, SPAN_S = 200, HOUR_S = 3600 };
static const int64_t second_ns = 1000000000;
size_t request_count(void);
void answer_with(fault (*choose)(fake_tempo *, int64_t, int64_t));

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_found_list found;
  bt_source_account account;
  bt_error error;
} fixture;

int set_up(void **state);
void open_source(fixture *f, uint32_t limit, int64_t timeout_ms);
int tear_down(void **state);
void add_trace(const char *hex, int64_t start_s, int64_t end_s);
void add_random_traces(size_t count, int64_t start_s, int64_t spread_s, const char *prefix);

/* Half a second in, so that bounds are not whole seconds. */
bt_search_request request_all(void);
bt_status search(fixture *f);
bool is_said_to_be_unread(const fixture *f, const fake_trace *trace);

/* The property; returns how many were found. */
size_t check_nothing_is_lost(const fixture *f);
void expect_all(fixture *f);
bt_status search_pattern(fixture *f, bool may_widen);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
