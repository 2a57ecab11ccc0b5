/* The budget of requests in flight: BeTrace is a good neighbour of the Tempo that it reads from. It halves when Tempo says that it is
 * overloaded (429, 5xx) or becomes three times slower than it was, and recovers by one for every so many good answers.
 * Thread: belongs to the client thread. Internal to tempo/. */
#ifndef BT_TEMPO_BUDGET_H
#define BT_TEMPO_BUDGET_H

#include "tempo/http_client.h"

typedef struct bt_budget {
  uint32_t maximum; /* as configured */
  uint32_t allowed; /* now: 1 to maximum */
  uint32_t good;    /* good answers in a row since the last change */
  struct {
    double usual_ms;  /* slowly moving mean of latencies; 0: nothing known yet */
    double recent_ms; /* quickly moving mean */
  } latencies[BT_HTTP_KINDS];
  int64_t halved_at_ms; /* the last halving; one a second at most, so that one burst of refusals counts once */
} bt_budget;

/* maximum 0: 2. */
void bt_budget_init(bt_budget *budget, uint32_t maximum);
/* One answer: its HTTP status (0: none came) and how long it took. */
void bt_budget_note(bt_budget *budget, bt_http_kind kind, int status, double latency_ms, int64_t now_ms);

#endif
