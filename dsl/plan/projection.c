/* The fields that evaluating rules reads. See plan.h. */
#include "dsl/plan/plan.h"
#include "dsl/plan/pushdown.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/trace/trace_pruned.h"

enum {
  ARENA_CAP_BYTES = 4 * 1024 * 1024,
  MAX_PROJECTED_BYTES = 2048, /* of keys together: a read asks for each key in many words, and ids must fit beside it */
  PRUNING_KEYS = 4,
  MAX_PROJECTED_KEYS = BT_PROJECTED_KEYS_MAX - PRUNING_KEYS
};

typedef struct collector {
  bt_projection *projection;
  bool failed, is_full;
  /* For one side of a rule that follows links: its own spans, or those of other traces. */
  const bt_rule *rule; /* NULL: for both */
  bool wants_foreign;
  uint64_t foreign; /* of the selections around what is walked over: a bit for each, the innermost last */
  uint32_t depth;
} collector;

void bt_projection_init(bt_projection *projection) {
  *projection = (bt_projection){0};
  bt_arena_init(&projection->arena, ARENA_CAP_BYTES);
}

void bt_projection_dispose(bt_projection *projection) {
  bt_arena_dispose(&projection->arena);
  *projection = (bt_projection){0};
}

static bool has_attribute(const bt_projection *projection, bt_projected_scope scope, bt_str key) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (projection->attributes[i].scope == scope && bt_str_equal(projection->attributes[i].key, key)) return true;
  return false;
}

static size_t key_bytes(const bt_projection *projection) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < projection->attribute_count; i++) bytes += projection->attributes[i].key.len;
  return bytes;
}

static bool add_attribute(bt_projection *projection, bt_projected_scope scope, bt_str key) {
  const size_t room = MAX_PROJECTED_KEYS + PRUNING_KEYS;
  bt_str copy;
  if (!projection->attributes)
    projection->attributes = bt_arena_array(&projection->arena, room, sizeof *projection->attributes);
  if (!projection->attributes || !bt_arena_copy(&projection->arena, key, &copy)) return false;
  projection->attributes[projection->attribute_count++] = (bt_projected){scope, copy};
  return true;
}

/* A key that cannot be written in a query, or more of them than a query has room for, makes whole traces necessary.
 * What else the rule reads is collected all the same: witnesses show it. */
static void collect_attribute(collector *c, bt_projected_scope scope, bt_str key) {
  bt_projection *projection = c->projection;
  if (bt_str_equal(key, BT_STR("service.name"))) projection->service = true;
  if (c->is_full || has_attribute(projection, scope, key)) return;
  c->is_full =
      projection->attribute_count == MAX_PROJECTED_KEYS || key_bytes(projection) + key.len > MAX_PROJECTED_BYTES;
  if (c->is_full || !bt_pushdown_can_name(key)) {
    projection->whole_trace = true;
    return;
  }
  c->failed = !add_attribute(projection, scope, key) || c->failed;
}

/* What an aggregate takes of its spans stands before their selection, so it is of either side. */
static bool is_of_other_side(const collector *c, const bt_field *field) {
  if (!c->rule) return false;
  if (field->binding != BT_NO_BINDING) return c->rule->bindings[field->binding].is_foreign != c->wants_foreign;
  return c->depth && ((c->foreign & 1) != 0) != c->wants_foreign;
}

static void enter_selection(void *context, const bt_selection *selection) {
  collector *c = context;
  c->foreign = c->foreign << 1 | (selection->is_foreign ? 1 : 0);
  c->depth++;
}

static void leave_selection(void *context, const bt_selection *selection) {
  collector *c = context;
  (void)selection;
  c->foreign >>= 1;
  c->depth--;
}

static void collect_field(void *context, const bt_field *field) {
  collector *c = context;
  if (is_of_other_side(c, field)) return;
  for (uint32_t i = 0; i < field->name_count; i++) collect_field(c, &field->names[i]);
  if (field->name_count) return;
  switch (field->kind) {
  case BT_FIELD_STATUS_MESSAGE: c->projection->status_message = true; break;
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE:
  case BT_FIELD_SPAN_ATTRIBUTE: collect_attribute(c, BT_PROJECTED_SPAN, field->key); break;
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE:
  case BT_FIELD_RESOURCE_ATTRIBUTE: collect_attribute(c, BT_PROJECTED_RESOURCE, field->key); break;
  case BT_FIELD_EITHER_ATTRIBUTE: collect_attribute(c, BT_PROJECTED_EITHER, field->key); break;
  case BT_FIELD_SCOPE_NAME:
  case BT_FIELD_SCOPE_VERSION:
  case BT_FIELD_SCOPE_ATTRIBUTE:
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_TIME:
  case BT_FIELD_EVENT_ATTRIBUTE:
  case BT_FIELD_LINK_TRACE_ID:
  case BT_FIELD_LINK_SPAN_ID:
  case BT_FIELD_LINK_ATTRIBUTE:
  case BT_FIELD_FLAGS:
  case BT_FIELD_TRACE_STATE:
  case BT_FIELD_DROPPED_ATTRIBUTES:
  case BT_FIELD_DROPPED_EVENTS:
  case BT_FIELD_DROPPED_LINKS: c->projection->whole_trace = true; break;
  case BT_FIELD_STATUS: c->projection->status = true; break;
  case BT_FIELD_PARENT_ID: c->projection->parent = true; break;
  case BT_FIELD_SERVICE: c->projection->service = true; break;
  case BT_FIELD_NAME:
  case BT_FIELD_KIND:
  case BT_FIELD_DURATION:
  case BT_FIELD_START:
  case BT_FIELD_END:
  case BT_FIELD_ID:
  case BT_FIELD_SPAN_TRACE_ID:
  case BT_FIELD_TRACE_DURATION:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT:
  case BT_FIELD_TRACE_ID:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE: break;
  }
}

/* No projection gives an event, or more than one link of a span. A bare name is that of a span or of a service. */
static void collect_predicate(void *context, const bt_predicate *predicate) {
  collector *c = context;
  if (predicate->kind == BT_PREDICATE_EVENT || predicate->kind == BT_PREDICATE_LINK) c->projection->whole_trace = true;
  if (predicate->kind == BT_PREDICATE_NAMED) c->projection->service = true;
}

/* A span may have more than one link. */
static void collect_relation(void *context, const bt_relation *relation) {
  collector *c = context;
  if (bt_relation_is_linked(relation->kind)) c->projection->whole_trace = true;
}

bt_status bt_projection_add(bt_projection *projection, const bt_rule *rule, bt_error *error) {
  collector c = {.projection = projection};
  const bt_rule_visitor visitor = {
      .on_field = collect_field, .on_predicate = collect_predicate, .on_relation = collect_relation, .context = &c};
  bt_rule_walk(rule, &visitor);
  return c.failed ? bt_error_no_memory(error) : BT_OK;
}

_Static_assert(BT_MAX_NESTING <= 64, "a bit for each selection around another one");

bt_status bt_projection_add_evidence(bt_projection *projection, const bt_rule *rule, bool of_linked, bt_error *error) {
  collector c = {.projection = projection, .rule = rule, .wants_foreign = of_linked};
  const bt_rule_visitor visitor = {.on_field = collect_field,
                                   .on_predicate = collect_predicate,
                                   .on_selection_begins = enter_selection,
                                   .on_selection = leave_selection,
                                   .context = &c};
  bt_rule_walk(rule, &visitor);
  projection->links = of_linked;
  return c.failed ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_projection_add_pruning(bt_projection *projection, bt_error *error) {
  static const char *const keys[PRUNING_KEYS] = {BT_PRUNED_PREFIX BT_PRUNED_SUMMARY, BT_PRUNED_PREFIX BT_PRUNED_COUNT,
                                                 BT_PRUNED_PREFIX BT_PRUNED_OUTLIER,
                                                 BT_PRUNED_PREFIX BT_PRUNED_EXEMPLAR};
  for (size_t i = 0; i < PRUNING_KEYS; i++) {
    bt_str key = bt_str_from(keys[i]);
    if (has_attribute(projection, BT_PROJECTED_SPAN, key)) continue;
    if (!add_attribute(projection, BT_PROJECTED_SPAN, key)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

bt_status bt_projection_share(bt_projection *shared, const bt_rule *rule, bool *whole_trace, bt_error *error) {
  bt_projection own;
  bt_projection_init(&own);
  bt_status status = bt_projection_add(&own, rule, error);
  *whole_trace = own.whole_trace;
  bt_projection_dispose(&own);
  if (status != BT_OK || *whole_trace) return status;
  status = bt_projection_add(shared, rule, error);
  *whole_trace = shared->whole_trace;
  shared->whole_trace = false;
  return status;
}
