/* Pieces of work on several threads: they are taken in order, no more is under way than may be, and the first failure
 * in their order is the answer, whichever thread met it first. And trace files that are read so: with any number of
 * jobs the same parts, the same order and the same error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tempo/files/file_source.h"
#include "tempo/files/ordered_work.h"
#include "tests/support/random.h"

enum { PIECES = 200, PLACES_MAX = 32, MOST_WEIGHT = 20, ROUNDS = 60, NEVER = -1 };

/* ---- the work itself ---- */

typedef struct made {
  int fails_to_cut, fails_to_work[2], fails_to_take; /* numbers of pieces; NEVER */
  int pieces, cut, taken;
  int number[PLACES_MAX]; /* of the piece in each place */
  uint64_t weights[PIECES];
  atomic_ullong under_way;
  atomic_int pieces_under_way;
  atomic_bool is_too_heavy;
} made;

static bt_status cut(void *context, size_t place, bool *found, uint64_t *weight, bt_error *error) {
  made *m = context;
  if (m->cut == m->fails_to_cut) return bt_error_set(error, BT_IO, "cut %d", m->cut);
  *found = m->cut < m->pieces;
  if (!*found) return BT_OK;
  *weight = m->weights[m->cut];
  m->number[place] = m->cut++;
  return BT_OK;
}

static bt_status work(void *context, size_t place, bt_error *error) {
  made *m = context;
  int number = m->number[place];
  uint64_t weight = m->weights[number];
  int beside = atomic_fetch_add(&m->pieces_under_way, 1);
  uint64_t together = atomic_fetch_add(&m->under_way, weight) + weight;
  if (beside && together > MOST_WEIGHT) atomic_store(&m->is_too_heavy, true);
  if (weight % 16 == 0) sched_yield();
  atomic_fetch_sub(&m->under_way, weight);
  atomic_fetch_sub(&m->pieces_under_way, 1);
  bool fails = number == m->fails_to_work[0] || number == m->fails_to_work[1];
  return fails ? bt_error_set(error, BT_LIMIT, "work %d", number) : BT_OK;
}

static bt_status take(void *context, size_t place, bt_error *error) {
  made *m = context;
  assert_int_equal(m->number[place], m->taken);
  m->taken++;
  return m->number[place] == m->fails_to_take ? bt_error_set(error, BT_INVALID, "take %d", m->number[place]) : BT_OK;
}

static void run_made(made *m, unsigned jobs, char *said, size_t size) {
  bt_error error = {0};
  const bt_ordered_work all = {
      .jobs = jobs, .most_weight = MOST_WEIGHT, .cut = cut, .work = work, .take = take, .context = m};
  assert_true(bt_ordered_work_places(jobs) <= PLACES_MAX);
  bt_status status = bt_ordered_work_run(&all, &error);
  snprintf(said, size, "%d %d %s", (int)status, m->taken, status ? error.message : "");
  assert_false(atomic_load(&m->is_too_heavy));
  assert_int_equal(atomic_load(&m->pieces_under_way), 0);
}

static int some_piece(test_random *random) {
  return test_random_below(random, 3) ? NEVER : (int)test_random_below(random, PIECES);
}

static void any_number_of_jobs_says_the_same(void **state) {
  test_random random = test_random_start(1);
  (void)state;
  for (int round = 0; round < ROUNDS; round++) {
    made m = {.fails_to_cut = some_piece(&random),
              .fails_to_work = {some_piece(&random), some_piece(&random)},
              .fails_to_take = some_piece(&random),
              .pieces = (int)test_random_below(&random, PIECES)};
    for (int i = 0; i < PIECES; i++) m.weights[i] = test_random_below(&random, round % 2 ? 4 : 2 * MOST_WEIGHT);
    char expected[600], said[600];
    made one = m, many = m;
    run_made(&one, (unsigned)(round % 2), expected, sizeof expected);
    run_made(&many, 2 + test_random_below(&random, 6), said, sizeof said);
    assert_string_equal(said, expected);
  }
}

/* ---- trace files ---- */

static char path[] = P_tmpdir "/betrace-jobs-XXXXXX";

static int make_path(void **state) {
  (void)state;
  int descriptor = mkstemp(path);
  return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

/* Spans of `traces` traces in a random order, a few a document; `broken`: a document that is none stands there. */
static void write_spans(test_random *random, unsigned documents, unsigned traces, unsigned broken) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (unsigned i = 0; i < documents; i++) {
    if (i == broken) fputs("{\"resourceSpans\": 7}\n", file);
    fputs("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[", file);
    for (unsigned k = 0, count = 1 + test_random_below(random, 3); k < count; k++)
      fprintf(file, "%s{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"startTimeUnixNano\":1,\"endTimeUnixNano\":2}",
              k ? "," : "", 1 + test_random_below(random, traces), i * 3 + k + 1);
    fputs("]}]}]}\n", file);
  }
  assert_int_equal(fclose(file), 0);
}

typedef struct told {
  bt_buffer parts[PLACES_MAX], text;
  size_t fails_at; /* index of a trace; SIZE_MAX: none */
} told;

static bt_status look(void *context, size_t place, const bt_read_trace *read, bt_error *error) {
  told *t = context;
  if (read->index == t->fails_at) return bt_error_set(error, BT_LIMIT, "trace %zu is too much", read->index);
  bt_buffer_printf(&t->parts[place], "%zu:", read->index);
  for (uint32_t i = 0; i < read->trace->span_count; i++)
    bt_buffer_printf(&t->parts[place], " %02x%02x", read->trace->spans[i].id.bytes[6],
                     read->trace->spans[i].id.bytes[7]);
  bt_buffer_append_char(&t->parts[place], '\n');
  return BT_OK;
}

static bt_status tell(void *context, size_t place, bt_error *error) {
  told *t = context;
  (void)error;
  bt_buffer_append(&t->text, bt_buffer_str(&t->parts[place]));
  bt_buffer_clear(&t->parts[place]);
  return BT_OK;
}

static bt_status tell_read(void *context, const bt_read_trace *read, bt_error *error) {
  bt_status status = look(context, 0, read, error);
  return status ? status : tell(context, 0, error);
}

/* What is told of the file, by a visitor and by a sink, and how each ends. */
static bt_buffer tell_all(unsigned jobs, size_t most_traces, size_t fails_at) {
  const char *const paths[] = {path};
  bt_source *source = NULL;
  told t = {.fails_at = fails_at};
  bt_error error = {.message = ""};
  const bt_file_visitor visitor = {.most_traces = most_traces, .look = look, .tell = tell, .context = &t};
  bt_status status = bt_file_source_open_wide(paths, 1, &(bt_file_opening){.jobs = jobs}, &source, &error);
  if (!status) {
    assert_true(bt_file_source_places(source) <= PLACES_MAX);
    status = bt_file_source_visit(source, &visitor, &error);
    bt_buffer_printf(&t.text, "visited: %d %s\n", (int)status, error.message);
    error.message[0] = '\0';
    for (size_t i = 0; i < PLACES_MAX; i++) bt_buffer_clear(&t.parts[i]); /* looked at, and not told any more */
    status = bt_file_source_each(source, tell_read, &t, &error);
  }
  bt_buffer_printf(&t.text, "ended: %d %s\n", (int)status, error.message);
  bt_source_free(source);
  for (size_t i = 0; i < PLACES_MAX; i++) bt_buffer_dispose(&t.parts[i]);
  return t.text;
}

static void files_are_read_the_same_by_any_number_of_jobs(void **state) {
  test_random random = test_random_start(2);
  (void)state;
  for (int round = 0; round < ROUNDS / 4; round++) {
    unsigned documents = 1 + test_random_below(&random, 600), traces = 1 + test_random_below(&random, 60);
    bool is_broken = round % 5 == 1;
    size_t most_traces = test_random_below(&random, 6), fails_at = round % 5 == 2 ? traces / 2 : SIZE_MAX;
    write_spans(&random, documents, traces, is_broken ? test_random_below(&random, documents) : documents);
    bt_buffer one = tell_all(1, most_traces, fails_at);
    bt_buffer many = tell_all(2 + test_random_below(&random, 6), most_traces, fails_at);
    assert_string_equal(many.ptr, one.ptr);
    if (is_broken) assert_null(strstr(one.ptr, "ended: 0"));
    bt_buffer_dispose(&one);
    bt_buffer_dispose(&many);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_jobs_says_the_same),
      cmocka_unit_test_setup_teardown(files_are_read_the_same_by_any_number_of_jobs, make_path, remove_path)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
