/* Rules that nothing exercised, as commands show them. See idle_print.h. */
#include "server/cli/idle_print.h"

#include <inttypes.h>
#include <string.h>

#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"

/* Each line of the text, without its end. */
static void print_each(bt_str text, const char *command) {
  while (text.len) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t length = end ? (size_t)(end - text.ptr) : text.len;
    if (command)
      bt_print_error("betrace %s: %.*s\n", command, (int)length, text.ptr);
    else
      bt_print("%s%.*s%s\n", bt_style_on(BT_STYLE_YELLOW), (int)length, text.ptr, bt_style_on(BT_STYLE_OFF));
    length += end != NULL;
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

static void print_all(const bt_idle_rules *idle, const char *command) {
  bt_buffer text = {0};
  bt_idle_rules_write(idle, &text);
  print_each(bt_buffer_str(&text), command);
  bt_buffer_dispose(&text);
}

void bt_idle_rules_print(const bt_idle_rules *idle) {
  print_all(idle, NULL);
}

void bt_idle_rules_print_error(const bt_idle_rules *idle, const char *command) {
  print_all(idle, command);
}

void bt_replay_note_print(const bt_rule_definition *rule, const bt_replay_note *note, uint64_t looked_at) {
  bt_print("note: %s: %s", rule->fields.id, note->text);
  if (!note->is_searched) bt_print(" (%" PRIu64 " trace%s looked at)", looked_at, bt_cli_plural(looked_at));
  bt_print("\n");
}

void bt_rule_words_print(const bt_rule_words *words, const bt_rule_definition *const *rules, const char *before) {
  for (size_t i = 0; i < words->idle_count; i++)
    bt_print("%s%s%s: %s%s\n", bt_style_on(BT_STYLE_YELLOW), before, rules[words->idle[i].rule]->fields.id,
             words->idle[i].text, bt_style_on(BT_STYLE_OFF));
  for (size_t i = 0; i < words->note_count; i++) {
    bt_print("%s", before);
    bt_replay_note_print(rules[words->notes[i].rule], &words->notes[i], 0);
  }
}

/* ---- JSON and the exit status ---- */

static json_t *lacked_json(const bt_lacked_name *lacked) {
  json_t *near = json_array();
  for (size_t i = 0; i < lacked->near_count; i++)
    bt_json_append(
        near, json_pack("{s:o, s:o}", "name", bt_text_json(lacked->near[i].name), "traces",
                        lacked->near[i].is_counted ? json_integer((json_int_t)lacked->near[i].traces) : json_null()));
  return json_pack("{s:s, s:o, s:o}", "kind", bt_name_kind_in_words(lacked->used.kind), "name",
                   bt_text_json(lacked->used.name), "near", near);
}

json_t *bt_idle_rules_json(const bt_idle_rules *idle) {
  json_t *array = json_array();
  for (size_t i = 0; i < idle->count; i++) {
    const bt_idle_rule *rule = &idle->items[i];
    bt_buffer message = {0};
    json_t *absent = json_array();
    for (size_t k = 0; k < rule->lacked_count; k++) bt_json_append(absent, lacked_json(&rule->lacked[k]));
    bt_idle_rule_write(rule, &message);
    bt_json_append(array, json_pack("{s:s, s:b, s:o, s:o}", "rule_id", rule->rule->fields.id, "known", rule->is_known,
                                    "message", bt_text_json(bt_buffer_str(&message)), "absent", absent));
    bt_buffer_dispose(&message);
  }
  return array;
}

int bt_idle_exit_status(const bt_replay_options *options, bool is_idle, int code) {
  return options->requires_exercised && is_idle && code == BT_EXIT_FINE ? BT_EXIT_UNKNOWN : code;
}
