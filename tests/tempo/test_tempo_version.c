/* Which Tempo answers is found out from what it says of itself: asked once, after a reconnect and now and then; what is
 * not known is not checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_source.h"
#include "tempo/wire/pause.h"
#include "tests/support/fake_http.h"

static const bt_cancel never = {false};

typedef struct page { /* what a path is answered with */
  int status;         /* 0: the connection is cut */
  const char *text;
} page;

typedef struct fake_tempo {
  page build, version;
  page search; /* and everything else */
  const char *config;
  int64_t takes_ms;
  atomic_uint asked_build, asked_version, asked_config;
  pthread_mutex_t mutex; /* of the pages */
} fake_tempo;

static page page_of(fake_tempo *fake, const char *target) {
  page found = fake->search;
  pthread_mutex_lock(&fake->mutex);
  if (strcmp(target, "/api/status/buildinfo") == 0) atomic_fetch_add(&fake->asked_build, 1), found = fake->build;
  if (strcmp(target, "/status/version") == 0) atomic_fetch_add(&fake->asked_version, 1), found = fake->version;
  if (strcmp(target, "/status/config") == 0) {
    atomic_fetch_add(&fake->asked_config, 1);
    found = fake->config ? (page){200, fake->config} : (page){404, "no"};
  }
  pthread_mutex_unlock(&fake->mutex);
  return found;
}

static bool answer(void *context, const fake_request *request, int socket) {
  fake_tempo *fake = context;
  page found = page_of(fake, request->target);
  if (fake->takes_ms) (void)bt_pause_ms(NULL, fake->takes_ms);
  if (!found.status) return false;
  /* Each request has a connection of its own: curl tries one again that is cut on a connection that was used before. */
  (void)fake_respond(socket, found.status, "application/json", "Connection: close\r\n", found.text, strlen(found.text));
  return false;
}

typedef struct scene {
  fake_tempo fake;
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
} scene;

#define BUILD_OF(version, commit)                                                                                      \
  "{\"version\":\"" version "\",\"revision\":\"" commit "\",\"goVersion\":\"go1.26.8\"}\n"
#define BUILD(version) BUILD_OF(version, "x")
#define STATUS_OF(version, commit)                                                                                     \
  "GET /status/version\ntempo, version " version " (branch: HEAD, revision: " commit                                   \
  ")\n  build user:       \n  go version:       go1.26.8\n"
#define STATUS(version) STATUS_OF(version, "x")
#define TWO_AS_ONE      "it may store two traces as one; 2.8.1 and newer do not"
#define LISTED          "not among the versions that were checked (2.8, 2.10, 3.0, 3.1)"

static void begin(scene *s, page build, page version) {
  bt_error error = {0};
  *s = (scene){.fake = {.build = build, .version = version, .search = {200, "{\"traces\":[]}"}}};
  pthread_mutex_init(&s->fake.mutex, NULL);
  s->server = fake_server_start(answer, &s->fake);
  assert_non_null(s->server);
  assert_int_equal(bt_http_client_new(&(bt_http_options){0}, &s->client, &error), BT_OK);
  bt_tempo_options options = {.url = fake_server_url(s->server), .pause_ms = 1};
  assert_int_equal(bt_tempo_source_new(s->client, &options, &s->source, &error), BT_OK);
}

static void end(scene *s) {
  bt_source_free(s->source);
  bt_http_client_free(s->client);
  fake_server_stop(s->server);
  pthread_mutex_destroy(&s->fake.mutex);
}

static void change(scene *s, page build, page search) {
  pthread_mutex_lock(&s->fake.mutex);
  s->fake.build = build;
  s->fake.search = search;
  pthread_mutex_unlock(&s->fake.mutex);
}

static bt_source_about describe(const scene *s, const bt_cancel *cancel) {
  bt_source_about about = bt_source_promises(s->source, BT_PROMISES_OF_VERSION, cancel).about;
  assert_string_equal(about.kind, "tempo");
  if (about.is_checked) assert_string_equal(about.note, strncmp(about.version, "2.8.0", 5) == 0 ? TWO_AS_ONE : "");
  if (!about.is_checked) assert_memory_equal(about.note, LISTED, strlen(LISTED));
  return about;
}

/* As if the time after which it is asked again had passed. */
static void pass_time(const scene *s) {
  ((bt_tempo *)s->source)->version.next_ms = 0;
}

/* ---- what it says ---- */

static const struct {
  page build, status;
  const char *version;    /* "": not known */
  const char *why;        /* NULL: checked; "": the version itself */
  unsigned builds, other; /* requests of three calls */
} rows[] = {
    {{200, BUILD("3.0.3")}, {404, ""}, "3.0.3", NULL, 1, 0},
    {{200, BUILD("2.10.8")}, {404, ""}, "2.10.8", NULL, 1, 0},
    {{200, BUILD("v2.8.1")}, {404, ""}, "v2.8.1", NULL, 1, 0},
    {{200, BUILD("2.8.0-87c2dc380cec")}, {404, ""}, "2.8.0-87c2dc380cec", NULL, 1, 0},
    {{200, BUILD("2.8.0")}, {404, ""}, "2.8.0", NULL, 1, 0},
    {{200, BUILD("v2.8.10")}, {404, ""}, "v2.8.10", NULL, 1, 0},
    {{200, BUILD("2.80.0")}, {404, ""}, "2.80.0", "", 1, 0},
    {{200, BUILD("3.0.0-rc.1")}, {404, ""}, "3.0.0-rc.1", NULL, 1, 0},
    {{200, BUILD("3.0")}, {404, ""}, "3.0", NULL, 1, 0},
    {{200, " { \"goVersion\" : \"go1.24\",\n \"version\" : \"3.0.3\" } "}, {404, ""}, "3.0.3", NULL, 1, 0},
    {{200, BUILD("3.1.0")}, {404, ""}, "3.1.0", NULL, 1, 0},
    {{200, BUILD("v3.1.2")}, {404, ""}, "v3.1.2", NULL, 1, 0},
    {{200, BUILD("v3.1.0-rc.0")}, {404, ""}, "v3.1.0-rc.0", NULL, 1, 0},
    /* the commit of the main branch that was checked, and others */
    {{200, BUILD_OF("v3.1.0-dev", "ad33aa8f")}, {404, ""}, "v3.1.0-dev", NULL, 1, 0},
    {{200, BUILD_OF("v3.1.0-dev", "ad33aa8")}, {404, ""}, "v3.1.0-dev", NULL, 1, 0},
    {{200, BUILD_OF("v3.1.0-dev", "ad33aa")}, {404, ""}, "v3.1.0-dev", ": it is a build of another commit", 1, 0},
    {{200, BUILD_OF("v3.1.0-dev", "bd33aa8f")}, {404, ""}, "v3.1.0-dev", ": it is a build of another commit", 1, 0},
    {{200, BUILD_OF("3.1.0-main", "")}, {404, ""}, "3.1.0-main", ": it is a build of another commit", 1, 0},
    {{200, BUILD_OF("3.1.0+x", "unknown")}, {404, ""}, "3.1.0+x", ": it is a build of another commit", 1, 0},
    {{200, BUILD_OF("v3.2.0-dev", "ad33aa8f")}, {404, ""}, "v3.2.0-dev", "", 1, 0},
    {{404, ""}, {200, STATUS_OF("3.1.0-dev", "ad33aa8f")}, "3.1.0-dev", NULL, 1, 1},
    {{404, ""}, {200, STATUS_OF("3.1.0-dev", "1a2b3c4")}, "3.1.0-dev", ": it is a build of another commit", 1, 1},
    /* others */
    {{200, BUILD("3.2.0")}, {404, ""}, "3.2.0", "", 1, 0},
    {{200, BUILD("2.9.0")}, {404, ""}, "2.9.0", "", 1, 0},
    {{200, BUILD("2.81.0")}, {404, ""}, "2.81.0", "", 1, 0},
    {{200, BUILD("30.0.3")}, {404, ""}, "30.0.3", "", 1, 0},
    {{200, BUILD("3.0x")}, {404, ""}, "3.0x", "", 1, 0},
    {{200, BUILD("3")}, {404, ""}, "3", "", 1, 0},
    {{200, BUILD("99999999999.0")}, {404, ""}, "99999999999.0", "", 1, 0},
    {{200, BUILD("main-1a2b3c4")}, {404, ""}, "main-1a2b3c4", "", 1, 0},
    {{200, BUILD("r178-3.0.3")}, {404, ""}, "r178-3.0.3", "", 1, 0},
    /* a program that speaks Tempo's API and says so */
    {{200, "{\"version\":\"v2.10.0\",\"goVersion\":\"\"}"},
     {404, ""},
     "v2.10.0",
     ": it does not say with which Go",
     1,
     0},
    {{200, "{\"version\":\"2.10.0\"}"}, {404, ""}, "2.10.0", ": it does not say with which Go", 1, 0},
    {{200, "{\"version\":\"v2.9.0\",\"goVersion\":\"\"}"}, {404, ""}, "v2.9.0", "", 1, 0},
    /* it does not say */
    {{200, BUILD("")}, {404, ""}, "", ": it was built without a version", 1, 0},
    {{200, BUILD("3.0.3\\u001b[2J")}, {404, ""}, "", ": what it says of its version is none", 1, 0},
    {{200, BUILD("3.0.3 <b>")}, {404, ""}, "", ": what it says of its version is none", 1, 0},
    {{404, "404 page not found"}, {404, ""}, "", ": GET /api/status/buildinfo was answered 404", 1, 1},
    {{403, ""}, {404, ""}, "", ": GET /api/status/buildinfo was answered 403", 1, 1},
    {{401, "no org id"}, {401, ""}, "", ": GET /api/status/buildinfo was answered 401", 1, 1},
    {{200, "<html>sign in</html>"},
     {200, "<html>sign in</html>"},
     "",
     ": GET /api/status/buildinfo was answered 200 with something else",
     1,
     1},
    {{200, "{\"version\":3}"}, {404, ""}, "", ": GET /api/status/buildinfo was answered 200 with", 1, 1},
    {{200, "[]"}, {404, ""}, "", ": GET /api/status/buildinfo was answered 200 with", 1, 1},
    {{200, ""}, {404, ""}, "", ": GET /api/status/buildinfo was answered 200 with", 1, 1},
    /* the other path */
    {{404, ""}, {200, STATUS("3.0.3")}, "3.0.3", NULL, 1, 1},
    {{403, ""}, {200, STATUS("3.2.0")}, "3.2.0", "", 1, 1},
    {{404, ""}, {200, STATUS("")}, "", ": it was built without a version", 1, 1},
    {{404, ""}, {200, "tempo, version 3.0.3"}, "3.0.3", ": it does not say with which Go", 1, 1},
    {{404, ""}, {502, ""}, "", ": GET /api/status/buildinfo was answered 404", 1, 1},
    /* nobody is there, or a gateway alone: not asked again at once */
    {{0, NULL}, {200, STATUS("3.0.3")}, "", ": it did not answer when it was asked", 1, 0},
    {{502, "bad gateway"}, {502, ""}, "", ": it did not answer when it was asked", 1, 0},
    {{503, ""}, {200, STATUS("3.0.3")}, "", ": it did not answer when it was asked", 1, 0},
};

static void says_what_it_is(void **state) {
  static scene s;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(&s, rows[i].build, rows[i].status);
    for (int call = 0; call < 3; call++) {
      bt_source_about about = describe(&s, &never);
      assert_string_equal(about.version, rows[i].version);
      assert_int_equal(about.is_checked, !rows[i].why);
      if (rows[i].why) assert_non_null(strstr(about.note, rows[i].why));
      if (rows[i].why && !rows[i].why[0]) assert_string_equal(about.note, LISTED);
    }
    assert_int_equal(atomic_load(&s.fake.asked_build), rows[i].builds);
    assert_int_equal(atomic_load(&s.fake.asked_version), rows[i].other);
    end(&s);
  }
}

/* ---- when it is asked ---- */

static void who_cannot_wait_asks_nobody(void **state) {
  static scene s;
  (void)state;
  begin(&s, (page){200, BUILD("3.0.3")}, (page){404, ""});
  bt_source_about about = describe(&s, NULL);
  assert_string_equal(about.version, "");
  assert_string_equal(about.note, LISTED ": it was not asked yet");
  assert_int_equal(atomic_load(&s.fake.asked_build), 0);
  assert_true(describe(&s, &never).is_checked);
  assert_true(describe(&s, NULL).is_checked);
  end(&s);
}

static void who_gave_up_is_not_held(void **state) {
  static scene s;
  bt_cancel given_up = {.requested = true};
  (void)state;
  begin(&s, (page){200, BUILD("3.0.3")}, (page){404, ""});
  assert_false(describe(&s, &given_up).is_checked);
  assert_true(describe(&s, &never).is_checked);
  end(&s);
}

static void *describe_once(void *context) {
  const scene *s = context;
  return describe(s, &never).is_checked ? context : NULL;
}

static void many_ask_once(void **state) {
  enum { ASKERS = 8 };
  static scene s;
  pthread_t askers[ASKERS];
  (void)state;
  begin(&s, (page){200, BUILD("3.0.3")}, (page){404, ""});
  s.fake.takes_ms = 100;
  for (int i = 0; i < ASKERS; i++) assert_int_equal(pthread_create(&askers[i], NULL, describe_once, &s), 0);
  for (int i = 0; i < ASKERS; i++) {
    void *found = NULL;
    pthread_join(askers[i], &found);
    assert_non_null(found);
  }
  assert_int_equal(atomic_load(&s.fake.asked_build), 1);
  end(&s);
}

/* A Tempo behind a load balancer is replaced without a connection that fails. */
static void it_is_asked_again_after_a_while(void **state) {
  static scene s;
  (void)state;
  begin(&s, (page){200, BUILD("3.0.3")}, (page){404, ""});
  assert_true(describe(&s, &never).is_checked);
  uint64_t generation = bt_source_known(s.source).generation;
  pass_time(&s);
  assert_true(describe(&s, &never).is_checked);
  assert_int_equal(bt_source_known(s.source).generation, generation); /* it said the same once more */
  change(&s, (page){200, BUILD("3.1.0")}, s.fake.search);
  assert_true(describe(&s, &never).is_checked);
  pass_time(&s);
  assert_string_equal(describe(&s, &never).version, "3.1.0");
  assert_int_not_equal(bt_source_known(s.source).generation, generation);
  /* a version that it keeps to itself from now on */
  change(&s, (page){404, ""}, s.fake.search);
  pass_time(&s);
  assert_string_equal(describe(&s, &never).version, "");
  end(&s);
}

static void what_is_known_outlives_a_failed_attempt(void **state) {
  static const page gone[] = {{0, NULL}, {502, ""}, {429, ""}};
  static scene s;
  (void)state;
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
    begin(&s, (page){200, BUILD("3.0.3")}, (page){404, ""});
    assert_true(describe(&s, &never).is_checked);
    change(&s, gone[i], s.fake.search);
    pass_time(&s);
    assert_string_equal(describe(&s, &never).version, "3.0.3");
    assert_int_equal(atomic_load(&s.fake.asked_build), 2);
    end(&s);
  }
}

static bt_status check(const scene *s) {
  bt_error error = {0};
  return bt_source_check(s->source, NULL, &error);
}

/* Tempo goes away, is replaced and comes back: nobody has to wait until it would be asked anyway. */
static void it_is_asked_again_after_a_reconnect(void **state) {
  static const page gone[] = {{0, NULL}, {502, "bad gateway"}};
  static scene s;
  (void)state;
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
    begin(&s, (page){200, BUILD("2.10.8")}, (page){404, ""});
    assert_string_equal(describe(&s, &never).version, "2.10.8");
    change(&s, (page){200, BUILD("3.0.3")}, gone[i]);
    assert_int_not_equal(check(&s), BT_OK);
    assert_string_equal(describe(&s, &never).version, "2.10.8"); /* nothing came back yet */
    uint64_t generation = bt_source_known(s.source).generation;
    change(&s, s.fake.build, (page){200, "{\"traces\":[]}"});
    assert_int_equal(check(&s), BT_OK);
    assert_int_not_equal(bt_source_known(s.source).generation, generation); /* also one of the same version */
    while (strcmp(describe(&s, &never).version, "3.0.3") != 0) (void)bt_pause_ms(NULL, 20);
    assert_int_equal(atomic_load(&s.fake.asked_build), 2);
    end(&s);
  }
}

static const int64_t second_ns = 1000000000;

static int64_t hidden_tail_ns(const scene *s) {
  return bt_source_promises(s->source, BT_PROMISES_ALL, &never).hidden_tail_ns;
}

/* Who wants to know the version alone costs no question for more, and who cannot wait costs none. */
static void only_what_is_wanted_is_asked(void **state) {
  static scene s;
  (void)state;
  begin(&s, (page){200, BUILD("3.0.3")}, (page){404, ""});
  s.fake.config = "query_frontend:\n    query_end_cutoff: 7m30s\n";
  bt_promises promises = bt_source_known(s.source);
  assert_true(promises.filters && promises.projects && !promises.is_static);
  assert_false(promises.about.is_checked);
  assert_int_equal(atomic_load(&s.fake.asked_build), 0);
  promises = bt_source_promises(s.source, BT_PROMISES_OF_VERSION, &never);
  assert_true(promises.about.is_checked && !promises.has_copies);
  assert_true(promises.late.is_assumed);
  assert_int_equal(promises.hidden_tail_ns, 30 * second_ns);
  assert_int_equal(atomic_load(&s.fake.asked_config), 0);
  promises = bt_source_promises(s.source, BT_PROMISES_ALL, &never);
  assert_int_equal(promises.hidden_tail_ns, 450 * second_ns);
  assert_false(promises.late.is_assumed);
  assert_int_equal(promises.generation, bt_source_known(s.source).generation);
  assert_int_equal(atomic_load(&s.fake.asked_build), 1);
  assert_int_equal(atomic_load(&s.fake.asked_config), 1);
  end(&s);
}

/* What it hides of the newest time may be another one's too. */
static void what_it_hides_is_asked_again_with_it(void **state) {
  static scene s;
  (void)state;
  begin(&s, (page){200, BUILD("2.10.8")}, (page){404, ""});
  s.fake.config = "query_frontend:\n    max_outstanding_per_tenant: 2000\n";
  assert_int_equal(hidden_tail_ns(&s), 0);
  pthread_mutex_lock(&s.fake.mutex);
  s.fake.config = "query_frontend:\n    query_end_cutoff: 7m30s\n";
  pthread_mutex_unlock(&s.fake.mutex);
  assert_int_equal(hidden_tail_ns(&s), 0);
  assert_int_equal(atomic_load(&s.fake.asked_config), 1);
  pass_time(&s);
  assert_int_equal(hidden_tail_ns(&s), 450 * second_ns);
  /* one that does not show it any more may still be the same */
  pthread_mutex_lock(&s.fake.mutex);
  s.fake.config = NULL;
  pthread_mutex_unlock(&s.fake.mutex);
  pass_time(&s);
  assert_int_equal(hidden_tail_ns(&s), 450 * second_ns);
  assert_int_equal(atomic_load(&s.fake.asked_config), 3);
  end(&s);
}

/* ---- several looks ---- */

static void answers_of_several_versions_name_all(void **state) {
  bt_source_about all = {0};
  (void)state;
  bt_source_about_join(&all, &(bt_source_about){0});
  assert_null(all.kind);
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.0.3", true, "", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.0.3", true, "", NULL});
  bt_source_about_join(&all, &(bt_source_about){0});
  assert_string_equal(all.version, "3.0.3");
  assert_true(all.is_checked);
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.0", true, "", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.1.0", false, "not checked", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.0.3", true, "", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.0", true, "", NULL});
  assert_string_equal(all.version, "3.0.3, 3.0, 3.1.0");
  assert_false(all.is_checked);
  assert_string_equal(all.note, "not checked");
  all = (bt_source_about){0};
  bt_source_about_join(&all, &(bt_source_about){"tempo", "2.8.1", true, "", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "2.8.0", true, TWO_AS_ONE, NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "2.8.1", true, "", NULL});
  assert_true(all.is_checked);
  assert_string_equal(all.note, TWO_AS_ONE);
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.2.0", false, "not checked", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "2.8.0", true, TWO_AS_ONE, NULL});
  assert_string_equal(all.note, "not checked");
  all = (bt_source_about){0};
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.1.0", false, "not checked", NULL});
  for (int i = 0; i < 64; i++) {
    bt_source_about more = {.kind = "tempo", .is_checked = true};
    snprintf(more.version, sizeof more.version, "2.8.%d", i);
    bt_source_about_join(&all, &more);
  }
  assert_in_range(strlen(all.version), 60, BT_SOURCE_VERSION_BYTES - 1);
  bt_source_about_join(&all, &(bt_source_about){"tempo", "", false, "another", NULL});
  bt_source_about_join(&all, &(bt_source_about){"tempo", "3.0.3", true, "", NULL});
  assert_string_equal(all.version, "");
  assert_false(all.is_checked);
  assert_string_equal(all.note, "not checked");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_what_it_is),
      cmocka_unit_test(who_cannot_wait_asks_nobody),
      cmocka_unit_test(who_gave_up_is_not_held),
      cmocka_unit_test(many_ask_once),
      cmocka_unit_test(it_is_asked_again_after_a_while),
      cmocka_unit_test(what_is_known_outlives_a_failed_attempt),
      cmocka_unit_test(it_is_asked_again_after_a_reconnect),
      cmocka_unit_test(only_what_is_wanted_is_asked),
      cmocka_unit_test(what_it_hides_is_asked_again_with_it),
      cmocka_unit_test(answers_of_several_versions_name_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
