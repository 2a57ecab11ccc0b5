/* Names that a rule file gives. See own_names_reader.h. */
#include "server/rulefile/own_names_reader.h"

#include "server/rules/rule_compile.h"

typedef bt_yaml_document document;
typedef bt_yaml_node node;

static bt_status check_alias(const document *d, const node *key, const bt_alias *alias, bt_error *error) {
  bt_buffer fault = {0};
  bt_status status = BT_OK;
  bt_alias_fault(alias, &fault);
  if (fault.len) status = bt_yaml_fail(d, key, error, "aliases: %.*s: %s", BT_FMT(alias->keys[0]), fault.ptr);
  if (fault.failed) status = bt_error_no_memory(error);
  bt_buffer_dispose(&fault);
  return status;
}

/* `gen_ai.tool.name: [tool.name, ai.toolCall.name]`; one other key may stand without brackets. */
static bt_status read_alias(const document *d, const node *key, bt_alias *out, bt_error *error) {
  const node *others = key->next;
  bool is_one = others->kind == BT_YAML_SCALAR;
  bt_str *keys = bt_arena_array(d->arena, is_one ? 2 : others->count + 1, sizeof *keys);
  if (!keys) return bt_error_no_memory(error);
  *out = (bt_alias){keys, 0};
  keys[out->key_count++] = key->text;
  bt_status status = is_one ? BT_OK : bt_yaml_expect_list(d, others, "aliases", error);
  for (const node *item = is_one ? others : others->first; !status && item; item = is_one ? NULL : item->next)
    status = bt_yaml_get_string(d, item, "aliases", &keys[out->key_count++], error);
  return status ? status : check_alias(d, key, out, error);
}

static bt_status read_aliases(const document *d, const node *map, bt_own_names *out, bt_error *error) {
  bt_alias *aliases = bt_arena_array(d->arena, map->count, sizeof *aliases);
  if (!aliases) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (const node *key = map->first; !status && key; key = key->next->next)
    status = read_alias(d, key, &aliases[out->alias_count++], error);
  out->aliases = aliases;
  return status;
}

static bt_status read_names(const document *d, const node *map, bt_own_names *out, bt_error *error) {
  bt_own_name *names = bt_arena_array(d->arena, map->count, sizeof *names);
  if (!names) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (const node *key = map->first; !status && key; key = key->next->next) {
    bt_own_name *name = &names[out->name_count++];
    name->word = key->text;
    status = bt_yaml_get_string(d, key->next, "names", &name->spans, error);
  }
  out->names = names;
  return status;
}

/* The rule that says the word and nothing else has all errors of its spans. */
static bt_status check_name(const document *d, const node *key, const bt_own_names *names, bt_error *error) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_said_beside beside = {.own_names = names};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_compile_rule_with(key->text, beside, false, &rule, &diagnostics, error);
  const bt_diagnostic *first = diagnostics.items;
  while (status == BT_INVALID && diagnostics.count && !first->is_error) first++;
  if (status == BT_INVALID && diagnostics.count)
    status = bt_yaml_fail(d, key, error, "names: error[%s]: %.*s", first->code, BT_FMT(first->message));
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

bt_status bt_own_names_read(const document *d, const bt_own_names_nodes *nodes, bt_shared_names **out,
                            bt_error *error) {
  bt_own_names names = {0};
  *out = NULL;
  bt_status status = nodes->aliases ? read_aliases(d, nodes->aliases, &names, error) : BT_OK;
  if (!status && nodes->names) status = read_names(d, nodes->names, &names, error);
  for (const node *key = nodes->names ? nodes->names->first : NULL; !status && key; key = key->next->next)
    status = check_name(d, key, &names, error);
  if (status || !(names.alias_count + names.name_count)) return status;
  return bt_shared_names_new(&names, out, error);
}
