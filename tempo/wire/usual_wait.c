/* What is usual, and what lies beyond it. See usual_wait.h. As TCP does it for its packets: the mean and the mean
 * distance from it, and a longer wait while nothing comes. */
#include "tempo/wire/usual_wait.h"

enum {
  UNKNOWN_MS = 5000, /* before the first answer */
  LEAST_MS = 1000,   /* a receiver that flushes, a collection of garbage */
  MOST_MS = 30000,
  BYTES_EACH_MS = 1000, /* larger requests take longer by nature */
  SAME_SILENCES = 1,    /* so many say nothing: one request was lost. From then on each doubles the wait */
  DOUBLINGS_MAX = 5
};
static const double USUAL_SHARE = 1.0 / 8, SPREAD_SHARE = 1.0 / 4, SPREADS = 4;

void bt_usual_wait_note_answer(bt_usual_wait *wait, int64_t took_ms) {
  double took = (double)took_ms, off = took - wait->usual_ms;
  wait->silences = 0;
  if (!wait->has_answer) {
    *wait = (bt_usual_wait){.has_answer = true, .usual_ms = took, .spread_ms = took / 2};
    return;
  }
  wait->spread_ms += ((off < 0 ? -off : off) - wait->spread_ms) * SPREAD_SHARE;
  wait->usual_ms += off * USUAL_SHARE;
}

void bt_usual_wait_note_silence(bt_usual_wait *wait, int64_t sent_ms, int64_t now_ms) {
  if (wait->silences && sent_ms < wait->silent_since_ms) return;
  wait->silences++;
  wait->silent_since_ms = now_ms;
}

int64_t bt_usual_wait_ms(const bt_usual_wait *wait, size_t bytes) {
  double usual = wait->usual_ms + SPREADS * wait->spread_ms;
  double ms = !wait->has_answer ? UNKNOWN_MS : usual < LEAST_MS ? LEAST_MS : usual;
  uint32_t doublings = wait->silences > SAME_SILENCES ? wait->silences - SAME_SILENCES : 0;
  ms = (ms + (double)bytes / BYTES_EACH_MS) * (1 << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX));
  return ms < MOST_MS ? (int64_t)ms : MOST_MS;
}
