/* How much of the newest time this Tempo's searches never show (query_frontend.query_end_cutoff, Tempo 3: by default 30
 * s), and whether it keeps copies of what is new. It is found out, not assumed: the configuration that Tempo shows says
 * it, else its version does, where it is one that was checked. What cannot be found out is taken for 30 s, which costs
 * an answer nothing but the last moments. Thread: any; what was learned is atomic. */
#include "tempo/api/tempo_tail.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/tempo_late.h"
#include "tempo/api/tempo_losses.h"
#include "tempo/api/tempo_settings.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/tempo_answer.h"

enum { ASK_TIMEOUT_MS = 2000, ASK_AGAIN_MS = 10000, BODY_BYTES = 1 << 20 };
static const int64_t second_ns = 1000000000, unknown_tail_ns = 30 * second_ns;

bool bt_tempo_tail_of_config(const char *config, int64_t *out_ns) {
  static const char section[] = "query_frontend:", key[] = "query_end_cutoff:";
  if (!strstr(config, section)) return false; /* no configuration of a Tempo */
  const char *found = strstr(config, key);
  *out_ns = 0;
  if (!found) return true; /* one that does not know the setting */
  found += strlen(key);
  return bt_tempo_read_duration(found + strspn(found, " \""), out_ns);
}

int bt_tempo_copies_by_config(const char *config) {
  static const char key[] = "replication_factor:";
  const char *found = strstr(config, key);
  long copies = found ? strtol(found + strlen(key), NULL, 10) : 1;
  return copies < 1 ? 1 : copies > INT_MAX ? INT_MAX : (int)copies;
}

bool bt_tempo_may_replicate(bt_tempo *tempo, const bt_source_about *about) {
  int copies = atomic_load(&tempo->copies);
  if (copies >= 0) return copies > 1;
  return !about->is_checked || bt_tempo_version_major(about->version) < 3;
}

/* Of a version that was checked; what others do is not known. */
static int64_t tail_of_version(const bt_source_about *about) {
  return about->is_checked && bt_tempo_version_major(about->version) < 3 ? 0 : unknown_tail_ns;
}

static void learn_dating(bt_tempo *tempo, const char *config) {
  bt_tempo_dating dating;
  if (!bt_tempo_dating_of_config(config, &dating)) return;
  pthread_mutex_lock(&tempo->dating_mutex);
  tempo->dating = dating;
  tempo->has_dating = true;
  tempo->retention = bt_tempo_retention_of_config(config);
  pthread_mutex_unlock(&tempo->dating_mutex);
}

/* True: Tempo answered, and not somebody in its place. */
static bool ask_config(bt_tempo *tempo, const bt_cancel *cancel, int64_t *said_ns, bool *is_known) {
  bt_http_response response = {0};
  bt_error error = {0};
  int64_t timeout_ms = tempo->timeout_ms < ASK_TIMEOUT_MS ? tempo->timeout_ms : ASK_TIMEOUT_MS;
  bt_tempo_plain_request request = {"/status/config", BODY_BYTES, timeout_ms, cancel};
  bool is_answered = bt_tempo_ask_plainly(tempo, &request, &response, &error) == BT_OK &&
                     bt_tempo_meaning_of(&response) != BT_MEANS_PASSING;
  *is_known =
      is_answered && response.status == 200 && response.body.ptr && bt_tempo_tail_of_config(response.body.ptr, said_ns);
  if (*is_known) learn_dating(tempo, response.body.ptr);
  if (is_answered && !tempo->has_set_copies)
    atomic_store(&tempo->copies, *is_known ? bt_tempo_copies_by_config(response.body.ptr) : -1);
  bt_http_response_dispose(&response);
  return is_answered;
}

/* A Tempo that hangs would otherwise cost every question its time. */
static bool may_ask_now(bt_tempo *tempo) {
  int64_t now_ms = bt_monotonic_ms(), next_ms = atomic_load(&tempo->tail_next_ms);
  return now_ms >= next_ms && atomic_compare_exchange_strong(&tempo->tail_next_ms, &next_ms, now_ms + ASK_AGAIN_MS);
}

void bt_tempo_tail_forget(bt_tempo *tempo) {
  atomic_store(&tempo->tail_next_ms, 0);
  atomic_store(&tempo->tail_is_stale, true);
}

/* Who comes while somebody asks waits for that answer: what is assumed without it would leave much unsettled. */
static void wait_for_other(bt_tempo *tempo, const bt_cancel *cancel) {
  enum { STEP_MS = 5 };
  int64_t until_ms = bt_monotonic_ms() + (int64_t)2 * ASK_TIMEOUT_MS;
  while (atomic_load(&tempo->tail_is_asked) && bt_monotonic_ms() < until_ms && !bt_is_cancelled(cancel))
    bt_pause_ms(cancel, STEP_MS);
}

static bool is_tail_learned(bt_tempo *tempo) {
  return atomic_load(&tempo->hidden_tail_ns) >= 0 && !atomic_load(&tempo->tail_is_stale);
}

/* A Tempo that does not show its configuration any more may still be the one that did. */
static void learn_tail(bt_tempo *tempo, const bt_cancel *cancel, const bt_source_about *about) {
  int64_t tail_ns = atomic_load(&tempo->hidden_tail_ns), said_ns = 0;
  bool is_known = false;
  atomic_store(&tempo->tail_is_stale, false);
  bool is_answered = ask_config(tempo, cancel, &said_ns, &is_known);
  if (!is_answered) atomic_store(&tempo->tail_is_stale, true);
  if (!is_known) said_ns = tail_of_version(about);
  if (is_answered && (is_known || said_ns > tail_ns)) atomic_store(&tempo->hidden_tail_ns, said_ns);
}

/* Whoever asked for the version before knows whether what was known may be of another Tempo. */
int64_t bt_tempo_hidden_tail_ns(bt_tempo *tempo, const bt_source_about *about, const bt_cancel *cancel) {
  bool is_wanted = cancel && !is_tail_learned(tempo), is_ours = is_wanted && may_ask_now(tempo);
  if (is_ours) {
    atomic_store(&tempo->tail_is_asked, true);
    learn_tail(tempo, cancel, about);
    atomic_store(&tempo->tail_is_asked, false);
  } else if (is_wanted) {
    wait_for_other(tempo, cancel);
  }
  int64_t known_ns = atomic_load(&tempo->hidden_tail_ns);
  return known_ns < 0 ? unknown_tail_ns : known_ns;
}

bool bt_tempo_known_dating(bt_tempo *tempo, bt_tempo_dating *out) {
  bt_source_about about;
  pthread_mutex_lock(&tempo->dating_mutex);
  *out = tempo->dating;
  bool has_dating = tempo->has_dating;
  pthread_mutex_unlock(&tempo->dating_mutex);
  if (has_dating) return true;
  (void)bt_tempo_describe_version(tempo, NULL, &about);
  *out = bt_tempo_dating_of_version(&about);
  return false;
}
