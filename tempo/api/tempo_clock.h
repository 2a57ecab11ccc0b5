/* By how much our clock is ahead of Tempo's, from the Date of its answers. Our clock decides what is settled. A clock
 * that is ahead would call traces settled that Tempo has not received yet, and BeTrace would say "no violations" of
 * them. Thread: any; it has a lock of its own. Internal to tempo/. */
#ifndef BT_TEMPO_API_TEMPO_CLOCK_H
#define BT_TEMPO_API_TEMPO_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/promises.h"

/* An answer's Date, and our steady clock when it was asked for and when its head came. */
typedef struct bt_clock_look {
  int64_t date_s, asked_ns, came_ns;
} bt_clock_look;

/* What several looks say together. What does not fit with the looks before was said of another clock: of another Tempo
 * behind the same address, or it was set between. Then the newest count, and what was known before if that is a clock
 * farther behind, for a while. All-zero: nothing is known. */
typedef struct bt_clock_looks {
  bt_clock_bounds now, before;
  int64_t before_until_ns; /* on the steady clock */
} bt_clock_looks;

void bt_clock_looks_add(bt_clock_looks *looks, const bt_clock_look *look);
bt_known_clock bt_clock_looks_known(const bt_clock_looks *looks, int64_t steady_ns);
/* bt_known_clock_ahead_ns of that. */
int64_t bt_clock_looks_ahead_ns(const bt_clock_looks *looks, int64_t lead_ns, int64_t steady_ns);

/* Part of struct bt_tempo. */
typedef struct bt_tempo_clock {
  pthread_mutex_t mutex;
  bt_clock_looks looks; /* under the lock, as is_said */
  bool is_said;         /* that the wall clock is ahead */
  void (*on_ahead)(int64_t ahead_ns);
} bt_tempo_clock;
/* False: no memory. on_ahead: told once, when it is seen that the wall clock is ahead, and again when it was right
 * between; or NULL. */
bool bt_tempo_clock_init(bt_tempo_clock *clock, void (*on_ahead)(int64_t ahead_ns)) BT_MUST_CHECK;
void bt_tempo_clock_dispose(bt_tempo_clock *clock);
/* Told by every answer that has a Date. */
void bt_tempo_clock_note(bt_tempo_clock *clock, const bt_clock_look *look);
bt_known_clock bt_tempo_clock_known(bt_tempo_clock *clock);

#endif
