/* Words and their docs. See language.h. Each source enumerates one table of the front end and says which doc belongs to
 * which word. */
#include "server/editor/language.h"

#include <string.h>

#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/vocabulary.h"

const char *bt_word_class_name(bt_word_class class) {
  static const char *const names[] = {"clause", "logic",    "constant", "operator",  "relation",
                                      "part",   "function", "field",    "annotation"};
  return class < BT_WORD_CLASSES ? names[class] : "";
}

const char *bt_type_name(bt_type type) {
  switch (type) {
  case BT_TYPE_NUMBER: return "number";
  case BT_TYPE_DURATION: return "duration";
  case BT_TYPE_TIME: return "time";
  case BT_TYPE_STRING: return "string";
  case BT_TYPE_BOOLEAN: return "boolean";
  case BT_TYPE_ATTRIBUTE: return "attribute";
  }
  return "";
}

typedef struct doc_row {
  const char *name, *signature, *doc; /* signature NULL: the name, or what the vocabulary says */
} doc_row;

static const doc_row docs[] = {
    {"when", "when { condition }", "Which traces the rule is about. Without it: all."},
    {"always", "always { condition }", "What has to hold when `when` holds."},
    {"never", "never { condition }", "What must not hold when `when` holds."},
    {"and", "a and b", "Both hold. What the left side binds is seen on the right."},
    {"&&", "a && b", "The same as and."},
    {"or", "a or b", "One of them holds. Binds weaker than and."},
    {"||", "a || b", "The same as or."},
    {"not", "not a", "Holds when a does not. `not payment` means that the trace has no such span."},
    {"true", NULL, "Always holds; as a value the boolean."},
    {"false", NULL, "Never holds; as a value the boolean."},
    {"==", "field == value", "Equal in type and value. A missing field is equal to nothing."},
    {"!=", "field != value", "There, and not equal. For a missing field it is false."},
    {"<", "field < value", "Less; strings by code point."},
    {"<=", "field <= value", "Less or equal."},
    {">", "field > value", "Greater."},
    {">=", "field >= value", "Greater or equal."},
    {"=~", "field =~ `regex`", "The regular expression matches the whole string."},
    {"!~", "field !~ `regex`", "There, and the regular expression does not match the whole string."},
    {"contains", "field contains \"text\"", "The string has this text in it; an array some element with it."},
    {"starts_with", "field starts_with \"text\"", "The string begins with this text."},
    {"ends_with", "field ends_with \"text\"", "The string ends with this text."},
    {"matches", "field matches `regex`", "The regular expression (RE2) is found anywhere in the string."},
    {"in", "field in [a, b]", "Equal to one of the list."},
    {"not in", "field not in [a, b]", "There, and equal to none of the list."},
    {"+", "a + b", "Sum of numbers or durations, or a time moved by a duration."},
    {"-", "a - b", "Difference; of two times a duration. Leave a blank next to the minus."},
    {"*", "a * b", "Product of numbers, or a duration times a number."},
    {"/", "a / b", "Quotient; of two durations a number."},
    {"as", "spans as name", "Binds a span to a name, so that others can be set against this very span."},
    {"where", "spans.where(test)",
     "Only the spans whose fields meet the test. Behind a relation it is written without the dot."},
    {"of", NULL, "Belongs to within, child, parent, sibling and downstream."},
    {"to", NULL, "Belongs to linked: x has a link to the span."},
    {"from", NULL, "Belongs to linked: the span has a link to x."},
    {"over", NULL, "Belongs to downstream of: at most how many links lie between."},
    {"links", NULL, "Belongs to over and its number."},
    {"link", NULL, "Belongs to over and its number; link.k is a field of a link."},
    {"span.name", NULL, "Name of the span."},
    {"span.kind", NULL, "unspecified, internal, server, client, producer or consumer."},
    {"span.status", NULL, "unset, ok or error."},
    {"span.status_message", NULL, "Message of the status."},
    {"span.duration", NULL, "How long the span took; compare it with a duration, as in 500ms."},
    {"span.start", NULL, "When the span started."},
    {"span.end", NULL, "When the span ended."},
    {"span.id", NULL, "Id of the span, 16 hex digits."},
    {"span.parent_id", NULL, "Id of its parent; missing where it names none."},
    {"span.service", NULL, "resource.service.name of the span."},
    {"span.trace_id", NULL, "Id of the trace that the span is in, 32 hex digits."},
    {"span.flags", NULL,
     "OTLP's flags as a number: 1 sampled, 256 says that 512 is known, 512 its parent is remote. Not known where they "
     "are 0, and Tempo does not keep them."},
    {"span.trace_state", "span.trace_state[\"vendor\"]",
     "The vendor's member of the W3C trace state, a text; missing where there is none."},
    {"span.dropped_attributes_count", NULL, "How many attributes of the span were dropped before it was stored."},
    {"span.dropped_events_count", NULL, "How many events of the span were dropped before it was stored."},
    {"span.dropped_links_count", NULL, "How many links of the span were dropped before it was stored."},
    {"trace.id", NULL, "Id of the trace, 32 hex digits."},
    {"trace.duration", NULL, "From the earliest start to the latest end."},
    {"trace.start", NULL, "The earliest start."},
    {"trace.end", NULL, "The latest end."},
    {"trace.span_count", NULL, "How many spans the trace has."},
    {"trace.service_count", NULL, "How many different services the trace has."},
    {"trace.root.name", NULL, "Name of the earliest root span."},
    {"trace.root.service", NULL, "Service of the earliest root span."},
    {"trace.root.attributes", "trace.root.attributes[\"key\"]", "Attribute of the earliest root span."},
    {"trace.root.resource.attributes", "trace.root.resource.attributes[\"key\"]",
     "Attribute of the resource of the earliest root span."},
    {"scope.name", NULL, "Name of the instrumentation scope."},
    {"scope.version", NULL, "Version of the instrumentation scope."},
    {"event.name", NULL, "Name of an event of the span: some event has it."},
    {"event.time", NULL, "When an event of the span was: before, after, within … of or between points in time."},
    {"event.where", "event.where(test)", "One and the same event of the span meets the test."},
    {"link.trace_id", NULL, "Id of the trace that a link of the span names, 32 hex digits: some link has it."},
    {"link.span_id", NULL, "Id of the span that a link of the span names, 16 hex digits: some link has it."},
    {"link.where", "link.where(test)", "One and the same link of the span meets the test."},
    {"span.attributes", "span.attributes[\"key\"]", "Attribute of the span, whatever its name."},
    {"resource.attributes", "resource.attributes[\"key\"]", "Attribute of the resource."},
    {"scope.attributes", "scope.attributes[\"key\"]", "Attribute of the instrumentation scope."},
    {"event.attributes", "event.attributes[\"key\"]", "Attribute of an event: some event has it."},
    {"link.attributes", "link.attributes[\"key\"]", "Attribute of a link: some link has it."},
    {"severity", "@severity(critical)", "Severity of the rule: info, low, warning, medium, high, error or critical."},
    {"semconv", "@semconv(stable)",
     "Attributes are read by every name that the semantic conventions gave them: stable, or up to a release."},
    {"coarse_clocks", "@coarse_clocks(unknown)",
     "Whether the order of equal starts is unknown where a service writes whole milliseconds: unknown or exact."},
    {"alias", "@alias(key, other_key)",
     "The attribute is the first of these that is there, wherever the rule reads the first."},
};

/* Words that are no row of a table: they stand in the parser's code, one by one. */
static const struct {
  bt_word_class class;
  const char *name;
} singles[] = {{BT_WORD_LOGIC, "not"},
               {BT_WORD_CONSTANT, "true"},
               {BT_WORD_CONSTANT, "false"},
               {BT_WORD_PART, "as"},
               {BT_WORD_PART, "where"},
               {BT_WORD_PART, "of"},
               {BT_WORD_PART, "to"},
               {BT_WORD_PART, "from"},
               {BT_WORD_PART, "over"},
               {BT_WORD_PART, "links"},
               {BT_WORD_PART, "link"},
               {BT_WORD_FIELD, "event.name"},
               {BT_WORD_FIELD, "event.time"},
               {BT_WORD_FUNCTION, "event.where"},
               {BT_WORD_FIELD, "link.trace_id"},
               {BT_WORD_FIELD, "link.span_id"},
               {BT_WORD_FUNCTION, "link.where"},
               {BT_WORD_FIELD, "span.attributes"},
               {BT_WORD_FIELD, "span.trace_state"},
               {BT_WORD_FIELD, "resource.attributes"},
               {BT_WORD_FIELD, "scope.attributes"},
               {BT_WORD_FIELD, "event.attributes"},
               {BT_WORD_FIELD, "link.attributes"},
               {BT_WORD_FIELD, "trace.root.attributes"},
               {BT_WORD_FIELD, "trace.root.resource.attributes"},
               {BT_WORD_ANNOTATION, "severity"},
               {BT_WORD_ANNOTATION, "semconv"},
               {BT_WORD_ANNOTATION, "coarse_clocks"},
               {BT_WORD_ANNOTATION, "alias"}};

static const doc_row *find_doc(const char *head, const char *name) {
  size_t length = strlen(head);
  for (size_t i = 0; i < sizeof docs / sizeof docs[0]; i++)
    if (strncmp(docs[i].name, head, length) == 0 && strcmp(docs[i].name + length, name) == 0) return &docs[i];
  return NULL;
}

static void describe_word(const char *head, const char *name, bt_language_word *out) {
  const doc_row *row = find_doc(head, name);
  out->name = row ? row->name : name; /* with its head */
  out->doc = row ? row->doc : NULL;
  if (row && row->signature) out->signature = row->signature;
}

typedef const char *(*field_source)(size_t i, bt_type *type);
typedef const char *(*word_source)(size_t i);

static bool take_word(word_source source, bt_word_class class, size_t *i, bt_language_word *out) {
  const char *name = source(*i);
  if (!name) {
    for (size_t k = 0; source(k); k++) --*i;
    return false;
  }
  *out = (bt_language_word){.class = class, .name = name, .signature = name};
  describe_word("", name, out);
  return true;
}

static bool take_field(field_source source, const char *head, size_t *i, bt_language_word *out) {
  bt_type type = BT_TYPE_ATTRIBUTE;
  const char *name = source(*i, &type);
  if (!name) {
    for (size_t k = 0; source(k, &type); k++) --*i;
    return false;
  }
  *out = (bt_language_word){.class = BT_WORD_FIELD, .name = name, .signature = bt_type_name(type)};
  describe_word(head, name, out);
  return true;
}

static bool take_relation(size_t *i, bt_language_word *out) {
  const bt_relation_row *row = bt_relation_row_at(*i);
  if (!row) {
    for (size_t k = 0; bt_relation_row_at(k); k++) --*i;
    return false;
  }
  *out = (bt_language_word){BT_WORD_RELATION, row->name, row->shape, row->help};
  return true;
}

static bool take_function(size_t *i, bt_language_word *out) {
  const bt_function_row *row = NULL;
  const bt_function_word *word = bt_function_word_at(*i, &row);
  if (!word) {
    for (size_t k = 0; bt_function_word_at(k, &row); k++) --*i;
    return false;
  }
  *out = (bt_language_word){BT_WORD_FUNCTION, word->name, word->shape, word->help};
  return true;
}

static bool take_single(size_t i, bt_language_word *out) {
  if (i >= sizeof singles / sizeof singles[0]) return false;
  *out = (bt_language_word){.class = singles[i].class, .name = singles[i].name, .signature = "attribute"};
  if (singles[i].class != BT_WORD_FIELD) out->signature = singles[i].name;
  if (strcmp(singles[i].name, "event.name") == 0) out->signature = "string";
  if (strcmp(singles[i].name, "link.trace_id") == 0) out->signature = "string";
  if (strcmp(singles[i].name, "span.trace_state") == 0) out->signature = "string";
  if (strcmp(singles[i].name, "link.span_id") == 0) out->signature = "string";
  if (strcmp(singles[i].name, "event.time") == 0) out->signature = "time";
  describe_word("", singles[i].name, out);
  return true;
}

static bool is_logic(const char *name) {
  return strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "&&") == 0 || strcmp(name, "||") == 0;
}

bool bt_language_word_at(size_t i, bt_language_word *out) {
  if (take_word(bt_vocabulary_clause, BT_WORD_CLAUSE, &i, out)) return true;
  if (take_word(bt_vocabulary_operator, BT_WORD_OPERATOR, &i, out)) {
    if (is_logic(out->name)) out->class = BT_WORD_LOGIC;
    return true;
  }
  return take_relation(&i, out) || take_function(&i, out) || take_field(bt_vocabulary_span_field, "span.", &i, out) ||
         take_field(bt_vocabulary_trace_field, "trace.", &i, out) ||
         take_field(bt_vocabulary_scope_field, "scope.", &i, out) || take_single(i, out);
}

bool bt_language_find(bt_str name, unsigned classes, bt_language_word *out) {
  for (size_t i = 0; bt_language_word_at(i, out); i++)
    if ((!classes || (classes & (1U << out->class))) && bt_str_equal(name, bt_str_from(out->name))) return true;
  return false;
}

#define IDENTIFIER "[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*"
#define OWNER      "(?:(?:service|name):)?" /* service:checkout and name:"GET /cart" are one token */

const bt_token_class bt_token_classes[] = {
    {"comment", "#[^\\n]*|//[^\\n]*|/\\*(?:[^*]|\\*+[^*/])*\\*+/"},
    {"string", OWNER "(?:\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\"|`[^`]*`)"},
    {"annotation", "@" IDENTIFIER},
    {"duration", "(?:[0-9](?:_?[0-9])*(?:\\.[0-9](?:_?[0-9])*)?(?:ns|us|\xC2\xB5s|\xCE\xBCs|ms|s|m|h|d))+"},
    {"number", "[0-9](?:_?[0-9])*(?:\\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?"},
    {"path", OWNER IDENTIFIER "(?:\\." IDENTIFIER ")*"},
    {"operator", "==|=~|!=|!~|<=|>=|&&|\\|\\||[=<>+\\-*/!]"},
    {"punctuation", "[()\\[\\]{},.@]"},
    {NULL, NULL},
};
