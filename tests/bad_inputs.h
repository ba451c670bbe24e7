/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused, and how, for the page tests/BAD_INPUTS.md (tests/bad_inputs.py). */
#ifndef TESTS_BAD_INPUTS_H
#define TESTS_BAD_INPUTS_H

#include <stdio.h>
#include <stdlib.h>

static inline void bad_input_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\t')
            fputs("\\t", out);
        else
            putc(*text, out);
    }
}

/* Adds a line to the file that GANTRY_BAD_INPUTS names; nothing without it. */
static inline void bad_input(const char *given, const char *answer)
{
    const char *path = getenv("GANTRY_BAD_INPUTS");
    FILE *out = path ? fopen(path, "a") : NULL;
    if (!out) return;
    bad_input_text(out, given);
    putc('\t', out);
    bad_input_text(out, answer);
    putc('\n', out);
    fclose(out);
}

#endif
