/* Which Tempo answers. BeTrace asks for its version once, and again after a connection was lost and came back. While
 * somebody wants to know it, it is asked once a minute too, because behind a load balancer a Tempo is replaced without
 * anybody noticing. What it says decides nothing about right and wrong here: it decides what plans may rest on. Thread:
 * any; the state has a lock of its own. Internal to tempo/. */
#ifndef BT_TEMPO_API_TEMPO_VERSION_H
#define BT_TEMPO_API_TEMPO_VERSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/api/traceql.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/promises.h"

struct bt_tempo;

/* Part of struct bt_tempo. */
typedef struct bt_tempo_version {
  pthread_mutex_t mutex;
  bt_source_about about; /* under the lock, as all up to is_lost */
  bool has_answered;     /* about is what Tempo said */
  bool is_asking;
  uint64_t generation;       /* grows when it may be another Tempo, or the same one that was started anew */
  int64_t asked_ms, next_ms; /* on the monotonic clock: when it was asked last, and when it may be again */
  atomic_bool is_lost;       /* a connection failed, and nothing has been heard since */
} bt_tempo_version;
bool bt_tempo_version_init(bt_tempo_version *version) BT_MUST_CHECK; /* false: no memory */
void bt_tempo_version_dispose(bt_tempo_version *version);

/* With a cancel flag it may ask, and wait until the flag is set; without one it never waits and says what is known so
 * far. Gives the generation that this is of (bt_promises). */
uint64_t bt_tempo_describe_version(struct bt_tempo *tempo, const bt_cancel *cancel, bt_source_about *out);
/* Of the version that is known now. What versions do that were not checked is not known. Never waits. */
bt_columns bt_tempo_columns(struct bt_tempo *tempo);
/* Told by every request that ends: whether anything came back. */
void bt_tempo_version_note(bt_tempo_version *version, bool is_heard);

/* What of an answer of /api/status/buildinfo (JSON), or of /status/version (text), says which Tempo it is; false: it is
 * neither. Never fails otherwise: what the answer does not say is not checked. */
bool bt_tempo_version_of_buildinfo(bt_str body, bt_source_about *out);
bool bt_tempo_version_of_status(bt_str body, bt_source_about *out);
/* The first number of a version; -1: it does not begin with numbers. */
int bt_tempo_version_major(const char *version);

#endif
