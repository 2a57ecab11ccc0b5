/* By how much our clock is ahead of Tempo's is found out from the Date of its answers, never assumed, and never less
 * than it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "tempo/api/tempo_clock.h"
#include "tempo/api/tempo_source.h"
#include "tests/support/fake_http.h"
#include "tests/support/random.h"

static const int64_t SECOND_NS = 1000000000, MS_NS = 1000000;
static const int64_t EPOCH_S = 1700000000; /* of Tempo, when our steady clock reads 0 */

/* ---- arithmetic ---- */

/* Tempo's clock was read at at_ns of our steady one. */
static bt_clock_look look_at(int64_t asked_ns, int64_t at_ns, int64_t came_ns, int64_t shift_ns) {
  return (bt_clock_look){(EPOCH_S * SECOND_NS + at_ns + shift_ns) / SECOND_NS, asked_ns, came_ns};
}

/* A wall clock that is so much ahead of Tempo's. */
static int64_t lead_of(int64_t ahead_ns) {
  return EPOCH_S * SECOND_NS + ahead_ns;
}

static void nothing_is_known_at_first(void **state) {
  bt_clock_looks looks = {.before_until_ns = 0};
  (void)state;
  assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(3600 * SECOND_NS), 0), 0);
}

/* Whatever the answers took and wherever in a second they were given: never less than it is, and with some answers
 * hardly more; clocks that agree within a second are not told apart. */
static void is_never_less(void **state) {
  static const int64_t aheads_ms[] = {-3600000, -5000, -1000, 0, 300, 1000, 3100, 5000, 60000, 3600000};
  test_random numbers = test_random_start(25);
  (void)state;
  for (size_t i = 0; i < sizeof aheads_ms / sizeof *aheads_ms; i++) {
    bt_clock_looks looks = {.before_until_ns = 0};
    int64_t ahead_ns = aheads_ms[i] * MS_NS, now_ns = 0, said_ns = 0;
    for (int n = 0; n < 200; n++) {
      int64_t asked_ns = now_ns + (int64_t)test_random_below(&numbers, 3000) * MS_NS;
      int64_t at_ns = asked_ns + (int64_t)test_random_below(&numbers, 400) * MS_NS;
      now_ns = at_ns + (int64_t)test_random_below(&numbers, 400) * MS_NS;
      bt_clock_look look = look_at(asked_ns, at_ns, now_ns, 0);
      bt_clock_looks_add(&looks, &look);
      said_ns = bt_clock_looks_ahead_ns(&looks, lead_of(ahead_ns), now_ns);
      assert_true(said_ns == 0 || said_ns >= ahead_ns);
    }
    if (ahead_ns > 3 * SECOND_NS) assert_in_range(said_ns, ahead_ns, ahead_ns + SECOND_NS + 100 * MS_NS);
    if (ahead_ns <= SECOND_NS) assert_int_equal(said_ns, 0);
  }
}

static void an_answer_that_waited_says_nothing(void **state) {
  bt_clock_looks looks = {.before_until_ns = 0};
  bt_clock_look late = look_at(0, 100 * MS_NS, 90 * SECOND_NS, 0), prompt = look_at(0, 0, 10 * MS_NS, 0);
  (void)state;
  bt_clock_looks_add(&looks, &late);
  assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(0), 0), 0);
  bt_clock_looks_add(&looks, &prompt);
  assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(10 * SECOND_NS), 0), 11 * SECOND_NS);
}

/* Our wall clock is set: what was learned stands, and says so at once. */
static void follows_our_clock(void **state) {
  bt_clock_looks looks = {.before_until_ns = 0};
  bt_clock_look look = look_at(0, 0, 0, 0);
  (void)state;
  bt_clock_looks_add(&looks, &look);
  assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(3600 * SECOND_NS), 0), 3600 * SECOND_NS);
  assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(0), 0), 0);
}

/* Two Tempos behind one address: the clock that is farther behind counts, and for ten minutes after its last answer. */
static void keeps_the_clock_that_is_behind(void **state) {
  enum { MINUTE_S = 60 };
  bt_clock_looks looks = {.before_until_ns = 0};
  int64_t now_ns = 0;
  (void)state;
  for (int n = 0; n < 50; n++, now_ns += MINUTE_S * SECOND_NS) {
    bt_clock_look look = look_at(now_ns, now_ns, now_ns, n % 3 ? 0 : -40 * SECOND_NS);
    bt_clock_looks_add(&looks, &look);
    assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(0), now_ns), 40 * SECOND_NS);
  }
  for (int n = 0; n < 30; n++, now_ns += MINUTE_S * SECOND_NS) {
    bt_clock_look look = look_at(now_ns, now_ns, now_ns, 0);
    bt_clock_looks_add(&looks, &look);
  }
  assert_int_equal(bt_clock_looks_ahead_ns(&looks, lead_of(0), now_ns), 0);
}

static void nonsense_teaches_nothing(void **state) {
  static const bt_clock_look looks_of[] = {{0, 0, 1}, {-5, 0, 1}, {INT64_MAX, 0, 1}, {1, 5, 4}};
  bt_clock_looks looks = {.before_until_ns = 0};
  (void)state;
  for (size_t i = 0; i < sizeof looks_of / sizeof *looks_of; i++) bt_clock_looks_add(&looks, &looks_of[i]);
  assert_false(looks.now.is_known);
}

/* ---- answers ---- */

typedef struct fake_tempo {
  int64_t behind_s;
  const char *more; /* header lines */
  bool has_date;
  int status;
} fake_tempo;

static bool answer(void *context, const fake_request *request, int socket) {
  const fake_tempo *fake = context;
  char headers[256] = "";
  time_t date = time(NULL) - (time_t)fake->behind_s;
  struct tm parts;
  (void)request;
  gmtime_r(&date, &parts);
  size_t length = fake->has_date ? strftime(headers, sizeof headers, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts) : 0;
  snprintf(headers + length, sizeof headers - length, "%s", fake->more);
  return fake_respond(socket, fake->status, "text/plain", headers, "ok", 2);
}

static atomic_int told;

static void count_telling(int64_t ahead_ns) {
  (void)ahead_ns;
  atomic_fetch_add(&told, 1);
}

/* What is known after two answers. */
static int64_t ahead_after(fake_tempo *fake) {
  fake_server *server = fake_server_start(answer, fake);
  bt_http_client *client = NULL;
  bt_source *source = NULL;
  bt_error error = {0};
  assert_non_null(server);
  const bt_tempo_options options = {.url = fake_server_url(server), .on_clock_ahead = count_telling};
  assert_int_equal(bt_http_client_new(&(bt_http_options){0}, &client, &error), BT_OK);
  assert_int_equal(bt_tempo_source_new(client, &options, &source, &error), BT_OK);
  assert_int_equal(bt_source_clock_ahead_ns(source), 0);
  atomic_store(&told, 0);
  for (int i = 0; i < 2; i++) {
    bt_http_response response = {0};
    assert_int_equal(bt_tempo_source_get(source, "/status/config", NULL, &response, &error), BT_OK);
    bt_http_response_dispose(&response);
  }
  int64_t ahead_ns = bt_source_clock_ahead_ns(source);
  bt_source_free(source);
  bt_http_client_free(client);
  fake_server_stop(server);
  return ahead_ns;
}

static void learns_from_answers(void **state) {
  static const struct {
    fake_tempo fake;
    bool is_learned;
  } rows[] = {
      {{300, "", true, 200}, true},
      {{300, "", true, 404}, true},              /* Tempo's, too */
      {{300, "", true, 502}, false},             /* a gateway's */
      {{300, "Age: 300\r\n", true, 200}, false}, /* it lay in a cache */
      {{300, "", false, 200}, false},
      {{300, "Date: yesterday\r\n", false, 200}, false},
      {{0, "", true, 200}, false},
      {{-300, "", true, 200}, false}, /* ours is behind: then nothing is settled too early */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fake_tempo fake = rows[i].fake;
    int64_t ahead_ns = ahead_after(&fake);
    if (rows[i].is_learned)
      assert_in_range(ahead_ns, 300 * SECOND_NS, 330 * SECOND_NS);
    else
      assert_int_equal(ahead_ns, 0);
    assert_int_equal(atomic_load(&told), rows[i].is_learned);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_known_at_first),
                                     cmocka_unit_test(is_never_less),
                                     cmocka_unit_test(an_answer_that_waited_says_nothing),
                                     cmocka_unit_test(follows_our_clock),
                                     cmocka_unit_test(keeps_the_clock_that_is_behind),
                                     cmocka_unit_test(nonsense_teaches_nothing),
                                     cmocka_unit_test(learns_from_answers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
