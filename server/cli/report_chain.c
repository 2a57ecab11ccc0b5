/* Chains of reports. See report_chain.h. Heads join them: a head is the hash of a whole report, its id included, so
 * nothing else has to agree. */
#include "server/cli/report_chain.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/compliance/catalogue.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"

static const json_t *report_of(const json_t *document) {
  return json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
}

/* ---- files ---- */

static bt_status add_path(bt_rule_paths *out, const char *folder, const char *name, bt_error *error) {
  char **items = bt_grow_array(out->items, out->count, &out->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  out->items = items;
  bt_buffer path = {0};
  bool ends_in_slash = folder && *folder && folder[strlen(folder) - 1] == '/';
  bt_buffer_printf(&path, "%s%s%s", folder ? folder : "", folder && !ends_in_slash ? "/" : "", name);
  items[out->count] = path.failed ? NULL : strdup(path.ptr);
  bt_buffer_dispose(&path);
  if (!items[out->count]) return bt_error_no_memory(error);
  out->count++;
  return BT_OK;
}

static int is_report_file(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static bt_status add_folder(bt_rule_paths *out, const char *folder, bt_error *error) {
  struct dirent **names = NULL;
  int count = scandir(folder, &names, is_report_file, alphasort);
  bt_status status = BT_OK;
  if (count < 0) return bt_error_set(error, BT_IO, "%.200s cannot be read: %s", folder, strerror(errno));
  if (!count) status = bt_error_set(error, BT_INVALID, "%.200s: expected reports (*.json), found none", folder);
  for (int i = 0; i < count; i++) {
    if (!status) status = add_path(out, folder, names[i]->d_name, error);
    free(names[i]);
  }
  free(names);
  return status;
}

bt_status bt_report_files_find(const bt_operands *operands, bt_rule_paths *out, bt_error *error) {
  bt_status status = BT_OK;
  *out = (bt_rule_paths){0};
  for (size_t i = 0; i < operands->count && !status; i++) {
    struct stat about;
    bool is_folder = stat(operands->items[i], &about) == 0 && S_ISDIR(about.st_mode);
    status = is_folder ? add_folder(out, operands->items[i], error) : add_path(out, NULL, operands->items[i], error);
  }
  return status;
}

/* ---- links ---- */

json_t *bt_report_link_json(const json_t *document) {
  const json_t *report = report_of(document), *previous = json_object_get(report, "previous");
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O?}", "report_id", bt_json_text_at(report, "report_id"), "framework",
                   bt_json_text_at(json_object_get(report, "framework"), "name"), "tenant",
                   bt_json_text_at(report, "tenant"), "head",
                   bt_json_text_at(json_object_get(document, "evidence"), "head"), "made_at",
                   bt_json_text_at(report, "evaluated_at"), "previous", previous);
}

static bool is_same_chain(const json_t *a, const json_t *b) {
  return strcmp(bt_json_text_at(a, "tenant"), bt_json_text_at(b, "tenant")) == 0 &&
         bt_framework_means(bt_str_from(bt_json_text_at(a, "framework")), bt_str_from(bt_json_text_at(b, "framework")));
}

static const char *named_head(const json_t *link) {
  return bt_json_text_at(json_object_get(link, "previous"), "head");
}

static const json_t *find_head(const json_t *links, const char *head) {
  const json_t *link;
  size_t index;
  json_array_foreach(links, index, link) if (strcmp(bt_json_text_at(link, "head"), head) == 0) return link;
  return NULL;
}

static bool is_by_span(const json_t *link) {
  return strcmp(bt_json_text_at(json_object_get(link, "previous"), "known_by"), "span") == 0;
}

/* ---- one chain ---- */

/* A report whose predecessor is not here: the earliest of these is where the chain begins. */
static const json_t *first_of(const json_t *links) {
  const json_t *first = NULL, *link;
  size_t index;
  json_array_foreach(links, index, link) {
    if (find_head(links, named_head(link))) continue;
    if (!first || strcmp(bt_json_text_at(link, "made_at"), bt_json_text_at(first, "made_at")) < 0) first = link;
  }
  return first;
}

static const json_t *last_of(const json_t *links) {
  const json_t *last = json_array_get(links, 0), *link;
  size_t index;
  json_array_foreach(links, index, link) {
    if (strcmp(bt_json_text_at(link, "made_at"), bt_json_text_at(last, "made_at")) > 0) last = link;
  }
  return last;
}

/* Another beginning: what it names is missing, or it names none. */
static void add_gap(const json_t *link, json_t *missing, json_t *unknown) {
  const json_t *previous = json_object_get(link, "previous");
  const char *reason = bt_json_text_at(previous, "reason");
  if (named_head(link)[0])
    bt_json_append(missing, json_pack("{s:s, s:s, s:s}", "report_id", bt_json_text_at(previous, "report_id"), "head",
                                      named_head(link), "named_by", bt_json_text_at(link, "report_id")));
  else
    bt_json_append(unknown, json_pack("{s:s, s:s}", "report_id", bt_json_text_at(link, "report_id"), "reason",
                                      reason[0] ? reason : "reports of its version name none"));
}

/* Of two that name the same one, one was made anew, or without knowing of the other. */
static void add_fork(const json_t *links, const json_t *named, json_t *forks) {
  json_t *by = json_array();
  const json_t *link;
  bool is_sure = true;
  size_t index;
  json_array_foreach(links, index, link) {
    if (strcmp(named_head(link), bt_json_text_at(named, "head")) != 0) continue;
    bt_json_append(by, json_string(bt_json_text_at(link, "report_id")));
    is_sure = is_sure && !is_by_span(link);
  }
  if (json_array_size(by) > 1)
    bt_json_append(forks, json_pack("{s:s, s:O, s:b}", "report_id", bt_json_text_at(named, "report_id"), "named_by", by,
                                    "certain", is_sure));
  json_decref(by);
}

static json_t *begins_after(const json_t *first) {
  const json_t *previous = json_object_get(first, "previous");
  if (!named_head(first)[0]) return json_null();
  return json_pack("{s:s, s:s}", "report_id", bt_json_text_at(previous, "report_id"), "head", named_head(first));
}

static json_t *chain_json(const json_t *links) {
  json_t *missing = json_array(), *unknown = json_array(), *forks = json_array();
  const json_t *first = first_of(links), *link;
  size_t index;
  json_array_foreach(links, index, link) {
    if (link != first && !find_head(links, named_head(link))) add_gap(link, missing, unknown);
    add_fork(links, link, forks);
  }
  bool is_whole = !json_array_size(missing) && !json_array_size(unknown) && !json_array_size(forks);
  return json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "framework",
                   bt_json_text_at(first, "framework"), "tenant", bt_json_text_at(first, "tenant"), "reports",
                   (json_int_t)json_array_size(links), "first", bt_json_text_at(first, "report_id"), "last",
                   bt_json_text_at(last_of(links), "report_id"), "begins_after", begins_after(first), "missing",
                   missing, "unknown", unknown, "forks", forks, "whole", is_whole);
}

/* The links of the same framework and tenant as this one, each report once. */
static json_t *links_like(const json_t *links, const json_t *like) {
  json_t *own = json_array(), *link;
  size_t index;
  json_array_foreach(links, index, link) {
    if (is_same_chain(link, like) && !find_head(own, bt_json_text_at(link, "head")))
      bt_json_append(own, json_incref(link));
  }
  return own;
}

json_t *bt_report_chains_json(const json_t *links) {
  json_t *chains = json_array(), *link;
  size_t index;
  json_array_foreach(links, index, link) {
    json_t *own = links_like(links, link);
    if (json_array_get(own, 0) == link) bt_json_append(chains, chain_json(own));
    json_decref(own);
  }
  return chains;
}

/* ---- what is said of them ---- */

static void print_list(const json_t *chain) {
  const json_t *one;
  size_t index;
  const char *red = bt_style_on(BT_STYLE_RED), *off = bt_style_on(BT_STYLE_OFF);
  json_array_foreach(json_object_get(chain, "missing"), index, one)
      bt_print("  %sMISSING%s  %s, which %s names (head %s): it was deleted or is withheld\n", red, off,
               bt_json_text_at(one, "report_id"), bt_json_text_at(one, "named_by"), bt_json_text_at(one, "head"));
  json_array_foreach(json_object_get(chain, "forks"), index, one) {
    bool is_certain = json_is_true(json_object_get(one, "certain"));
    bt_print("  %s  %s is named by %zu reports: %s\n", is_certain ? "FORK   " : "unknown",
             bt_json_text_at(one, "report_id"), json_array_size(json_object_get(one, "named_by")),
             is_certain ? "one was made anew, or by another service"
                        : "one was made after a start, by what the store showed then");
  }
  json_array_foreach(json_object_get(chain, "unknown"), index, one)
      bt_print("  unknown  what %s follows: %s\n", bt_json_text_at(one, "report_id"), bt_json_text_at(one, "reason"));
}

static void print_chain(const json_t *chain) {
  const char *tenant = bt_json_text_at(chain, "tenant");
  const json_t *before = json_object_get(chain, "begins_after");
  bool is_whole = json_is_true(json_object_get(chain, "whole"));
  bt_print("chain of   %s, tenant %s: %" JSON_INTEGER_FORMAT " reports, %s to %s, %s\n",
           bt_json_text_at(chain, "framework"), tenant[0] ? tenant : "(none)",
           json_integer_value(json_object_get(chain, "reports")), bt_json_text_at(chain, "first"),
           bt_json_text_at(chain, "last"), is_whole ? "none is missing between them" : "not shown to be whole");
  if (json_is_object(before))
    bt_print("  begins   after %s (head %s), which is not here\n", bt_json_text_at(before, "report_id"),
             bt_json_text_at(before, "head"));
  else
    bt_print_line("  begins   with one that does not know whether there was another before it");
  print_list(chain);
}

void bt_report_chains_print(const json_t *chains) {
  const json_t *chain;
  size_t index;
  json_array_foreach(chains, index, chain) print_chain(chain);
}

static int chain_code(const json_t *chain) {
  const json_t *fork;
  size_t index;
  if (json_is_true(json_object_get(chain, "whole"))) return BT_EXIT_FINE;
  if (json_array_size(json_object_get(chain, "missing"))) return BT_EXIT_FOUND;
  json_array_foreach(json_object_get(chain, "forks"), index,
                     fork) if (json_is_true(json_object_get(fork, "certain"))) return BT_EXIT_FOUND;
  return BT_EXIT_UNKNOWN;
}

int bt_report_chains_code(const json_t *chains) {
  const json_t *chain;
  size_t index;
  int worst = BT_EXIT_FINE;
  json_array_foreach(chains, index, chain) {
    int code = chain_code(chain);
    if (code == BT_EXIT_FOUND || worst == BT_EXIT_FINE) worst = code;
  }
  return worst;
}

void bt_report_previous_print(const json_t *document) {
  const json_t *previous = json_object_get(report_of(document), "previous");
  if (!previous) return;
  if (json_is_null(json_object_get(previous, "head")))
    bt_print("previous   unknown: %s\n", bt_json_text_at(previous, "reason"));
  else
    bt_print("previous   %s (head %s)\n", bt_json_text_at(previous, "report_id"), bt_json_text_at(previous, "head"));
}
