/* The table of settings: for each its flag, variable, kind, place in bt_config and help; and how values of each kind
 * are read and shown. For config.c alone. Thread: constant. */
#ifndef BT_SERVER_SETTINGS_CONFIG_TABLE_H
#define BT_SERVER_SETTINGS_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "server/settings/config.h"

typedef enum bt_setting_kind {
  BT_SETTING_TEXT,
  BT_SETTING_URL,
  BT_SETTING_TRACE_LINK,
  BT_SETTING_SAMPLING,
  BT_SETTING_SHARE,
  BT_SETTING_CLOCKS,
  BT_SETTING_SECRET,
  BT_SETTING_TRACE_FILE,
  BT_SETTING_NAMED_STORE,
  BT_SETTING_TENANT_STORE,
  BT_SETTING_HOST_NAME,
  BT_SETTING_ORIGIN,
  BT_SETTING_DURATION,
  BT_SETTING_NUMBER,
  BT_SETTING_BYTES,
  BT_SETTING_MEMORY,
  BT_SETTING_LANES,
  BT_SETTING_SWITCH
} bt_setting_kind;

typedef enum bt_setting_use {
  BT_USE_START,  /* changed by a restart */
  BT_USE_RELOAD, /* read again on SIGHUP */
  BT_USE_NOT_IN_FILE
} bt_setting_use;

typedef struct bt_setting {
  const char *flag, *environment; /* environment may be NULL */
  bt_setting_kind kind;
  size_t offset;        /* in bt_config, in bytes */
  uint64_t least, most; /* of NUMBER, BYTES and MEMORY */
  const char *help;
  bt_setting_use use;
} bt_setting;

extern const bt_setting bt_settings[]; /* ends with a NULL flag */

/* value NULL: a switch without a value. is_secret_text: a secret's value is the secret itself, else a file that holds
 * it. */
bool bt_setting_set(bt_config *config, const bt_setting *setting, const char *value, bool is_secret_text);
/* Forgets what a list has so far: a source that goes before another replaces its list. */
void bt_setting_clear_list(bt_config *config, const bt_setting *setting);
bool bt_setting_is_list(const bt_setting *setting);
bool bt_setting_has_optional_value(const bt_setting *setting);
enum { BT_EXPECTATION_BYTES = 256 };
/* "a duration with a unit, as in 2m or 500ms" */
void bt_setting_expectation(const bt_setting *setting, char out[BT_EXPECTATION_BYTES]);
const char *bt_setting_placeholder(const bt_setting *setting); /* "FILE"; NULL: a switch */
/* Of secrets only whether they are set; of URLs without what may be one. */
void bt_setting_print(const bt_config *config, const bt_setting *setting, bt_buffer *out);

#endif
