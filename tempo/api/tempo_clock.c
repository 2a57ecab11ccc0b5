/* Bounds that close in. See tempo_clock.h. */
#include "tempo/api/tempo_clock.h"

#include "tempo/wire/wall_clock.h"

static const int64_t second_ns = 1000000000, kept_ns = 600 * second_ns, latest_s = 4000000000;

static bool is_kept(const bt_clock_looks *looks, int64_t steady_ns) {
  return looks->before.is_known && steady_ns < looks->before_until_ns;
}

void bt_clock_looks_add(bt_clock_looks *looks, const bt_clock_look *look) {
  if (look->date_s <= 0 || look->date_s > latest_s || look->asked_ns > look->came_ns) return;
  /* A Date is the second in which an answer began, which was between the question and its head's coming. An answer that
   * waited says little and nothing wrong. */
  int64_t date_ns = look->date_s * second_ns, steady_ns = look->came_ns;
  bt_clock_bounds said = {true, look->asked_ns - date_ns - second_ns, steady_ns - date_ns}, *now = &looks->now;
  if (!now->is_known) *now = said;
  if (said.least_ns >= now->most_ns || said.most_ns <= now->least_ns) { /* they differ: what is known begins anew */
    if (!is_kept(looks, steady_ns) || now->most_ns > looks->before.most_ns) looks->before = *now;
    looks->before_until_ns = steady_ns + kept_ns;
    *now = said;
    return;
  }
  if (said.least_ns > now->least_ns) now->least_ns = said.least_ns;
  if (said.most_ns < now->most_ns) now->most_ns = said.most_ns;
}

bt_known_clock bt_clock_looks_known(const bt_clock_looks *looks, int64_t steady_ns) {
  bt_known_clock known = {.now = looks->now};
  if (is_kept(looks, steady_ns)) known.before = looks->before;
  return known;
}

int64_t bt_clock_looks_ahead_ns(const bt_clock_looks *looks, int64_t lead_ns, int64_t steady_ns) {
  bt_known_clock known = bt_clock_looks_known(looks, steady_ns);
  return bt_known_clock_ahead_ns(&known, lead_ns);
}

bool bt_tempo_clock_init(bt_tempo_clock *clock, void (*on_ahead)(int64_t ahead_ns)) {
  *clock = (bt_tempo_clock){.on_ahead = on_ahead};
  return pthread_mutex_init(&clock->mutex, NULL) == 0;
}

void bt_tempo_clock_dispose(bt_tempo_clock *clock) {
  pthread_mutex_destroy(&clock->mutex);
}

void bt_tempo_clock_note(bt_tempo_clock *clock, const bt_clock_look *look) {
  int64_t steady_ns = bt_clock_steady_ns(), lead_ns = bt_clock_wall_ns() - steady_ns;
  pthread_mutex_lock(&clock->mutex);
  bt_clock_looks_add(&clock->looks, look);
  int64_t ahead_ns = bt_clock_looks_ahead_ns(&clock->looks, lead_ns, steady_ns);
  bool is_news = ahead_ns && !clock->is_said;
  clock->is_said = ahead_ns != 0;
  pthread_mutex_unlock(&clock->mutex);
  if (is_news && clock->on_ahead) clock->on_ahead(ahead_ns);
}

bt_known_clock bt_tempo_clock_known(bt_tempo_clock *clock) {
  pthread_mutex_lock(&clock->mutex);
  bt_known_clock known = bt_clock_looks_known(&clock->looks, bt_clock_steady_ns());
  pthread_mutex_unlock(&clock->mutex);
  return known;
}
