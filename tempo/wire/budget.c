/* The budget of requests in flight. See budget.h. */
#include "tempo/wire/budget.h"

enum {
  GOOD_TO_RECOVER = 16,  /* good answers in a row that buy one more request in flight, after Tempo was busy */
  HALVE_EVERY_MS = 1000, /* a burst of refusals is one event */
  NOTICEABLE_MS = 50,    /* below this a tripled latency is noise */
  SLOW_FACTOR = 3,
  KNOWN_FROM = 16, /* answers before there is anything to compare with */
  SLOWLY_FROM = 64
};

void bt_budget_init(bt_budget *budget, uint32_t usual, uint32_t maximum) {
  uint32_t first = usual ? usual : 2;
  *budget = (bt_budget){
      .usual = first, .maximum = maximum > first ? maximum : first, .allowed = first, .halved_at_ms = INT64_MIN / 2};
}

/* What was under way when the budget was halved last is part of what it was halved for, as losses of one window are to
 * TCP. */
static void halve_budget(bt_budget *budget, double latency_ms, bool is_busy, int64_t now_ms) {
  int64_t began_ms = now_ms - (int64_t)latency_ms;
  if (is_busy) {
    budget->good = 0;
    budget->was_busy = true;
  }
  if (began_ms < budget->halved_at_ms || now_ms - budget->halved_at_ms < HALVE_EVERY_MS) return;
  budget->good = 0;
  budget->was_busy = is_busy;
  budget->halved_at_ms = now_ms;
  budget->allowed = budget->allowed > 1 ? budget->allowed / 2 : 1;
  bt_width_forget(&budget->width, now_ms);
}

/* After answers that did not come as many good ones as may be under way: with 16 in a row a tenth that hangs would keep
 * it at one for ever. */
static uint32_t good_to_recover(const bt_budget *budget) {
  return budget->was_busy ? GOOD_TO_RECOVER : budget->allowed;
}

static double fastest_recent_ms(const bt_latencies *latencies) {
  double fastest_ms = latencies->recent_ms[0];
  for (int i = 1; i < BT_BUDGET_RECENT; i++)
    if (latencies->recent_ms[i] < fastest_ms) fastest_ms = latencies->recent_ms[i];
  return fastest_ms;
}

/* A lasting change becomes the usual in the end. */
static bool became_slow(bt_latencies *latencies, double latency_ms) {
  bool is_known = latencies->count >= KNOWN_FROM;
  latencies->recent_ms[latencies->next] = latency_ms;
  latencies->next = (latencies->next + 1) % BT_BUDGET_RECENT;
  if (latencies->count < SLOWLY_FROM) latencies->count++;
  double fastest_ms = fastest_recent_ms(latencies);
  bool slow = is_known && fastest_ms > NOTICEABLE_MS && fastest_ms > SLOW_FACTOR * latencies->usual_ms;
  latencies->usual_ms += (latency_ms - latencies->usual_ms) / latencies->count;
  return slow;
}

void bt_budget_note(bt_budget *budget, bt_http_kind kind, int status, double latency_ms, int64_t now_ms, bool is_full) {
  if (status == 0 || status == 429 || status >= 500) {
    halve_budget(budget, latency_ms, status != 0, now_ms);
    return;
  }
  if (became_slow(&budget->latencies[kind], latency_ms)) {
    halve_budget(budget, latency_ms, true, now_ms);
    return;
  }
  if (budget->allowed >= budget->usual) {
    if (is_full)
      budget->allowed =
          bt_width_note(&budget->width, kind, latency_ms, now_ms, budget->allowed, budget->usual, budget->maximum);
    return;
  }
  if (++budget->good < good_to_recover(budget)) return;
  budget->good = 0;
  budget->allowed++;
}
