/* Sending spans by OTLP/HTTP. See otlp_export.h. Each request is tried a few times; one that is too large for the other
 * side is cut in two, down to single spans. */
#include "tempo/wire/otlp_export.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/proto/otlp.pb-c.h"
#include "tempo/wire/tempo_answer.h"

enum {
  DEFAULT_ATTEMPTS = 5,
  FIRST_PAUSE_MS = 200, /* doubled from attempt to attempt */
  LONGEST_PAUSE_MS = 30000,
  TIMEOUT_MS = 30000,
  ANSWER_BYTES = 1 << 20,
  SENTENCE_MAX = 120,
  HEADERS_MAX = 32
};

/* --- where to, and with what headers --- */

typedef struct exporter {
  bt_http_client *client;
  const bt_exporter_options *options;
  const bt_cancel *cancel;
  bt_export_result *result;
  bt_arena arena; /* headers and URL */
  const char *url;
  const char *headers[HEADERS_MAX];
  size_t header_count; /* without Content-Type, which is added for each request */
} exporter;

static bt_status check_url(const char *url, bt_error *error) {
  CURLU *parsed = curl_url();
  char *scheme = NULL, *port = NULL;
  bt_status status = BT_OK;
  bool is_url = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
  if (!is_url) {
    status = bt_error_set(error, BT_INVALID,
                          "the OTLP endpoint has to be an http:// or https:// URL, such as http://host:4318");
  } else if (curl_url_get(parsed, CURLUPART_PORT, &port, 0) == CURLUE_OK && strcmp(port, "4317") == 0) {
    status = bt_error_set(
        error, BT_INVALID,
        "the OTLP endpoint names port 4317, which speaks gRPC: BeTrace sends OTLP over HTTP, usually at port 4318");
  }
  curl_free(scheme);
  curl_free(port);
  curl_url_cleanup(parsed);
  return status;
}

static char *format_text(bt_arena *arena, const char *before, bt_str middle, const char *after) {
  size_t first = strlen(before), last = strlen(after);
  char *text = bt_arena_alloc(arena, first + middle.len + last + 1);
  if (!text) return NULL;
  memcpy(text, before, first); /* NOLINT(bugprone-not-null-terminated-result): the last copy brings the NUL */
  if (middle.len) memcpy(text + first, middle.ptr, middle.len);
  memcpy(text + first + middle.len, after, last + 1);
  return text;
}

static bt_status set_url(exporter *e, bt_error *error) {
  bt_str base = bt_str_from(e->options->traces_url ? e->options->traces_url : e->options->url);
  if (!base.len) return bt_error_set(error, BT_INVALID, "no OTLP endpoint is set");
  while (!e->options->traces_url && base.len && base.ptr[base.len - 1] == '/') base.len--;
  e->url = format_text(&e->arena, "", base, e->options->traces_url ? "" : "/v1/traces");
  return e->url ? check_url(e->url, error) : bt_error_no_memory(error);
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes %XX in place; false: a broken escape, or a byte that cannot stand in a header. */
static bool decode_value(char *value) {
  char *to = value;
  for (const char *from = value; *from; from++) {
    char c = *from;
    if (c == '%') {
      int high = hex_value(from[1]), low = high < 0 ? -1 : hex_value(from[2]);
      if (low < 0) return false;
      c = (char)(high << 4 | low);
      from += 2;
    }
    if (c < ' ' || c > '~') return false;
    *to++ = c;
  }
  *to = '\0';
  return true;
}

static bool is_header_name(bt_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter && !(c && strchr("!#$%&'*+-.^_`|~", c))) return false;
  }
  return name.len > 0;
}

static bt_status add_header(exporter *e, bt_str name, bt_str value, bt_error *error) {
  /* The message names the header but never its value, which may be a password. */
  if (!is_header_name(name))
    return bt_error_set(error, BT_INVALID, "OTLP headers: name=value[,name=value…] was expected");
  if (e->header_count == HEADERS_MAX - 1)
    return bt_error_set(error, BT_INVALID, "OTLP headers: more than %d", HEADERS_MAX - 1);
  char *text = format_text(&e->arena, "", value, "");
  if (!text) return bt_error_no_memory(error);
  if (!decode_value(text))
    return bt_error_set(error, BT_INVALID, "OTLP headers: the value of %.*s is not percent-encoded printable ASCII",
                        BT_FMT(name));
  char *start = format_text(&e->arena, "", name, ": ");
  char *line = start ? format_text(&e->arena, start, bt_str_from(text), "") : NULL;
  if (!line) return bt_error_no_memory(error);
  e->headers[e->header_count++] = line;
  return BT_OK;
}

static const bt_str TENANT_HEADER = {"X-Scope-OrgID", sizeof "X-Scope-OrgID" - 1};

/* With the header twice the receiver would choose between the tenants, and spans of one could land in another's. */
static bool is_overruled(const exporter *e, bt_str name) {
  return e->options->tenant && bt_str_equal_nocase(name, TENANT_HEADER);
}

static bt_status add_header_list(exporter *e, bt_str list, bt_error *error) {
  bt_status status = BT_OK;
  while (list.len && status == BT_OK) {
    const char *comma = memchr(list.ptr, ',', list.len);
    bt_str item = bt_str_trim((bt_str){list.ptr, comma ? (size_t)(comma - list.ptr) : list.len});
    list = comma ? (bt_str){comma + 1, list.len - (size_t)(comma + 1 - list.ptr)} : (bt_str){0};
    if (!item.len) continue;
    const char *equals = memchr(item.ptr, '=', item.len);
    if (!equals) return bt_error_set(error, BT_INVALID, "OTLP headers: name=value[,name=value…] was expected");
    bt_str name = bt_str_trim((bt_str){item.ptr, (size_t)(equals - item.ptr)});
    bt_str value = bt_str_trim((bt_str){equals + 1, item.len - (size_t)(equals + 1 - item.ptr)});
    if (!is_overruled(e, name)) status = add_header(e, name, value, error);
  }
  return status;
}

static bt_status set_headers(exporter *e, bt_error *error) {
  bt_status status = add_header_list(e, bt_str_from(e->options->headers), error);
  if (status == BT_OK && e->options->tenant)
    status = add_header(e, TENANT_HEADER, bt_str_from(e->options->tenant), error);
  return status;
}

/* --- one request --- */

typedef enum fate {
  SENT,
  PASSING,   /* worth another attempt */
  TOO_LARGE, /* never in this size */
  REFUSED
} fate;

/* Tempo says "… burst: N bytes) … while adding M bytes": with M above N it refuses this size for ever, though with the
 * same 429. */
static bool is_above_burst(bt_str body) {
  int64_t burst = bt_tempo_number_after(body, BT_STR("burst: "));
  return burst > 0 && bt_tempo_number_after(body, BT_STR("while adding ")) > burst;
}

static fate fate_of(const bt_http_response *response) {
  bt_str body = bt_buffer_str(&response->body);
  if (response->status >= 200 && response->status < 300) return SENT;
  if (response->status == 413) return TOO_LARGE;
  if (response->status == 429) return is_above_burst(body) ? TOO_LARGE : PASSING;
  /* A Tempo with several tenants answers 503 where 401 is meant. */
  if (response->status == 503 && bt_str_contains(body, BT_STR("no org id"))) return REFUSED;
  if (response->status == 502 || response->status == 503 || response->status == 504) return PASSING;
  return REFUSED;
}

static bool is_json(const bt_http_response *response) {
  return strncmp(response->content_type, "application/json", 16) == 0;
}

static void set_message(bt_export_result *result, int status, const char *sentence) {
  char clean[SENTENCE_MAX + 1];
  size_t length = 0;
  for (; sentence && sentence[length] && length < SENTENCE_MAX; length++) {
    char c = sentence[length];
    clean[length] = c >= ' ' && c <= '~' ? c : ' ';
  }
  clean[length] = '\0';
  snprintf(result->message, sizeof result->message, "the OTLP endpoint answered %d%s%s", status, length ? ": " : "",
           clean);
}

/* The sentence of a refusal (google.rpc.Status in the format of the request, or plain text). */
static void take_refusal(bt_export_result *result, const bt_http_response *response) {
  bt_str body = bt_buffer_str(&response->body);
  if (is_json(response)) {
    json_t *document = json_loadb(body.ptr ? body.ptr : "", body.len, 0, NULL);
    set_message(result, response->status, json_string_value(json_object_get(document, "message")));
    json_decref(document);
  } else if (strncmp(response->content_type, "application/x-protobuf", 22) == 0) {
    Otlp__RpcStatus *status = otlp__rpc_status__unpack(NULL, body.len, (const uint8_t *)body.ptr);
    set_message(result, response->status, status ? status->message : NULL);
    if (status) otlp__rpc_status__free_unpacked(status, NULL);
  } else {
    bool is_plain = strncmp(response->content_type, "text/plain", 10) == 0;
    set_message(result, response->status, is_plain ? body.ptr : NULL);
  }
}

/* rejectedSpans comes as a string or a number in JSON. */
static int64_t json_count(const json_t *value) {
  if (json_is_integer(value)) return json_integer_value(value);
  return json_is_string(value) ? (int64_t)strtoll(json_string_value(value), NULL, 10) : 0;
}

static int64_t rejected_of(const bt_http_response *response, bt_export_result *result) {
  bt_str body = bt_buffer_str(&response->body);
  int64_t rejected = 0;
  if (is_json(response)) {
    json_t *document = json_loadb(body.ptr ? body.ptr : "", body.len, 0, NULL);
    const json_t *partial = json_object_get(document, "partialSuccess");
    rejected = json_count(json_object_get(partial, "rejectedSpans"));
    if (rejected > 0)
      set_message(result, response->status, json_string_value(json_object_get(partial, "errorMessage")));
    json_decref(document);
    return rejected;
  }
  Otlp__ExportTraceServiceResponse *answer =
      otlp__export_trace_service_response__unpack(NULL, body.len, (const uint8_t *)body.ptr);
  if (answer && answer->partial_success) {
    rejected = answer->partial_success->rejected_spans;
    if (rejected > 0) set_message(result, response->status, answer->partial_success->error_message);
  }
  if (answer) otlp__export_trace_service_response__free_unpacked(answer, NULL);
  return rejected;
}

static void count_sent(exporter *e, const bt_http_response *response, uint64_t span_count) {
  int64_t said = rejected_of(response, e->result);
  uint64_t rejected = said <= 0 ? 0 : (uint64_t)said > span_count ? span_count : (uint64_t)said;
  e->result->accepted += span_count - rejected;
  e->result->rejected += rejected;
}

/* is_last: no other try follows it. */
static bt_status send_once(exporter *e, const bt_export_document *document, bool is_last, bt_http_response *response,
                           bt_error *error) {
  char content_type[64];
  snprintf(content_type, sizeof content_type, "Content-Type: %s", document->content_type);
  const char *headers[HEADERS_MAX];
  memcpy(headers, e->headers, e->header_count * sizeof *headers);
  headers[e->header_count] = content_type;
  bt_http_request request = {.method = "POST",
                             .url = e->url,
                             .body = document->body,
                             .headers = headers,
                             .header_count = e->header_count + 1,
                             .max_body_bytes = ANSWER_BYTES,
                             .timeout_ms = TIMEOUT_MS,
                             .wait = is_last && !e->options->comes_back ? BT_HTTP_WAIT_LEARN : BT_HTTP_WAIT_USUAL,
                             .kind = BT_HTTP_EXPORT,
                             .priority = BT_PRIORITY_WATCH,
                             .cancel = e->cancel};
  return bt_http_send(e->client, &request, response, error);
}

/* BT_LIMIT: too large for the other side; a smaller one may pass. */
static bt_status send_document(exporter *e, const bt_export_document *document, bt_error *error) {
  uint32_t attempts = e->options->attempts ? e->options->attempts : DEFAULT_ATTEMPTS;
  int64_t pause_ms = FIRST_PAUSE_MS;
  for (uint32_t attempt = 1;; attempt++, pause_ms *= 2) {
    bt_http_response response = {0};
    bt_status status = send_once(e, document, attempt >= attempts, &response, error);
    fate what = status == BT_OK ? fate_of(&response) : PASSING;
    if (status == BT_OK && what == SENT)
      count_sent(e, &response, document->span_count);
    else if (status == BT_OK)
      take_refusal(e->result, &response);
    int64_t wait_ms = response.retry_after_ms > pause_ms ? response.retry_after_ms : pause_ms;
    bt_http_response_dispose(&response);
    if (status != BT_OK && status != BT_UNAVAILABLE) return status;
    if (what == SENT) return BT_OK;
    if (what == TOO_LARGE) return bt_error_set(error, BT_LIMIT, "%s", e->result->message);
    if (what == REFUSED) return bt_error_set(error, BT_REFUSED, "%s", e->result->message);
    if (attempt >= attempts)
      return status == BT_OK ? bt_error_set(error, BT_UNAVAILABLE, "%s", e->result->message) : status;
    if (!bt_pause_ms(e->cancel, wait_ms < LONGEST_PAUSE_MS ? wait_ms : LONGEST_PAUSE_MS))
      return bt_error_set(error, BT_CANCELLED, "cancelled");
  }
}

/* --- many spans --- */

static uint64_t count_spans(const bt_export_resource *resources, size_t count) {
  uint64_t spans = 0;
  for (size_t i = 0; i < count; i++) spans += resources[i].span_count;
  return spans;
}

static bt_status send_encoded(exporter *e, const bt_export_resource *resources, size_t count, bt_error *error) {
  bt_buffer body = {0};
  bt_status status = bt_otlp_encode(resources, count, &body, error);
  bt_export_document document = {.body = bt_buffer_str(&body), .content_type = "application/x-protobuf"};
  document.span_count = count_spans(resources, count);
  if (status == BT_OK) status = send_document(e, &document, error);
  bt_buffer_dispose(&body);
  return status;
}

/* Recursion is as deep as the number of spans has binary digits. */
static bt_status send_resources(exporter *e, const bt_export_resource *resources, size_t count, bt_error *error) {
  bt_status status = send_encoded(e, resources, count, error);
  if (status != BT_LIMIT) return status;
  if (count > 1) {
    status = send_resources(e, resources, count / 2, error);
    return status == BT_OK ? send_resources(e, resources + count / 2, count - count / 2, error) : status;
  }
  if (!count || resources->span_count < 2)
    return bt_error_set(error, BT_REFUSED, "one span is too large: %s", e->result->message);
  bt_export_resource first = *resources, second = *resources;
  first.span_count = resources->span_count / 2;
  second.spans += first.span_count;
  second.span_count -= first.span_count;
  status = send_resources(e, &first, 1, error);
  return status == BT_OK ? send_resources(e, &second, 1, error) : status;
}

static bt_status init_exporter(exporter *e, bt_error *error) {
  *e->result = (bt_export_result){0};
  bt_arena_init(&e->arena, (size_t)1 << 20);
  bt_status status = set_url(e, error);
  return status == BT_OK ? set_headers(e, error) : status;
}

bt_status bt_otlp_export(bt_http_client *client, const bt_exporter_options *options,
                         const bt_export_resource *resources, size_t count, const bt_cancel *cancel,
                         bt_export_result *result, bt_error *error) {
  exporter e = {.client = client, .options = options, .cancel = cancel, .result = result};
  bt_status status = init_exporter(&e, error);
  if (status == BT_OK && count) status = send_resources(&e, resources, count, error);
  bt_arena_dispose(&e.arena);
  return status;
}

bt_status bt_otlp_export_document(bt_http_client *client, const bt_exporter_options *options,
                                  const bt_export_document *document, const bt_cancel *cancel, bt_export_result *result,
                                  bt_error *error) {
  exporter e = {.client = client, .options = options, .cancel = cancel, .result = result};
  bt_status status = init_exporter(&e, error);
  if (status == BT_OK) status = send_document(&e, document, error);
  if (status == BT_LIMIT) status = bt_error_set(error, BT_REFUSED, "the request is too large: %s", result->message);
  bt_arena_dispose(&e.arena);
  return status;
}

bt_status bt_otlp_export_own(bt_http_client *client, const bt_exporter_options *options, const bt_export_span *span,
                             const char *what, const bt_cancel *cancel, bt_error *error) {
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR(BT_OWN_SERVICE)}};
  bt_export_resource resource = {.attributes = &service,
                                 .attribute_count = 1,
                                 .scope_name = BT_STR(BT_OWN_SERVICE),
                                 .spans = span,
                                 .span_count = 1};
  bt_export_result sent = {0};
  bt_status status = bt_otlp_export(client, options, &resource, 1, cancel, &sent, error);
  if (status != BT_OK || sent.accepted == 1) return status;
  return bt_error_set(error, BT_REFUSED, "the receiver did not take the %s: %.190s", what, sent.message);
}
