/* `betrace sync`: the rules of a folder into a running service. The service compares and writes. An import with dry_run
 * is the plan, the same import without it carries it out, all of it or nothing, and only while the rules are as the
 * plan saw them. Rules that the folder does not have are deleted only with --prune, each at the version that the plan
 * saw. With --every it goes on: it looks at the files again and again, and takes them when they have been written. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/cli/cli.h"
#include "server/cli/collector_file.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/cli/service_client.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"
#include "server/rulefile/yaml_writer.h"
#include "tempo/wire/url.h"

enum { SETTLE_S = 1 }; /* files that changed are looked at again after so long */
static const int64_t second_ns = 1000000000;

typedef struct sync_run {
  bt_service_client client;
  bt_rule_paths named; /* files and folders, as they were given */
  int64_t every_ns;    /* 0: once */
  bool applies, prunes, print_json;
  const char *label; /* K=V: only these rules of the service are looked at for pruning; NULL: all */
  bt_cli_rules rules;
  bt_buffer text;        /* the rules as one file */
  json_t *plan;          /* what the dry run answered */
  json_t *unmanaged;     /* rules of the service that the folder does not have */
  const char *collector; /* --collector; NULL: none */
  bt_collector_file collector_file;
} sync_run;

/* ---- plan ---- */

static bool has_rule(const sync_run *run, const char *id) {
  for (size_t i = 0; i < run->rules.count; i++)
    if (strcmp(run->rules.items[i]->fields.id, id) == 0) return true;
  return false;
}

static bt_status add_unmanaged(sync_run *run, json_t *page) {
  json_t *rule;
  size_t at;
  json_array_foreach(json_object_get(page, "rules"), at, rule) {
    const char *id = json_string_value(json_object_get(rule, "id"));
    if (id && !has_rule(run, id)) bt_json_append(run->unmanaged, json_incref(rule));
  }
  return BT_OK;
}

static void write_list_path(const sync_run *run, const char *cursor, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("/v1/rules?limit=1000"));
  if (run->label) {
    const char *equals = strchr(run->label, '=');
    bt_buffer_append(out, BT_STR("&label="));
    bt_url_encode(out, (bt_str){run->label, (size_t)(equals - run->label)});
    bt_buffer_append_char(out, ':');
    bt_url_encode(out, bt_str_from(equals + 1));
  }
  if (cursor) {
    bt_buffer_append(out, BT_STR("&cursor="));
    bt_url_encode(out, bt_str_from(cursor));
  }
}

static bt_status list_unmanaged(sync_run *run, bt_error *error) {
  char *cursor = NULL;
  bt_status status = BT_OK;
  do {
    bt_buffer path = {0};
    json_t *page = NULL;
    write_list_path(run, cursor, &path);
    free(cursor);
    cursor = NULL;
    status = path.failed ? bt_error_no_memory(error)
                         : bt_service_client_call(&run->client, "GET", path.ptr, BT_STR(""), NULL, &page, error);
    if (!status) status = add_unmanaged(run, page);
    const char *next = json_string_value(json_object_get(page, "cursor"));
    if (next) cursor = strdup(next);
    json_decref(page);
    bt_buffer_dispose(&path);
  } while (!status && cursor);
  free(cursor);
  return status;
}

static bt_status import_rules(sync_run *run, const char *path, const char *header, json_t **out, bt_error *error) {
  return bt_service_client_call(&run->client, "POST", path, bt_buffer_str(&run->text), header, out, error);
}

static bt_status make_plan(sync_run *run, bt_error *error) {
  run->unmanaged = json_array();
  bt_status status = run->unmanaged ? bt_rulefile_write((const bt_rule_definition *const *)run->rules.items,
                                                        run->rules.count, &run->text, error)
                                    : bt_error_no_memory(error);
  if (!status)
    status = import_rules(run, "/v1/rules/import?dry_run=true", "Content-Type: application/yaml", &run->plan, error);
  return status ? status : list_unmanaged(run, error);
}

static size_t count_of(const sync_run *run, const char *name) {
  return (size_t)json_integer_value(json_object_get(run->plan, name));
}

static size_t count_changes(const sync_run *run) {
  return count_of(run, "created") + count_of(run, "updated") + (run->prunes ? json_array_size(run->unmanaged) : 0);
}

/* ---- apply ---- */

static bt_status delete_rule(sync_run *run, json_t *rule, bt_error *error) {
  bt_buffer path = {0};
  char version[64];
  json_t *answer = NULL;
  snprintf(version, sizeof version, "If-Match: \"%lld\"",
           (long long)json_integer_value(json_object_get(rule, "version")));
  bt_buffer_append(&path, BT_STR("/v1/rules/"));
  bt_url_encode(&path, bt_str_from(json_string_value(json_object_get(rule, "id"))));
  bt_status status =
      path.failed ? bt_error_no_memory(error)
                  : bt_service_client_call(&run->client, "DELETE", path.ptr, BT_STR(""), version, &answer, error);
  json_decref(answer);
  bt_buffer_dispose(&path);
  return status == BT_NOT_FOUND ? BT_OK : status; /* somebody else was faster */
}

static bt_status apply_plan(sync_run *run, bt_error *error) {
  json_t *answer = NULL, *rule;
  size_t at;
  bt_status status = BT_OK;
  char header[128];
  /* A service of an older version tells no state, and then the last one wins. */
  const char *state = json_string_value(json_object_get(run->plan, "state"));
  snprintf(header, sizeof header, "If-Match: \"%s\"", state ? state : "");
  if (count_of(run, "created") + count_of(run, "updated"))
    status = import_rules(run, "/v1/rules/import", state ? header : NULL, &answer, error);
  json_decref(answer);
  if (!run->prunes) return status;
  json_array_foreach(run->unmanaged, at, rule) if (!status) status = delete_rule(run, rule, error);
  return status;
}

/* ---- printing ---- */

static void print_line(char mark, bt_style style, const char *id, const char *what) {
  bt_print("%s%c %s%s  %s\n", bt_style_on(style), mark, id, bt_style_on(BT_STYLE_OFF), what);
}

static void print_plan(const sync_run *run) {
  json_t *rule;
  size_t at;
  json_array_foreach(json_object_get(run->plan, "rules"), at, rule) {
    const char *id = json_string_value(json_object_get(rule, "id")),
               *result = json_string_value(json_object_get(rule, "result"));
    if (result && strcmp(result, "created") == 0)
      print_line('+', BT_STYLE_GREEN, id, run->applies ? "created" : "would be created");
    if (result && strcmp(result, "updated") == 0)
      print_line('~', BT_STYLE_YELLOW, id, run->applies ? "updated" : "would be updated");
  }
  json_array_foreach(run->unmanaged, at, rule) {
    const char *id = json_string_value(json_object_get(rule, "id"));
    if (run->prunes)
      print_line('-', BT_STYLE_RED, id, run->applies ? "deleted" : "would be deleted");
    else
      print_line('?', BT_STYLE_DIM, id, "is not in the files; left alone (--prune deletes it)");
  }
}

static void print_text(const sync_run *run) {
  size_t changes = count_changes(run), pruned = run->prunes ? json_array_size(run->unmanaged) : 0;
  print_plan(run);
  bt_print("%zu to create, %zu to update, %zu to delete, %zu unchanged\n", count_of(run, "created"),
           count_of(run, "updated"), pruned, count_of(run, "unchanged"));
  if (!changes)
    bt_print_line("in sync");
  else
    bt_print_line(run->applies ? "applied" : "this is the plan; nothing was changed (--apply does it)");
  if (run->collector) bt_collector_file_print(&run->collector_file, run->rules.count);
}

static void print_json(const sync_run *run) {
  json_t *left = json_array(), *rule;
  size_t at;
  json_array_foreach(run->unmanaged, at, rule) bt_json_append(left, json_incref(json_object_get(rule, "id")));
  bt_cli_print_json(json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:O, s:o, s:o}", "applied", run->applies, "in_sync",
                              run->applies || count_changes(run) == 0, "created", (json_int_t)count_of(run, "created"),
                              "updated", (json_int_t)count_of(run, "updated"), "deleted",
                              (json_int_t)(run->prunes ? json_array_size(run->unmanaged) : 0), "unchanged",
                              (json_int_t)count_of(run, "unchanged"), "rules", json_object_get(run->plan, "rules"),
                              run->prunes ? "pruned" : "unmanaged", left, "collector",
                              run->collector ? bt_collector_file_json(&run->collector_file) : json_null()));
}

/* ---- running ---- */

static bt_status carry_out(sync_run *run, bt_error *error) {
  bt_status status = bt_service_client_open(&run->client, error);
  if (!status) status = make_plan(run, error);
  if (!status && run->applies && count_changes(run)) status = apply_plan(run, error);
  if (status) bt_failure_name_place(run->client.url, BT_NO_SERVICE_ADVICE, error);
  return status;
}

/* Drift, if anything would change, or if the Collector's file does not have what the rules need: nobody writes that. */
static int choose_exit_code(const sync_run *run) {
  int of_collector = run->collector ? bt_collector_file_exit(&run->collector_file) : BT_EXIT_FINE;
  return count_changes(run) && !run->applies ? BT_EXIT_FOUND : of_collector;
}

static void print_answer(const sync_run *run) {
  if (run->print_json)
    print_json(run);
  else
    print_text(run);
}

/* What one round made; the next begins anew. */
static void end_round(sync_run *run) {
  json_decref(run->plan);
  json_decref(run->unmanaged);
  run->plan = run->unmanaged = NULL;
  bt_buffer_dispose(&run->text);
  bt_service_client_close(&run->client);
  bt_cli_rules_dispose(&run->rules);
}

/* False: some of them are wrong, and messages are printed. */
static bool read_rules(sync_run *run) {
  bool is_right = true;
  for (size_t i = 0; i < run->named.count; i++)
    is_right = bt_cli_rules_add_file(&run->rules, run->named.items[i]) && is_right;
  return is_right;
}

static int sync_once(sync_run *run) {
  bt_error error = {0};
  bt_status status = BT_OK;
  if (!read_rules(run)) return BT_EXIT_USAGE;
  if (run->collector) status = bt_collector_file_check(&run->collector_file, run->collector, &run->rules, 0, &error);
  if (!status) status = carry_out(run, &error);
  if (!status) print_answer(run);
  return status ? bt_cli_fail("sync", status, &error) : choose_exit_code(run);
}

/* ---- --every ---- */

/* What was seen of the files, and what was said. Each thing is said once. */
typedef struct seen_files {
  bt_sha256 mark;                            /* of the files, when they were looked at last */
  bool has_mark, is_wrong;                   /* is_wrong: the files of this mark cannot be used */
  char said[sizeof((bt_error *)0)->message]; /* what is wrong; "": nothing */
} seen_files;

/* A writer may not be done yet. So files are taken when two looks found the same in them. */
static bt_status look_again(const sync_run *run, seen_files *seen, bool *is_settled, bt_error *error) {
  bt_sha256 mark;
  bt_status status = bt_rule_paths_mark(&run->named, &mark, error);
  *is_settled = !status && seen->has_mark && memcmp(mark.bytes, seen->mark.bytes, sizeof mark.bytes) == 0;
  seen->has_mark = !status;
  seen->is_wrong = seen->is_wrong && *is_settled;
  seen->mark = mark;
  return status;
}

/* Reads them unless they are known to be wrong, and looks whether they stayed as they were meanwhile. */
static bt_status read_settled(sync_run *run, seen_files *seen, bool *is_settled, bt_error *error) {
  bool is_right = !seen->is_wrong && read_rules(run);
  bt_status status = look_again(run, seen, is_settled, error);
  if (status || !*is_settled) return status;
  seen->is_wrong = !is_right;
  return is_right ? BT_OK
                  : bt_error_set(error, BT_INVALID,
                                 "these rule files are wrong, and the service keeps the rules that it has");
}

static bt_status take_files(sync_run *run, seen_files *seen, bool *is_settled, bt_error *error) {
  bt_status status = look_again(run, seen, is_settled, error);
  if (!status && *is_settled) status = read_settled(run, seen, is_settled, error);
  if (status || !*is_settled) return status;
  status = carry_out(run, error);
  if (!status && count_changes(run)) print_answer(run);
  return status;
}

static void say_trouble(seen_files *seen, bool is_settled, const bt_error *error) {
  if (error->status && strcmp(seen->said, error->message) != 0)
    bt_print_error("betrace sync: %s; it is tried again\n", error->message);
  else if (!error->status && is_settled && seen->said[0])
    bt_print_error("betrace sync: that is over, and the rules are those of the files\n");
  if (error->status || is_settled) snprintf(seen->said, sizeof seen->said, "%s", error->message);
}

/* Until a signal comes, which is waited for between two rounds: none is cut in the middle. */
static int keep_in_sync(sync_run *run) {
  sigset_t ends;
  seen_files seen = {0};
  struct timespec wait;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, NULL);
  do {
    bt_error error = {0};
    bool is_settled = false;
    error.status = take_files(run, &seen, &is_settled, &error);
    say_trouble(&seen, is_settled, &error);
    end_round(run);
    bt_print_flush();
    bool is_soon = !is_settled && !error.status && run->every_ns > SETTLE_S * second_ns;
    int64_t wait_ns = is_soon ? SETTLE_S * second_ns : run->every_ns;
    wait = (struct timespec){.tv_sec = wait_ns / second_ns, .tv_nsec = wait_ns % second_ns};
  } while (sigtimedwait(&ends, NULL, &wait) < 0);
  return BT_EXIT_FINE;
}

/* ---- the row ---- */

enum {
  OPT_SERVER = BT_FLAG_OWN,
  OPT_APPLY,
  OPT_DRY_RUN,
  OPT_PRUNE,
  OPT_LABEL,
  OPT_TOKEN_FILE,
  OPT_TENANT,
  OPT_CA,
  OPT_COLLECTOR,
  OPT_EVERY
};

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  sync_run *run = context;
  switch (flag->id) {
  case OPT_SERVER: return run->client.url = value, value[0] != '\0';
  case OPT_APPLY: return run->applies = true;
  case OPT_DRY_RUN: return run->applies = false, true;
  case OPT_PRUNE: return run->prunes = true;
  case OPT_LABEL: return run->label = value, strchr(value, '=') != NULL && value[0] != '=';
  case OPT_TOKEN_FILE: return run->client.token_file = value, true;
  case OPT_TENANT: return run->client.tenant = value, true;
  case OPT_COLLECTOR: return run->collector = value, true;
  case OPT_CA: return run->client.ca_file = value, true;
  case OPT_EVERY: return bt_duration_parse(bt_str_from(value), &run->every_ns) && run->every_ns > 0;
  case BT_FLAG_RULES: return bt_rule_paths_take(&run->named, value);
  case BT_FLAG_JSON: return run->print_json = true;
  default: return false;
  }
}

static bool has_stdin(const sync_run *run) {
  for (size_t i = 0; i < run->named.count; i++)
    if (strcmp(run->named.items[i], "-") == 0) return true;
  return false;
}

static int run_sync(sync_run *run, const bt_operands *paths) {
  bt_error error = {0};
  for (size_t i = 0; i < paths->count; i++)
    if (!bt_rule_paths_take(&run->named, paths->items[i]))
      return bt_cli_fail("sync", bt_error_no_memory(&error), &error);
  if (!run->named.count) return bt_cli_usage_error("sync", "say which rules: a folder or rule files, or --rules FILE");
  if (!run->every_ns) return sync_once(run);
  if (!run->applies || run->collector || has_stdin(run))
    return bt_cli_usage_error("sync", "--every goes with --apply and with files, and without --collector");
  return keep_in_sync(run);
}

static int sync_command(const bt_command *self, int argc, char **argv) {
  sync_run run = {0};
  bt_operands paths;
  int code = BT_EXIT_FINE;
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &paths, &code)) {
    if (!run.client.url) run.client.url = getenv("BETRACE_URL");
    if (!run.client.url || !run.client.url[0]) run.client.url = "http://127.0.0.1:8080";
    code = run_sync(&run, &paths);
  }
  end_round(&run);
  bt_collector_file_dispose(&run.collector_file);
  bt_rule_paths_dispose(&run.named);
  return code;
}

static const bt_flag flags[] = {
    {"apply", OPT_APPLY, NULL, NULL, "carry the plan out; without it nothing is changed", NULL},
    {"dry-run", OPT_DRY_RUN, NULL, "this", "show the plan only", NULL},
    {"prune", OPT_PRUNE, NULL, NULL, "delete rules of the service that the files do not have", NULL},
    {"prune-label", OPT_LABEL, "KEY=VALUE", "all rules", "look at rules with this label only when pruning", NULL},
    {"every", OPT_EVERY, "DURATION", "once",
     "go on until SIGINT or SIGTERM: look at the files so often (10s), and apply what changed in them or in the "
     "service",
     NULL},
    {"collector", OPT_COLLECTOR, "FILE", NULL,
     "whether this file of the Collector has what its tail sampler has to keep for these rules (betrace sampler)",
     NULL},
    {0}};
static const bt_flag service_flags[] = {
    {"url", OPT_SERVER, "URL", "http://127.0.0.1:8080", "address of the service", "BETRACE_URL"},
    {"token-file", OPT_TOKEN_FILE, "FILE", NULL, "file that holds a bearer token; the variable holds the token itself",
     "BETRACE_TOKEN"},
    {"tenant", OPT_TENANT, "NAME", NULL, "X-Scope-OrgID", NULL},
    {"ca", OPT_CA, "FILE", NULL, "authorities (PEM) to trust besides the system's", NULL},
    {0}};
static const bt_flag_group groups[] = {
    {"Flags:", flags, NULL}, {"Rules:", bt_flags_rule_files, NULL}, {"Service:", service_flags, NULL}, {0}};
static const bt_example examples[] = {
    {"What would change? Exit status 1 says that something would: drift", "betrace sync rules/"},
    {"Change it", "betrace sync rules/ --apply"},
    {"From a pipeline that owns the rules of one team",
     "betrace sync rules/ --apply --prune --prune-label team=payments \\\n"
     "  --url https://betrace.example.org --token-file /run/secrets/betrace"},
    {"Next to the service, for a folder that somebody else writes",
     "betrace sync /etc/betrace/rules --apply --prune --every 10s"},
    {0}};
const bt_command bt_command_sync = {.name = "sync",
                                    .summary = "rules of a folder to the service: plan, apply, drift",
                                    .usage = "PATH… [--apply] [--prune] [flags]",
                                    .about = "Makes the rules of a running service those of a folder. Like terraform "
                                             "it shows a plan first and changes nothing; --apply carries "
                                             "it out, created and updated rules together or not at all.\n\n"
                                             "Rules that the service has and the files do not are left alone; --prune "
                                             "deletes them, each only at the version that the plan "
                                             "saw. Rules are the same when the service would store nothing new: no "
                                             "drift is shown for layout or comments of a file.\n\n"
                                             "With --every it goes on. Files are taken when two looks a second apart "
                                             "found the same in them, so that nothing half-written is. While a file is "
                                             "wrong, or the folder has no rule file, the service keeps the rules that "
                                             "it has; stderr says so, once.\n\n"
                                             "With --collector FILE it also says which policies the Collector's tail "
                                             "sampler lacks for these rules: a sampler that is behind drops what "
                                             "violates them. That is drift, too, and --apply does not end it.",
                                    .examples = examples,
                                    .groups = groups,
                                    .fine = "in sync, or the plan was applied; the Collector's file has every policy",
                                    .found =
                                        "something would change (without --apply), or the Collector's file is behind",
                                    .unknown = "the service cannot be reached, or refuses",
                                    .operands = "folder",
                                    .no_dsl = "the service needs an id for each rule",
                                    .run = sync_command};
