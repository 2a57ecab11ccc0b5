/* Characters that are not shown where they stand, or change how others are shown. These are controls, separators of
 * lines and paragraphs, marks of direction, and all that Unicode calls ignorable: tags, variation selectors, what has
 * no width. tests/support/hidden_characters.py makes this from Unicode's data and names the files: change nothing here.
 * Thread: a constant. */
#ifndef BT_DSL_BASE_HIDDEN_CHARACTERS_H
#define BT_DSL_BASE_HIDDEN_CHARACTERS_H

#include <stdint.h>

typedef struct bt_code_range {
  uint32_t first, last;
} bt_code_range;

/* In order, without overlap. */
static const bt_code_range bt_hidden_characters[] = {
    {0x0, 0x1F},      {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},    {0x61C, 0x61C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},  {0x2028, 0x202E},
    {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},  {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};

#endif
