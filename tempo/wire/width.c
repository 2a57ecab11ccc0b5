/* How many requests at once a Tempo answers as fast as fewer. See width.h. */
#include "tempo/wire/width.h"

static const double half = 0.5;

/* How many times as long answers took as those before, each kind by itself; 0: none can be compared. */
static double times_as_long(const bt_width_look *now, const bt_width_look *before) {
  double took_ms = 0, would_ms = 0;
  for (int i = 0; i < BT_HTTP_KINDS; i++) {
    if (!now->count[i] || !before->count[i]) continue;
    took_ms += now->sum_ms[i];
    would_ms += before->sum_ms[i] / before->count[i] * now->count[i];
  }
  return would_ms > 0 ? took_ms / would_ms : 0;
}

/* Of a Tempo whose processors are all busy so many requests more take (fewer + more)/fewer times as long. */
static double half_of_waiting(uint32_t fewer, uint32_t more) {
  return 1 + half * more / fewer;
}

static uint32_t start_step(bt_width *width, bt_width_step step, int64_t now_ms, uint32_t allowed) {
  width->trying = step;
  width->now = (bt_width_look){0};
  width->changed_at_ms = now_ms;
  return step == BT_WIDTH_UP ? allowed + width->step : step == BT_WIDTH_DOWN ? allowed - 1 : allowed;
}

static uint32_t size_of_step(const bt_width *width, uint32_t allowed, uint32_t most) {
  uint32_t step = width->is_settled || allowed < 2 ? 1 : allowed / 2;
  return step < most - allowed ? step : most - allowed;
}

static void start_pause(bt_width *width, uint32_t looked_at) {
  uint32_t longer = width->pause ? 2 * width->pause : BT_WIDTH_PAUSE;
  width->pause = longer < BT_WIDTH_PAUSE_MAX ? longer : BT_WIDTH_PAUSE_MAX;
  width->left = width->pause * looked_at;
}

/* What was measured is what the next step is compared with. */
static void keep_measurement(bt_width *width) {
  width->before = width->now;
}

static uint32_t step_up(bt_width *width, int64_t now_ms, uint32_t allowed, uint32_t least, uint32_t most) {
  if (allowed < most) {
    width->step = size_of_step(width, allowed, most);
    return start_step(width, BT_WIDTH_UP, now_ms, allowed);
  }
  width->is_settled = true;
  return start_step(width, allowed > least ? BT_WIDTH_DOWN : BT_WIDTH_STAYS, now_ms, allowed);
}

static uint32_t pause_at(bt_width *width, int64_t now_ms, uint32_t allowed, uint32_t looked_at) {
  start_pause(width, looked_at);
  return start_step(width, BT_WIDTH_STAYS, now_ms, allowed);
}

/* Of kinds that were not asked before nothing is known: no step stays for them. */
static uint32_t judge_up(bt_width *width, int64_t now_ms, uint32_t allowed, uint32_t least, uint32_t most,
                         uint32_t looked_at) {
  double ratio = times_as_long(&width->now, &width->before);
  uint32_t back = allowed - width->step; /* `before` is of it */
  if (ratio > 0 && ratio <= half_of_waiting(back, width->step)) {
    width->pause = 0;
    keep_measurement(width);
    return step_up(width, now_ms, allowed, least, most);
  }
  if (width->step > 1) { /* by one now */
    width->is_settled = true;
    return start_step(width, BT_WIDTH_STAYS, now_ms, back);
  }
  width->is_settled = true;
  return ratio > 0 && back > least ? start_step(width, BT_WIDTH_DOWN, now_ms, back)
                                   : pause_at(width, now_ms, back, looked_at);
}

static uint32_t judge_down(bt_width *width, int64_t now_ms, uint32_t allowed, uint32_t least, uint32_t looked_at) {
  double ratio = times_as_long(&width->now, &width->before);
  bool stays = ratio > 0 && ratio * half_of_waiting(allowed, 1) <= 1;
  if (!stays) return pause_at(width, now_ms, allowed + 1, looked_at);
  width->pause = 0;
  keep_measurement(width);
  return allowed > least ? start_step(width, BT_WIDTH_DOWN, now_ms, allowed)
                         : pause_at(width, now_ms, allowed, looked_at);
}

uint32_t bt_width_note(bt_width *width, bt_http_kind kind, double latency_ms, int64_t now_ms, uint32_t allowed,
                       uint32_t least, uint32_t most) {
  uint32_t looked_at = 4 * allowed > BT_WIDTH_LOOKED_AT ? 4 * allowed : BT_WIDTH_LOOKED_AT;
  if (least >= most || now_ms - (int64_t)latency_ms < width->changed_at_ms) return allowed;
  if (width->left) {
    width->left--;
    return allowed;
  }
  width->now.sum_ms[kind] += latency_ms;
  width->now.count[kind]++;
  if (++width->now.all < looked_at) return allowed;
  if (width->trying == BT_WIDTH_UP) return judge_up(width, now_ms, allowed, least, most, looked_at);
  if (width->trying == BT_WIDTH_DOWN) return judge_down(width, now_ms, allowed, least, looked_at);
  keep_measurement(width);
  return step_up(width, now_ms, allowed, least, most);
}

void bt_width_forget(bt_width *width, int64_t now_ms) {
  *width = (bt_width){.is_settled = true, .changed_at_ms = now_ms};
  start_pause(width, BT_WIDTH_LOOKED_AT);
}
