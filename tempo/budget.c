/* The budget of requests in flight. See budget.h. */
#include "tempo/budget.h"

enum {
  GOOD_TO_RECOVER = 16,  /* good answers in a row that buy one more request in flight */
  HALVE_EVERY_MS = 1000, /* a burst of refusals is one event */
  NOTICEABLE_MS = 50,    /* below this a tripled latency is noise */
  SLOW_FACTOR = 3
};

void bt_budget_init(bt_budget *budget, uint32_t maximum) {
  uint32_t most = maximum ? maximum : 2;
  *budget = (bt_budget){.maximum = most, .allowed = most, .halved_at_ms = INT64_MIN / 2};
}

static void halve(bt_budget *budget, int64_t now_ms) {
  budget->good = 0;
  if (now_ms - budget->halved_at_ms < HALVE_EVERY_MS) return;
  budget->halved_at_ms = now_ms;
  budget->allowed = budget->allowed > 1 ? budget->allowed / 2 : 1;
}

/* The usual latency follows at a sixty-fourth a step and the recent one at a quarter: a lasting change becomes the usual in the end. */
static bool became_slow(bt_budget *budget, bt_http_kind kind, double latency_ms) {
  double *usual_ms = &budget->latencies[kind].usual_ms, *recent_ms = &budget->latencies[kind].recent_ms;
  if (*usual_ms <= 0) {
    *usual_ms = *recent_ms = latency_ms;
    return false;
  }
  *recent_ms += (latency_ms - *recent_ms) / 4;
  bool slow = *recent_ms > NOTICEABLE_MS && *recent_ms > SLOW_FACTOR * *usual_ms;
  *usual_ms += (latency_ms - *usual_ms) / 64;
  return slow;
}

void bt_budget_note(bt_budget *budget, bt_http_kind kind, int status, double latency_ms, int64_t now_ms) {
  if (status == 0 || status == 429 || status >= 500) {
    halve(budget, now_ms);
    return;
  }
  if (became_slow(budget, kind, latency_ms)) {
    halve(budget, now_ms);
    return;
  }
  if (budget->allowed < budget->maximum && ++budget->good >= GOOD_TO_RECOVER) {
    budget->good = 0;
    budget->allowed++;
  }
}
