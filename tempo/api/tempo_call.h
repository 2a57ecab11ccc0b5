/* One question to Tempo: the address, the headers, the retries, and what an answer that is not an answer means. Search
 * and reads are written on top of it. It knows Tempo's error sentences and learns its limits from them (longest range,
 * highest limit). Thread: a call belongs to one thread; what bt_tempo learned is atomic. Internal to tempo/. */
#ifndef BT_TEMPO_API_TEMPO_CALL_H
#define BT_TEMPO_API_TEMPO_CALL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/api/filter_memory.h"
#include "tempo/api/tempo_clock.h"
#include "tempo/api/tempo_late.h"
#include "tempo/api/tempo_losses.h"
#include "tempo/api/tempo_version.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

/* The source itself. */
typedef struct bt_tempo {
  bt_source head;
  bt_http_client *client; /* borrowed */
  char *base_url;         /* new; no slash at its end */
  char *authorization;    /* new: the header, a secret; or NULL */
  char *ca_file;          /* new; or NULL */
  int64_t timeout_ms, pause_ms;
  uint32_t in_flight; /* calls that one search keeps under way at least, as many as the budget allows; 1: no more */
  /* Learned from Tempo's refusals; they only ever get smaller. */
  _Atomic int64_t max_range_s;
  _Atomic uint32_t search_limit; /* traces */
  _Atomic uint32_t ids_per_read;
  atomic_bool refuses_wide_sets; /* many spans of one trace in one set */
  _Atomic int64_t
      sizes_until_ms;   /* on the monotonic clock: until then sizes are asked for before traces are read in batches */
  _Atomic bool is_slow; /* it took long for a batch without any large trace */
  _Atomic bool sizes_took_long;   /* the last question for sizes, so the next one may take all of the timeout */
  _Atomic int64_t hidden_tail_ns; /* tempo_tail.h; -1: not known yet */
  _Atomic int64_t tail_next_ms;   /* when it may be asked for again, on the monotonic clock */
  atomic_bool tail_is_stale;      /* it was known of what may be another Tempo by now */
  atomic_bool tail_is_asked;      /* somebody waits for the answer */
  _Atomic int copies;             /* learned with it, or set: ingesters that hold each span; -1: not known */
  bool has_set_copies;            /* nothing is learned then */
  pthread_mutex_t dating_mutex;
  bt_tempo_dating dating;       /* under the lock: learned with the tail, */
  bool has_dating;              /* from a configuration */
  bt_tempo_retention retention; /* likewise */
  bt_tempo_losses losses;
  bt_tempo_version version;
  bt_tempo_clock clock;
  bt_filter_memory filters; /* of searches */
  _Atomic int64_t lag_ms;   /* when a call gave up on a lagging live store, likewise; 0: none did */
} bt_tempo;

/* How long Tempo may take for a question that is small by what is known, and divided if it is not. */
int64_t bt_tempo_patience_ms(const bt_tempo *tempo);

/* On whose behalf calls are made: what all calls of one search or read share. Must outlive them. */
typedef struct bt_tempo_caller {
  bt_tempo *tempo;
  bt_buffer tenant_header, tags_header;
  const char *headers[4]; /* of both, Accept and Authorization */
  size_t header_count;
  uint64_t tenant; /* as a number; 0: none */
  const bt_cancel *cancel;
  bt_priority priority;
  bt_source_account *account; /* borrowed */
} bt_tempo_caller;

typedef struct bt_tempo_identity {
  const char *tenant, *rule_id;
  const bt_cancel *cancel;
  bt_priority priority;
} bt_tempo_identity;

/* BT_INVALID: a tenant with bytes that cannot stand in a header. Dispose in every case. */
bt_status bt_tempo_caller_init(bt_tempo_caller *caller, bt_tempo *tempo, const bt_tempo_identity *identity,
                               bt_source_account *account, bt_error *error) BT_MUST_CHECK;
void bt_tempo_caller_dispose(bt_tempo_caller *caller);

typedef enum bt_tempo_outcome {
  BT_TEMPO_ANSWERED,
  BT_TEMPO_TOO_LARGE,      /* Tempo or we hold the answer for too large: ask for less at once */
  BT_TEMPO_RANGE_TOO_LONG, /* max_range_s is smaller now: slice again */
  BT_TEMPO_LIMIT_TOO_HIGH, /* search_limit is smaller now: ask again */
  BT_TEMPO_QUERY_TOO_LONG, /* for Tempo or for something between: fewer ids */
  BT_TEMPO_STUMBLED, /* over a value in the data that some test of the query cannot take: ask in another way; `reason`
                        says so */
  BT_TEMPO_TOO_SLOW, /* it took longer than the call's patience, or failed after a good part of it: less, and not the
                        same again */
  BT_TEMPO_FAILED    /* for good, or after all attempts; `reason` says why */
} bt_tempo_outcome;

/* Reads one answer. Called again with another body when the first could not be decoded (BT_INVALID): it starts over
 * then. Any status but BT_OK, BT_INVALID and BT_LIMIT (too large) ends the whole search or read. */
typedef bt_status (*bt_tempo_decoder)(void *context, bt_str body, bool is_json, bt_error *error);

typedef struct bt_tempo_call {
  const bt_tempo_caller *caller;
  bt_buffer url; /* written by one of the two below */
  size_t max_body_bytes;
  int64_t patience_ms; /* of a question that can be divided: how long Tempo may take; 0: the source's timeout, and
                          retries */
  bt_http_kind kind;
  uint32_t limit;     /* of a search, in traces: what the URL asks for, so that a refusal teaches only what is news */
  int64_t range_s;    /* likewise */
  bt_http_call *http; /* NULL: not under way */
  bt_http_response response;
  char reason[200]; /* of BT_TEMPO_FAILED; for people, without addresses */
  bool may_pass;    /* of BT_TEMPO_FAILED: a failure of the kind that passes */
  bool is_endless;  /* of BT_TEMPO_TOO_LARGE: the answer went on past max_body_bytes, and Tempo did not say that it was
                       large */
  bool is_garbled;  /* the last answer came whole and could not be decoded */
  bool is_lagging;  /* the last answer said that Tempo's live store lags */
} bt_tempo_call;

typedef struct bt_tempo_search_url {
  bt_str query;
  int64_t start_s, end_s;        /* closed */
  uint32_t limit, spans_per_set; /* traces; spans of each */
} bt_tempo_search_url;

/* False: no memory. */
bool bt_tempo_url_search(const bt_tempo *tempo, const bt_tempo_search_url *search, bt_buffer *url) BT_MUST_CHECK;
/* With the parameter that asks a Tempo of 3.1 and later for all spans, whatever its owner has made the default; earlier
 * ones ignore it. False: no memory. */
bool bt_tempo_url_trace(const bt_tempo *tempo, const bt_trace_id *id, bt_buffer *url) BT_MUST_CHECK;

/* A question about Tempo itself: of no tenant, without retries, ahead of others. */
typedef struct bt_tempo_plain_request {
  const char *path; /* after the base URL, with its query */
  size_t max_body_bytes;
  int64_t timeout_ms;
  const bt_cancel *cancel; /* or NULL */
} bt_tempo_plain_request;
/* BT_OK: an answer, whatever its HTTP status; dispose the response in every case. Errors are those of bt_http_send. */
bt_status bt_tempo_ask_plainly(bt_tempo *tempo, const bt_tempo_plain_request *plain, bt_http_response *response,
                               bt_error *error) BT_MUST_CHECK;

/* Sends call->url. BT_NO_MEMORY, or what else bt_http_start says, which sends nothing then. */
bt_status bt_tempo_call_start(bt_tempo_call *call, bt_error *error) BT_MUST_CHECK;
/* Waits for the answer, decodes it, retries what may pass. BT_OK: *outcome. The response's body is there until dispose.
 * BT_CANCELLED, BT_NO_MEMORY, or what the decoder returned; but its BT_LIMIT and BT_INVALID are outcomes. */
bt_status bt_tempo_call_finish(bt_tempo_call *call, bt_tempo_decoder decode, void *context, bt_tempo_outcome *outcome,
                               bt_error *error) BT_MUST_CHECK;
/* Also of a call that is under way: it is aborted. All-zero afterwards. */
void bt_tempo_call_dispose(bt_tempo_call *call);

/* Whole seconds, closed, that cover [start, end): what Tempo's start and end mean. BT_INVALID past the year 2038, which
 * Tempo 2 refuses. */
bt_status bt_tempo_seconds(bt_time_range range, int64_t *start_s, int64_t *end_s, bt_error *error) BT_MUST_CHECK;

#endif
