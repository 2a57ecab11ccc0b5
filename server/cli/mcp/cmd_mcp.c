/* `betrace mcp`: the Model Context Protocol over stdin and stdout. Rules of files and a service inside this process, or
 * one that runs elsewhere. */
#include <stdlib.h>
#include <unistd.h>

#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/mcp/local_service.h"
#include "server/cli/mcp/session.h"
#include "server/cli/rule_paths.h"
#include "server/cli/service_client.h"
#include "server/rulefile/yaml_writer.h"

enum {
  OPT_URL = BT_FLAG_OWN,
  OPT_TEMPO,
  OPT_STORE,
  OPT_TRACES,
  OPT_TOKEN_FILE,
  OPT_TENANT,
  OPT_CA,
  OPT_WRITES,
  MAX_TRACES = 16
};

typedef struct mcp_run {
  bt_service_client client; /* its url NULL: the service is here */
  const char *tempo, *store;
  const char *traces[MAX_TRACES];
  size_t trace_count;
  bool allows_writes;
  bt_rule_paths named;
  bt_cli_rules rules;
  bt_local_service here;
} mcp_run;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  mcp_run *run = context;
  switch (flag->id) {
  case OPT_URL: return run->client.url = value, value[0] != '\0';
  case OPT_TEMPO: return run->tempo = value, value[0] != '\0';
  case OPT_STORE: return run->store = value, value[0] != '\0';
  case OPT_TRACES: return run->trace_count < MAX_TRACES && (run->traces[run->trace_count++] = value);
  case OPT_TOKEN_FILE: return run->client.token_file = value, true;
  case OPT_TENANT: return run->client.tenant = value, true;
  case OPT_CA: return run->client.ca_file = value, true;
  case OPT_WRITES: return run->allows_writes = true;
  case BT_FLAG_RULES: return bt_rule_paths_take(&run->named, value);
  default: return false;
  }
}

/* ---- a service inside ---- */

static bt_status ask_here(void *context, const char *method, const char *path, bt_str body, json_t **out,
                          bt_error *error) {
  mcp_run *run = context;
  return bt_local_service_call(&run->here, method, path, body, false, out, error);
}

static bt_status import_rules(mcp_run *run, bt_error *error) {
  bt_buffer text = {0};
  json_t *answer = NULL;
  if (!run->rules.count) return BT_OK;
  bt_status status =
      bt_rulefile_write((const bt_rule_definition *const *)run->rules.items, run->rules.count, &text, error);
  if (!status)
    status = bt_local_service_call(&run->here, "POST", "/v1/rules/import", bt_buffer_str(&text), true, &answer, error);
  json_decref(answer);
  bt_buffer_dispose(&text);
  return status;
}

static bt_status open_here(mcp_run *run, bt_error *error) {
  char *argv[7 + 2 * MAX_TRACES] = {(char *)"serve", (char *)"--db", (char *)":memory:"};
  int argc = 3;
  if (run->tempo) argv[argc++] = (char *)"--tempo", argv[argc++] = (char *)(uintptr_t)run->tempo;
  if (run->store) argv[argc++] = (char *)"--store", argv[argc++] = (char *)(uintptr_t)run->store;
  for (size_t i = 0; i < run->trace_count; i++) {
    argv[argc++] = (char *)"--traces";
    argv[argc++] = (char *)(uintptr_t)run->traces[i];
  }
  bt_status status = bt_local_service_open(argc, argv, BETRACE_VERSION, &run->here, error);
  return status ? status : import_rules(run, error);
}

/* ---- a service elsewhere ---- */

static bt_status ask_there(void *context, const char *method, const char *path, bt_str body, json_t **out,
                           bt_error *error) {
  mcp_run *run = context;
  return bt_service_client_call(&run->client, method, path, body, body.len ? "Content-Type: application/json" : NULL,
                                out, error);
}

/* ---- the command ---- */

static int serve_session(mcp_run *run) {
  bt_error error = {0};
  bool is_here = !run->client.url;
  bt_mcp_options options = {.ask = is_here ? ask_here : ask_there,
                            .context = run,
                            .allows_writes = run->allows_writes,
                            .version = BETRACE_VERSION,
                            .in = STDIN_FILENO,
                            .out = STDOUT_FILENO};
  bt_status status = is_here ? open_here(run, &error) : bt_service_client_open(&run->client, &error);
  if (!status) status = bt_mcp_session_run(&options, &error);
  int code = status ? bt_cli_fail("mcp", status, &error) : BT_EXIT_FINE;
  if (is_here)
    bt_local_service_close(&run->here);
  else
    bt_service_client_close(&run->client);
  return code;
}

static int check_and_serve(const bt_command *self, mcp_run *run, const bt_operands *operands) {
  bt_rule_paths files = {0};
  if (run->client.url && (run->tempo || run->store || run->trace_count || run->named.count || operands->count))
    return bt_cli_usage_error(self->name, "a service of --url has its own rules and traces; leave --rules, --store, "
                                          "--tempo and --traces away");
  if ((run->tempo || run->store) && run->trace_count)
    return bt_cli_usage_error(self->name, "give a store (--store, --tempo) or --traces, not both");
  bool has_rules = run->named.count || operands->count;
  if (has_rules && !bt_rule_paths_of(self->name, &run->named, operands, &files)) return BT_EXIT_USAGE;
  bool ok = true;
  for (size_t i = 0; i < files.count; i++) ok = bt_cli_rules_add_file(&run->rules, files.items[i]) && ok;
  bt_rule_paths_dispose(&files);
  return ok ? serve_session(run) : BT_EXIT_USAGE;
}

static int mcp_command(const bt_command *self, int argc, char **argv) {
  mcp_run run = {0};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    bt_rule_paths_dispose(&run.named);
    return code;
  }
  code = check_and_serve(self, &run, &operands);
  bt_rule_paths_dispose(&run.named);
  bt_cli_rules_dispose(&run.rules);
  return code;
}

static const bt_flag flags[] = {
    {"tempo", OPT_TEMPO, "URL", NULL, "Tempo, whose traces are asked", "BETRACE_TEMPO_URL"},
    {"store", OPT_STORE, "URL", NULL, "the store whose traces are asked, as in tempo+http://…; instead of --tempo",
     "BETRACE_STORE"},
    {"traces", OPT_TRACES, "FILE", NULL, "a file of traces instead; may stand several times", NULL},
    {"allow-writes", OPT_WRITES, NULL, NULL, "also offer create_rule, which stores a rule", NULL},
    {0}};
static const bt_flag service_flags[] = {
    {"url", OPT_URL, "URL", NULL, "ask this service, with its rules and traces", NULL},
    {"token-file", OPT_TOKEN_FILE, "FILE", NULL, "a token for it; else BETRACE_TOKEN", NULL},
    {"tenant", OPT_TENANT, "NAME", NULL, "whose rules and traces", NULL},
    {"ca-file", OPT_CA, "FILE", NULL, "whom to trust instead of the system's authorities", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Rules:", bt_flags_rule_files, NULL},
                                       {"Traces:", flags, NULL},
                                       {"A service that runs already:", service_flags, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"What an assistant's configuration starts", "betrace mcp --rules rules/ --tempo http://127.0.0.1:3200"},
    {"With a service that runs already", "betrace mcp --url http://127.0.0.1:12011"},
    {0}};
const bt_command bt_command_mcp = {
    .name = "mcp",
    .summary = "answers an assistant over the Model Context Protocol",
    .usage = "(--rules PATH… (--store URL | --traces FILE) | --url URL) [flags]",
    .about = "Speaks the Model Context Protocol, one JSON-RPC message a line, over stdin and stdout until stdin ends. "
             "Each answer begins with what was looked at, what was not, and what it means; texts of traces are "
             "escaped, cut and marked as data. Rules live in memory, and nothing is written or sent.",
    .examples = examples,
    .groups = groups,
    .fine = "its input ended",
    .unknown = "it could not start, or its output cannot be written",
    .operands = "rules",
    .has_no_json = true,
    .no_dsl = "an assistant gives a text to the tool replay",
    .run = mcp_command};
