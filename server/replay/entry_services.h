/* How traces were kept by the service that they enter. A store shows the trace state in whole reads alone, and its
 * searches name the service of each root span. So of traces that were counted and not read it is known by which
 * service's sampler they came, and those of it that were read say how it keeps. That is used where all of these agree,
 * where enough were read, and where, of the counted ones themselves, a random sample was read: a sampler that keeps
 * errors for sure shows itself there. Else nothing is added, and the bounds of the whole range hold (kept_traces.h).
 * Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_ENTRY_SERVICES_H
#define BT_SERVER_REPLAY_ENTRY_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/replay.h"
#include "server/replay/trace_table.h"

enum {
  BT_ENTRIES = 8,       /* services that are told apart; the first ones that are met */
  BT_ENTRY_SAMPLE = 8,  /* of what a rule counted of a service without reading it */
  BT_ENTRY_ENOUGH = 8,  /* reads of a service */
  BT_ENTRY_NONE = 0xff, /* no service, or none that has a number */
};

typedef struct bt_entry_way { /* of one service */
  uint32_t entry;             /* bt_entry_of */
  uint32_t looked;            /* traces of it that were read whole */
  double probability;         /* of all of these; 0: they have none, or several */
} bt_entry_way;

typedef struct bt_entry_count { /* of one rule and service: counted, and not read by then */
  uint64_t violations, exercised;
  uint32_t sample[BT_ENTRY_SAMPLE]; /* numbers of violating ones: those with the smallest keys */
  uint32_t sample_count;
} bt_entry_count;

typedef struct bt_entry_services {
  bt_entry_way ways[BT_ENTRIES];
  size_t count;
  bt_entry_count (*rules)[BT_ENTRIES]; /* of each rule; owned */
} bt_entry_services;

/* All-zero before. BT_NO_MEMORY alone. Dispose it in every case. */
bt_status bt_entry_services_open(bt_entry_services *services, size_t rule_count, bt_error *error) BT_MUST_CHECK;
void bt_entry_services_dispose(bt_entry_services *services);

/* The number of its service, which it gets here; or BT_ENTRY_NONE. */
uint8_t bt_entry_services_number(bt_entry_services *services, const bt_known *known);
/* It was read whole. */
void bt_entry_services_look(bt_entry_services *services, const bt_known *known, const bt_kept_trace *kept);
/* It was counted for the rule, as violating or as exercising it, and not read. */
void bt_entry_services_count_violation(bt_entry_services *services, const bt_trace_table *table, size_t rule,
                                       const bt_known *known);
void bt_entry_services_count_exercised(bt_entry_services *services, size_t rule, const bt_known *known);
/* Adds what follows to how the rules' counted traces were kept: from reads, or from what is declared of the service.
 * When nothing more is read or counted. */
void bt_entry_services_settle(const bt_entry_services *services, const bt_trace_table *table, bt_replay_result *result);

#endif
