/* `betrace verify-report`: is this report what was signed, and does it still agree with the traces? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "server/base/time_text.h"
#include "server/cli/idle_print.h"
#include "server/cli/printer.h"
#include "server/cli/report_chain.h"
#include "server/cli/report_rerun.h"
#include "server/cli/report_stamp.h"
#include "server/cli/report_subject.h"
#include "server/cli/terminal.h"
#include "server/compliance/dsse.h"
#include "server/compliance/evidence.h"
#include "server/compliance/other_reports.h"
#include "server/compliance/report_span.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"

/* Tempo shows a block neither by search nor by id for a second or two while it hands it over (tests/facts): "not found"
 * once says nothing. */
enum { SPAN_LOOKS = 4 };
static const struct timespec SPAN_PAUSE = {.tv_sec = 1};
enum { KEY = BT_FLAG_OWN, CHAIN_ONLY, REQUIRE_SPAN, SAMPLE, REPLAYED, SEED, EXPECT, TIMESTAMP_CA };

typedef struct verifying {
  bt_replay_options options;
  const char *key_files[BT_EVIDENCE_KEYS_MAX], *timestamp_ca;
  size_t key_file_count;
  bool chain_only, requires_span, has_seed;
  uint64_t sample, replayed, seed;
  json_t *document;
  bt_evidence_keys keys;      /* all that were given */
  const bt_evidence_key *key; /* the one that the report says; NULL: no signature is checked */
  bt_reported reported;
  bt_reported_stamp stamp;
  bt_rerun rerun;
  bool is_read;      /* the file is a report, true or not */
  bool is_enveloped; /* the file is a DSSE envelope */
  bool is_looked_at; /* the traces were */
  const char *span;  /* "same", "other", "not_found", "not_asked" */
  bt_other_reports others;
  bt_report_subject subject;
  bt_expectations expectations;
  json_t *mismatches; /* what is not as expected */
  json_t *links;      /* of several reports: those that hold, for their chain; NULL: it is one alone */
  json_t *results;    /* of several reports, with --json: what is said of each */
  const char *file;
} verifying;

/* ---- looking at the traces ---- */

static bool has_source(const verifying *v) {
  return v->options.trace_count || v->options.source.address;
}

static bt_status look_for_span(verifying *v, bt_source *source, bt_error *error) {
  static const char *const words[] = {
      [BT_REPORT_SPAN_SAME] = "same", [BT_REPORT_SPAN_OTHER] = "other", [BT_REPORT_SPAN_GONE] = "not_found"};
  bt_report_span_state state = BT_REPORT_SPAN_GONE;
  bt_status status = BT_OK;
  if (bt_source_known(source).is_static) return BT_OK;
  for (int look = 0; look < SPAN_LOOKS && !status && state == BT_REPORT_SPAN_GONE; look++) {
    if (look) nanosleep(&SPAN_PAUSE, NULL);
    status = bt_report_span_find(source, v->document, &state, error);
  }
  if (!status) v->span = words[state];
  return status ? status : bt_report_find_others(source, v->document, &v->others, error);
}

static bt_status look_again(verifying *v, bt_error *error) {
  bt_replay_place place = {0};
  bt_rerun_options options = {&v->options, v->seed, (size_t)v->sample, (size_t)v->replayed};
  if (v->reported.tenant[0]) v->options.tenant = v->reported.tenant;
  bt_status status = bt_replay_place_open(&v->options, &place, error);
  if (!status) status = look_for_span(v, place.source, error);
  if (!status) status = bt_rerun_traces(place.source, &v->reported, &options, &v->rerun, error);
  if (!status) status = bt_rerun_rules(place.source, &v->reported, &options, &v->rerun, error);
  bt_replay_place_close(&place);
  v->is_looked_at = !status;
  return status;
}

/* ---- the report ---- */

/* The report of an envelope in the envelope's place, with the envelope that it was in; a new one. */
static bt_status open_envelope(verifying *v, json_t **envelope, bt_error *error) {
  bt_buffer report = {0};
  *envelope = v->document;
  v->document = NULL;
  bt_status status = bt_dsse_open(*envelope, NULL, &report, error);
  if (!status) status = bt_report_parse(bt_buffer_str(&report), &v->document, error);
  v->is_enveloped = !status;
  bt_buffer_dispose(&report);
  return status;
}

/* Keys change: of several that were given the report says which is its own. One alone has to be it. False: it is none
 * of several. */
static bool choose_key(verifying *v) {
  const char *id = bt_json_text_at(json_object_get(v->document, "evidence"), "key_id");
  v->key = bt_evidence_keys_find(&v->keys, id);
  if (v->key || !v->keys.count) return true;
  v->key = v->keys.items[0];
  return v->keys.count == 1 || !id[0];
}

/* A report that was changed is told as such before it is told whose it is. */
static bt_status check_signatures(verifying *v, const json_t *envelope, bt_error *error) {
  bool is_of_ours = choose_key(v);
  bt_status status = bt_evidence_check(v->document, is_of_ours ? v->key : NULL, error);
  if (!status && !is_of_ours)
    return bt_error_set(error, BT_INVALID,
                        "the report is signed with none of the %zu keys that were given: it says %.16s…", v->keys.count,
                        bt_json_text_at(json_object_get(v->document, "evidence"), "key_id"));
  bt_buffer again = {0};
  if (!status && v->key && envelope) status = bt_dsse_open(envelope, v->key, &again, error);
  bt_buffer_dispose(&again);
  return status;
}

/* What has a part of a report, readable or not, is one that was changed. */
static bool has_part_of_report(bt_str text, const json_t *document) {
  static const char *const members[] = {"entries", "evidence", "format", "payload", "payloadType"};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\"", members[i]);
    if (json_object_get(document, members[i]) || bt_str_contains(text, bt_str_from(quoted))) return true;
  }
  return false;
}

static bt_status read_report(verifying *v, const char *file, bt_error *error) {
  size_t length = 0;
  char *text = bt_cli_read_file(file, BT_REPORT_MAX_BYTES, &length, error);
  if (!text) return error->status ? error->status : BT_IO;
  bt_status status = bt_report_parse((bt_str){text, length}, &v->document, error);
  v->is_read = has_part_of_report((bt_str){text, length}, v->document);
  free(text);
  json_t *envelope = NULL;
  if (!status && bt_dsse_is_envelope(v->document)) status = open_envelope(v, &envelope, error);
  if (!status) status = check_signatures(v, envelope, error);
  json_decref(envelope);
  if (!status) status = bt_time_stamp_read(v->document, v->timestamp_ca, &v->stamp, error);
  if (!status) status = bt_report_check_conclusions(v->document, error);
  return status ? status : bt_reported_read(v->document, &v->reported, error);
}

static bool has_no_span(const verifying *v) {
  return strcmp(v->span, "not_found") == 0;
}

/* --require-span: the auditor knows that the service sends them, and for how long they are kept. */
static bool is_contradicted(const verifying *v) {
  return v->rerun.traces_different || v->rerun.rules_different || strcmp(v->span, "other") == 0 ||
         (v->requires_span && has_no_span(v));
}

/* A report without traces to look at, or of whose sample nothing is left, could be checked in its form alone. One that
 * is missing where others about the same time are may be one of them, made anew under another id. */
static bool is_unknown(const verifying *v) {
  bool is_odd_one = has_no_span(v) && (v->others.count || v->others.is_unknown);
  return v->is_looked_at && (v->rerun.traces_gone || v->rerun.rules_unknown || v->reported.foreign_count || is_odd_one);
}

static const char *made_at(const verifying *v) {
  return bt_json_text_at(json_object_get(json_array_get(json_object_get(v->document, "entries"), 0), "body"),
                         "evaluated_at");
}

static void print_cell(const char *text, unsigned columns) {
  bt_buffer fitted = {0};
  bt_text_fit(bt_str_from(text), columns, &fitted);
  bt_print("%s", fitted.ptr ? fitted.ptr : "");
  bt_buffer_dispose(&fitted);
}

static void print_other(const bt_other_report *other) {
  char made_at[40];
  bt_time_format(other->made_at_ns, made_at);
  bt_print("  ");
  print_cell(other->report_id, 40);
  bt_print(", made %s of ", made_at);
  print_cell(other->start, 40);
  bt_print(" to ");
  print_cell(other->end, 40);
  bt_print(": %" PRId64 " entries, controls: %" PRId64 " violated, %" PRId64 " pass\n", other->entries,
           other->controls_violated, other->controls_passed);
}

static void print_others(const verifying *v) {
  const bt_other_reports *others = &v->others;
  if (others->is_unknown)
    bt_print_line(
        "           whether the store knows of other reports about this time could not be found out (all of them)");
  if (!others->count) return;
  bt_print("others     the store knows of %zu other reports of this framework about this time, %zu of exactly this "
           "range; ask "
           "for them, and compare:\n",
           others->count, others->same_range);
  for (size_t i = 0; i < others->named; i++) print_other(&others->items[i]);
  if (others->count > others->named) bt_print("  and %zu more\n", others->count - others->named);
}

/* It holds, and is of something else: nothing more is looked at. */
static bool is_unexpected(const verifying *v) {
  return json_array_size(v->mismatches);
}

static void print_head(const verifying *v) {
  const json_t *evidence = json_object_get(v->document, "evidence");
  bt_print("report     %s\n", v->reported.report_id);
  bt_report_subject_print(&v->subject);
  bt_print("chain      whole: %zu entries, head %s\n", json_array_size(json_object_get(v->document, "entries")),
           bt_json_text_at(evidence, "head"));
  if (v->key)
    bt_print("signature  right: key %s\n", bt_evidence_key_id(v->key));
  else
    bt_print_line("signature  not checked (--chain-only): who made this report is not shown");
  if (v->is_enveloped)
    bt_print("envelope   DSSE, %s\n", v->key ? "signed by the same key" : "its signature was not checked");
  bt_report_stamp_print(&v->stamp, v->timestamp_ca, made_at(v));
  bt_report_previous_print(v->document);
  bt_mismatches_print(v->mismatches);
}

static void print_text(const verifying *v) {
  const bt_rerun *r = &v->rerun;
  print_head(v);
  if (is_unexpected(v)) return;
  if (!v->is_looked_at) {
    bt_print_line("traces     not looked at: give --store URL, --tempo URL or --traces FILE");
    return;
  }
  if (strcmp(v->span, "same") == 0) bt_print_line("span       the store holds this head");
  if (strcmp(v->span, "other") == 0)
    bt_print_line("span       TEMPO HOLDS ANOTHER HEAD for this report, or others as well: it was made anew after it "
                  "was sent");
  if (has_no_span(v)) bt_print_line("span       none in the store: it was not sent, or is past the retention");
  print_others(v);
  bt_print("traces     %zu judged again: %zu as reported, %zu otherwise, %zu could not be\n",
           r->traces_same + r->traces_different + r->traces_gone, r->traces_same, r->traces_different, r->traces_gone);
  bt_print("rules      %zu replayed: %zu as reported, %zu otherwise, %zu could not be\n",
           r->rules_same + r->rules_different + r->rules_unknown, r->rules_same, r->rules_different, r->rules_unknown);
  if (v->reported.foreign_count)
    bt_print("           %zu rules do not compile in this version\n", v->reported.foreign_count);
  for (size_t i = 0; i < r->finding_count; i++) bt_print("  %s\n", r->findings[i].text);
  bt_print("seed       %" PRIu64 "\n", v->seed);
}

/* Reports of before version 3 name none. */
static json_t *previous_of(const json_t *document) {
  const json_t *report = json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
  json_t *previous = json_object_get(report, "previous");
  return previous ? previous : json_null();
}

static json_t *result_json(const verifying *v, const char *outcome) {
  const bt_rerun *r = &v->rerun;
  bool is_asked = strcmp(v->span, "not_asked") != 0;
  json_t *findings = json_array();
  for (size_t i = 0; i < r->finding_count; i++)
    bt_json_append(findings, bt_text_json(bt_str_from(r->findings[i].text)));
  json_t *object = json_pack(
      "{s:s, s:s, s:b, s:s, s:s, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:o, s:o, s:o}", "outcome", outcome, "report_id",
      v->reported.report_id, "signature_checked", v->key != NULL, "head",
      bt_json_text_at(json_object_get(v->document, "evidence"), "head"), "span", v->span, "traces", "same",
      (json_int_t)r->traces_same, "different", (json_int_t)r->traces_different, "unknown", (json_int_t)r->traces_gone,
      "rules", "same", (json_int_t)r->rules_same, "different", (json_int_t)r->rules_different, "unknown",
      (json_int_t)r->rules_unknown + (json_int_t)v->reported.foreign_count, "findings", findings, "others",
      is_asked ? bt_other_reports_json(&v->others) : json_null(), "seed", json_sprintf("%" PRIu64, v->seed));
  if (!object) return NULL;
  bt_report_subject_add(&v->subject, object);
  bt_json_set(object, "mismatches", json_incref(v->mismatches));
  bt_json_set(object, "time_stamp", bt_report_stamp_json(&v->stamp, made_at(v)));
  bt_json_set(object, "previous", json_incref(previous_of(v->document)));
  bt_json_set(object, "envelope", v->is_enveloped ? json_string("dsse") : json_null());
  return object;
}

static const char *choose_conclusion(const verifying *v, int code) {
  if (is_unexpected(v)) return "NOT WHAT WAS EXPECTED: it is whole, and of something else";
  if (code == BT_EXIT_FOUND) return "CONTRADICTED: the source says otherwise";
  if (code == BT_EXIT_UNKNOWN && !is_unknown(v))
    return "it is what was signed, and of some rule it says that nothing "
           "exercised it (--require-exercised)";
  if (code == BT_EXIT_UNKNOWN) return "nothing contradicts the report, but not all of it could be looked at again";
  if (!v->key) return "whole: nothing in it was changed by accident; nothing shows who made it";
  return v->is_looked_at ? "verified: it is what was signed, and what was looked at again says the same"
                         : "verified: it is what was signed";
}

/* Takes it. */
static void show_json(const verifying *v, json_t *object) {
  if (!v->results) {
    bt_cli_print_json(object);
    return;
  }
  bt_json_set(object, "file", bt_text_json(bt_str_from(v->file)));
  bt_json_append(v->results, object);
}

static int print_result(const verifying *v) {
  int code = is_unexpected(v) || is_contradicted(v) ? BT_EXIT_FOUND : is_unknown(v) ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
  code = bt_idle_exit_status(&v->options, bt_report_subject_idle(&v->subject) > 0, code);
  static const char *const outcomes[] = {"holds", "contradicted", "", "unknown"};
  if (v->options.print_json)
    show_json(v, result_json(v, is_unexpected(v) ? "not_expected" : outcomes[code]));
  else {
    print_text(v);
    bt_print_line(choose_conclusion(v, code));
  }
  return code;
}

static bool names_file(const verifying *v, const bt_error *error) {
  return strncmp(error->message, v->file, strlen(v->file)) == 0;
}

/* What is wrong with the report is a finding. To name a file that is none is a wrong use of the command. */
static int print_refused(const verifying *v, const bt_error *error) {
  bool is_alone = !v->links && !v->options.print_json;
  if (!v->is_read && is_alone)
    return bt_cli_usage_error("verify-report", "%s%s%s", names_file(v, error) ? "" : v->file,
                              names_file(v, error) ? "" : ": ", error->message);
  if (v->options.print_json)
    show_json(v, json_pack("{s:s, s:s}", "outcome", "refused", "reason", error->message));
  else
    bt_print("REFUSED: %s\n", error->message);
  return v->is_read ? BT_EXIT_FOUND : BT_EXIT_USAGE;
}

static int verify_report(verifying *v) {
  bt_error error = {0};
  bt_status status = read_report(v, v->file, &error);
  if (status == BT_INVALID || (status == BT_IO && !v->is_read)) return print_refused(v, &error);
  if (!status && v->links) bt_json_append(v->links, bt_report_link_json(v->document));
  if (!status) {
    v->subject = bt_report_subject_of(v->document, v->key ? bt_evidence_key_id(v->key) : NULL, &v->stamp);
    v->mismatches = bt_expectations_check(&v->expectations, &v->subject);
    if (!v->mismatches) status = bt_error_no_memory(&error);
  }
  if (!status && !is_unexpected(v) && has_source(v)) status = look_again(v, &error);
  return status ? bt_cli_fail("verify-report", status, &error) : print_result(v);
}

/* What was asked is of `common`; what is read of one report is not. */
static int verify_file(const verifying *common, const char *file) {
  verifying v = *common;
  v.file = file;
  if (v.links && !v.options.print_json) bt_print("file       %s\n", file);
  int code = verify_report(&v);
  if (v.links && !v.options.print_json) bt_print("\n");
  bt_reported_dispose(&v.reported);
  bt_rerun_dispose(&v.rerun);
  json_decref(v.document);
  json_decref(v.mismatches);
  return code;
}

/* ---- several ---- */

static int worse_code(int a, int b) {
  static const int order[] = {BT_EXIT_FOUND, BT_EXIT_USAGE, BT_EXIT_UNKNOWN};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (a == order[i] || b == order[i]) return order[i];
  return BT_EXIT_FINE;
}

static const char *conclusion_of_all(int files, int chains) {
  if (files == BT_EXIT_FOUND) return "NOT ALL OF THEM HOLD";
  if (chains == BT_EXIT_FOUND) return "NOT WHOLE: reports are missing, or were made anew";
  if (files != BT_EXIT_FINE || chains != BT_EXIT_FINE)
    return "nothing contradicts them, but not all of it could be looked at, or is known";
  return "they hold, and none is missing between them";
}

/* Only reports that hold have a place in a chain: of the others nobody knows who made them. */
static int verify_several(verifying *common, const bt_rule_paths *files) {
  int code = BT_EXIT_FINE;
  common->links = json_array();
  common->results = common->options.print_json ? json_array() : NULL;
  for (size_t i = 0; i < files->count; i++) code = worse_code(code, verify_file(common, files->items[i]));
  json_t *chains = bt_report_chains_json(common->links);
  int chains_code = bt_report_chains_code(chains);
  if (common->results) {
    bt_cli_print_json(json_pack("{s:O, s:O}", "reports", common->results, "chains", chains));
  } else {
    bt_report_chains_print(chains);
    bt_print_line(conclusion_of_all(code, chains_code));
  }
  json_decref(chains);
  json_decref(common->links);
  json_decref(common->results);
  return worse_code(code, chains_code);
}

static int verify_all(verifying *common, const bt_operands *operands) {
  bt_rule_paths files = {0};
  bt_error error = {0};
  int code;
  bt_status status = BT_OK;
  for (size_t i = 0; i < common->key_file_count && !status; i++)
    status = bt_evidence_keys_read(&common->keys, common->key_files[i], &error);
  if (status == BT_LIMIT) status = BT_INVALID;
  if (!status) status = bt_report_files_find(operands, &files, &error);
  if (status == BT_IO) status = BT_INVALID; /* what was named cannot be read */
  bool is_one = files.count == 1 && strcmp(files.items[0], operands->items[0]) == 0;
  if (status)
    code = bt_cli_fail("verify-report", status, &error);
  else
    code = is_one ? verify_file(common, files.items[0]) : verify_several(common, &files);
  bt_rule_paths_dispose(&files);
  return code;
}

/* ---- the row ---- */

static bool take_key_file(verifying *v, const char *file) {
  bool has_room = v->key_file_count < BT_EVIDENCE_KEYS_MAX;
  if (has_room) v->key_files[v->key_file_count++] = file;
  return has_room;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  verifying *v = context;
  switch (flag->id) {
  case KEY: return take_key_file(v, value);
  case CHAIN_ONLY: return v->chain_only = true;
  case REQUIRE_SPAN: return v->requires_span = true;
  case SAMPLE: return bt_cli_number(value, &v->sample) && v->sample <= 10000;
  case REPLAYED: return bt_cli_number(value, &v->replayed) && v->replayed <= 10000;
  case SEED: return v->has_seed = bt_cli_number(value, &v->seed);
  case TIMESTAMP_CA: return v->timestamp_ca = value, true;
  case EXPECT: return bt_expectations_add(&v->expectations, value);
  default: return bt_replay_options_take(&v->options, flag, value);
  }
}

static int check_usage(verifying *v, const bt_operands *operands) {
  if (!operands->count)
    return bt_cli_usage_error("verify-report", "say which report: a file, or - for stdin; or several, or their folder");
  if (!v->key_file_count == !v->chain_only)
    return bt_cli_usage_error(
        "verify-report", "give --key PUB, the signer's public key; or --chain-only, for a report that is not signed");
  if (v->requires_span && !v->options.source.address)
    return bt_cli_usage_error("verify-report",
                              "--require-span asks the store for the report's head: give --store URL or --tempo URL");
  if (!v->has_seed && getrandom(&v->seed, sizeof v->seed, 0) != (ssize_t)sizeof v->seed)
    return bt_cli_usage_error("verify-report", "the system gives no random seed; give --seed N");
  return BT_EXIT_FINE;
}

static int verify_command(const bt_command *self, int argc, char **argv) {
  verifying v = {.sample = 20, .replayed = 1, .span = "not_asked"};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&v.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &v, &operands, &code)) {
    code = bt_replay_options_choose(&v.options, self);
    if (!code) code = check_usage(&v, &operands);
    if (!code) code = verify_all(&v, &operands);
  }
  bt_evidence_keys_dispose(&v.keys);
  bt_replay_options_dispose(&v.options);
  return code;
}

static const bt_flag flags[] = {
    {"key", KEY, "PUB", NULL,
     "the signer's public key (PEM), or several in one file, had from the signer and not from the report; may be given "
     "several times, for keys of before",
     NULL},
    {"chain-only", CHAIN_ONLY, NULL, NULL, "check the chain and no signature: it shows damage, and no forgery", NULL},
    {"require-span", REQUIRE_SPAN, NULL, NULL,
     "with --store or --tempo: a report whose head the store does not hold is contradicted", NULL},
    {"timestamp-ca", TIMESTAMP_CA, "FILE", NULL,
     "authorities (PEM) that the certificate of its time stamp has to hang on; without it only the imprint is checked",
     NULL},
    {"expect", EXPECT, "NAME=VALUE", NULL,
     "what the report must say: framework=NAME, tenant=NAME, range=START/END, key=ID, timestamp=checked or "
     "timestamp=START/END, version=N of its conclusions (default this program's). May be given several times",
     NULL},
    {"sample", SAMPLE, "N", "20", "with traces to look at: how many of the report's are judged again", NULL},
    {"replay", REPLAYED, "N", "1", "and how many of its rules are replayed over its whole range", NULL},
    {"seed", SEED, "N", "random", "chooses them; the same seed chooses the same", NULL},
    BT_FLAG_ROW_EXERCISED,
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {"Traces:", bt_flags_traces, NULL}, {0}};
static const bt_example examples[] = {
    {"Is it what was signed?", "betrace verify-report soc2-evidence.json --key evidence.pub"},
    {"Is it of what I asked for?",
     "betrace verify-report soc2-evidence.json --key evidence.pub --expect framework=soc2 --expect tenant= \\\n"
     "  --expect range=2026-03-01T00:00:00Z/2026-04-01T00:00:00Z"},
    {"And do the traces still say so?",
     "betrace verify-report soc2-evidence.json --key evidence.pub --tempo http://127.0.0.1:3200"},
    {"Are these all reports of the year, in which the key was changed?",
     "betrace verify-report reports/ --key evidence.pub --expect framework=soc2"},
    {0}};
const bt_command bt_command_verify_report = {
    .name = "verify-report",
    .summary = "checks compliance reports: chain, signature, time stamp, and a sample of them against the traces",
    .usage = "FILE... (--key PUB | --chain-only) [--store URL | --traces FILE] [flags]",
    .about =
        "Checks that a report of GET /v1/compliance/reports is whole and unchanged since it was signed. Says its "
        "framework, tenant and range, how much of it was settled, and the result of each control. A true report of "
        "another month proves nothing about this one: --expect names what it must be of.\n\n"
        "Each report names the one before it of its framework and tenant. Given several, or a folder of them (*.json), "
        "it "
        "also says whether one is missing between them.\n\n"
        "With traces it also reads a random sample of the traces that the report names, and judges them again. It "
        "replays some rules of the report over its range. It asks the store for the span with the report's head, and "
        "for "
        "those of other reports of that time. Only this finds a report that somebody changed and signed again with the "
        "right key.",
    .examples = examples,
    .groups = groups,
    .fine = "everything that was checked holds",
    .found = "the report was changed, is of something else than expected, or the traces say otherwise",
    .unknown = "it is what was signed, but the traces could not be looked at (all of them); " BT_EXERCISED_UNKNOWN,
    .operands = "traces",
    .run = verify_command};
