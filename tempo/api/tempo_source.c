/* Tempo as a trace source: the operations. See tempo_source.h; the work is in search.c, span_search.c, trace_fetch.c
 * and trace_by_id.c. */
#include "tempo/api/tempo_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/link_search.h"
#include "tempo/api/search.h"
#include "tempo/api/span_search.h"
#include "tempo/api/tempo_access.h"
#include "tempo/api/tempo_costs.h"
#include "tempo/api/tempo_losses.h"
#include "tempo/api/tempo_tags.h"
#include "tempo/api/tempo_tail.h"
#include "tempo/api/tempo_version.h"
#include "tempo/wire/secret_header.h"
#include "tempo/api/traceql_dialect.h"
#include "tempo/api/trace_fetch.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/tempo_answer.h"
#include "tempo/wire/url.h"

enum {
  DEFAULT_SEARCH_LIMIT = 30000, /* 20 MB of JSON, 9 of the 16 MiB that Tempo may send inside */
  DEFAULT_IN_FLIGHT = 2,
  DEFAULT_TIMEOUT_MS = 120000,
  DEFAULT_PAUSE_MS = 250,
  IDS_PER_READ = 1000, /* 10 to 15 MiB of an answer, of the 16 that Tempo may send */
  DEFAULT_MAX_RANGE_S = 168 * 3600,
  CHECK_TIMEOUT_MS = 5000,
  CHECK_BODY_BYTES = 64 * 1024,
  GET_BODY_BYTES = 1 << 20
};
static const int64_t second_ns = 1000000000;

static bt_tempo *tempo_of(bt_source *source) {
  return (bt_tempo *)source; /* the head is its first member */
}

static bt_status search_tempo(bt_source *source, const bt_search_request *request, bt_found_list *found,
                              bt_source_account *account, bt_error *error) {
  return bt_tempo_search(tempo_of(source), request, found, account, error);
}

void bt_tempo_read_fail(bt_tempo_read *read, const bt_tempo_call *call, const char *reason) {
  read->failures++;
  if (read->failed != BT_OK) return;
  read->failed = call->may_pass ? BT_UNAVAILABLE : BT_REFUSED;
  snprintf(read->reason, sizeof read->reason, "%s", reason);
}

bt_status bt_tempo_read_give(bt_tempo_read *read, const bt_read_trace *given, bt_error *error) {
  bt_read_trace passed = *given;
  bt_str tenant = bt_str_from(read->request->tenant);
  bool is_hidden = passed.trace && !read->request->with_own && bt_trace_is_own(passed.trace, tenant);
  if (is_hidden) passed = (bt_read_trace){.index = given->index};
  return read->sink(read->context, &passed, error);
}

static bt_status read_tempo(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                            bt_source_account *account, bt_error *error) {
  bt_tempo_read read = {.tempo = tempo_of(source), .request = request, .sink = sink, .context = context};
  bt_tempo_identity identity = {request->tenant, request->rule_id, request->cancel, request->priority};
  if (request->count == 0) return BT_OK;
  bt_status status = bt_tempo_caller_init(&read.caller, read.tempo, &identity, account, error);
  bool by_id = request->by_id || !request->projection || request->projection->whole_trace;
  if (status == BT_OK) status = by_id ? bt_tempo_read_by_id(&read, error) : bt_tempo_read_batches(&read, error);
  bt_tempo_caller_dispose(&read.caller);
  if (status == BT_OK && read.failed != BT_OK)
    return bt_error_set(error, read.failed, "traces could not be read: %s", read.reason);
  return status;
}

static bt_status find_spans_of_tempo(bt_source *source, const bt_spans_request *request, bt_spans_sink sink,
                                     void *context, bt_source_account *account, bt_error *error) {
  return bt_tempo_find_spans(tempo_of(source), request, sink, context, account, error);
}

static bt_ahead *begin_of_tempo(bt_source *source, const bt_asked *asked, bt_source_account *account) {
  bt_tempo *tempo = tempo_of(source);
  switch (asked->kind) {
  case BT_AHEAD_SEARCH: return bt_tempo_begin_search(tempo, asked->search, account);
  case BT_AHEAD_BATCHES: return bt_tempo_begin_batches(tempo, asked->read, account);
  case BT_AHEAD_BY_ID: return bt_tempo_begin_by_id(tempo, asked->read, account);
  case BT_AHEAD_BEFORE_SPANS: return bt_tempo_begin_before_spans(tempo, asked->spans, account);
  case BT_AHEAD_SPANS: return bt_tempo_begin_spans(tempo, asked->spans, account);
  }
  return NULL;
}

static bt_status find_linking_in_tempo(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                       bt_source_account *account, bt_error *error) {
  return bt_tempo_find_linking(tempo_of(source), request, found, account, error);
}

static bt_status tags_tempo(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  return bt_tempo_tags(tempo_of(source), request, list, error);
}

static const bt_dialect *dialect_of_tempo(bt_source *source) {
  (void)source;
  return bt_traceql_dialect();
}

/* The version comes first: asking for it says whether what was known may be of another Tempo. Whoever knows the tail
 * has its configuration. The clock comes last: every answer shows it. */
static void promise_of_tempo(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  bt_tempo *tempo = tempo_of(source);
  bt_tempo_dating dating;
  out->filters = out->projects = true;
  out->generation = bt_tempo_describe_version(tempo, cancel, &out->about);
  out->hidden_tail_ns = bt_tempo_hidden_tail_ns(tempo, &out->about, wanted == BT_PROMISES_ALL ? cancel : NULL);
  out->has_copies = bt_tempo_may_replicate(tempo, &out->about);
  bool is_known = bt_tempo_known_dating(tempo, &dating);
  out->late = bt_tempo_late_of(&dating);
  out->late.is_assumed = !is_known;
  out->guesses_linking = bt_tempo_finds_zero_bytes(&out->about) ? NULL : bt_tempo_guesses_linking;
  out->clock = bt_tempo_clock_known(&tempo->clock);
  out->costs = bt_tempo_costs;
}

static void losses_of_tempo(bt_source *source, const char *tenant, const bt_cancel *cancel, bt_losses *out) {
  *out = bt_tempo_losses_of(tempo_of(source), tenant, cancel);
}

/* /ready is answered before rings are stable too, so that what is asked is what is needed: that a search works. With
 * several tenants a search without one is refused in so many words, which is an answer of a Tempo that works. */
static bt_status check_tempo(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  bt_tempo *tempo = tempo_of(source);
  const bt_tempo_plain_request any_search = {"/api/search?limit=1&spss=1&q=%7B%7D", CHECK_BODY_BYTES, CHECK_TIMEOUT_MS,
                                             cancel};
  bt_http_response response = {0};
  bt_status status = bt_tempo_ask_plainly(tempo, &any_search, &response, error);
  bool is_json;
  if (status == BT_OK && bt_tempo_wants_tenant(&response)) goto out;
  if (status == BT_OK && (response.status != 200 || !bt_tempo_content(&response, &is_json))) {
    char what[200];
    bt_tempo_describe(&response, what, sizeof what);
    status = bt_error_set(error, BT_UNAVAILABLE, "a search was expected to work: %s%s", what,
                          response.status == 200 ? ", neither JSON nor protobuf: is this address Tempo's?" : "");
  }
out:
  bt_http_response_dispose(&response);
  if (status == BT_OK)
    (void)bt_source_promises(source, BT_PROMISES_ALL,
                             cancel ? cancel : &(bt_cancel){false}); /* who asks waits anyway */
  return status;
}

bt_status bt_tempo_source_get(bt_source *source, const char *path, const bt_cancel *cancel, bt_http_response *response,
                              bt_error *error) {
  const bt_tempo_plain_request plain = {path, GET_BODY_BYTES, CHECK_TIMEOUT_MS, cancel};
  return bt_tempo_ask_plainly(tempo_of(source), &plain, response, error);
}

static void free_tempo(bt_source *source) {
  bt_tempo *tempo = tempo_of(source);
  bt_tempo_version_dispose(&tempo->version);
  bt_tempo_clock_dispose(&tempo->clock);
  pthread_mutex_destroy(&tempo->dating_mutex);
  bt_tempo_losses_dispose(&tempo->losses);
  free(tempo->base_url);
  free(tempo->ca_file);
  bt_header_free(tempo->authorization);
  free(tempo);
}

static const bt_source_operations operations = {.search = search_tempo,
                                                .begin = begin_of_tempo,
                                                .read = read_tempo,
                                                .find_spans = find_spans_of_tempo,
                                                .find_linking = find_linking_in_tempo,
                                                .tags = tags_tempo,
                                                .check = check_tempo,
                                                .dialect = dialect_of_tempo,
                                                .promise = promise_of_tempo,
                                                .losses = losses_of_tempo,
                                                .free = free_tempo};

static char *copy_text(const char *text, size_t length) {
  char *copy = malloc(length + 1);
  if (!copy) return NULL;
  memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

static char *copy_base_url(const char *url) {
  size_t length = strlen(url);
  while (length && url[length - 1] == '/') length--;
  return copy_text(url, length);
}

static void set_options(bt_tempo *tempo, const bt_tempo_options *options) {
  tempo->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
  tempo->pause_ms = options->pause_ms > 0 ? options->pause_ms : DEFAULT_PAUSE_MS;
  tempo->in_flight = options->windows ? options->windows : DEFAULT_IN_FLIGHT;
  int64_t max_range_s = options->max_range_ns / second_ns;
  atomic_init(&tempo->max_range_s, max_range_s > 0 ? max_range_s : DEFAULT_MAX_RANGE_S);
  atomic_init(&tempo->search_limit, options->search_limit ? options->search_limit : DEFAULT_SEARCH_LIMIT);
  atomic_init(&tempo->ids_per_read, IDS_PER_READ);
  atomic_init(&tempo->sizes_until_ms, 0);
  atomic_init(&tempo->is_slow, false);
  atomic_init(&tempo->sizes_took_long, false);
  atomic_init(&tempo->hidden_tail_ns, -1);
  atomic_init(&tempo->tail_next_ms, 0);
  atomic_init(&tempo->tail_is_stale, false);
  tempo->has_set_copies = options->replication > 0;
  atomic_init(&tempo->copies, tempo->has_set_copies ? (int)options->replication : -1);
  atomic_init(&tempo->lag_ms, 0);
}

static bool init_locks(bt_tempo *tempo, const bt_tempo_options *options) {
  if (!bt_tempo_version_init(&tempo->version)) return false;
  bool has_clock = bt_tempo_clock_init(&tempo->clock, options->on_clock_ahead);
  bool has_losses = has_clock && bt_tempo_losses_init(&tempo->losses);
  if (has_losses && pthread_mutex_init(&tempo->dating_mutex, NULL) == 0) return true;
  if (has_losses) bt_tempo_losses_dispose(&tempo->losses);
  if (has_clock) bt_tempo_clock_dispose(&tempo->clock);
  bt_tempo_version_dispose(&tempo->version);
  return false;
}

bt_status bt_tempo_source_new(bt_http_client *client, const bt_tempo_options *options, bt_source **out,
                              bt_error *error) {
  *out = NULL;
  if (!options->url || !bt_url_is_base(options->url))
    return bt_error_set(error, BT_INVALID,
                        "Tempo's address has to be like http://host:3200 or https://host/path, without user, query or "
                        "fragment");
  bt_tempo *tempo = calloc(1, sizeof *tempo);
  if (!tempo || !init_locks(tempo, options)) {
    free(tempo);
    return bt_error_no_memory(error);
  }
  tempo->base_url = copy_base_url(options->url);
  tempo->ca_file = options->ca_file ? copy_text(options->ca_file, strlen(options->ca_file)) : NULL;
  bt_status status = !tempo->base_url || (options->ca_file && !tempo->ca_file)
                         ? bt_error_no_memory(error)
                         : bt_tempo_authorization(options, &tempo->authorization, error);
  if (status != BT_OK) {
    free_tempo(&tempo->head);
    return status;
  }
  tempo->head = (bt_source){.operations = &operations, .name = "tempo"};
  tempo->client = client;
  set_options(tempo, options);
  *out = &tempo->head;
  return BT_OK;
}
