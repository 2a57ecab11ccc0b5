/* What is usual, and what lies beyond it. See patience.h. As TCP does it for its packets: the mean and the mean
 * distance from it, and a longer wait while nothing comes. */
#include "tempo/wire/patience.h"

enum {
  UNKNOWN_MS = 5000, /* before the first answer */
  LEAST_MS = 1000,   /* a receiver that flushes, a collection of garbage */
  MOST_MS = 30000,
  BYTES_EACH_MS = 1000, /* larger requests take longer by nature */
  SAME_SILENCES = 1,    /* so many say nothing: one request was lost. From then on each doubles the wait */
  DOUBLINGS_MAX = 5
};
static const double USUAL_SHARE = 1.0 / 8, SPREAD_SHARE = 1.0 / 4, SPREADS = 4;

void bt_patience_note_answer(bt_patience *patience, int64_t took_ms) {
  double took = (double)took_ms, off = took - patience->usual_ms;
  patience->silences = 0;
  if (!patience->has_answer) {
    *patience = (bt_patience){.has_answer = true, .usual_ms = took, .spread_ms = took / 2};
    return;
  }
  patience->spread_ms += ((off < 0 ? -off : off) - patience->spread_ms) * SPREAD_SHARE;
  patience->usual_ms += off * USUAL_SHARE;
}

void bt_patience_note_silence(bt_patience *patience, int64_t sent_ms, int64_t now_ms) {
  if (patience->silences && sent_ms < patience->silent_since_ms) return;
  patience->silences++;
  patience->silent_since_ms = now_ms;
}

int64_t bt_patience_ms(const bt_patience *patience, size_t bytes) {
  double usual = patience->usual_ms + SPREADS * patience->spread_ms;
  double wait = !patience->has_answer ? UNKNOWN_MS : usual < LEAST_MS ? LEAST_MS : usual;
  uint32_t doublings = patience->silences > SAME_SILENCES ? patience->silences - SAME_SILENCES : 0;
  wait = (wait + (double)bytes / BYTES_EACH_MS) * (1 << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX));
  return wait < MOST_MS ? (int64_t)wait : MOST_MS;
}
