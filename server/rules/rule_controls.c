/* Annotations → controls and severity. In the text, `@SOC2(controls = {CC6_1})` is the pair (SOC2, CC6.1). In the
 * fields, `compliance_framework: "SOC2, HIPAA"` names frameworks, and `soc2_control: "CC6.1, CC7.2"` controls of the
 * framework that the key begins with. Such a key counts only if that framework is one of those named or one of the
 * well-known below, since `access_control: strict` is an annotation like any other. Frameworks are the same when their
 * letters and digits are, without regard to case. Thread: no state. */
#include "server/rules/rule_controls.h"

#include <string.h>

#include "server/rules/rule_fields.h"

typedef struct control_list {
  bt_string_pair *pairs;
  size_t count;
} control_list;

static const char *const well_known[] = {"SOC2",     "HIPAA",   "GDPR", "PCI", "PCI-DSS",
                                         "ISO27001", "FedRAMP", "NIST", "SOX", "CCPA"};

static bool is_word_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static bool next_word_character(bt_str *s, char *out) {
  while (s->len && !is_word_character(s->ptr[0])) s->ptr++, s->len--;
  if (s->len == 0) return false;
  *out = s->ptr[0] >= 'A' && s->ptr[0] <= 'Z' ? (char)(s->ptr[0] - 'A' + 'a') : s->ptr[0];
  s->ptr++;
  s->len--;
  return true;
}

bool bt_framework_is_same(bt_str a, bt_str b) {
  char from_a = 0, from_b = 0;
  for (;;) {
    bool more_a = next_word_character(&a, &from_a), more_b = next_word_character(&b, &from_b);
    if (!more_a || !more_b) return more_a == more_b;
    if (from_a != from_b) return false;
  }
}

/* Once each; a framework keeps the spelling that it came with first. */
static bool add_control(control_list *list, bt_str framework, bt_str control) {
  for (size_t i = 0; i < list->count; i++) {
    if (!bt_framework_is_same(bt_str_from(list->pairs[i].key), framework)) continue;
    framework = bt_str_from(list->pairs[i].key);
    if (bt_str_equal(bt_str_from(list->pairs[i].value), control)) return true;
  }
  return bt_string_pairs_add(&list->pairs, &list->count, framework, control);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* The next non-empty item of a list with commas. */
static bool next_item(bt_str *list, bt_str *item) {
  do {
    if (list->len == 0) return false;
    const char *comma = memchr(list->ptr, ',', list->len);
    *item = (bt_str){list->ptr, comma ? (size_t)(comma - list->ptr) : list->len};
    size_t taken = item->len + (comma ? 1 : 0);
    list->ptr += taken;
    list->len -= taken;
    while (item->len && is_blank(item->ptr[0])) item->ptr++, item->len--;
    while (item->len && is_blank(item->ptr[item->len - 1])) item->len--;
  } while (item->len == 0);
  return true;
}

/* "soc2_control" → "soc2". */
static bool control_key_prefix(bt_str key, bt_str *prefix) {
  bt_str suffix = bt_str_ends_with(key, BT_STR("_controls")) ? BT_STR("_controls") : BT_STR("_control");
  if (!bt_str_ends_with(key, suffix) || key.len == suffix.len) return false;
  *prefix = (bt_str){key.ptr, key.len - suffix.len};
  return true;
}

/* The framework that a prefix stands for, as it is written in `named`, else as in the table; false: none. */
static bool find_framework(bt_str prefix, bt_str named, bt_str *framework) {
  while (next_item(&named, framework))
    if (bt_framework_is_same(prefix, *framework)) return true;
  for (size_t i = 0; i < sizeof well_known / sizeof well_known[0]; i++) {
    *framework = bt_str_from(well_known[i]);
    if (bt_framework_is_same(prefix, *framework)) return true;
  }
  return false;
}

static bt_str named_frameworks(const bt_rule_fields *fields) {
  for (size_t i = 0; i < fields->annotation_count; i++)
    if (strcmp(fields->annotations[i].key, "compliance_framework") == 0)
      return bt_str_from(fields->annotations[i].value);
  return (bt_str){NULL, 0};
}

static bool add_from_text(control_list *list, const bt_rule *rule) {
  bool ok = true;
  for (uint32_t i = 0; ok && i < rule->annotation_count; i++)
    if (!bt_str_equal(rule->annotations[i].name, BT_STR("severity")) &&
        !bt_str_equal(rule->annotations[i].name, BT_STR("semconv")) &&
        !bt_str_equal(rule->annotations[i].name, BT_STR("coarse_clocks")))
      ok = add_control(list, rule->annotations[i].name, rule->annotations[i].value);
  return ok;
}

static bool add_from_fields(control_list *list, const bt_rule_fields *fields, bt_str named) {
  bool ok = true;
  for (size_t i = 0; ok && i < fields->annotation_count; i++) {
    bt_str prefix, framework, control, controls = bt_str_from(fields->annotations[i].value);
    if (!control_key_prefix(bt_str_from(fields->annotations[i].key), &prefix) ||
        !find_framework(prefix, named, &framework))
      continue;
    while (ok && next_item(&controls, &control)) ok = add_control(list, framework, control);
  }
  return ok;
}

/* A framework that was named and of which no control was: the rule still belongs to it. */
static bool add_bare_frameworks(control_list *list, bt_str named) {
  bt_str framework;
  bool ok = true;
  while (ok && next_item(&named, &framework)) {
    bool is_there = false;
    for (size_t i = 0; i < list->count && !is_there; i++)
      is_there = bt_framework_is_same(bt_str_from(list->pairs[i].key), framework);
    if (!is_there) ok = add_control(list, framework, BT_STR(""));
  }
  return ok;
}

bt_status bt_rule_controls_collect(const bt_rule *rule, const bt_rule_fields *fields, bt_string_pair **out,
                                   size_t *count, bt_error *error) {
  control_list list = {0};
  bt_str named = named_frameworks(fields);
  if (!add_from_text(&list, rule) || !add_from_fields(&list, fields, named) || !add_bare_frameworks(&list, named)) {
    bt_string_pairs_free(list.pairs, list.count);
    return bt_error_no_memory(error);
  }
  *out = list.pairs;
  *count = list.count;
  return BT_OK;
}

static bt_status settle_severity(const bt_annotation *annotation, bt_rule_fields *fields, bool is_first,
                                 bt_error *error) {
  char shown[BT_SHOWN_BYTES];
  bt_severity severity;
  if (!bt_severity_parse(annotation->value, &severity))
    return bt_error_set(error, BT_INVALID,
                        "dsl: expected @severity with info, low, warning, medium, high, error or critical, got \"%s\"",
                        bt_rule_text_shown(annotation->value, shown));
  if ((fields->has_severity || !is_first) && severity != fields->severity)
    return bt_error_set(error, BT_INVALID,
                        "severity: expected %s as @severity in the text says, got %s; leave one of them out",
                        bt_severity_name(severity), bt_severity_name(fields->severity));
  fields->severity = severity;
  return BT_OK;
}

bt_status bt_rule_severity_settle(const bt_rule *rule, bt_rule_fields *fields, bt_error *error) {
  bool is_first = true;
  for (uint32_t i = 0; i < rule->annotation_count; i++) {
    if (!bt_str_equal(rule->annotations[i].name, BT_STR("severity"))) continue;
    bt_status status = settle_severity(&rule->annotations[i], fields, is_first, error);
    if (status) return status;
    is_first = false;
  }
  return BT_OK;
}
