/* How many requests at once a Tempo answers as fast as fewer. The width is tried out in steps: up by half of what it is
 * until the first that does not stay, and by one from then on. With more requests under way each answer of a Tempo that
 * has processors left comes as fast as before, and of one that has none it waits that much longer. So a step up stays
 * if answers took less than half of what they would have waited for, and a step down stays if they came faster by more
 * than that. Between two tries there is a pause, which grows while nothing changes. Answers are compared with those of
 * the same kind, and only while every place was taken: else they say nothing about more. Pure: no clock and no lock.
 * Thread: belongs to the client thread. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_WIDTH_H
#define BT_TEMPO_WIRE_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/http_client.h"

enum {
  BT_WIDTH_LOOKED_AT = 16, /* answers of each try at least; four times the width where that is more */
  BT_WIDTH_PAUSE = 4,      /* tries that a pause is as long as, doubled while nothing changes, up to: */
  BT_WIDTH_PAUSE_MAX = 64
};

typedef struct bt_width_look { /* what answers of each kind took */
  double sum_ms[BT_HTTP_KINDS];
  uint32_t count[BT_HTTP_KINDS], all;
} bt_width_look;

typedef enum bt_width_step { BT_WIDTH_STAYS, BT_WIDTH_UP, BT_WIDTH_DOWN } bt_width_step;

typedef struct bt_width { /* all-zero: nothing is known */
  bt_width_step trying;   /* `step` more or one less than `before` was measured with; or none */
  uint32_t step;          /* of the try up that is under way */
  bool is_settled;        /* some step up did not stay: steps are of one */
  bt_width_look now, before;
  uint32_t pause, left;  /* answers that a pause is long, and those that are left of this one */
  int64_t changed_at_ms; /* what was asked before that is part of the width before */
} bt_width;

/* An answer that came at now_ms, while `allowed` requests were under way and no more were allowed. Returns how many are
 * allowed from now on: from `least` to `most`. */
uint32_t bt_width_note(bt_width *width, bt_http_kind kind, double latency_ms, int64_t now_ms, uint32_t allowed,
                       uint32_t least, uint32_t most);
/* The number was changed for another reason, because Tempo had too much: a pause follows. */
void bt_width_forget(bt_width *width, int64_t now_ms);

#endif
