/* How long to wait for a receiver's answer before the same is sent once more: somewhat longer than its answers take.
 * One that hangs now and then costs a moment each time and not a whole timeout. One that has become slow is waited for
 * longer from try to try, and what it takes then is soon the usual. Thread: belongs to the client thread. Internal to
 * tempo/wire/. */
#ifndef BT_TEMPO_WIRE_USUAL_WAIT_H
#define BT_TEMPO_WIRE_USUAL_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bt_usual_wait {
  bool has_answer;         /* there was one ever */
  double usual_ms;         /* what answers take, slowly moving */
  double spread_ms;        /* how far they are from that */
  uint32_t silences;       /* since the last answer; those of what was under way together count once */
  int64_t silent_since_ms; /* when the last of these was counted */
} bt_usual_wait;

/* An answer of whatever status, and how long it took. */
void bt_usual_wait_note_answer(bt_usual_wait *wait, int64_t took_ms);
/* None came to a request that was sent then. */
void bt_usual_wait_note_silence(bt_usual_wait *wait, int64_t sent_ms, int64_t now_ms);
/* For a request of so many bytes. */
int64_t bt_usual_wait_ms(const bt_usual_wait *wait, size_t bytes);

#endif
