/* One question to Tempo. See tempo_call.h. */
#include "tempo/api/tempo_call.h"

#include <stdio.h>
#include <string.h>

#include "tempo/wire/pause.h"
#include "tempo/wire/tempo_answer.h"
#include "tempo/wire/url.h"

enum {
  ATTEMPTS = 4,
  ATTEMPTS_GARBLED = 2,      /* a complete answer that cannot be read is seldom another one the next time */
  PATIENCE_SHARE = 4,        /* of the timeout */
  SLOW_SHARE = 3,            /* of its patience: a failure after so much of it is one of a question that is too much */
  ATTEMPTS_LAGGING = 6,      /* a live store that lags catches up in a minute or so, */
  LAGGING_PAUSES = 8,        /* so that its pauses are so many times as long: 2, 4, 8, 16 and 32 s */
  LAG_REMEMBERED_MS = 60000, /* after one call has waited for that in vain, others do not for so long */
  LATEST_SECOND = 2147483647 /* Tempo 2 reads start and end as 32 bits */
};
static const int64_t second_ns = 1000000000;

int64_t bt_tempo_patience_ms(const bt_tempo *tempo) {
  return (tempo->timeout_ms + PATIENCE_SHARE - 1) / PATIENCE_SHARE;
}

/* Bytes that may stand in a header value: no controls, nothing beyond ASCII. */
static bool is_header_text(const char *text) {
  for (; *text; text++)
    if (*text < ' ' || *text > '~') return false;
  return true;
}

/* X-Query-Tags is a comma-separated list: a rule's id is cut to what cannot break it. */
static void append_tag_value(bt_buffer *out, const char *value) {
  for (; *value; value++) {
    bool plain = (*value >= 'a' && *value <= 'z') || (*value >= 'A' && *value <= 'Z') ||
                 (*value >= '0' && *value <= '9') || strchr("-_.", *value);
    bt_buffer_append_char(out, plain ? *value : '_');
  }
}

bt_status bt_tempo_caller_init(bt_tempo_caller *caller, bt_tempo *tempo, const bt_tempo_identity *identity,
                               bt_source_account *account, bt_error *error) {
  *caller =
      (bt_tempo_caller){.tempo = tempo, .cancel = identity->cancel, .priority = identity->priority, .account = account};
  caller->tenant = identity->tenant ? bt_str_hash(bt_str_from(identity->tenant)) : 0;
  caller->headers[caller->header_count++] = "Accept: application/protobuf";
  if (tempo->authorization) caller->headers[caller->header_count++] = tempo->authorization;
  if (identity->tenant) {
    if (!*identity->tenant || !is_header_text(identity->tenant))
      return bt_error_set(error, BT_INVALID,
                          "the tenant cannot be sent as X-Scope-OrgID: printable ASCII was expected");
    bt_buffer_printf(&caller->tenant_header, "X-Scope-OrgID: %s", identity->tenant);
  }
  bt_buffer_append(&caller->tags_header, BT_STR("X-Query-Tags: source=betrace"));
  if (identity->rule_id) {
    bt_buffer_append(&caller->tags_header, BT_STR(",rule="));
    append_tag_value(&caller->tags_header, identity->rule_id);
  }
  if (caller->tenant_header.failed || caller->tags_header.failed) return bt_error_no_memory(error);
  caller->headers[caller->header_count++] = caller->tags_header.ptr;
  if (identity->tenant) caller->headers[caller->header_count++] = caller->tenant_header.ptr;
  return BT_OK;
}

void bt_tempo_caller_dispose(bt_tempo_caller *caller) {
  bt_buffer_dispose(&caller->tenant_header);
  bt_buffer_dispose(&caller->tags_header);
}

bool bt_tempo_url_search(const bt_tempo *tempo, const bt_tempo_search_url *search, bt_buffer *url) {
  bt_buffer_clear(url);
  bt_buffer_printf(url, "%s/api/search?start=%lld&end=%lld&limit=%u&spss=%u&q=", tempo->base_url,
                   (long long)search->start_s, (long long)search->end_s, search->limit, search->spans_per_set);
  bt_url_encode(url, search->query);
  return !url->failed;
}

bool bt_tempo_url_trace(const bt_tempo *tempo, const bt_trace_id *id, bt_buffer *url) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  bt_buffer_clear(url);
  bt_buffer_printf(url, "%s/api/v2/traces/%s?span_pruning=false", tempo->base_url, hex);
  return !url->failed;
}

bt_status bt_tempo_call_start(bt_tempo_call *call, bt_error *error) {
  const bt_tempo_caller *caller = call->caller;
  bt_http_request request = {.method = "GET",
                             .url = call->url.ptr,
                             .headers = caller->headers,
                             .header_count = caller->header_count,
                             .ca_file = caller->tempo->ca_file,
                             .max_body_bytes = call->max_body_bytes,
                             .timeout_ms = call->patience_ms ? call->patience_ms : caller->tempo->timeout_ms,
                             .kind = call->kind,
                             .priority = caller->priority,
                             .party = caller->cancel ? (const void *)caller->cancel
                                                     : caller, /* one job has one cancel flag */
                             .tenant = caller->tenant,
                             .cancel = caller->cancel,
                             .is_too_large = bt_tempo_is_too_large};
  bt_http_response_dispose(&call->response);
  caller->account->requests++;
  return bt_http_start(caller->tempo->client, &request, &call->response, &call->http, error);
}

/* Makes the longest range smaller: to what the sentence names, or to half where that says nothing new. A request that
 * was under way when another one's refusal was learned from says nothing new either. */
static void learn_range(bt_tempo *tempo, int64_t asked_s, bt_str body) {
  int64_t now_s = atomic_load(&tempo->max_range_s);
  if (asked_s > now_s) return;
  int64_t said_s = bt_tempo_duration_s_after(body, BT_STR("start and end exceeds "));
  int64_t next_s = said_s > 0 && said_s < now_s ? said_s : now_s / 2;
  atomic_store(&tempo->max_range_s, next_s > 1 ? next_s : 1);
}

static void learn_limit(bt_tempo *tempo, uint32_t asked, bt_str body) {
  uint32_t now = atomic_load(&tempo->search_limit);
  if (asked > now) return;
  int64_t said = bt_tempo_number_after(body, BT_STR("exceeds max limit "));
  uint32_t next = said > 0 && said < (int64_t)now ? (uint32_t)said : now / 2;
  atomic_store(&tempo->search_limit, next > 1 ? next : 1);
}

/* Decodes a 200. BT_UNAVAILABLE: worth another attempt. */
static bt_status decode_answer(bt_tempo_call *call, bt_tempo_decoder decode, void *context, bt_tempo_outcome *outcome,
                               bt_error *error) {
  bool is_json = false;
  if (!bt_tempo_content(&call->response, &is_json)) {
    snprintf(call->reason, sizeof call->reason, "the answer is neither JSON nor protobuf: is this address Tempo's?");
    *outcome = BT_TEMPO_FAILED;
    return BT_OK;
  }
  bt_status status = decode(context, bt_buffer_str(&call->response.body), is_json, error);
  if (status == BT_LIMIT) {
    *outcome = BT_TEMPO_TOO_LARGE;
    return BT_OK;
  }
  if (status == BT_INVALID) {
    snprintf(call->reason, sizeof call->reason, "Tempo's answer could not be decoded");
    call->is_garbled = true;
    return BT_UNAVAILABLE;
  }
  *outcome = BT_TEMPO_ANSWERED;
  return status;
}

/* What a complete answer means. BT_UNAVAILABLE: worth another attempt, call->reason is set. */
static bt_status judge_answer(bt_tempo_call *call, bt_tempo_decoder decode, void *context, bt_tempo_outcome *outcome,
                              bt_error *error) {
  bt_tempo *tempo = call->caller->tempo;
  bt_str body = bt_buffer_str(&call->response.body);
  bt_tempo_meaning meaning = bt_tempo_meaning_of(&call->response);
  call->caller->account->bytes_received += body.len;
  switch (meaning) {
  case BT_MEANS_ANSWER: return decode_answer(call, decode, context, outcome, error);
  case BT_MEANS_TOO_LARGE: *outcome = BT_TEMPO_TOO_LARGE; return BT_OK;
  case BT_MEANS_RANGE_TOO_LONG:
    learn_range(tempo, call->range_s, body);
    *outcome = BT_TEMPO_RANGE_TOO_LONG;
    return BT_OK;
  case BT_MEANS_LIMIT_TOO_HIGH:
    learn_limit(tempo, call->limit, body);
    *outcome = BT_TEMPO_LIMIT_TOO_HIGH;
    return BT_OK;
  case BT_MEANS_QUERY_TOO_LONG:
    bt_tempo_describe(&call->response, call->reason, sizeof call->reason);
    *outcome = BT_TEMPO_QUERY_TOO_LONG;
    return BT_OK;
  case BT_MEANS_STUMBLES:
    snprintf(call->reason, sizeof call->reason,
             "Tempo answered %d: it cannot make a test of this query of an array in the data", call->response.status);
    *outcome = BT_TEMPO_STUMBLED;
    return BT_OK;
  case BT_MEANS_LAGGING:
  case BT_MEANS_PASSING:
    call->is_lagging = meaning == BT_MEANS_LAGGING;
    bt_tempo_describe(&call->response, call->reason, sizeof call->reason);
    return BT_UNAVAILABLE;
  case BT_MEANS_REFUSED: break;
  }
  bt_tempo_describe(&call->response, call->reason, sizeof call->reason);
  *outcome = BT_TEMPO_FAILED;
  return BT_OK;
}

/* Whether Tempo is there tells when it may have become another one, and its answers what its clock says. What a gateway
 * answers while nothing is behind it counts as nothing. */
static void note_ending(bt_tempo *tempo, bt_status status, const bt_http_response *response) {
  bool is_gateway = status == BT_OK && response->status >= 502 && response->status <= 504;
  if (status == BT_UNAVAILABLE || is_gateway)
    bt_tempo_version_note(&tempo->version, false);
  else if (status == BT_OK || status == BT_LIMIT)
    bt_tempo_version_note(&tempo->version, true);
  bt_clock_look look = {response->date_s, response->asked_ns, response->came_ns};
  if (status == BT_OK && !is_gateway && look.date_s) bt_tempo_clock_note(&tempo->clock, &look);
}

/* Waits for the transfer under way. BT_UNAVAILABLE: worth another attempt, call->reason is set. */
static bt_status take_answer(bt_tempo_call *call, bt_tempo_decoder decode, void *context, bt_tempo_outcome *outcome,
                             bt_error *error) {
  bt_error transfer = {0};
  bt_status status = bt_http_finish(call->http, &transfer);
  call->http = NULL;
  note_ending(call->caller->tempo, status, &call->response);
  if (status == BT_OK) return judge_answer(call, decode, context, outcome, error);
  if (status == BT_LIMIT) {
    call->is_endless = true;
    *outcome = BT_TEMPO_TOO_LARGE;
    return BT_OK;
  }
  snprintf(call->reason, sizeof call->reason, "%.180s", transfer.message);
  if (status == BT_REFUSED || status == BT_INVALID) {
    *outcome = BT_TEMPO_FAILED;
    return BT_OK;
  }
  if (status != BT_UNAVAILABLE && error) *error = transfer;
  return status;
}

/* How often a call is tried, after what its last answer was. */
static int attempts_of(const bt_tempo_call *call) {
  int64_t gave_up_ms = atomic_load(&call->caller->tempo->lag_ms);
  bool is_worth_waiting = !gave_up_ms || bt_monotonic_ms() - gave_up_ms > LAG_REMEMBERED_MS;
  if (call->is_garbled) return ATTEMPTS_GARBLED;
  return call->is_lagging && is_worth_waiting ? ATTEMPTS_LAGGING : ATTEMPTS;
}

/* How long to wait before another attempt; -1: there is none. */
static int64_t pause_before_next(const bt_tempo_call *call, int attempt, int64_t deadline_ms) {
  int attempts = attempts_of(call);
  int64_t pause_ms = call->caller->tempo->pause_ms << (attempt - 1), asked_ms = call->response.retry_after_ms;
  if (attempts == ATTEMPTS_LAGGING) pause_ms *= LAGGING_PAUSES;
  if (asked_ms > BT_HTTP_LONGEST_HOLD_MS) asked_ms = BT_HTTP_LONGEST_HOLD_MS;
  int64_t until_ms = bt_monotonic_ms() + (attempts == ATTEMPTS_LAGGING ? pause_ms : 0);
  if (attempt >= attempts || until_ms >= deadline_ms) return -1;
  return asked_ms > pause_ms ? asked_ms : pause_ms;
}

/* What failed after Tempo had worked on it for long would do so again, and Tempo goes on with the first one: it does
 * not notice that nobody waits. */
static bool was_too_slow(const bt_tempo_call *call) {
  return call->patience_ms && !call->is_garbled && call->response.took_ms >= call->patience_ms / SLOW_SHARE;
}

bt_status bt_tempo_call_finish(bt_tempo_call *call, bt_tempo_decoder decode, void *context, bt_tempo_outcome *outcome,
                               bt_error *error) {
  bt_tempo *tempo = call->caller->tempo;
  call->may_pass = false;
  /* What already took about as long as one request may take is not tried again: a Tempo that hangs would hold every
   * window four times. The request was started before now, so that its own timeout ends before a whole one from here.
   */
  int64_t deadline_ms = bt_monotonic_ms() + tempo->timeout_ms * 3 / 4;
  for (int attempt = 1;; attempt++) {
    call->is_garbled = call->is_lagging = false;
    bt_status status = take_answer(call, decode, context, outcome, error);
    if (status != BT_UNAVAILABLE) return status;
    if (was_too_slow(call)) {
      call->may_pass = true;
      *outcome = BT_TEMPO_TOO_SLOW;
      return BT_OK;
    }
    int64_t pause_ms = pause_before_next(call, attempt, deadline_ms);
    if (pause_ms < 0) break;
    if (!bt_pause_ms(call->caller->cancel, pause_ms)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    status = bt_tempo_call_start(call, error);
    if (status != BT_OK) return status;
  }
  if (attempts_of(call) == ATTEMPTS_LAGGING) atomic_store(&tempo->lag_ms, bt_monotonic_ms());
  call->may_pass = true;
  *outcome = BT_TEMPO_FAILED;
  return BT_OK;
}

void bt_tempo_call_dispose(bt_tempo_call *call) {
  if (call->http) {
    bt_http_abort(call->http);
    bt_status ignored = bt_http_finish(call->http, NULL); /* aborted, or just complete: nobody reads it */
    (void)ignored;
  }
  bt_http_response_dispose(&call->response);
  bt_buffer_dispose(&call->url);
  *call = (bt_tempo_call){0};
}

bt_status bt_tempo_seconds(bt_time_range range, int64_t *start_s, int64_t *end_s, bt_error *error) {
  if (range.end_ns > LATEST_SECOND * second_ns)
    return bt_error_set(error, BT_INVALID, "the range ends after January 2038, which Tempo cannot be asked for");
  /* Not below 1: start=0 with end=0 means "no range" to Tempo. */
  *start_s = range.start_ns > second_ns ? range.start_ns / second_ns : 1;
  *end_s = range.end_ns > 0 ? (range.end_ns + second_ns - 1) / second_ns : 0;
  if (*end_s <= *start_s) *end_s = *start_s + 1;
  return BT_OK;
}

bt_status bt_tempo_ask_plainly(bt_tempo *tempo, const bt_tempo_plain_request *plain, bt_http_response *response,
                               bt_error *error) {
  const char *const headers[] = {"X-Query-Tags: source=betrace", tempo->authorization};
  bt_buffer url = {0};
  bt_buffer_printf(&url, "%s%s", tempo->base_url, plain->path);
  bt_http_request request = {.method = "GET",
                             .url = url.ptr,
                             .headers = headers,
                             .header_count = tempo->authorization ? 2 : 1,
                             .ca_file = tempo->ca_file,
                             .max_body_bytes = plain->max_body_bytes,
                             .timeout_ms = plain->timeout_ms,
                             .priority = BT_PRIORITY_WATCH,
                             .cancel = plain->cancel};
  bt_status status = url.failed ? bt_error_no_memory(error) : bt_http_send(tempo->client, &request, response, error);
  note_ending(tempo, status, response);
  bt_buffer_dispose(&url);
  return status;
}
