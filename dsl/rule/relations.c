/* The rows of the relations. See relations.h. */
#include "dsl/rule/relations.h"

static const char of_family[] = "`of` behind child, parent or sibling";
static const char of_linked[] = "`to` or `from` behind linked";

const bt_relation_row bt_relation_rows[BT_RELATIONS] = {
    {"before", "before", NULL, NULL, "x before y",
     "x starts before the point: the start of y, or y.end. `within 500ms` bounds the distance.", BT_BEFORE,
     BT_RELATES_TIMES, .is_reserved = true, .joins_within = true},
    {"after", "after", NULL, NULL, "x after y",
     "x starts after the point: the start of y, or y.end. `within 500ms` bounds the distance.", BT_AFTER,
     BT_RELATES_TIMES, .is_reserved = true, .joins_within = true},
    {"within", "within", NULL, NULL, "x within 500ms of y", "x starts at most so far from the point, on either side.",
     BT_WITHIN_OF, BT_RELATES_TIMES, .is_reserved = true},
    {"between", "between", NULL, NULL, "x between y and z", "x starts after the first point and before the second.",
     BT_BETWEEN, BT_RELATES_TIMES, .is_reserved = true},
    {"under", "under", NULL, NULL, "x under y", "x is a descendant of y by parent ids.", BT_UNDER, BT_RELATES_FAMILY,
     .is_reserved = true},
    {"above", "above", NULL, NULL, "x above y", "x is an ancestor of y.", BT_ABOVE, BT_RELATES_FAMILY,
     .is_reserved = true},
    {"child of", "child", "of", of_family, "x child of y", "y is the direct parent of x.", BT_CHILD_OF,
     BT_RELATES_FAMILY, .is_reserved = true},
    {"parent of", "parent", "of", of_family, "x parent of y", "x is the direct parent of y.", BT_PARENT_OF,
     BT_RELATES_FAMILY, .is_reserved = true},
    {"sibling of", "sibling", "of", of_family, "x sibling of y", "x and y have the same parent.", BT_SIBLING_OF,
     BT_RELATES_FAMILY, .is_reserved = true},
    {"linked to", "linked", "to", of_linked, "x linked to y within 10m",
     "x has a link to y, in whatever trace, and starts at most so long after y.", BT_LINKED_TO, BT_RELATES_LINKS,
     .joins_within = true},
    {"linked from", "linked", "from", of_linked, "x linked from y within 10m",
     "y has a link to x, in whatever trace, and x starts at most so long before y and before y ends.", BT_LINKED_FROM,
     BT_RELATES_LINKS, .joins_within = true},
    {"downstream of", "downstream", "of", "`of` behind downstream", "x downstream of y within 1h over 2 links",
     "x is reached from y by steps down to children and along links, over at most so many links (1 if not said).",
     BT_DOWNSTREAM_OF, BT_RELATES_LINKS, .joins_within = true},
    {.name = "first of", .kind = BT_FIRST_OF, .class = BT_RELATES_PICK},
    {.name = "last of", .kind = BT_LAST_OF, .class = BT_RELATES_PICK},
};

const bt_relation_row *bt_relation_row_at(size_t i) {
  return i < BT_RELATIONS && bt_relation_rows[i].word ? &bt_relation_rows[i] : NULL;
}

const bt_relation_row *bt_relation_of_word(bt_str word) {
  const bt_relation_row *row = NULL;
  for (size_t i = 0; (row = bt_relation_row_at(i)) != NULL; i++)
    if (bt_str_equal(word, bt_str_from(row->word))) return row;
  return NULL;
}
