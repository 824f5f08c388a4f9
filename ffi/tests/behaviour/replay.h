/* What the program that is made of the scripts of bindings/behaviour says its steps with. */

#ifndef RINGMAIN_TESTS_REPLAY_H
#define RINGMAIN_TESTS_REPLAY_H

#include "ringmain.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The hub of the script that runs, on a clock that stands still. */
static ringmain_hub hub;
/* Where it is; NULL in memory. */
static const char *hub_directory;
/* How far the script has moved the clock, which a hub that is opened again does not know. */
static uint64_t advanced_ms;
/* The step that runs, and where it is written. */
static int step_index;
static const char *step_text;
/* The first thing that was not as the script says; empty if there is none. */
static char fault[4096];

/* What is given stays open to the end. */
static struct {
    int32_t (*close)(uint64_t handle);
    uint64_t handle;
} kept[256];
static size_t kept_count;

static inline void keep(int32_t (*close)(uint64_t handle), uint64_t handle)
{
    if (kept_count < sizeof kept / sizeof kept[0]) {
        kept[kept_count].close = close;
        kept[kept_count++].handle = handle;
    } else {
        snprintf(fault, sizeof fault, "step %d, %s: more handles than replay.h has room for", step_index, step_text);
    }
}

static inline void close_all(void)
{
    ringmain_hub_close(hub, 10000);
    hub = 0;
    while (kept_count > 0) {
        kept_count--;
        kept[kept_count].close(kept[kept_count].handle);
    }
}

static inline int32_t open_hub(void)
{
    ringmain_hub_options options = {.size = sizeof options, .manual_clock = RINGMAIN_FLAG_ON};
    int32_t code = hub_directory != NULL ? ringmain_hub_open(hub_directory, &options, &hub)
                                         : ringmain_hub_memory_with(&options, &hub);
    if (code == RINGMAIN_OK && advanced_ms > 0)
        code = ringmain_hub_advance(hub, advanced_ms);
    return code;
}

static inline int is_code(int32_t expected, int32_t code)
{
    if (code == expected)
        return 1;
    snprintf(fault, sizeof fault, "step %d, %s: %s was expected, %s was answered (%s)", step_index, step_text,
             ringmain_error_name(expected), ringmain_error_name(code),
             code != RINGMAIN_OK ? ringmain_last_error_message() : "");
    return 0;
}

static inline int is_number(const char *what, uint64_t expected, uint64_t found)
{
    if (found == expected)
        return 1;
    snprintf(fault, sizeof fault, "step %d, %s: %s: %" PRIu64 " was expected, %" PRIu64 " was given", step_index,
             step_text, what, expected, found);
    return 0;
}

static inline int is_bytes(const char *what, const char *expected, size_t expected_bytes, const void *found, size_t bytes)
{
    if (found != NULL && bytes == expected_bytes && memcmp(found, expected, bytes) == 0)
        return 1;
    snprintf(fault, sizeof fault, "step %d, %s: %s: %s was expected, %.*s was given", step_index, step_text, what,
             expected, found != NULL ? (int)bytes : 7, found != NULL ? (const char *)found : "nothing");
    return 0;
}

/* Whether JSON text holds `"member":value`, and not only the beginning of it. */
static inline int has_member(const char *json, const char *member, const char *value)
{
    char part[512];
    snprintf(part, sizeof part, "\"%s\":%s", member, value);
    const char *found = json != NULL ? strstr(json, part) : NULL;
    if (found != NULL && strchr(",}]", found[strlen(part)]) != NULL)
        return 1;
    snprintf(fault, sizeof fault, "step %d, %s: %s was expected, %s was given", step_index, step_text, part,
             json != NULL ? json : "nothing");
    return 0;
}

/* The names of the objects of the first list `list` of JSON text, as a list in JSON; "" if there is none. */
static inline const char *names_in(const char *json, const char *list)
{
    static char names[4096];
    char part[512];
    snprintf(part, sizeof part, "\"%s\":[", list);
    const char *at = strstr(json, part);
    size_t size = 0;
    names[0] = '\0';
    if (at == NULL)
        return names;
    names[size++] = '[';
    int depth = 0;
    for (at += strlen(part); *at != '\0' && (depth > 0 || *at != ']'); at++) {
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (depth != 1 || strncmp(at, "\"name\":", 7) != 0)
            continue;
        if (size > 1)
            names[size++] = ',';
        const char *end = strchr(at + 8, '"');
        size_t bytes = end != NULL ? (size_t)(end + 1 - (at + 7)) : 0;
        if (size + bytes + 3 > sizeof names)
            break;
        memcpy(names + size, at + 7, bytes);
        size += bytes;
    }
    names[size++] = ']';
    names[size] = '\0';
    return names;
}

#define STEP(index, text)                                                                                        \
    do {                                                                                                         \
        step_index = (index);                                                                                    \
        step_text = (text);                                                                                      \
    } while (0)

/* Each leaves the script where something is not so. */
#define ANSWERS(expected, call)                                                                                  \
    do {                                                                                                         \
        if (!is_code(expected, call))                                                                            \
            return;                                                                                              \
    } while (0)
#define OK(call) ANSWERS(RINGMAIN_OK, call)
#define NUMBER(what, expected, found)                                                                            \
    do {                                                                                                         \
        if (!is_number(what, expected, (uint64_t)(found)))                                                       \
            return;                                                                                              \
    } while (0)
#define BYTES(what, expected, expected_bytes, found, bytes)                                                      \
    do {                                                                                                         \
        if (!is_bytes(what, expected, expected_bytes, found, bytes))                                             \
            return;                                                                                              \
    } while (0)
#define MEMBER(json, member, value)                                                                              \
    do {                                                                                                         \
        if (!has_member(json, member, value))                                                                    \
            return;                                                                                              \
    } while (0)

#endif
