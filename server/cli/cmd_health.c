/* `betrace health`: does a service answer, and is it ready? For probes of containers and units, which then need no
 * other program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/answer.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

enum { OPT_SERVER = BT_FLAG_OWN, OPT_READY, OPT_TIMEOUT, OPT_CA, MAX_ANSWER_BYTES = 1 << 20 };

typedef struct health_options {
  const char *url, *ca_file;
  bool asks_ready, print_json;
  uint64_t timeout_s;
} health_options;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  health_options *o = context;
  switch (flag->id) {
  case OPT_SERVER: return o->url = value, value[0] != '\0';
  case OPT_READY: return o->asks_ready = true;
  case OPT_TIMEOUT: return bt_cli_number(value, &o->timeout_s) && o->timeout_s >= 1 && o->timeout_s <= 3600;
  case OPT_CA: return o->ca_file = value, true;
  case BT_FLAG_JSON: return o->print_json = true;
  default: return false;
  }
}

static bt_status ask_service(const health_options *o, bt_http_response *answer, bt_error *error) {
  bt_http_client *client = NULL;
  bt_http_options options = {.concurrency = 1};
  bt_buffer url = {0};
  size_t length = strlen(o->url);
  while (length && o->url[length - 1] == '/') length--;
  bt_buffer_printf(&url, "%.*s%s", (int)length, o->url, o->asks_ready ? "/ready" : "/health");
  bt_status status = url.failed ? bt_error_no_memory(error) : bt_http_client_new(&options, &client, error);
  bt_http_request request = {.method = "GET",
                             .url = url.ptr,
                             .ca_file = o->ca_file,
                             .max_body_bytes = MAX_ANSWER_BYTES,
                             .timeout_ms = (int64_t)o->timeout_s * 1000};
  if (!status) status = bt_http_send(client, &request, answer, error);
  bt_http_client_free(client);
  bt_buffer_dispose(&url);
  return status;
}

/* "Tempo 3.1.0: not among the versions …". */
static void print_note(const json_t *source, const char *note) {
  const char *version = json_string_value(json_object_get(source, "version"));
  bt_source_about about = {.kind = json_string_value(json_object_get(source, "kind"))};
  char text[BT_SOURCE_TEXT_BYTES];
  snprintf(about.version, sizeof about.version, "%s", version ? version : "");
  bt_source_about_text(&about, text);
  bt_print("  %s: %s\n", text, note);
}

/* The word of the answer, each part that is not ready with its reason, and what is to be known of where traces come
 * from. */
static void print_words(const json_t *answer) {
  const json_t *source = json_object_get(answer, "source");
  const char *part, *note = json_string_value(json_object_get(source, "note"));
  json_t *state;
  bt_print_line(json_string_value(json_object_get(answer, "status")));
  json_object_foreach(json_object_get(answer, "parts"), part, state) {
    const char *reason = json_string_value(json_object_get(state, "reason"));
    const char *from = json_string_value(json_object_get(state, "provisional_from"));
    if (reason) bt_print("  %s: %s\n", part, reason);
    if (from)
      bt_print("  %s: spans that came late may be missing in what it counted after %s; it looks again\n", part, from);
  }
  if (note) print_note(source, note);
}

/* What stands behind the address may be something else than a BeTrace, so the status alone is no answer. */
static int print_answer(const health_options *o, const bt_http_response *response, bt_error *error) {
  json_t *answer = response->body.len ? json_loadb(response->body.ptr, response->body.len, 0, NULL) : NULL;
  bool is_known = json_is_string(json_object_get(answer, "status"));
  bool is_fine = is_known && response->status == 200;
  if (!is_known || (!is_fine && response->status != 503)) {
    json_decref(answer);
    return bt_cli_fail(
        "health",
        bt_error_set(error, BT_UNAVAILABLE, "the answer is %d and none of a BeTrace service", response->status), error);
  }
  if (o->print_json)
    bt_cli_print_json(answer);
  else {
    print_words(answer);
    json_decref(answer);
  }
  return is_fine ? BT_EXIT_FINE : BT_EXIT_FOUND;
}

static int health_command(const bt_command *self, int argc, char **argv) {
  health_options o = {.url = getenv("BETRACE_URL"), .timeout_s = 5};
  bt_operands operands;
  bt_http_response response = {0};
  bt_error error = {0};
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &o, &operands, &code)) return code;
  if (operands.count) return bt_cli_usage_error(self->name, "it takes flags only, not \"%s\"", operands.items[0]);
  if (!o.url || !o.url[0]) o.url = "http://127.0.0.1:8080";
  bt_status status = ask_service(&o, &response, &error);
  if (status) bt_failure_name_place(o.url, BT_NO_SERVICE_ADVICE, &error);
  code = status ? bt_cli_fail("health", status, &error) : print_answer(&o, &response, &error);
  bt_http_response_dispose(&response);
  return code;
}

/* ---- the row ---- */

static const bt_flag flags[] = {
    {"ready", OPT_READY, NULL, NULL, "ask /ready: can it do its work, with the reason for each part; else /health",
     NULL},
    {"url", OPT_SERVER, "URL", "http://127.0.0.1:8080", "address of the service", "BETRACE_URL"},
    {"timeout", OPT_TIMEOUT, "SECONDS", "5", "how long to wait for the answer, 1 to 3600", NULL},
    {"ca", OPT_CA, "FILE", NULL, "authorities (PEM) to trust besides the system's", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {
    {"In a Dockerfile", "HEALTHCHECK CMD [\"betrace\", \"health\"]"},
    {"Why is it not ready?", "betrace health --ready --url http://betrace.example.org:8080"},
    {0}};
const bt_command bt_command_health = {
    .name = "health",
    .summary = "does a service answer, and is it ready",
    .usage = "[--ready] [flags]",
    .about = "Asks a running service for its health, or with --ready whether its rule store, the store of the "
             "traces and the OTLP receiver answer. It needs no token.",
    .examples = examples,
    .groups = groups,
    .fine = "it is healthy, or ready (degraded too)",
    .found = "it answers and is not ready",
    .unknown = "no answer",
    .run = health_command};
