/* How much of the newest time this Tempo's searches never show (query_frontend.query_end_cutoff, Tempo 3: by default 30 s). It is found out, not assumed: the
 * configuration that Tempo shows says it, else its version does. What cannot be found out is taken for 30 s, which costs an answer nothing but the last
 * moments. Thread: any; what was learned is atomic. */
#include "tempo/tempo_tail.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/pause.h"
#include "tempo/tempo_answer.h"

enum { ASK_TIMEOUT_MS = 2000, ASK_AGAIN_MS = 10000, BODY_BYTES = 1 << 20 };
static const int64_t second_ns = 1000000000, unknown_tail_ns = 30 * second_ns;

/* Go's way to print a duration in hours, minutes and seconds: 1h0m30s, 30s, 0s. False: something else. */
static bool read_duration(const char *text, int64_t *out_ns) {
  static const double most_ns = 1e18;
  double sum_ns = 0;
  do {
    char *end = NULL;
    double number = strtod(text, &end);
    int64_t unit_ns = *end == 'h' ? 3600 * second_ns : *end == 'm' && end[1] != 's' ? 60 * second_ns : second_ns;
    if (end == text || !(number >= 0 && number < 1e6)) return false;
    if (*end == 'm' && end[1] == 's') unit_ns = second_ns / 1000, end++;
    if (*end != 'h' && *end != 'm' && *end != 's') return false;
    sum_ns += number * (double)unit_ns;
    if (sum_ns > most_ns) return false;
    text = end + 1;
  } while (*text >= '0' && *text <= '9');
  *out_ns = (int64_t)sum_ns;
  return true;
}

bool bt_tempo_tail_of_config(const char *config, int64_t *out_ns) {
  static const char section[] = "query_frontend:", key[] = "query_end_cutoff:";
  if (!strstr(config, section)) return false; /* no configuration of a Tempo */
  const char *found = strstr(config, key);
  *out_ns = 0;
  if (!found) return true; /* one that does not know the setting */
  found += strlen(key);
  return read_duration(found + strspn(found, " \""), out_ns);
}

bool bt_tempo_tail_of_version(const char *answer, int64_t *out_ns) {
  static const char key[] = "\"version\":\"";
  const char *found = strstr(answer, key);
  if (!found) return false;
  found += strlen(key);
  if (*found == 'v') found++;
  char *end = NULL;
  long major = strtol(found, &end, 10);
  if (end == found || *end != '.') return false; /* built without one */
  *out_ns = major < 3 ? 0 : unknown_tail_ns;
  return true;
}

/* True: Tempo answered. */
static bool try_one(const bt_tempo *tempo, const char *path, bool (*read)(const char *, int64_t *),
                    const bt_cancel *cancel, int64_t *tail_ns, bool *is_known) {
  bt_http_response response = {0};
  bt_error error = {0};
  int64_t timeout_ms = tempo->timeout_ms < ASK_TIMEOUT_MS ? tempo->timeout_ms : ASK_TIMEOUT_MS;
  bt_tempo_plain_request request = {path, BODY_BYTES, timeout_ms, cancel};
  bool is_answered = bt_tempo_ask_plainly(tempo, &request, &response, &error) == BT_OK;
  *is_known = is_answered && response.status == 200 && response.body.ptr && read(response.body.ptr, tail_ns);
  bt_http_response_dispose(&response);
  return is_answered;
}

/* A Tempo that hangs would otherwise cost every question its time. */
static bool may_ask_now(bt_tempo *tempo) {
  int64_t now_ms = bt_monotonic_ms(), next_ms = atomic_load(&tempo->tail_next_ms);
  return now_ms >= next_ms && atomic_compare_exchange_strong(&tempo->tail_next_ms, &next_ms, now_ms + ASK_AGAIN_MS);
}

int64_t bt_tempo_hidden_tail_ns(bt_tempo *tempo, const bt_cancel *cancel) {
  int64_t tail_ns = atomic_load(&tempo->hidden_tail_ns);
  bool is_known = false;
  if (tail_ns >= 0) return tail_ns;
  if (!cancel || !may_ask_now(tempo)) return unknown_tail_ns;
  if (!try_one(tempo, "/status/config", bt_tempo_tail_of_config, cancel, &tail_ns, &is_known)) return unknown_tail_ns;
  if (!is_known && !try_one(tempo, "/api/status/buildinfo", bt_tempo_tail_of_version, cancel, &tail_ns, &is_known))
    return unknown_tail_ns;
  if (!is_known) tail_ns = unknown_tail_ns;
  atomic_store(&tempo->hidden_tail_ns, tail_ns);
  return tail_ns;
}
