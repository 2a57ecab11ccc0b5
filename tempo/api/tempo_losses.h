/* What a Tempo takes away of what it has, as far as it says so. Its retention deletes blocks that are older than
 * block_retention: /status/config says it, and /status/overrides/TENANT where tenants may have their own. `redact` (3.0
 * and newer) takes out traces by their ids. No search and no read says so afterwards: a block is written anew, and the
 * backend scheduler keeps its jobs for work.prune_age, an hour by default. A Tempo of one process lists them at
 * /status/backendscheduler, with their tenant and time, and without the traces. What was seen there is remembered until
 * the source is freed. tests/facts/facts_redacted.py measures that. Internal to tempo/. Thread: any. */
#ifndef BT_TEMPO_API_TEMPO_LOSSES_H
#define BT_TEMPO_API_TEMPO_LOSSES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

struct bt_tempo;

/* What a configuration says. */
typedef struct bt_tempo_retention {
  int64_t all_ns;        /* of who has none of their own; 0: it does not say */
  bool may_have_tenants; /* tenants may have their own, which it does not show */
} bt_tempo_retention;

/* What was seen of one tenant. */
typedef struct bt_tempo_loss {
  char *tenant; /* new */
  int64_t redacted_ns;
  int64_t retention_ns;      /* its own; 0: none that is known */
  int64_t retention_next_ms; /* when it may be asked for again, on the monotonic clock */
} bt_tempo_loss;

/* Part of struct bt_tempo. */
typedef struct bt_tempo_losses {
  pthread_mutex_t asking; /* held while Tempo is asked: who would ask meanwhile waits for that answer */
  int64_t jobs_next_ms;   /* under it: when the list of jobs may be asked for again, on the monotonic clock */
  pthread_mutex_t mutex;  /* of what follows; never held over a question */
  bt_tempo_loss *items;
  size_t count, capacity;
} bt_tempo_losses;
bool bt_tempo_losses_init(bt_tempo_losses *losses) BT_MUST_CHECK; /* false: no memory */
void bt_tempo_losses_dispose(bt_tempo_losses *losses);

/* As the operation of a source says. Asks where it may, for 2 s at most, and again after 10 s. */
bt_losses bt_tempo_losses_of(struct bt_tempo *tempo, const char *tenant, const bt_cancel *cancel);

/* From the text of /status/config (YAML). */
bt_tempo_retention bt_tempo_retention_of_config(const char *config);
/* From the page of /status/overrides/TENANT: how long what is kept of this tenant. 0: as of all. */
int64_t bt_tempo_retention_of_overrides(const char *page);

/* One job that took traces out, or is about to. */
typedef struct bt_tempo_redaction {
  bt_str tenant; /* in the text */
  int64_t at_ns; /* the latest time that is said of it; 0: it waits */
} bt_tempo_redaction;
/* The next one in the text of /status/backendscheduler, which moves on behind it. False: there is none. */
bool bt_tempo_next_redaction(bt_str *text, bt_tempo_redaction *out);

#endif
