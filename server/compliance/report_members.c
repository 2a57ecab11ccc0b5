/* Members of the entries of a report. See report_members.h. */
#include "server/compliance/report_members.h"

#include <string.h>

#include "server/json/json_members.h"

enum { NAMES_MAX = 40, SINCE_STAMPS = 3 };

/* Names with blanks between them. */
typedef struct members {
  const char *where, *names;
} members;

static const members of_report = {
    "the report", "format version report_id framework tenant range evaluated_at program source seed complete "
                  "notes coverage cost unknown_rules settled_end assumptions"};
static const char since_stamps[] = "time_stamp_asked previous", rule_since_stamps[] = "condition_before";
static const members of_rule = {
    "a rule", "rule_id name description severity dsl version condition_hash enabled shadow controls status "
              "reason evaluated overrides assumptions counts strategy first_violation last_violation samples "
              "settled_end known_from share by_service versions versions_total condition_changes watch search "
              "withdrawn"};
static const members of_service = {
    "by_service of a rule", "status reason assumptions counts first_violation last_violation samples settled_end "
                            "known_from share"};
static const members of_counts = {"the counts of a rule",
                                  "evaluated evaluated_kind exercised exercised_kind satisfied violated "
                                  "inconclusive provisional going_on exact"};
static const members of_share = {"the share of a rule", "range_ppm exercised_ppm exercised_unsettled"};
static const members of_withdrawn = {"withdrawn of a rule", "how at by"};
static const members of_version = {"a version of a rule",
                                   "version at by condition_hash enabled shadow deleted in_effect controls dsl"};
static const members of_before = {"condition_before of a rule", "version condition_hash dsl enabled shadow"};
static const members of_change = {"a change of a rule's condition", "at by from to"};
static const members of_control = {"a control", "control title in_catalogue part_of status reason rules removed "
                                                "first_violation last_violation"};
static const members of_shown = {"a rule of a control", "rule_id name status reason decides counts"};
static const members of_removed = {"a rule that was removed from a control",
                                   "rule_id name condition_hash dsl deleted decided at by"};
static const members of_end = {"the end", "entries controls rules"};

/* ---- one object ---- */

/* How many of the names it has; *missing: the first that it has not, or "". */
static size_t count_names(const json_t *object, const char *names, char missing[NAMES_MAX]) {
  size_t count = 0;
  while (*names) {
    size_t length = strcspn(names, " ");
    char name[NAMES_MAX] = "";
    memcpy(name, names, length < NAMES_MAX ? length : NAMES_MAX - 1);
    if (json_object_get(object, name))
      count++;
    else if (!missing[0])
      memcpy(missing, name, sizeof name);
    names += length + (names[length] == ' ');
  }
  return count;
}

static bt_status check_names(const json_t *object, const members *shape, const char *more, bt_error *error) {
  char missing[NAMES_MAX] = "";
  size_t count = count_names(object, shape->names, missing) + count_names(object, more, missing);
  if (!json_is_object(object) || missing[0])
    return bt_error_set(error, BT_INVALID,
                        "the report is not whole: %s has no \"%s\", which reports of its version have", shape->where,
                        missing[0] ? missing : "members");
  if (json_object_size(object) == count) return BT_OK;
  return bt_error_set(error, BT_INVALID, "the report has more than it may: %s has members that betrace does not write",
                      shape->where);
}

static bt_status check_shape(const json_t *object, const members *shape, bt_error *error) {
  return check_names(object, shape, "", error);
}

static bt_status check_all(const json_t *array, const members *shape, bt_error *error) {
  bt_status status = json_is_array(array) ? BT_OK : check_shape(NULL, shape, error);
  for (size_t i = 0; i < json_array_size(array) && !status; i++)
    status = check_shape(json_array_get(array, i), shape, error);
  return status;
}

/* Null, or of the shape. */
static bt_status check_optional(const json_t *object, const members *shape, bt_error *error) {
  return json_is_null(object) ? BT_OK : check_shape(object, shape, error);
}

/* ---- entries ---- */

static bt_status check_numbers(const json_t *body, bt_error *error) {
  bt_status status = check_shape(json_object_get(body, "counts"), &of_counts, error);
  return status ? status : check_shape(json_object_get(body, "share"), &of_share, error);
}

static bt_status check_rule(const json_t *body, int version, bt_error *error) {
  const json_t *by_service = json_object_get(body, "by_service"), *before = json_object_get(body, "condition_before");
  bt_status status = check_names(body, &of_rule, version < SINCE_STAMPS ? "" : rule_since_stamps, error);
  if (!status) status = check_numbers(body, error);
  if (!status) status = check_optional(by_service, &of_service, error);
  if (!status && json_is_object(by_service)) status = check_numbers(by_service, error);
  if (!status) status = check_optional(json_object_get(body, "withdrawn"), &of_withdrawn, error);
  if (!status) status = check_all(json_object_get(body, "versions"), &of_version, error);
  if (!status && before) status = check_optional(before, &of_before, error);
  return status ? status : check_all(json_object_get(body, "condition_changes"), &of_change, error);
}

static bt_status check_control(const json_t *body, bt_error *error) {
  bt_status status = check_shape(body, &of_control, error);
  if (!status) status = check_all(json_object_get(body, "rules"), &of_shown, error);
  return status ? status : check_all(json_object_get(body, "removed"), &of_removed, error);
}

static bt_status check_entry(const json_t *entry, int version, bt_error *error) {
  const json_t *body = json_object_get(entry, "body");
  const char *type = bt_json_text_at(entry, "type");
  if (strcmp(type, "report") == 0)
    return check_names(body, &of_report, version < SINCE_STAMPS ? "" : since_stamps, error);
  if (strcmp(type, "rule") == 0) return check_rule(body, version, error);
  if (strcmp(type, "control") == 0) return check_control(body, error);
  if (strcmp(type, "end") == 0) return check_shape(body, &of_end, error);
  return bt_error_set(error, BT_INVALID, "the report has more than it may: an entry of type \"%.40s\"", type);
}

bt_status bt_report_check_members(const json_t *document, int version, bt_error *error) {
  const json_t *entries = json_object_get(document, "entries");
  bt_status status = BT_OK;
  for (size_t i = 0; i < json_array_size(entries) && version > 1 && !status; i++)
    status = check_entry(json_array_get(entries, i), version, error);
  return status;
}
