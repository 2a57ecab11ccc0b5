/* The queue before the budget: who may send next. Watch goes before people before replays. Within a class the parties
 * (a replay, a person's question) take turns, one request each, however many each has waiting. No class waits for ever:
 * after so many requests that went before it, it has its turn. A request that was told to wait (Retry-After) is passed
 * over until its time. Thread: the owner locks; no clock. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_HTTP_QUEUE_H
#define BT_TEMPO_WIRE_HTTP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/source.h"

enum {
  BT_HTTP_CLASSES = BT_PRIORITY_WATCH + 1,
  BT_HTTP_OVERTAKEN_MAX = 8 /* requests of higher classes that may go before a class that has one waiting */
};

/* The first member of whatever waits. */
typedef struct bt_http_waiting bt_http_waiting;
struct bt_http_waiting {
  bt_http_waiting *next;
  bt_priority priority;
  const void *party;     /* compared, never followed */
  int64_t not_before_ms; /* monotonic; 0: at once */
  uint64_t turn;         /* set by the queue */
};

typedef struct bt_http_queue {             /* all-zero: empty */
  bt_http_waiting *first[BT_HTTP_CLASSES]; /* by turn, then in order of arrival */
  uint64_t turn[BT_HTTP_CLASSES];          /* the lowest that a newcomer gets */
  uint32_t overtaken[BT_HTTP_CLASSES];     /* requests taken of higher classes since its last */
} bt_http_queue;

/* The queue borrows it until it is taken. */
void bt_http_queue_add(bt_http_queue *queue, bt_http_waiting *waiting);
/* The one whose turn it is, taken out; NULL: nobody is ready. */
bt_http_waiting *bt_http_queue_take(bt_http_queue *queue, int64_t now_ms);
/* The first for which the test is true (cancelled, out of time), taken out, of the highest class that has one; NULL:
 * none. */
bt_http_waiting *bt_http_queue_take_if(bt_http_queue *queue, bool (*test)(const bt_http_waiting *, int64_t now_ms),
                                       int64_t now_ms);
/* All that the party has waiting is to wait until then. */
void bt_http_queue_hold(bt_http_queue *queue, const void *party, int64_t not_before_ms);
bool bt_http_queue_is_empty(const bt_http_queue *queue);

#endif
