/* A receiver that keeps what it is sent. See otlp_receiver.h. Protobuf bodies go into one file, each with its length in
 * four bytes before it; JSON bodies into another, a line each. */
#include "server/cli/lab/otlp_receiver.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/cli/lab/otlp_grpc.h"
#include "server/http/http_server.h"
#include "server/work/workplace.h"
#include "tempo/wire/gzip.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_export.h"

/* What is kept with its length in front begins with a zero byte, by which the file source knows it. */
static const size_t most_bytes = ((size_t)16 << 20) - 1, most_decoded = (size_t)256 << 20;
/* What ends an idle connection may meet a request that is on its way there: an exporter's pauses are as long as a test.
 */
static const uint32_t idle_ms = 60u * 60 * 1000;

typedef enum body_form { AS_PROTOBUF, AS_JSON, FORMS } body_form;

struct bt_receiver {
  bt_workplace *work;
  bt_http_server *http;
  bt_otlp_grpc *grpc;     /* NULL: this build has none */
  bt_http_client *client; /* NULL: nothing is sent on */
  bt_exporter_options forward;
  char folder[200], paths[FORMS][240];
  pthread_mutex_t mutex; /* guards all below */
  FILE *files[FORMS];    /* NULL: nothing of that form came */
  bool is_broken;        /* a file lacks something */
  bt_received received;
};

/* ---- one request ---- */

typedef struct push {
  bt_receiver *receiver;
  bt_call *call;
  bt_buffer unpacked; /* owned; empty when not needed */
  bt_str body;
  body_form form;
  uint64_t spans;
} push;

/* The place of a reason; the last one is everybody's. The mutex is held. */
static bt_refusal *refusal_of(bt_received *received, const char *why) {
  size_t i = 0;
  while (i < received->refusal_count && strcmp(received->refusals[i].why, why) != 0) i++;
  if (i == BT_REFUSALS_MAX) i--;
  if (i < received->refusal_count) return &received->refusals[i];
  received->refusal_count++;
  snprintf(received->refusals[i].why, sizeof received->refusals[i].why, "%s",
           i + 1 < BT_REFUSALS_MAX ? why : "other reasons");
  return &received->refusals[i];
}

static void count_lost(bt_receiver *receiver, const char *why) {
  char text[sizeof receiver->received.refusals->why];
  snprintf(text, sizeof text, "%s", why);
  pthread_mutex_lock(&receiver->mutex);
  receiver->received.refused++;
  refusal_of(&receiver->received, text)->count++;
  pthread_mutex_unlock(&receiver->mutex);
}

/* Where an SDK sends what are no spans. */
static const char *const other_signals[] = {"/v1/metrics", "/v1/logs", "/v1development/profiles"};

static bool is_of_another_signal(bt_str path) {
  for (size_t i = 0; i < sizeof other_signals / sizeof *other_signals; i++)
    if (bt_str_equal(path, bt_str_from(other_signals[i]))) return true;
  return false;
}

/* What the sender was told. */
static void write_refusal(const bt_http_fate *fate, char *out, size_t size) {
  json_t *problem = json_loadb(fate->answer.ptr ? fate->answer.ptr : "", fate->answer.len, 0, NULL);
  const char *detail = json_string_value(json_object_get(problem, "detail"));
  if (fate->status == 404)
    snprintf(out, size, "%.*s %.*s: there is no such path; spans are taken at POST /v1/traces", BT_FMT(fate->method),
             BT_FMT(fate->path));
  else if (detail && strncmp(detail, "HTTP/2 came", strlen("HTTP/2 came")) == 0)
    snprintf(out, size,
             "HTTP/2 came, as gRPC speaks it, to the port for HTTP/1.1: let the exporter speak http/protobuf "
             "(OTEL_EXPORTER_OTLP_PROTOCOL), or give --protocol grpc");
  else
    snprintf(out, size, "%.*s%s%.*s%s%s (%d)", BT_FMT(fate->method), fate->method.len ? " " : "", BT_FMT(fate->path),
             fate->path.len ? ": " : "", detail ? detail : "it was refused", fate->status);
  json_decref(problem);
}

/* Of each request, whoever refused it, and of each that got no answer. */
static void count_fate(void *service, const bt_http_fate *fate) {
  char why[400];
  if ((fate->status && fate->status < 400) || is_of_another_signal(fate->path)) return;
  if (!fate->why) write_refusal(fate, why, sizeof why);
  count_lost(service, fate->why ? fate->why : why);
}

/* By gRPC's server itself: a message that is too large, that was cut, or one too many; another method. */
static void count_refused_call(void *receiver, bt_str method) {
  char why[300];
  snprintf(why, sizeof why,
           "a gRPC call of %.*s was refused before its message was read: it is no method here, or it "
           "was too large, cut, or late",
           (int)(method.len < 100 ? method.len : 100), method.ptr);
  count_lost(receiver, why);
}

static void refuse_push(push *p, int status, const char *kind, const char *why) {
  bt_call_problem(p->call, status, kind, "%s.", why);
}

/* The body without its Content-Encoding. False: answered. */
static bool unpack_body(push *p) {
  bt_error error = {0};
  bt_str encoding = p->call->body_encoding;
  p->body = p->call->body;
  if (!encoding.len || bt_str_equal_nocase(encoding, BT_STR("identity"))) return true;
  p->unpacked.maximum = most_bytes;
  bt_status status = bt_str_equal_nocase(encoding, BT_STR("gzip"))
                         ? bt_gzip_unpack(p->call->body, &p->unpacked, &error)
                         : bt_error_set(&error, BT_REFUSED, "Content-Encoding may be gzip or identity");
  p->body = bt_buffer_str(&p->unpacked);
  if (status)
    refuse_push(p, status == BT_REFUSED ? 415 : status == BT_LIMIT ? 413 : 400, "invalid-spans", error.message);
  return !status;
}

static body_form form_of(const bt_call *call) {
  return bt_call_body_is(call, BT_STR("application/json")) ? AS_JSON : AS_PROTOBUF;
}

static bool find_form(push *p) {
  p->form = form_of(p->call);
  if (p->form == AS_JSON || bt_call_body_is(p->call, BT_STR("application/x-protobuf"))) return true;
  refuse_push(p, 415, "unknown-type", "Content-Type may be application/x-protobuf or application/json");
  return false;
}

/* What cannot be read here would be missing later, in silence. */
static bool check_spans(push *p) {
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  bt_status status = p->body.len > most_bytes ? bt_error_set(&error, BT_LIMIT, "the body is over 16 MiB")
                                              : bt_span_batch_new(most_decoded, &batch, &error);
  if (!status)
    status = p->form == AS_JSON ? bt_otlp_decode_json(p->body, batch, &error)
                                : bt_otlp_decode_protobuf(p->body, batch, &error);
  if (!status) p->spans = bt_span_batch_span_count(batch);
  bt_span_batch_free(batch);
  if (status)
    refuse_push(p, status == BT_LIMIT ? 413 : status == BT_INVALID ? 400 : 503, "invalid-spans", error.message);
  return !status;
}

static bool write_protobuf(FILE *file, bt_str body) {
  unsigned char length[4];
  for (int i = 0; i < 4; i++) length[i] = (unsigned char)(body.len >> (24 - 8 * i));
  return fwrite(length, 1, sizeof length, file) == sizeof length && fwrite(body.ptr, 1, body.len, file) == body.len;
}

/* A line break is white space between the tokens of JSON, and nothing else. */
static bool write_json_line(FILE *file, bt_str body) {
  bool is_written = true;
  for (size_t from = 0, to; from <= body.len; from = to + 1) {
    for (to = from; to < body.len && body.ptr[to] != '\n' && body.ptr[to] != '\r';) to++;
    is_written = is_written && fwrite(body.ptr + from, 1, to - from, file) == to - from;
    is_written = is_written && fwrite(to < body.len ? " " : "\n", 1, 1, file) == 1;
  }
  return is_written;
}

/* The mutex is held. */
static bool write_body(bt_receiver *receiver, const push *p) {
  FILE **file = &receiver->files[p->form];
  if (!*file) *file = fopen(receiver->paths[p->form], "wb");
  return *file && (p->form == AS_JSON ? write_json_line(*file, p->body) : write_protobuf(*file, p->body));
}

static bool keep_spans(push *p) {
  bt_receiver *receiver = p->receiver;
  pthread_mutex_lock(&receiver->mutex);
  bool is_kept = !p->spans || write_body(receiver, p);
  int why = errno;
  receiver->is_broken = receiver->is_broken || !is_kept;
  receiver->received.requests += is_kept;
  receiver->received.spans += is_kept ? p->spans : 0;
  if (p->spans) receiver->received.last_ns = bt_clock_monotonic_ns();
  pthread_mutex_unlock(&receiver->mutex);
  if (is_kept) return true;
  char text[160] = "";
  refuse_push(p, 503, "not-kept", strerror_r(why, text, sizeof text));
  return false;
}

static void send_on(const push *p) {
  bt_receiver *receiver = p->receiver;
  bt_error error = {0};
  bt_export_result result = {0};
  bt_export_document document = {.body = p->body,
                                 .content_type = p->form == AS_JSON ? "application/json" : "application/x-protobuf",
                                 .span_count = p->spans};
  if (!receiver->client) return;
  bt_status status = bt_otlp_export_document(receiver->client, &receiver->forward, &document, bt_call_cancel(p->call),
                                             &result, &error);
  if (!status && !result.rejected) return;
  pthread_mutex_lock(&receiver->mutex);
  receiver->received.not_sent++;
  snprintf(receiver->received.why_not_sent, sizeof receiver->received.why_not_sent, "%.250s",
           status ? error.message : result.message);
  pthread_mutex_unlock(&receiver->mutex);
}

/* An answer of the same form, without a partial success: everything was taken. */
static void answer_taken(bt_call *call, body_form form) {
  if (form == AS_JSON)
    bt_call_text(call, 200, "application/json", BT_STR("{}"));
  else
    bt_call_text(call, 200, "application/x-protobuf", BT_STR(""));
}

static void take_traces(void *service, bt_call *call) {
  push p = {.receiver = service, .call = call};
  if (find_form(&p) && unpack_body(&p) && check_spans(&p) && keep_spans(&p)) {
    send_on(&p);
    answer_taken(call, p.form);
  }
  bt_buffer_dispose(&p.unpacked);
}

static void drop_others(void *service, bt_call *call) {
  (void)service;
  answer_taken(call, form_of(call));
}

static void say_ready(void *service, bt_call *call) {
  (void)service;
  bt_call_text(call, 200, "application/json", BT_STR("{}"));
}

static const bt_route routes[] = {{"POST", "/v1/traces", take_traces, BT_ROLE_EDITOR, BT_LANE_PUSH},
                                  {"POST", "/v1/metrics", drop_others, BT_ROLE_EDITOR, BT_LANE_PUSH},
                                  {"POST", "/v1/logs", drop_others, BT_ROLE_EDITOR, BT_LANE_PUSH},
                                  {"POST", "/v1development/profiles", drop_others, BT_ROLE_EDITOR, BT_LANE_PUSH},
                                  {"GET", "/ready", say_ready, BT_ROLE_VIEWER, BT_ON_LOOP}};

/* ---- beginning and end ---- */

static bt_status make_folder(bt_receiver *receiver, bt_error *error) {
  static const char *const names[FORMS] = {"spans.pb", "spans.jsonl"};
  const char *base = getenv("TMPDIR");
  int length =
      snprintf(receiver->folder, sizeof receiver->folder, "%s/betrace-listen-XXXXXX", base && *base ? base : "/tmp");
  if (length < 0 || (size_t)length >= sizeof receiver->folder)
    return receiver->folder[0] = '\0', bt_error_set(error, BT_INVALID, "TMPDIR is too long");
  if (!mkdtemp(receiver->folder)) {
    bt_status status = bt_error_set(error, BT_IO, "no temporary folder %s can be made (TMPDIR says where): %s",
                                    receiver->folder, strerror(errno));
    receiver->folder[0] = '\0';
    return status;
  }
  for (int i = 0; i < FORMS; i++)
    snprintf(receiver->paths[i], sizeof receiver->paths[i], "%s/%s", receiver->folder, names[i]);
  return BT_OK;
}

static bt_status open_forward(bt_receiver *receiver, const char *url, bt_error *error) {
  if (!url) return BT_OK;
  receiver->forward = (bt_exporter_options){.url = url, .headers = getenv("OTEL_EXPORTER_OTLP_HEADERS"), .attempts = 2};
  return bt_http_client_new(NULL, &receiver->client, error);
}

bt_status bt_receiver_start(const bt_receiver_options *options, bt_receiver **out, bt_error *error) {
  *out = NULL;
  bt_receiver *receiver = calloc(1, sizeof *receiver);
  if (!receiver) return bt_error_no_memory(error);
  pthread_mutex_init(&receiver->mutex, NULL);
  bt_http_server_options http = {.listen = options->listen,
                                 .routes = routes,
                                 .route_count = sizeof routes / sizeof *routes,
                                 .service = receiver,
                                 .observe = count_fate,
                                 .max_body_bytes = most_bytes,
                                 .idle_timeout_ms = idle_ms};
  bt_otlp_grpc_options grpc = {
      .listen = options->listen, .most_bytes = most_bytes, .refused = count_refused_call, .context = receiver};
  bt_status status = make_folder(receiver, error);
  if (!status) status = open_forward(receiver, options->forward, error);
  if (!status) status = bt_workplace_new(NULL, &receiver->work, error);
  http.work = grpc.work = receiver->work;
  if (!status) status = bt_http_server_new(&http, &receiver->http, error);
  grpc.http = receiver->http;
  if (!status) status = bt_otlp_grpc_start(&grpc, &receiver->grpc, error);
  if (status)
    bt_receiver_free(receiver);
  else
    *out = receiver;
  return status;
}

uint16_t bt_receiver_port(const bt_receiver *receiver) {
  return bt_http_server_port(receiver->http);
}

uint16_t bt_receiver_grpc_port(const bt_receiver *receiver) {
  return bt_otlp_grpc_port(receiver->grpc);
}

/* gRPC's calls are HTTP's, so it ends first. */
static void stop_servers(bt_receiver *receiver) {
  bt_otlp_grpc_stop(receiver->grpc);
  bt_http_server_stop(receiver->http);
  bt_workplace_free(receiver->work);
  receiver->grpc = NULL;
  receiver->http = NULL;
  receiver->work = NULL;
}

static int compare_refusals(const void *left, const void *right) {
  const bt_refusal *a = left, *b = right;
  if (a->count != b->count) return a->count > b->count ? -1 : 1;
  return strcmp(a->why, b->why);
}

void bt_receiver_look(bt_receiver *receiver, bt_received *out) {
  pthread_mutex_lock(&receiver->mutex);
  *out = receiver->received;
  pthread_mutex_unlock(&receiver->mutex);
  qsort(out->refusals, out->refusal_count, sizeof *out->refusals, compare_refusals);
  if (receiver->http)
    out->under_way = bt_http_server_under_way(receiver->http) + bt_otlp_grpc_under_way(receiver->grpc);
}

bt_status bt_receiver_end(bt_receiver *receiver, bt_error *error) {
  stop_servers(receiver);
  bool is_whole = !receiver->is_broken;
  for (int i = 0; i < FORMS; i++) {
    if (receiver->files[i]) is_whole = fclose(receiver->files[i]) == 0 && is_whole;
    receiver->files[i] = NULL;
  }
  return is_whole ? BT_OK
                  : bt_error_set(error, BT_IO, "spans could not be kept in %s (TMPDIR says where): %s",
                                 receiver->folder, strerror(errno));
}

size_t bt_receiver_files(const bt_receiver *receiver, const char *paths[2]) {
  size_t count = 0;
  for (int i = 0; i < FORMS; i++)
    if (access(receiver->paths[i], R_OK) == 0) paths[count++] = receiver->paths[i];
  return count;
}

void bt_receiver_free(bt_receiver *receiver) {
  if (!receiver) return;
  stop_servers(receiver);
  bt_http_client_free(receiver->client);
  for (int i = 0; i < FORMS && receiver->folder[0]; i++) (void)unlink(receiver->paths[i]);
  if (receiver->folder[0]) (void)rmdir(receiver->folder);
  pthread_mutex_destroy(&receiver->mutex);
  free(receiver);
}
