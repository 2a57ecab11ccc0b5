/* How many requests at once the HTTP client comes to by itself with a server of 1, 4 and 16 workers that take 50 ms for
 * an answer. Somebody else asks that server too. Prints rates, and what others wait, as shares of those of
 * the best fixed number; what does not depend on time is held by tests/tempo/test_width.c. Usage:
 * bench_width [seconds for each]. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tempo/wire/http_client.h"
#include "tempo/wire/pause.h"
#include "tests/bench/bench.h"
#include "tests/support/fake_http.h"

enum { WORK_MS = 50, WAITING = 48, OTHERS_EVERY_MS = 400, MOST = 16 };

/* ---- the server: so many workers, and a queue ---- */

typedef struct workers {
  pthread_mutex_t mutex;
  pthread_cond_t freed;
  uint32_t free;
  uint64_t next, serving; /* tickets */
} workers;

static void sleep_ms(int64_t ms) {
  struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&left, NULL);
}

static bool answer(void *context, const fake_request *request, int socket) {
  workers *w = context;
  (void)request;
  pthread_mutex_lock(&w->mutex);
  uint64_t ticket = w->next++;
  while (!w->free || ticket != w->serving) pthread_cond_wait(&w->freed, &w->mutex);
  w->free--;
  w->serving++;
  pthread_cond_broadcast(&w->freed);
  pthread_mutex_unlock(&w->mutex);
  sleep_ms(WORK_MS);
  pthread_mutex_lock(&w->mutex);
  w->free++;
  pthread_cond_broadcast(&w->freed);
  pthread_mutex_unlock(&w->mutex);
  return fake_respond(socket, 200, "application/json", "", "{}", 2);
}

/* ---- who asks ---- */

static void send_one(bt_http_client *client, const bt_http_request *request) {
  bt_http_response response;
  bt_error error = {0};
  if (bt_http_send(client, request, &response, &error) != BT_OK) stop(error.message);
  bt_http_response_dispose(&response);
}

typedef struct others {
  const bt_http_request *request;
  atomic_bool counts, ends;
  double sum_ms;
  uint64_t count;
} others;

static void *ask_now_and_then(void *context) {
  others *o = context;
  bt_http_client *client = NULL;
  bt_error error = {0};
  if (bt_http_client_new(&(bt_http_options){.concurrency = 1}, &client, &error) != BT_OK) stop(error.message);
  while (!atomic_load(&o->ends)) {
    int64_t began_ms = bt_monotonic_ms();
    send_one(client, o->request);
    if (atomic_load(&o->counts)) o->sum_ms += (double)(bt_monotonic_ms() - began_ms);
    if (atomic_load(&o->counts)) o->count++;
    sleep_ms(OTHERS_EVERY_MS);
  }
  bt_http_client_free(client);
  return NULL;
}

typedef struct outcome {
  double rate, others_ms;
  uint32_t at_end;
} outcome;

typedef struct ring {
  bt_http_call *calls[WAITING];
  bt_http_response responses[WAITING];
} ring;

/* Always so many calls wait or are under way; the first half of the time does not count. */
static uint64_t keep_asking(bt_http_client *client, const bt_http_request *request, int64_t length_ms,
                            atomic_bool *counts) {
  static ring r;
  bt_error error = {0};
  uint64_t answered = 0;
  int64_t began_ms = bt_monotonic_ms(), past_ms = 0;
  r = (ring){0};
  for (size_t i = 0;; i = (i + 1) % WAITING) {
    if (r.calls[i]) {
      if (bt_http_finish(r.calls[i], &error) != BT_OK) stop(error.message);
      bt_http_response_dispose(&r.responses[i]);
      r.calls[i] = NULL;
      answered += past_ms >= length_ms / 2 && past_ms < length_ms;
    }
    past_ms = bt_monotonic_ms() - began_ms;
    atomic_store(counts, past_ms >= length_ms / 2);
    if (past_ms < length_ms && bt_http_start(client, request, &r.responses[i], &r.calls[i], &error) != BT_OK)
      stop(error.message);
    size_t left = 0;
    for (size_t k = 0; k < WAITING; k++) left += r.calls[k] != NULL;
    if (!left) return answered;
  }
}

static outcome run(uint32_t worker_count, uint32_t first, uint32_t most, int64_t length_ms) {
  workers w = {.mutex = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER, .free = worker_count};
  fake_server *server = fake_server_start(answer, &w);
  bt_http_client *client = NULL;
  bt_error error = {0};
  pthread_t thread;
  if (!server) stop("no server");
  bt_http_request request = {.method = "GET", .url = fake_server_url(server), .kind = BT_HTTP_SEARCH};
  others o = {.request = &request};
  bt_http_options options = {.concurrency = first, .concurrency_max = most};
  if (bt_http_client_new(&options, &client, &error) != BT_OK) stop(error.message);
  if (pthread_create(&thread, NULL, ask_now_and_then, &o)) stop("no thread");
  uint64_t answered = keep_asking(client, &request, length_ms, &o.counts);
  outcome out = {(double)answered * 2000 / (double)length_ms, 0, bt_http_client_allowed(client)};
  atomic_store(&o.ends, true);
  pthread_join(thread, NULL);
  out.others_ms = o.count ? o.sum_ms / (double)o.count : 0;
  bt_http_client_free(client);
  fake_server_stop(server);
  return out;
}

int main(int argc, char **argv) {
  static const uint32_t counts[] = {1, 4, 16}, fixed[] = {1, 2, 4, 8, 16};
  int64_t length_ms = 1000 * (argc > 1 ? strtoll(argv[1], NULL, 10) : 12);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    outcome ours = run(counts[i], 2, MOST, length_ms);
    double best_rate = 0, least_ms = 0;
    printf("%2u workers: by itself %6.1f a second, others wait %5.1f ms, %u at once at the end\n", counts[i], ours.rate,
           ours.others_ms, ours.at_end);
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++) {
      outcome other = run(counts[i], fixed[k], 0, length_ms);
      printf("            fixed %2u  %6.1f a second, others wait %5.1f ms\n", fixed[k], other.rate, other.others_ms);
      if (other.rate > best_rate) best_rate = other.rate;
      if (fixed[k] >= 2 && (!least_ms || other.others_ms < least_ms)) least_ms = other.others_ms;
    }
    printf(
        "            %.2f of the best rate (goal 0.85), others wait %.2f of the least from two at once on (goal 1.5)\n",
        ours.rate / best_rate, ours.others_ms / least_ms);
    fflush(stdout);
  }
  return 0;
}
