/* The two traces of a change, drawn as `betrace trace` draws them. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_CHANGED_DRAWING_H
#define BT_SERVER_CLI_LAB_CHANGED_DRAWING_H

#include "dsl/mine/change.h"
#include "server/cli/replay_options.h"

/* Appends both, with styles, each cut after some lines; of one that is gone a line that says so. Errors are those of
 * the source's read. */
bt_status bt_changed_draw(bt_source *source, const bt_replay_options *options, const bt_change *change, bt_buffer *out,
                          bt_error *error) BT_MUST_CHECK;

#endif
