/* What a Tempo takes away is found out from what it says of itself: its configuration, the overrides of a tenant, and
 * the jobs of its backend scheduler. Where it does not say it, nothing is claimed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tempo/api/tempo_losses.h"
#include "tempo/api/tempo_source.h"
#include "tests/support/fake_http.h"

static const int64_t SECOND_NS = 1000000000, HOUR_NS = 3600 * SECOND_NS;
static const bt_cancel never = {false};

/* ---- what is written ---- */

#define FRONT "query_frontend:\n    max_outstanding_per_tenant: 2000\n"

static void the_configuration_says_the_retention(void **state) {
  static const struct {
    const char *config;
    int64_t minutes;
    bool may_have_tenants;
  } rows[] = {
      {FRONT, 0, false},
      {FRONT "compactor:\n    compaction:\n        block_retention: 336h0m0s\n", 336 * 60, false},
      {FRONT "backend_worker:\n    compaction:\n        block_retention: 168h0m0s\n", 168 * 60, false},
      {FRONT "backend_worker:\n    compaction:\n        block_retention: 336h0m0s\ncompactor:\n    compaction:\n"
             "        block_retention: 40m0s\n        compacted_block_retention: 1h0m0s\n",
       40, false},
      {FRONT "compactor:\n    compaction:\n        block_retention: 336h0m0s\noverrides:\n    defaults:\n"
             "        compaction:\n            block_retention: 2d\n    per_tenant_override_config: \"\"\n",
       48 * 60, false},
      {FRONT "compactor:\n    compaction:\n        block_retention: 336h0m0s\noverrides:\n    defaults:\n"
             "        compaction:\n            block_retention: 0s\n    per_tenant_override_config: /etc/o.yaml\n",
       336 * 60, true},
      {FRONT "compactor:\n    compaction:\n        compacted_block_retention: 1h0m0s\n", 0, false},
      {FRONT "compactor:\n    compaction:\n        block_retention: for ever\n", 0, false},
      {"<html>block_retention: 1h</html>", 0, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_tempo_retention said = bt_tempo_retention_of_config(rows[i].config);
    if (said.all_ns != rows[i].minutes * 60 * SECOND_NS || said.may_have_tenants != rows[i].may_have_tenants)
      fail_msg("row %zu: %lld s", i, (long long)(said.all_ns / SECOND_NS));
  }
}

static void overrides_say_that_of_a_tenant(void **state) {
  static const char page[] = "<h3>User-configurable overrides</h3><pre>block_retention: 9h</pre>\n"
                             "<h3>Runtime overrides</h3>\n<pre><code>compaction:\n  block_retention: 2w\n</code></pre>";
  (void)state;
  assert_int_equal(bt_tempo_retention_of_overrides(page), 14 * 24 * HOUR_NS);
  assert_int_equal(bt_tempo_retention_of_overrides("<h3>Runtime overrides</h3><pre>{}</pre>"), 0);
  assert_int_equal(bt_tempo_retention_of_overrides("block_retention: 1h"), 0);
  assert_int_equal(bt_tempo_retention_of_overrides("Runtime overrides\ncompacted_block_retention: 1h"), 0);
  assert_int_equal(bt_tempo_retention_of_overrides("Runtime overrides<pre>compacted_block_retention: 1h\n"
                                                   "block_retention: 2h"),
                   2 * HOUR_NS);
}

#define HEAD                                                                                                           \
  "+------+\n| Active Jobs |\n+------+\n| TENANT | JOB_ID | TYPE | STATUS | WORKER | CREATED | START | END |\n"
#define JOB(tenant, type, created, end)                                                                                \
  "| " tenant " | 1b4e | JOB_TYPE_" type " | JOB_STATUS_SUCCEEDED | worker-1 | " created " | " created " | " end " |"  \
  "\n"
#define NONE_YET "0001-01-01T00:00:00Z"
#define PENDING  "\n\n| Pending Jobs |\n| TENANT | JOB_ID | TYPE | BLOCK_ID | BATCH_ID |\n"

static void jobs_say_what_was_redacted(void **state) {
  static const char text[] = HEAD JOB("shop", "COMPACTION", "2026-11-30T09:00:00Z", "2026-11-30T09:00:01Z")
      JOB("shop", "REDACTION", "2026-11-30T09:00:00Z", "2026-11-30T09:10:00Z")
          JOB("ward 7", "REDACTION", "2026-11-30T11:00:00+02:00", NONE_YET)
              JOB("bad", "REDACTION", "2026-13-30T09:00:00Z", "soon") PENDING
      "| shop | 77 | JOB_TYPE_REDACTION | 5d0c | 2a |\n";
  static const struct {
    const char *tenant;
    int64_t at_s;
  } rows[] = {{"shop", 1796029800}, {"ward 7", 1796029200}, {"bad", 0}, {"shop", 0}};
  bt_str rest = BT_STR(text);
  bt_tempo_redaction job;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(bt_tempo_next_redaction(&rest, &job));
    assert_true(bt_str_equal(job.tenant, bt_str_from(rows[i].tenant)));
    assert_int_equal(job.at_ns, rows[i].at_s * SECOND_NS);
  }
  assert_false(bt_tempo_next_redaction(&rest, &job));
  rest = BT_STR("<html>| JOB_TYPE_REDACTION | 1 |\n|\n||||\n|a|b|JOB_TYPE_REDACTION");
  assert_true(bt_tempo_next_redaction(&rest, &job)); /* cut off behind the type: it is there all the same */
  assert_int_equal(job.at_ns, 0);
}

/* ---- what is asked ---- */

typedef struct fake_tempo {
  const char *config, *version;
  const char *jobs;      /* NULL: 404 */
  const char *overrides; /* likewise */
  atomic_uint asked_jobs, asked_overrides;
} fake_tempo;

static bool answer(void *context, const fake_request *request, int socket) {
  fake_tempo *fake = context;
  const char *text = NULL;
  if (strcmp(request->target, "/status/config") == 0) text = fake->config;
  if (strcmp(request->target, "/api/status/buildinfo") == 0) text = fake->version;
  if (strcmp(request->target, "/status/backendscheduler") == 0) {
    atomic_fetch_add(&fake->asked_jobs, 1);
    text = fake->jobs;
  }
  if (strncmp(request->target, "/status/overrides/", 18) == 0) {
    atomic_fetch_add(&fake->asked_overrides, 1);
    text = strcmp(request->target + 18, "ward%207") == 0 ? fake->overrides : NULL;
  }
  return fake_respond(socket, text ? 200 : 404, "text/plain", "", text ? text : "no", strlen(text ? text : "no"));
}

typedef struct scene {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
} scene;

static scene begin(fake_tempo *fake) {
  scene s = {.server = fake_server_start(answer, fake)};
  bt_error error = {0};
  assert_non_null(s.server);
  assert_int_equal(bt_http_client_new(&(bt_http_options){0}, &s.client, &error), BT_OK);
  const bt_tempo_options options = {.url = fake_server_url(s.server)};
  assert_int_equal(bt_tempo_source_new(s.client, &options, &s.source, &error), BT_OK);
  (void)bt_source_promises(s.source, BT_PROMISES_ALL, &never); /* as every replay does first */
  return s;
}

static void end(const scene *s) {
  bt_source_free(s->source);
  bt_http_client_free(s->client);
  fake_server_stop(s->server);
}

#define BUILD(number) "{\"version\":\"" number "\",\"goVersion\":\"go1.26.8\"}"
#define KEPT          FRONT "compactor:\n    compaction:\n        block_retention: 336h0m0s\n"
#define OWN           KEPT "overrides:\n    per_tenant_override_config: /etc/o.yaml\n"
#define AT            "2026-11-30T09:10:00Z"
static const int64_t at_s = 1796029800;

static void each_tenant_has_its_own(void **state) {
  fake_tempo fake = {.config = OWN,
                     .version = BUILD("3.0.3"),
                     .jobs = HEAD JOB("shop", "REDACTION", AT, AT) PENDING,
                     .overrides = "Runtime overrides\nblock_retention: 1d\n"};
  (void)state;
  scene s = begin(&fake);
  assert_int_equal(bt_source_losses(s.source, "shop", NULL).redacted_ns, 0); /* nobody has asked */
  bt_losses shop = bt_source_losses(s.source, "shop", &never), ward = bt_source_losses(s.source, "ward 7", &never);
  assert_int_equal(shop.redacted_ns, at_s * SECOND_NS);
  assert_int_equal(shop.retention_ns, 336 * HOUR_NS);
  assert_int_equal(ward.redacted_ns, 0);
  assert_int_equal(ward.retention_ns, 24 * HOUR_NS);
  bt_losses both = bt_source_losses(s.source, "shop|ward 7", &never);
  assert_int_equal(both.redacted_ns, at_s * SECOND_NS);
  assert_int_equal(both.retention_ns, 24 * HOUR_NS);
  assert_int_equal(bt_source_losses(s.source, "shop", NULL).redacted_ns, at_s * SECOND_NS); /* and now it is known */
  assert_int_equal(bt_source_losses(s.source, NULL, &never).redacted_ns, 0);
  assert_int_equal(atomic_load(&fake.asked_jobs), 1);
  assert_int_equal(atomic_load(&fake.asked_overrides), 3);
  end(&s);
}

/* Without tenants its name for all is one, and what is done to that is done to whoever asks. */
static void without_tenants_it_is_of_all(void **state) {
  fake_tempo fake = {.config = KEPT, .version = BUILD("3.0.3"), .jobs = HEAD JOB("single-tenant", "REDACTION", AT, AT)};
  (void)state;
  scene s = begin(&fake);
  assert_int_equal(bt_source_losses(s.source, NULL, &never).redacted_ns, at_s * SECOND_NS);
  assert_int_equal(bt_source_losses(s.source, "shop", &never).redacted_ns, at_s * SECOND_NS);
  assert_int_equal(atomic_load(&fake.asked_overrides), 0);
  end(&s);
}

/* A job that waits has no time: it takes traces out from now on. */
static void what_waits_is_of_now(void **state) {
  fake_tempo fake = {.version = BUILD("3.0.3"), .jobs = PENDING "| shop | 77 | JOB_TYPE_REDACTION | 5d0c | 2a |\n"};
  (void)state;
  scene s = begin(&fake);
  assert_true(bt_source_losses(s.source, "shop", &never).redacted_ns > at_s * SECOND_NS / 2);
  end(&s);
}

static void nothing_is_claimed_where_it_does_not_say(void **state) {
  static const struct {
    const char *version, *jobs;
    unsigned asked;
  } rows[] = {{BUILD("2.8.0"), HEAD JOB("single-tenant", "REDACTION", AT, AT), 0}, /* it has none: not asked */
              {BUILD("2.10.8"), NULL, 0},
              {BUILD("3.0.3"), NULL, 1}, /* hidden by a gateway, or on another port; not asked again at once */
              {BUILD("3.0.3"), "<html>sign in</html>", 1},
              {NULL, NULL, 1}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fake_tempo fake = {.version = rows[i].version, .jobs = rows[i].jobs};
    scene s = begin(&fake);
    for (int call = 0; call < 2; call++) {
      bt_losses losses = bt_source_losses(s.source, NULL, &never);
      assert_int_equal(losses.redacted_ns, 0);
      assert_int_equal(losses.retention_ns, 0);
    }
    assert_int_equal(atomic_load(&fake.asked_jobs), rows[i].asked);
    end(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_configuration_says_the_retention),
                                     cmocka_unit_test(overrides_say_that_of_a_tenant),
                                     cmocka_unit_test(jobs_say_what_was_redacted),
                                     cmocka_unit_test(each_tenant_has_its_own),
                                     cmocka_unit_test(without_tenants_it_is_of_all),
                                     cmocka_unit_test(what_waits_is_of_now),
                                     cmocka_unit_test(nothing_is_claimed_where_it_does_not_say)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
