/* Names and values for completion: the bounded list, Tempo's answers, what is asked for and what answers that are none
 * become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tempo/api/tags_decoder.h"
#include "tempo/api/tempo_source.h"
#include "tests/support/fake_http.h"

static char *text_of(const bt_tag_list *list) {
  static char text[2000];
  text[0] = '\0';
  for (size_t i = 0; i < list->count; i++) {
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, "%s%.*s:%d", i ? " " : "", BT_FMT(list->items[i].text),
             (int)list->items[i].type);
  }
  return text;
}

/* ---- the list ---- */

/* Whatever the order of arrival: the first of the order are kept. */
static void a_list_keeps_the_first_of_its_order(void **state) {
  (void)state;
  const char *orders[] = {"dbacdab", "abcdabc", "dcbabcd"};
  for (size_t o = 0; o < 3; o++) {
    bt_tag_list list = {0};
    bt_tag_request request = {.limit = 3};
    bt_arena_init(&list.arena, 1 << 20);
    for (const char *c = orders[o]; *c; c++)
      assert_true(bt_tag_list_add(&list, &request, (bt_str){c, 1}, BT_VALUE_STRING));
    assert_string_equal(text_of(&list), "a:2 b:2 c:2");
    assert_true(list.is_cut);
    bt_tag_list_dispose(&list);
  }
}

static void a_list_knows_when_it_is_whole(void **state) {
  (void)state;
  char longest[BT_TAG_TEXT_MAX + 1];
  memset(longest, 'y', sizeof longest);
  bt_tag_list list = {0};
  bt_tag_request request = {.limit = 3, .prefix = BT_STR("y")};
  bt_arena_init(&list.arena, 1 << 20);
  assert_true(bt_tag_list_add(&list, &request, BT_STR("x"), BT_VALUE_STRING)); /* not asked for */
  assert_true(bt_tag_list_add(&list, &request, BT_STR("y1"), BT_VALUE_STRING));
  assert_true(bt_tag_list_add(&list, &request, BT_STR("y1"), BT_VALUE_INT));
  assert_true(bt_tag_list_add(&list, &request, BT_STR("y1"), BT_VALUE_STRING));
  assert_true(bt_tag_list_add(&list, &request, (bt_str){longest, BT_TAG_TEXT_MAX}, BT_VALUE_STRING));
  assert_int_equal(list.count, 3);
  assert_false(list.is_cut);
  assert_true(bt_tag_list_add(&list, &request, (bt_str){longest, sizeof longest}, BT_VALUE_STRING));
  assert_int_equal(list.count, 3);
  assert_true(list.is_cut);
  bt_tag_list_dispose(&list);
}

/* ---- decoding ---- */

static bt_status decode(bool is_values, bt_tag_scope scope, const char *body, bt_tag_list *list) {
  bt_tag_request request = {.scope = scope, .limit = 100};
  bt_error error = {0};
  *list = (bt_tag_list){0};
  bt_arena_init(&list->arena, 1 << 20);
  bt_status status = is_values ? bt_tags_decode_values(bt_str_from(body), &request, 4, list, &error)
                               : bt_tags_decode_names(bt_str_from(body), &request, 4, list, &error);
  if (status != BT_OK) assert_true(error.message[0]);
  return status;
}

static void reads_names(void **state) {
  (void)state;
  static const char body[] =
      "{\"scopes\":[{\"name\":\"intrinsic\",\"tags\":[\"kind\"]},{\"tags\":[\"b\",\"a\\\"\"],\"name\":\"resource\"},"
      "{\"name\":\"span\",\"tags\":[\"b\",\"c\"]},{\"name\":\"new\",\"tags\":[\"z\"]},{}],\"metrics\":{\"x\":[1]}}";
  static const struct {
    bt_tag_scope scope;
    const char *expected;
  } table[] = {{BT_TAG_SPAN, "b:0 c:0"},
               {BT_TAG_RESOURCE, "a\":0 b:0"},
               {BT_TAG_ANY, "a\":0 b:0 c:0"},
               {BT_TAG_EVENT, ""},
               {BT_TAG_LINK, ""}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    bt_tag_list list;
    assert_int_equal(decode(false, table[i].scope, body, &list), BT_OK);
    assert_string_equal(text_of(&list), table[i].expected);
    assert_false(list.is_cut);
    bt_tag_list_dispose(&list);
  }
}

static void reads_values(void **state) {
  (void)state;
  bt_tag_list list;
  assert_int_equal(
      decode(true, BT_TAG_SPAN,
             "{\"tagValues\":[{\"type\":\"int\",\"value\":\"7\"},{\"value\":\"\\u00e4\",\"type\":\"string\"},"
             "{\"type\":\"string\"}]}",
             &list),
      BT_OK);
  assert_string_equal(text_of(&list), ":2 7:4 \xC3\xA4:2");
  assert_false(list.is_cut);
  bt_tag_list_dispose(&list);
  /* As many as were asked for (4): there may be more. */
  assert_int_equal(
      decode(true, BT_TAG_SPAN,
             "{\"metrics\":{},\"tagValues\":[{\"type\":\"bool\",\"value\":\"true\"},{\"type\":\"float\","
             "\"value\":\"1.5\"},{\"type\":\"keyword\",\"value\":\"ok\"},{\"type\":\"x\",\"value\":\"y\"}]}",
             &list),
      BT_OK);
  assert_string_equal(text_of(&list), "1.5:5 ok:2 true:3 y:2");
  assert_true(list.is_cut);
  bt_tag_list_dispose(&list);
}

static void refuses_what_is_no_answer(void **state) {
  (void)state;
  static const char *const bodies[] = {"",
                                       "{}",
                                       "[]",
                                       "{\"traces\":[]}",
                                       "{\"tagValues\":{}}",
                                       "{\"tagValues\":[1]}",
                                       "{\"tagValues\":[{\"value\":1}]}",
                                       "{\"tagValues\":[]",
                                       "{\"tagValues\":[]}x",
                                       "{\"scopes\":[{\"name\":\"span\",\"tags\":[1]}]}",
                                       "{\"scopes\":[{\"name\":\"span\",\"tags\":\"a\"}]}"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    for (int is_values = 0; is_values < 2; is_values++) {
      bool is_of_the_other = strstr(bodies[i], is_values ? "scopes" : "tagValues") != NULL;
      bt_tag_list list;
      bt_status status = decode(is_values, BT_TAG_SPAN, bodies[i], &list);
      if (status != BT_INVALID) fail_msg("%s%s", bodies[i], is_of_the_other ? " (of the other kind)" : "");
      bt_tag_list_dispose(&list);
    }
}

/* ---- asking Tempo ---- */

typedef struct script {
  pthread_mutex_t mutex;
  char target[1000], head[4000];
  int status;
  const char *type, *body;
  bool hangs;
} script;

static script s = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  pthread_mutex_lock(&s.mutex);
  snprintf(s.target, sizeof s.target, "%s", request->target);
  snprintf(s.head, sizeof s.head, "%s", request->head);
  script now = s;
  pthread_mutex_unlock(&s.mutex);
  if (now.hangs) return fake_hang(socket);
  return fake_respond(socket, now.status, now.type, "", now.body, strlen(now.body));
}

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
} fixture;

static int set_up(void **state) {
  static fixture f;
  bt_error error;
  f.server = fake_server_start(answer, NULL);
  if (!f.server || bt_http_client_new(NULL, &f.client, &error) != BT_OK) return -1;
  bt_tempo_options options = {.url = fake_server_url(f.server)};
  *state = &f;
  return bt_tempo_source_new(f.client, &options, &f.source, &error) == BT_OK ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  return 0;
}

static void script_hang(bool hangs) {
  pthread_mutex_lock(&s.mutex);
  s.hangs = hangs;
  pthread_mutex_unlock(&s.mutex);
}

/* The last request, as it came. */
static script asked(void) {
  pthread_mutex_lock(&s.mutex);
  script now = s;
  pthread_mutex_unlock(&s.mutex);
  return now;
}

static void script_answer(int status, const char *type, const char *body) {
  pthread_mutex_lock(&s.mutex);
  s.status = status;
  s.type = type;
  s.body = body;
  pthread_mutex_unlock(&s.mutex);
}

static bt_status ask(const fixture *f, bt_tag_scope scope, const char *key, bt_tag_list *list, bt_error *error) {
  bt_tag_request request = {.scope = scope,
                            .key = bt_str_from(key),
                            .range = {INT64_C(1000) * 1000000000, INT64_C(2000) * 1000000000},
                            .tenant = "me",
                            .timeout_ms = 5000};
  return key || scope > BT_TAG_ANY ? bt_source_tag_values(f->source, &request, list, error)
                                   : bt_source_tag_names(f->source, &request, list, error);
}

static void asks_in_tempos_way(void **state) {
  static const struct {
    bt_tag_scope scope;
    const char *key, *path;
  } table[] = {{BT_TAG_SPAN, NULL, "/api/v2/search/tags?scope=span&"},
               {BT_TAG_SCOPE, NULL, "/api/v2/search/tags?scope=instrumentation&"},
               {BT_TAG_ANY, NULL, "/api/v2/search/tags?"},
               {BT_TAG_SPAN, "a b\"", "/api/v2/search/tag/span.a%20b%22/values?"},
               {BT_TAG_ANY, "k", "/api/v2/search/tag/.k/values?"},
               {BT_TAG_EVENT, "k", "/api/v2/search/tag/event.k/values?"},
               {BT_TAG_LINK, "k", "/api/v2/search/tag/link.k/values?"},
               {BT_TAG_LINK, NULL, "/api/v2/search/tags?scope=link&"},
               {BT_TAG_SPAN_NAME, NULL, "/api/v2/search/tag/name/values?"},
               {BT_TAG_SERVICE_NAME, NULL, "/api/v2/search/tag/resource.service.name/values?"},
               {BT_TAG_STATUS_MESSAGE, NULL, "/api/v2/search/tag/statusMessage/values?"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char expected[200];
    bt_tag_list list;
    bt_error error = {0};
    script_answer(200, "application/json",
                  table[i].key || table[i].scope > BT_TAG_ANY ? "{\"tagValues\":[]}" : "{\"scopes\":[]}");
    if (ask(*state, table[i].scope, table[i].key, &list, &error) != BT_OK) fail_msg("%s", error.message);
    snprintf(expected, sizeof expected, "%sstart=1000&end=2000&limit=10000", table[i].path);
    script now = asked();
    assert_string_equal(now.target, expected);
    assert_non_null(strstr(now.head, "Accept: application/json"));
    assert_non_null(strstr(now.head, "X-Scope-OrgID: me"));
    assert_non_null(strstr(now.head, "X-Query-Tags: source=betrace"));
    bt_tag_list_dispose(&list);
  }
}

static void says_what_went_wrong(void **state) {
  static const struct {
    int status;
    const char *type, *body;
    bt_status expected;
    const char *sentence;
  } table[] = {{400, "text/plain", "invalid scope: bad", BT_REFUSED, "invalid scope: bad"},
               {401, "text/plain", "no org id", BT_REFUSED, "X-Scope-OrgID"},
               {404, "text/plain", "", BT_REFUSED, "404"},
               {429, "text/plain", "", BT_UNAVAILABLE, "429"},
               {500, "text/plain", "http://10.0.0.1 broke", BT_UNAVAILABLE, "500"},
               {200, "text/html", "<html>", BT_UNAVAILABLE, "not JSON"},
               {200, "application/protobuf", "\x0a", BT_UNAVAILABLE, "not JSON"},
               {200, "application/json", "{\"tagValues\":[", BT_UNAVAILABLE, "decoded"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    bt_tag_list list;
    bt_error error = {0};
    script_answer(table[i].status, table[i].type, table[i].body);
    bt_status status = ask(*state, BT_TAG_SPAN, "k", &list, &error);
    if (status != table[i].expected || !strstr(error.message, table[i].sentence) || strstr(error.message, "10.0.0.1"))
      fail_msg("%d: %s: %s", table[i].status, bt_status_name(status), error.message);
    bt_tag_list_dispose(&list);
  }
}

static void does_not_wait_for_ever(void **state) {
  const fixture *f = *state;
  bt_tag_request request = {.scope = BT_TAG_SPAN, .range = {0, INT64_C(2000) * 1000000000}, .timeout_ms = 200};
  bt_tag_list list;
  bt_error error = {0};
  script_hang(true);
  assert_int_equal(bt_source_tag_names(f->source, &request, &list, &error), BT_UNAVAILABLE);
  assert_non_null(strstr(error.message, "200 ms"));
  bt_tag_list_dispose(&list);
  script_hang(false);
  request.key =
      BT_STR("a/b"); /* cannot stand in Tempo's path: nothing is asked, and the list says that it is not whole */
  assert_int_equal(bt_source_tag_values(f->source, &request, &list, &error), BT_OK);
  assert_true(list.count == 0 && list.is_cut);
  bt_tag_list_dispose(&list);
  request.tenant = "a\nb";
  assert_int_equal(bt_source_tag_names(f->source, &request, &list, &error), BT_INVALID);
  bt_tag_list_dispose(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_list_keeps_the_first_of_its_order),
                                     cmocka_unit_test(a_list_knows_when_it_is_whole),
                                     cmocka_unit_test(reads_names),
                                     cmocka_unit_test(reads_values),
                                     cmocka_unit_test(refuses_what_is_no_answer),
                                     cmocka_unit_test(asks_in_tempos_way),
                                     cmocka_unit_test(says_what_went_wrong),
                                     cmocka_unit_test(does_not_wait_for_ever)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
