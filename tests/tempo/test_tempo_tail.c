/* What a Tempo hides of the newest time is found out from what it says of itself: its configuration, else its version,
 * else it is taken for 30 s. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "tempo/api/tempo_source.h"
#include "tempo/api/tempo_tail.h"
#include "tests/support/fake_http.h"

static const int64_t SECOND_NS = 1000000000;
static const bt_cancel never = {false};

typedef struct fake_tempo {
  const char *config, *build; /* NULL: 404; "": the connection is cut; "502": a gateway says so */
  atomic_uint asked;
  atomic_uint callers; /* that have come; where some are waited for: the configuration is not shown before */
  unsigned waits_for;
} fake_tempo;

static void wait_a_little(void) {
  nanosleep(&(struct timespec){0, 50000000}, NULL);
}

static bool answer(void *context, const fake_request *request, int socket) {
  fake_tempo *fake = context;
  bool is_config = strcmp(request->target, "/status/config") == 0;
  bool is_build = strcmp(request->target, "/api/status/buildinfo") == 0;
  if (!is_config && !is_build) assert_string_equal(request->target, "/status/version");
  if (is_config) atomic_fetch_add(&fake->asked, 1);
  while (is_config && atomic_load(&fake->callers) < fake->waits_for) wait_a_little();
  if (is_config && fake->waits_for) wait_a_little(); /* the second is on its way */
  const char *text = is_config ? fake->config : is_build ? fake->build : NULL;
  if (text && !*text) return false;
  if (text && strcmp(text, "502") == 0) return fake_respond(socket, 502, "text/plain", "", "bad gateway", 11);
  /* Each request has a connection of its own: curl tries one again that is cut on a connection that was used before. */
  (void)fake_respond(socket, text ? 200 : 404, "text/plain", "Connection: close\r\n", text ? text : "no",
                     strlen(text ? text : "no"));
  return false;
}

typedef struct scene {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
} scene;

/* A source of this Tempo; replication as in bt_tempo_options. */
static scene begin(fake_tempo *fake, uint32_t replication) {
  scene s = {.server = fake_server_start(answer, fake)};
  bt_error error = {0};
  assert_non_null(s.server);
  const bt_tempo_options options = {.url = fake_server_url(s.server), .replication = replication};
  assert_int_equal(bt_http_client_new(&(bt_http_options){0}, &s.client, &error), BT_OK);
  assert_int_equal(bt_tempo_source_new(s.client, &options, &s.source, &error), BT_OK);
  return s;
}

static void end(const scene *s) {
  bt_source_free(s->source);
  bt_http_client_free(s->client);
  fake_server_stop(s->server);
}

static bt_promises promises_of(bt_source *source) {
  return bt_source_promises(source, BT_PROMISES_ALL, &never);
}

#define BUILD(version) "{\"version\":\"" version "\",\"goVersion\":\"go1.26.8\"}"

static const struct {
  const char *config, *build;
  int64_t tail_s;
  unsigned asked; /* for its configuration, by two calls */
} rows[] = {
    {"query_frontend:\n    query_end_cutoff: 30s\n", NULL, 30, 1},
    {"query_frontend:\n    query_end_cutoff: 1m30s\n", NULL, 90, 1},
    {"query_frontend:\n    query_end_cutoff: 0s\n", NULL, 0, 1},
    {"query_frontend:\n    query_end_cutoff: 1h0m0s\n", NULL, 3600, 1},
    {"query_frontend:\n    max_outstanding_per_tenant: 2000\n", NULL, 0, 1},
    {"query_frontend:\n    query_end_cutoff: 999999h999999h999999h\n", BUILD("3.0.3"), 30, 1},
    {"query_frontend:\n    query_end_cutoff: soon\n", BUILD("3.0.3"), 30, 1},
    {NULL, BUILD("3.0.3"), 30, 1},
    {NULL, BUILD("v3.1.0"), 30, 1},
    {NULL, BUILD("2.10.8"), 0, 1},
    {NULL, BUILD("2.9.0"), 30, 1},             /* nobody has looked */
    {NULL, "{\"version\":\"2.10.8\"}", 30, 1}, /* another program */
    {NULL, BUILD(""), 30, 1},
    {"<html>sign in</html>", "<html>sign in</html>", 30, 1},
    {NULL, NULL, 30, 1},
    {"", NULL, 30, 1}, /* not answered: not asked again at once */
    {"502", "502", 30, 1},
};

static void finds_it_out_once(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fake_tempo fake = {.config = rows[i].config, .build = rows[i].build};
    scene s = begin(&fake, 0);
    for (int call = 0; call < 2; call++)
      assert_int_equal(promises_of(s.source).hidden_tail_ns, rows[i].tail_s * SECOND_NS);
    assert_int_equal(atomic_load(&fake.asked), rows[i].asked);
    end(&s);
  }
}

typedef struct caller {
  const scene *of;
  fake_tempo *fake;
  int64_t tail_ns;
} caller;

static void *ask_for_tail(void *context) {
  caller *c = context;
  atomic_fetch_add(&c->fake->callers, 1);
  c->tail_ns = promises_of(c->of->source).hidden_tail_ns;
  return NULL;
}

/* What is assumed without an answer would leave a part of the range unsettled. */
static void who_comes_while_it_is_asked_waits_for_the_answer(void **state) {
  enum { CALLERS = 4 };
  fake_tempo fake = {.config = "query_frontend:\n  query_end_cutoff: 5s\n", .waits_for = CALLERS};
  scene s = begin(&fake, 0);
  caller callers[CALLERS];
  pthread_t threads[CALLERS];
  (void)state;
  for (int i = 0; i < CALLERS; i++) {
    callers[i] = (caller){&s, &fake, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, ask_for_tail, &callers[i]), 0);
  }
  for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < CALLERS; i++) assert_int_equal(callers[i].tail_ns, 5 * SECOND_NS);
  assert_int_equal(atomic_load(&fake.asked), 1);
  end(&s);
}

static void who_cannot_wait_asks_nobody(void **state) {
  fake_tempo fake = {.config =
                         "query_frontend:\n  query_end_cutoff: 5s\ningester:\n  ring:\n    replication_factor: 3\n"};
  scene s = begin(&fake, 0);
  (void)state;
  assert_int_equal(bt_source_known(s.source).hidden_tail_ns, 30 * SECOND_NS);
  assert_int_equal(atomic_load(&fake.asked), 0);
  assert_true(bt_source_known(s.source).has_copies); /* it may be so */
  assert_int_equal(promises_of(s.source).hidden_tail_ns, 5 * SECOND_NS);
  assert_true(bt_source_known(s.source).has_copies);
  assert_int_equal(bt_source_known(s.source).hidden_tail_ns, 5 * SECOND_NS);
  end(&s);
}

static void copies_are_told_by_the_factor(void **state) {
  (void)state;
  assert_int_equal(bt_tempo_copies_by_config("query_frontend:\n"), 1);
  assert_int_equal(bt_tempo_copies_by_config("            replication_factor: 1\n"), 1);
  assert_int_equal(bt_tempo_copies_by_config("            replication_factor: 2\n"), 2);
  assert_int_equal(bt_tempo_copies_by_config("replication_factor: "), 1);
}

#define SHOWN(factor)                                                                                                  \
  "query_frontend:\n  query_end_cutoff: 0s\ningester:\n  ring:\n    replication_factor: " factor "\n"

/* What is hidden counts as copies where the version has ingesters, or may have. */
static const struct {
  const char *config, *build;
  uint32_t set;
  bool replicates;
} copies[] = {
    {SHOWN("1"), BUILD("2.8.2"), 0, false},
    {SHOWN("3"), BUILD("2.8.2"), 0, true},
    {SHOWN("3"), BUILD("2.8.2"), 1, false},
    {SHOWN("1"), BUILD("2.8.2"), 3, true},
    {NULL, BUILD("2.8.2"), 0, true},
    {NULL, BUILD("2.10.8"), 0, true},
    {NULL, BUILD("2.10.8"), 1, false},
    {NULL, BUILD("3.0.3"), 0, false},
    {NULL, BUILD("3.0.3"), 2, true},
    {NULL, BUILD("3.1.0"), 0, false},
    {NULL, BUILD("3.2.0"), 0, true}, /* nobody has looked */
    {NULL, NULL, 0, true},
    {"502", "502", 0, true},
    {"<html>sign in</html>", BUILD("2.8.2"), 0, true},
};

static void hidden_copies_are_assumed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
    fake_tempo fake = {.config = copies[i].config, .build = copies[i].build};
    scene s = begin(&fake, copies[i].set);
    assert_int_equal(bt_source_known(s.source).has_copies, copies[i].set != 1); /* nothing was asked */
    (void)promises_of(s.source);
    assert_int_equal(bt_source_known(s.source).has_copies, copies[i].replicates);
    end(&s);
  }
}

/* Behind one address it may be another Tempo from one moment to the next. */
static void what_is_not_shown_any_more_is_not_known(void **state) {
  fake_tempo fake = {.config = SHOWN("1"), .build = BUILD("2.8.2")};
  scene s = begin(&fake, 0);
  (void)state;
  (void)promises_of(s.source);
  assert_false(bt_source_known(s.source).has_copies);
  fake.config = NULL;
  bt_tempo_tail_forget((bt_tempo *)s.source);
  (void)promises_of(s.source);
  assert_true(bt_source_known(s.source).has_copies);
  end(&s);
}

/* Whoever asks for something else gets the answer as it is, whatever its status. */
static void gives_what_it_says_of_itself(void **state) {
  fake_tempo fake = {.build = "{\"version\":\"3.0.3\"}"};
  scene s = begin(&fake, 0);
  bt_error error = {0};
  bt_http_response response = {0};
  (void)state;
  assert_int_equal(bt_tempo_source_get(s.source, "/api/status/buildinfo", &never, &response, &error), BT_OK);
  assert_int_equal(response.status, 200);
  assert_string_equal(response.body.ptr, fake.build);
  bt_http_response_dispose(&response);
  assert_int_equal(bt_tempo_source_get(s.source, "/status/config", &never, &response, &error), BT_OK);
  assert_int_equal(response.status, 404);
  bt_http_response_dispose(&response);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(finds_it_out_once),
                                     cmocka_unit_test(who_comes_while_it_is_asked_waits_for_the_answer),
                                     cmocka_unit_test(gives_what_it_says_of_itself),
                                     cmocka_unit_test(copies_are_told_by_the_factor),
                                     cmocka_unit_test(hidden_copies_are_assumed),
                                     cmocka_unit_test(what_is_not_shown_any_more_is_not_known),
                                     cmocka_unit_test(who_cannot_wait_asks_nobody)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
