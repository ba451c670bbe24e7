/* SPDX-License-Identifier: Apache-2.0 */
/* Terminal: how wide, colours, columns of text, tables. */
#ifndef GY_CLI_TERM_H
#define GY_CLI_TERM_H

#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum gy_colour {
    GY_PLAIN,
    GY_BOLD,
    GY_DIM,
    GY_RED,
    GY_GREEN,
    GY_YELLOW,
    GY_BLUE,
    GY_MAGENTA,
    GY_CYAN,
};

struct gy_term {
    bool tty;    /* a person looks at it: redraw, truncate */
    bool colour; /* tty, no NO_COLOR, no --no-color, TERM is not "dumb" */
    int width;   /* columns; 0 = no limit */
};

/* Looks at the descriptor and the environment (NO_COLOR, TERM, COLUMNS). */
void gy_term_init(struct gy_term *t, FILE *out);
void gy_term_resize(struct gy_term *t, FILE *out);
/* Escape sequences, "" without colour. */
const char *gy_colour_on(const struct gy_term *t, enum gy_colour c);
const char *gy_colour_off(const struct gy_term *t, enum gy_colour c);
/* Colour that a pod's, node's or app's state is shown in. */
enum gy_colour gy_colour_of_state(const char *state);

/* Columns that UTF-8 text takes (wcwidth; control characters and bad bytes count 1). */
int gy_text_columns(const char *text);
/* Append text cut to `columns` columns, the last one "…" when something was cut.  Control
 * characters become '?' (line ends and tabs a blank), so that no server's text can move the cursor.
 */
void gy_text_fit(struct gy_buf *out, const char *text, int columns);

/* A table: cells are added row by row.  All zero, then gy_table_init. */
struct gy_cell {
    char *text;
    enum gy_colour colour;
};
struct gy_table {
    const char *const *titles; /* borrowed; a leading '>' right-aligns, '~' may be cut first */
    size_t columns;
    struct gy_cell *cells;
    size_t n, cap;
};
void gy_table_init(struct gy_table *t, const char *const *titles, size_t columns);
void gy_table_cell(struct gy_table *t, enum gy_colour colour, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
/* Two blanks between columns; fits the width by cutting '~' columns first, then the widest ones. */
void gy_table_print(const struct gy_table *t, const struct gy_term *term, FILE *out);
/* The same without titles. */
void gy_table_rows(const struct gy_table *t, const struct gy_term *term, FILE *out);
void gy_table_fini(struct gy_table *t);

/* "4 min" since wall_ms, "-" for 0. */
void gy_since(int64_t wall_ms, char out[32]);

#endif
