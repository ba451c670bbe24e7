/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "cli/term.h"

#include "base/time.h"
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

void gy_term_resize(struct gy_term *t, FILE *out)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int64_t said;
    t->width = 0;
    if (!t->tty) return;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        t->width = size.ws_col;
    else if (columns && gy_int_parse(columns, 20, 10000, &said, NULL) == GANTRY_OK)
        t->width = (int)said;
    else
        t->width = 80;
}

void gy_term_init(struct gy_term *t, FILE *out)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    int fd = fileno(out); /* -1 for a stream in memory */
    t->tty = fd >= 0 && isatty(fd);
    t->colour = t->tty && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
    gy_term_resize(t, out);
}

const char *gy_colour_on(const struct gy_term *t, enum gy_colour c)
{
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",  "\033[31m", "\033[32m",
                                        "\033[33m", "\033[34m", "\033[35m", "\033[36m"};
    return t->colour ? codes[c] : "";
}

const char *gy_colour_off(const struct gy_term *t, enum gy_colour c)
{
    return t->colour && c != GY_PLAIN ? "\033[0m" : "";
}

enum gy_colour gy_colour_of_state(const char *state)
{
    static const struct {
        const char *state;
        enum gy_colour colour;
    } table[] = {
        {"ready", GY_GREEN},      {"healthy", GY_GREEN},   {"completed", GY_GREEN},
        {"running", GY_CYAN},     {"pending", GY_YELLOW},  {"assigned", GY_YELLOW},
        {"preparing", GY_YELLOW}, {"starting", GY_YELLOW}, {"stopping", GY_DIM},
        {"ended", GY_DIM},        {"stopped", GY_DIM},     {"unknown", GY_MAGENTA},
        {"unhealthy", GY_RED},    {"failed", GY_RED},      {"lost", GY_RED},
        {"unreachable", GY_RED},  {"suspect", GY_YELLOW},  {"draining", GY_YELLOW},
    };
    for (size_t i = 0; state && i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].state, state)) return table[i].colour;
    return GY_PLAIN;
}

/* The next character: its bytes and columns. */
static size_t step(const char *p, size_t left, int *columns)
{
    wchar_t wide;
    mbstate_t state;
    memset(&state, 0, sizeof state);
    size_t n = mbrtowc(&wide, p, left, &state);
    if (n == 0 || n > left) {
        *columns = 1;
        return 1;
    }
    int w = wcwidth(wide);
    *columns = w < 0 ? 1 : w;
    return n;
}

static bool is_control(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    /* C0, DEL, and C1 (U+0080..U+009F: c2 80..c2 9f) */
    return (n == 1 && (u[0] < 0x20 || u[0] >= 0x7f)) || (n == 2 && u[0] == 0xc2 && u[1] < 0xa0);
}

int gy_text_columns(const char *text)
{
    int total = 0, w;
    for (size_t left = strlen(text), n; left; text += n, left -= n) {
        n = step(text, left, &w);
        total += w;
    }
    return total;
}

void gy_text_fit(struct gy_buf *out, const char *text, int columns)
{
    bool cut = gy_text_columns(text) > columns;
    int room = cut ? columns - 1 : columns, w;
    if (columns <= 0) return;
    for (size_t left = strlen(text), n; left; text += n, left -= n) {
        n = step(text, left, &w);
        if (w > room) break;
        room -= w;
        if (n == 1 && (*text == '\n' || *text == '\t'))
            gy_buf_str(out, " ");
        else if (is_control(text, n))
            gy_buf_str(out, "?");
        else
            gy_buf_add(out, text, n);
    }
    if (cut) gy_buf_str(out, "…");
}

void gy_table_init(struct gy_table *t, const char *const *titles, size_t columns)
{
    *t = (struct gy_table){.titles = titles, .columns = columns};
}

void gy_table_cell(struct gy_table *t, enum gy_colour colour, const char *fmt, ...)
{
    struct gy_buf b = {0};
    va_list args;
    va_start(args, fmt);
    gy_buf_vprintf(&b, fmt, args);
    va_end(args);
    GY_VEC_PUSH(t->cells, t->n, t->cap);
    t->cells[t->n++] = (struct gy_cell){gy_buf_take(&b), colour};
}

static const char *title_of(const struct gy_table *t, size_t column, bool *right, bool *soft)
{
    const char *title = t->titles[column];
    *right = *title == '>';
    *soft = *title == '~';
    return *right || *soft ? title + 1 : title;
}

/* Take columns away until the table fits: from the widest '~' column, then from the widest one. */
static void shrink(const struct gy_table *t, int *widths, int limit)
{
    bool right, soft;
    int total = (int)(t->columns - 1) * 2;
    for (size_t c = 0; c < t->columns; c++)
        total += widths[c];
    for (int pass = 0; pass < 2; pass++) {
        while (total > limit) {
            size_t best = t->columns;
            for (size_t c = 0; c < t->columns; c++) {
                title_of(t, c, &right, &soft);
                if ((pass == 0 && !soft) || widths[c] <= (pass ? 4 : 10)) continue;
                if (best == t->columns || widths[c] > widths[best]) best = c;
            }
            if (best == t->columns) break;
            widths[best]--;
            total--;
        }
    }
}

static void put_cell(struct gy_buf *line, const char *text, int width, bool right, bool last,
                     const char *on, const char *off)
{
    struct gy_buf shown = {0};
    gy_text_fit(&shown, text, width);
    int pad = width - (shown.text ? gy_text_columns(shown.text) : 0);
    if (right) gy_buf_printf(line, "%*s", pad, "");
    gy_buf_str(line, on);
    gy_buf_str(line, shown.text ? shown.text : "");
    gy_buf_str(line, off);
    if (!last) gy_buf_printf(line, "%*s", (right ? 0 : pad) + 2, "");
    gy_buf_fini(&shown);
}

static void print_table(const struct gy_table *t, const struct gy_term *term, FILE *out,
                        bool titles)
{
    int *widths = gy_alloc_array(t->columns, sizeof *widths);
    struct gy_buf line = {0};
    bool right, soft;
    for (size_t c = 0; c < t->columns; c++) {
        widths[c] = titles ? gy_text_columns(title_of(t, c, &right, &soft)) : 1;
        for (size_t i = c; i < t->n; i += t->columns) {
            int w = gy_text_columns(t->cells[i].text);
            if (w > widths[c]) widths[c] = w;
        }
    }
    if (term->width > 0) shrink(t, widths, term->width);
    for (size_t c = 0; titles && c < t->columns; c++) {
        const char *title = title_of(t, c, &right, &soft);
        put_cell(&line, title, widths[c], right, c + 1 == t->columns, gy_colour_on(term, GY_BOLD),
                 gy_colour_off(term, GY_BOLD));
    }
    if (titles) fprintf(out, "%s\n", line.text);
    for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
        gy_buf_drop(&line, line.len);
        for (size_t c = 0; c < t->columns; c++) {
            const struct gy_cell *cell = &t->cells[i + c];
            title_of(t, c, &right, &soft);
            put_cell(&line, cell->text, widths[c], right, c + 1 == t->columns,
                     gy_colour_on(term, cell->colour), gy_colour_off(term, cell->colour));
        }
        while (line.len && line.text[line.len - 1] == ' ')
            line.text[--line.len] = '\0';
        fprintf(out, "%s\n", line.text);
    }
    gy_buf_fini(&line);
    free(widths);
}

void gy_table_print(const struct gy_table *t, const struct gy_term *term, FILE *out)
{
    print_table(t, term, out, true);
}

void gy_table_rows(const struct gy_table *t, const struct gy_term *term, FILE *out)
{
    print_table(t, term, out, false);
}

void gy_table_fini(struct gy_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->cells[i].text);
    free(t->cells);
    t->cells = NULL;
    t->n = t->cap = 0;
}

void gy_since(int64_t wall_ms, char out[32])
{
    if (wall_ms <= 0) {
        memcpy(out, "-", 2);
        return;
    }
    int64_t ms = gy_time_wall_ms() - wall_ms;
    if (ms < 1000) ms = ms < 0 ? 0 : ms / 1000 * 1000; /* younger than a second: "0 s" */
    if (ms == 0)
        memcpy(out, "0 s", 4);
    else
        gy_duration_format(ms, out);
}
