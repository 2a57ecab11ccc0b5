/* The queue before the budget. See http_queue.h. A party's n-th waiting request gets the n-th turn from now on, so that
 * a party with eight waiting goes as often as one with a single one. Turns move on with what is taken, so that nobody
 * gains by coming back at once. */
#include "tempo/wire/http_queue.h"

static uint64_t turn_of(const bt_http_queue *queue, const bt_http_waiting *waiting) {
  uint64_t turn = queue->turn[waiting->priority];
  for (const bt_http_waiting *other = queue->first[waiting->priority]; other; other = other->next)
    if (other->party == waiting->party && other->turn >= turn) turn = other->turn + 1;
  return turn;
}

void bt_http_queue_add(bt_http_queue *queue, bt_http_waiting *waiting) {
  waiting->turn = turn_of(queue, waiting);
  bt_http_waiting **place = &queue->first[waiting->priority];
  if (!*place) queue->overtaken[waiting->priority] = 0; /* it waits from now on */
  while (*place && (*place)->turn <= waiting->turn) place = &(*place)->next;
  waiting->next = *place;
  *place = waiting;
}

static bt_http_waiting **ready_in(bt_http_queue *queue, int class, int64_t now_ms) {
  bt_http_waiting **place = &queue->first[class];
  while (*place && (*place)->not_before_ms > now_ms) place = &(*place)->next;
  return *place ? place : NULL;
}

/* The class that was overtaken too often, the most overtaken first; else the highest. -1: none has one that is ready.
 */
static int choose_class(bt_http_queue *queue, int64_t now_ms) {
  int highest = -1, starved = -1;
  for (int class = BT_HTTP_CLASSES - 1; class >= 0; class --) {
    if (!ready_in(queue, class, now_ms)) continue;
    if (highest < 0) highest = class;
    bool is_starved = queue->overtaken[class] >= BT_HTTP_OVERTAKEN_MAX;
    if (is_starved && (starved < 0 || queue->overtaken[class] > queue->overtaken[starved])) starved = class;
  }
  return starved >= 0 ? starved : highest;
}

bt_http_waiting *bt_http_queue_take(bt_http_queue *queue, int64_t now_ms) {
  int class = choose_class(queue, now_ms);
  if (class < 0) return NULL;
  bt_http_waiting **place = ready_in(queue, class, now_ms);
  bt_http_waiting *taken = *place;
  *place = taken->next;
  if (taken->turn >= queue->turn[class]) queue->turn[class] = taken->turn + 1;
  queue->overtaken[class] = 0;
  for (int lower = 0; lower < class; lower++)
    if (queue->first[lower]) queue->overtaken[lower]++;
  return taken;
}

bt_http_waiting *bt_http_queue_take_if(bt_http_queue *queue, bool (*test)(const bt_http_waiting *, int64_t now_ms),
                                       int64_t now_ms) {
  for (int class = BT_HTTP_CLASSES - 1; class >= 0; class --)
    for (bt_http_waiting **place = &queue->first[class]; *place; place = &(*place)->next) {
      bt_http_waiting *taken = *place;
      if (!test(taken, now_ms)) continue;
      *place = taken->next;
      return taken;
    }
  return NULL;
}

void bt_http_queue_hold(bt_http_queue *queue, const void *party, int64_t not_before_ms) {
  for (int class = 0; class < BT_HTTP_CLASSES; class ++)
    for (bt_http_waiting *waiting = queue->first[class]; waiting; waiting = waiting->next)
      if (waiting->party == party && waiting->not_before_ms < not_before_ms) waiting->not_before_ms = not_before_ms;
}

bool bt_http_queue_is_empty(const bt_http_queue *queue) {
  for (int class = 0; class < BT_HTTP_CLASSES; class ++)
    if (queue->first[class]) return false;
  return true;
}
