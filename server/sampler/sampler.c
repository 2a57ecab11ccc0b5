/* Rules as policies of a tail sampler. See sampler.h. The sampler keeps a trace that any policy keeps, and a policy is
 * an `and` of conditions at most: so a formula becomes a list of alternatives. Where these are too many, absences are
 * left out, by which most alternatives become one; and where they still are, some of what they ask, which only keeps
 * more. */
#include "server/sampler/sampler.h"

#include <stdio.h>

#include "dsl/base/arena.h"
#include "dsl/plan/kept.h"
#include "server/rules/policy_name.h"
#include "server/sampler/ottl_condition.h"
#include "server/sampler/ottl_dialect.h"
#include "server/sampler/sampler_notes.h"

enum { ARENA_CAP_BYTES = 64 * 1024 * 1024, MOST_ALTERNATIVES = 64, MOST_PARTS = 16 };

/* What one policy asks: each of `parts`, and no span that any of `absent` finds. */
typedef struct alternative {
  bt_over_filter parts[MOST_PARTS];
  uint32_t part_count;
  bt_under_filter absent;
} alternative;

typedef struct alternatives {
  alternative *items; /* of the arena; MOST_ALTERNATIVES of them */
  uint32_t count;
  bool are_weaker; /* something was left out */
} alternatives;

/* ---- from a formula to alternatives ---- */

static alternatives new_alternatives(bt_filter_builder *builder, uint32_t count) {
  alternatives made = {.items = bt_arena_array(builder->arena, MOST_ALTERNATIVES, sizeof(alternative)), .count = count};
  if (!made.items) builder->failed = true;
  for (uint32_t i = 0; made.items && i < count; i++) made.items[i] = (alternative){.absent = {bt_filter_none()}};
  return made;
}

/* What has no room is left out. */
static alternative join_both(bt_filter_builder *builder, const alternative *a, const alternative *b) {
  alternative joined = *a;
  for (uint32_t i = 0; i < b->part_count && joined.part_count < MOST_PARTS; i++)
    joined.parts[joined.part_count++] = b->parts[i];
  joined.absent.filter = bt_filter_join2(builder, BT_FILTER_OR, a->absent.filter, b->absent.filter);
  return joined;
}

static alternatives all_of(bt_filter_builder *builder, alternatives a, alternatives b) {
  bool is_room = a.count * b.count <= MOST_ALTERNATIVES;
  a.are_weaker = a.are_weaker || b.are_weaker || !is_room;
  if (!is_room) return a;
  alternatives made = new_alternatives(builder, a.count * b.count);
  made.are_weaker = a.are_weaker;
  for (uint32_t i = 0; made.items && i < made.count; i++)
    made.items[i] = join_both(builder, &a.items[i / b.count], &b.items[i % b.count]);
  return made;
}

static alternatives any_of(bt_filter_builder *builder, alternatives a, alternatives b) {
  bool is_room = a.count + b.count <= MOST_ALTERNATIVES;
  bool are_weaker = a.are_weaker || b.are_weaker || !is_room;
  if (!is_room) a = new_alternatives(builder, 1);
  a.are_weaker = are_weaker;
  if (!is_room) return a;
  for (uint32_t i = 0; i < b.count; i++) a.items[a.count++] = b.items[i];
  return a;
}

static alternatives of_query(bt_filter_builder *builder, const bt_formula *formula) {
  alternatives made = new_alternatives(builder, 1);
  if (!made.items) return made;
  if (formula->is_absence)
    made.items[0].absent = formula->absent;
  else
    made.items[0].parts[made.items[0].part_count++] = formula->filter;
  return made;
}

static alternatives alternatives_of(bt_filter_builder *builder, const bt_formula *formula) {
  if (formula->kind == BT_OVER_QUERY) return of_query(builder, formula);
  bool is_and = formula->kind == BT_OVER_AND || formula->kind == BT_OVER_ALL;
  alternatives made = new_alternatives(builder, is_and);
  for (uint32_t i = 0; i < formula->item_count && !builder->failed; i++) {
    alternatives item = alternatives_of(builder, formula->items[i]);
    if (!builder->failed) made = is_and ? all_of(builder, made, item) : any_of(builder, made, item);
  }
  return made;
}

/* ---- from alternatives to YAML ---- */

typedef struct policy_writer {
  bt_filter_builder *builder;
  bt_buffer *yaml;
} policy_writer;

static void write_name(const policy_writer *w, unsigned indent, const char *name) {
  bt_buffer_printf(w->yaml, "%*s- name: %s\n", (int)indent, "", name);
}

static void write_ottl(const policy_writer *w, unsigned indent) {
  bt_buffer_printf(w->yaml, "%*stype: ottl_condition\n%*sottl_condition:\n%*serror_mode: ignore\n", (int)indent, "",
                   (int)indent, "", (int)indent + 2, "");
}

static void write_part(const policy_writer *w, bt_over_filter part, unsigned indent) {
  write_ottl(w, indent);
  bt_ottl_write_over(w->builder, part, indent + 2, w->yaml);
}

static void write_not(const policy_writer *w, bt_under_filter absent, unsigned indent) {
  int blanks = (int)indent;
  bt_buffer_printf(w->yaml, "%*stype: not\n%*snot:\n%*snot_sub_policy:\n%*sname: there\n", blanks, "", blanks, "",
                   blanks + 2, "", blanks + 4, "");
  write_ottl(w, indent + 4);
  bt_ottl_write_under(w->builder, absent, indent + 6, w->yaml);
}

static void write_and(const policy_writer *w, const alternative *asked, unsigned indent) {
  char name[32];
  int blanks = (int)indent;
  bt_buffer_printf(w->yaml, "%*stype: and\n%*sand:\n%*sand_sub_policy:\n", blanks, "", blanks, "", blanks + 2, "");
  for (uint32_t i = 0; i < asked->part_count; i++) {
    snprintf(name, sizeof name, "has-%u", i + 1);
    write_name(w, indent + 2, name);
    write_part(w, asked->parts[i], indent + 4);
  }
  if (asked->absent.filter->kind == BT_FILTER_NONE) return;
  write_name(w, indent + 2, "has-not");
  write_not(w, asked->absent, indent + 4);
}

static void write_policy(const policy_writer *w, const bt_rule_definition *rule, uint32_t number,
                         const alternative *asked) {
  bool has_absent = asked->absent.filter->kind != BT_FILTER_NONE;
  bt_buffer_printf(w->yaml, "    - name: betrace/%s/%.*s", rule->fields.id, BT_POLICY_HASH_DIGITS,
                   rule->condition_hash);
  bt_buffer_printf(w->yaml, number ? "/%u\n" : "\n", number + 1);
  if (!asked->part_count && !has_absent)
    bt_buffer_append(w->yaml, BT_STR("      type: always_sample\n"));
  else if (!asked->part_count)
    write_not(w, asked->absent, 6);
  else if (asked->part_count == 1 && !has_absent)
    write_part(w, asked->parts[0], 6);
  else
    write_and(w, asked, 6);
}

static bool asks_nothing(const alternative *asked) {
  return !asked->part_count && asked->absent.filter->kind == BT_FILTER_NONE;
}

/* One that asks nothing keeps all, and then the others are idle. */
static bt_sampled settle_sampled(alternatives *made) {
  if (!made->count) return BT_SAMPLED_NONE;
  for (uint32_t i = 0; i < made->count; i++) {
    if (!asks_nothing(&made->items[i])) continue;
    made->items[0] = made->items[i];
    made->count = 1;
    return BT_SAMPLED_ALL;
  }
  return BT_SAMPLED_CANDIDATES;
}

static void write_comment(const bt_rule_definition *rule, const bt_sampler_policies *policies, bt_buffer *yaml) {
  static const char *const said[] = {
      "keeps what may violate it",
      "keeps every trace: nothing that can be asked for is in all traces that violate it",
      "keeps none: nothing violates it",
  };
  bt_buffer_printf(yaml, "    # %s: %s\n", rule->fields.id, said[policies->sampled]);
  if (policies->notes.len)
    bt_buffer_printf(yaml, "    #   kept wider, because conditions cannot say: %.*s\n",
                     BT_FMT(bt_buffer_str(&policies->notes)));
  if (policies->measured.len) bt_buffer_printf(yaml, "    #   %.*s\n", BT_FMT(bt_buffer_str(&policies->measured)));
}

static bt_status write_rule(const bt_rule_definition *rule, bt_buffer *yaml, bt_sampler_policies *out,
                            bt_error *error) {
  bt_arena arena;
  bt_dialect dialect = bt_ottl_dialect();
  bt_buffer_clear(&out->notes);
  bt_arena_init(&arena, ARENA_CAP_BYTES);
  bt_filter_builder builder = {.arena = &arena, .dialect = &dialect};
  alternatives made = alternatives_of(&builder, bt_plan_kept(&builder, rule->rule, true));
  bool are_many = made.are_weaker;
  if (are_many) made = alternatives_of(&builder, bt_plan_kept(&builder, rule->rule, false));
  if (!builder.failed) out->sampled = settle_sampled(&made);
  bt_sampler_notes(rule->rule, &out->notes);
  if (are_many) bt_buffer_printf(&out->notes, "%sso many alternatives", out->notes.len ? "; " : "");
  write_comment(rule, out, yaml);
  policy_writer w = {&builder, yaml};
  for (uint32_t i = 0; i < made.count && !builder.failed; i++) write_policy(&w, rule, i, &made.items[i]);
  bool failed = builder.failed || yaml->failed || out->notes.failed;
  bt_arena_dispose(&arena);
  return failed ? bt_error_no_memory(error) : BT_OK;
}

void bt_sampler_policies_dispose(bt_sampler_policies *policies) {
  bt_buffer_dispose(&policies->notes);
  bt_buffer_dispose(&policies->measured);
}

/* ---- the section ---- */

static const char head[] =
    "# Written by `betrace sampler`. The tail sampler keeps a trace that any of these policies keeps, and so every\n"
    "# trace that may violate a rule, as far as its spans came before the decision: later ones cannot be judged by "
    "it.\n"
    "# All spans of a trace have to reach the same Collector (loadbalancing exporter, routing_key: traceID).\n"
    "processors:\n"
    "  tail_sampling:\n"
    "    # How long a trace waits for its spans after the first one. Longer than your traces take, and num_traces has\n"
    "    # to hold all that begin in this time: what is pushed out before is lost.\n"
    "    decision_wait: 30s\n"
    "    num_traces: 50000\n"
    "    # Late spans go the way that was decided. Without that their trace would be judged again by them alone, and\n"
    "    # half of it kept: what such a half lacks proves nothing.\n"
    "    decision_cache: {sampled_cache_size: 500000, non_sampled_cache_size: 500000}\n"
    "    policies:\n";

static const char keep_head[] =
    "    # This part of all traces is kept, whatever is in them: what a number of violations is estimated from. With "
    "the\n"
    "    # Collector's feature gate processor.tailsamplingprocessor.usetracestate the sampler writes the threshold "
    "that a\n"
    "    # trace was kept by into its tracestate (ot=th:...), and decides by the trace's own randomness.\n";

bt_status bt_sampler_write(const bt_rule_definition *const *rules, size_t count, double keep_percent, bt_buffer *yaml,
                           bt_sampler_policies *policies, bt_error *error) {
  bt_status status = BT_OK;
  bt_buffer_append(yaml, bt_str_from(head));
  for (size_t i = 0; i < count && !status; i++) status = write_rule(rules[i], yaml, &policies[i], error);
  if (status) return status;
  if (keep_percent > 0)
    bt_buffer_printf(yaml,
                     "%s    - name: " BT_POLICY_OF_REST "\n      type: probabilistic\n      probabilistic:\n"
                     "        sampling_percentage: %.10g\n",
                     keep_head, keep_percent);
  return yaml->failed ? bt_error_no_memory(error) : BT_OK;
}
