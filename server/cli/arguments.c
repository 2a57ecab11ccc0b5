/* Reading a command's arguments by its rows. See command.h. Every mistake says what was expected, and names the nearest
 * flag. */
#include <stdint.h>
#include <string.h>

#include "dsl/base/suggestion.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"

const bt_flag *bt_group_flags(const bt_flag_group *group) {
  return group->make ? group->make() : group->flags;
}

static const bt_flag common[] = {
    {"json", BT_FLAG_JSON, NULL, NULL, "one JSON object instead of text", NULL},
    {"output", BT_FLAG_OUTPUT, "text|json", "text", "how the answer is written; json is --json", NULL},
    {"help", BT_FLAG_HELP, NULL, NULL, "this help", NULL},
};
/* What flags were called before; scripts have these spellings. */
static const struct { const char *before, *now; } old_names[] = {{"format", "output"}, {"server", "url"}};

static bool is_named(const bt_flag *flag, bt_str name) {
  if (bt_str_equal(bt_str_from(flag->name), name)) return true;
  return name.len == 1 && flag->id == name.ptr[0];
}

static const bt_flag *flag_named(const bt_command *command, bt_str name) {
  for (const bt_flag_group *group = command->groups; group && group->title; group++)
    for (const bt_flag *flag = bt_group_flags(group); flag->name; flag++)
      if (is_named(flag, name)) return flag;
  for (size_t i = 0; i < 2 && !command->has_no_json; i++)
    if (is_named(&common[i], name)) return &common[i];
  return is_named(&common[2], name) || bt_str_equal(name, BT_STR("h")) ? &common[2] : NULL;
}

/* An --output of a file never was a --format. */
static bool was_called(const bt_flag *flag, const char *before) {
  return flag && flag->value && (strcmp(before, "format") != 0 || strchr(flag->value, '|'));
}

const bt_flag *bt_command_flag(const bt_command *command, bt_str name) {
  const bt_flag *flag = flag_named(command, name);
  for (size_t i = 0; i < sizeof old_names / sizeof old_names[0] && !flag; i++) {
    if (!bt_str_equal(bt_str_from(old_names[i].before), name)) continue;
    const bt_flag *renamed = flag_named(command, bt_str_from(old_names[i].now));
    if (was_called(renamed, old_names[i].before)) flag = renamed;
  }
  return flag;
}

/* ---- mistakes ---- */

static const char *nearest_flag(const bt_command *command, bt_str name) {
  const char *nearest = NULL;
  unsigned best = name.len < 5 ? 2 : 3; /* one change in a short name, two in a longer one */
  for (const bt_flag_group *group = command->groups; group && group->title; group++)
    for (const bt_flag *flag = bt_group_flags(group); flag->name; flag++) {
      unsigned distance = bt_suggest_distance(name, bt_str_from(flag->name));
      if (distance < best) best = distance, nearest = flag->name;
    }
  for (size_t i = 0; i < 2 && !command->has_no_json; i++) {
    unsigned distance = bt_suggest_distance(name, bt_str_from(common[i].name));
    if (distance < best) best = distance, nearest = common[i].name;
  }
  return nearest;
}

/* The argument up to its "=": what follows may be a secret. */
static int refuse_unknown(const bt_command *command, const char *argument, bt_str name) {
  const char *nearest = name.len > 1 ? nearest_flag(command, name) : NULL;
  int length = (int)strcspn(argument, "=");
  if (command->no_dsl && bt_str_equal(name, BT_STR("dsl")))
    return bt_cli_usage_error(command->name, "it takes rule files and no --dsl: %s", command->no_dsl);
  if (nearest)
    return bt_cli_usage_error(command->name, "there is no flag %.*s; did you mean --%s?", length, argument, nearest);
  return bt_cli_usage_error(command->name, "there is no flag %.*s", length, argument);
}

int bt_choice_at(const char *choices, const char *value) {
  int place = 0;
  size_t length = strlen(value);
  for (const char *at = choices; strncmp(at, value, length) != 0 || (at[length] && at[length] != '|'); place++) {
    at = strchr(at, '|');
    if (!at++) return -1;
  }
  return place;
}

static bool is_choice(const char *choices, const char *value) {
  return bt_choice_at(choices, value) >= 0;
}

/* "text, json or sarif" */
static void write_choices(const char *choices, bt_buffer *out) {
  for (const char *at = choices; *at; at++) {
    if (*at != '|')
      bt_buffer_append_char(out, *at);
    else
      bt_buffer_append(out, strchr(at + 1, '|') ? BT_STR(", ") : BT_STR(" or "));
  }
}

static bool is_of(const char *text, const char *letters) {
  return *text && text[strspn(text, letters)] == '\0';
}

static const bt_command *const nobody[] = {NULL};
static const bt_command *const *all_commands = nobody;

void bt_arguments_use_commands(const bt_command *const *all) {
  all_commands = all;
}

static bool writes_form(const bt_command *command, const char *form) {
  const bt_flag *flag = bt_command_flag(command, BT_STR("output"));
  return flag && flag->value && is_choice(flag->value, form);
}

/* "; junit is written by check, test and replay" */
static void write_who_writes(const char *form, bt_buffer *out) {
  size_t count = 0, at = 0;
  for (const bt_command *const *one = all_commands; *one; one++) count += writes_form(*one, form);
  if (count) bt_buffer_printf(out, "; %s is written by ", form);
  for (const bt_command *const *one = all_commands; *one; one++) {
    if (!writes_form(*one, form)) continue;
    bt_buffer_printf(out, "%s%s", !at ? "" : at + 1 == count ? " and " : ", ", (*one)->name);
    at++;
  }
}

/* What was probably meant is written out where that is a number without its unit, or a day without its time. */
static void write_expected(const bt_flag *flag, const char *value, bt_buffer *out) {
  bool is_duration = strcmp(flag->value, "DURATION") == 0;
  if (is_duration && is_of(value, "0123456789"))
    bt_buffer_printf(out, "a duration with its unit, as in %ss, %sm, %sh or %sd", value, value, value, value);
  else if (is_duration)
    bt_buffer_printf(out, "a duration, as in 90s, 15m, 24h or 7d (%s)", flag->help);
  else if (strcmp(flag->value, "TIME") == 0 && is_of(value, "0123456789-") && strlen(value) == 10)
    bt_buffer_printf(out, "a time, as in %sT00:00:00Z for the beginning of that day in UTC", value);
  else if (strcmp(flag->value, "TIME") == 0)
    bt_buffer_append(out, BT_STR("a time: RFC 3339 as in 2026-11-20T00:00:00Z, unix s/ms/ns, now, or now-24h"));
  else
    bt_buffer_printf(out, "%s (%s)", flag->value, flag->help);
}

static int refuse_value(const bt_command *command, const bt_flag *flag, const char *value) {
  bt_buffer expected = {0}, others = {0};
  if (!value || !flag->value) /* nothing was said that could be wrong */
    return bt_cli_usage_error(command->name, "--%s could not be taken: there is not enough memory", flag->name);
  if (strchr(flag->value, '|'))
    write_choices(flag->value, &expected);
  else
    write_expected(flag, value, &expected);
  if (strcmp(flag->name, "output") == 0) write_who_writes(value, &others);
  int code = bt_cli_usage_error(command->name, "--%s expects %s, not \"%s\"%s", flag->name,
                                expected.ptr ? expected.ptr : "another value", value, others.ptr ? others.ptr : "");
  bt_buffer_dispose(&expected);
  bt_buffer_dispose(&others);
  return code;
}

/* ---- one argument after another ---- */

typedef struct reader {
  const bt_command *command;
  int argc, at;
  char **argv;
} reader;

/* The flag that argv[at] names and, after "=", its value. NULL: there is no such flag. */
static const bt_flag *flag_of(const bt_command *command, char *argument, bt_str *name, char **value) {
  bool is_long = argument[1] == '-';
  char *text = argument + (is_long ? 2 : 1), *equals = strchr(text, '=');
  *value = equals ? equals + 1 : NULL;
  *name = (bt_str){text, equals ? (size_t)(equals - text) : strlen(text)};
  bool is_right = is_long ? name->len > 1 : name->len == 1;
  return is_right ? bt_command_flag(command, *name) : NULL;
}

static bool is_flag(const char *argument) {
  return argument[0] == '-' && argument[1] != '\0';
}

static bool take_flag(reader *r, bt_flag_take take, void *context, int *code) {
  bt_str name;
  char *value;
  const bt_flag *flag = flag_of(r->command, r->argv[r->at], &name, &value);
  *code = BT_EXIT_USAGE;
  if (!flag) return refuse_unknown(r->command, r->argv[r->at], name), false;
  if (flag->id == BT_FLAG_HELP) {
    bt_buffer text = {0};
    bt_help_print(r->command, &text);
    bt_cli_print_buffer(&text);
    return *code = BT_EXIT_FINE, false;
  }
  if (!flag->value && value) return bt_cli_usage_error(r->command->name, "--%s takes no value", flag->name), false;
  if (flag->value && !value) {
    if (++r->at == r->argc)
      return bt_cli_usage_error(r->command->name, "--%s needs a value: --%s %s", flag->name, flag->name, flag->value),
             false;
    value = r->argv[r->at];
  }
  bool ok = !(flag->value && strchr(flag->value, '|')) || is_choice(flag->value, value);
  if (flag->id != BT_FLAG_OUTPUT)
    ok = ok && take(context, flag, value);
  else if (ok && value && strcmp(value, "json") == 0)
    ok = take(context, &common[0], NULL);
  return ok || (refuse_value(r->command, flag, value), false);
}

bool bt_arguments_read(const bt_command *command, int argc, char **argv, bt_flag_take take, void *context,
                       bt_operands *operands, int *code) {
  reader r = {command, argc, 1, argv};
  size_t count = 0;
  size_t plain = SIZE_MAX;
  bool only_operands = false;
  for (; r.at < argc; r.at++) {
    bool dashes = !only_operands && strcmp(argv[r.at], "--") == 0;
    only_operands = only_operands || dashes;
    if (dashes) plain = count;
    if (dashes) continue;
    if (only_operands || !is_flag(argv[r.at]))
      argv[1 + count++] = argv[r.at]; /* never past what was read */
    else if (!take_flag(&r, take, context, code))
      return false;
  }
  *operands = (bt_operands){argv + 1, count, plain < count ? plain : count};
  *code = BT_EXIT_FINE;
  return true;
}

int bt_arguments_check_names(const bt_command *command, int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    bt_str name;
    char *value;
    if (!is_flag(argv[i])) continue;
    const bt_flag *flag = flag_of(command, argv[i], &name, &value);
    if (!flag) return refuse_unknown(command, argv[i], name);
    if (flag->value && flag->value[0] != '[' && !value) i++;
  }
  return 0;
}
