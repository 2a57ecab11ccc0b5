/* The budget of requests in flight: BeTrace is a good neighbour of the Tempo that it reads from. The budget halves when
 * Tempo says that it is overloaded (429, 5xx), does not answer or becomes three times slower than it was. It recovers
 * by one for every so many good answers, up to what it began with, and grows beyond that where Tempo answers more at
 * once as fast (width.h). Questions of one kind differ a lot in what they cost (a probe of an hour, a
 * month), so one slow answer says nothing. Tempo has become slow when even the fastest of the last eight is. Thread:
 * belongs to the client thread. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_BUDGET_H
#define BT_TEMPO_WIRE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/http_client.h"
#include "tempo/wire/width.h"

enum { BT_BUDGET_RECENT = 8 };

typedef struct bt_latencies {
  double usual_ms;                    /* the mean of the first ones, then slowly moving */
  double recent_ms[BT_BUDGET_RECENT]; /* a ring */
  uint32_t count;                     /* noted so far, up to where the mean moves slowly */
  uint32_t next;                      /* in the ring */
} bt_latencies;

typedef struct bt_budget {
  uint32_t usual, maximum; /* what it begins with, and the most that it grows to: as configured */
  uint32_t allowed;        /* now: 1 to maximum */
  uint32_t good;           /* good answers since the last change; in a row, where it was busy */
  bool was_busy;           /* Tempo said so, or was slow; it did not just fail to answer */
  bt_latencies latencies[BT_HTTP_KINDS];
  int64_t halved_at_ms; /* the last halving; one a second at most, so that one burst of refusals counts once */
  bt_width width;
} bt_budget;

/* usual 0: 2. maximum: less than usual is usual. */
void bt_budget_init(bt_budget *budget, uint32_t usual, uint32_t maximum);
/* One answer: its HTTP status (0: none came) and how long it took. is_full: no more could be under way when it came. */
void bt_budget_note(bt_budget *budget, bt_http_kind kind, int status, double latency_ms, int64_t now_ms, bool is_full);

#endif
