#include "base/cursor.h"
#include "base/time.h"
#include "http/http.h"

#include <string.h>

/* A two-digit year more than this ahead means the century before (RFC 9110 section 5.6.7). */
#define YEARS_AHEAD_MOST 50

#define YEAR_SECONDS 31556952 /* of the Gregorian mean year */

struct date {
    int year, month, day, hour, minute, second;
    bool short_year;
};

static const char *const days[] = {"Mon",      "Tue",    "Wed",      "Thu",     "Fri",
                                   "Sat",      "Sun",    "Monday",   "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool pass(struct cursor *c, const char *text)
{
    size_t length = strlen(text);
    const uint8_t *at = cursor_take(c, length);
    return at != NULL && memcmp(at, text, length) == 0;
}

/* One of the words, which may begin with one another: the one that FOLLOWED comes behind. */
static int read_word(struct cursor *c, const char *const *words, size_t count, const char *followed)
{
    for (size_t i = 0; i < count; i++) {
        struct cursor attempt = *c;
        if (pass(&attempt, words[i]) && pass(&attempt, followed)) {
            *c = attempt;
            return (int)i;
        }
    }
    c->failed = true;
    return 0;
}

/* A number of exactly WIDTH digits. With PAD its first may be a space. */
static int read_number(struct cursor *c, size_t width, bool pad)
{
    int number = 0;
    for (size_t i = 0; i < width; i++) {
        uint8_t digit = cursor_u8(c);
        if (pad && i == 0 && digit == ' ')
            digit = '0';
        if (digit < '0' || digit > '9')
            c->failed = true;
        else
            number = number * 10 + (digit - '0');
    }
    return number;
}

static void expect(struct cursor *c, const char *text)
{
    if (!pass(c, text))
        c->failed = true;
}

static void read_month(struct cursor *c, struct date *d, const char *followed)
{
    d->month = 1 + read_word(c, months, sizeof months / sizeof months[0], followed);
}

static void read_time(struct cursor *c, struct date *d)
{
    d->hour = read_number(c, 2, false);
    expect(c, ":");
    d->minute = read_number(c, 2, false);
    expect(c, ":");
    d->second = read_number(c, 2, false);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void read_fixed(struct cursor *c, struct date *d)
{
    (void)read_word(c, days, 7, ", ");
    d->day = read_number(c, 2, false);
    expect(c, " ");
    read_month(c, d, " ");
    d->year = read_number(c, 4, false);
    expect(c, " ");
    read_time(c, d);
    expect(c, " GMT");
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static void read_rfc850(struct cursor *c, struct date *d)
{
    (void)read_word(c, days + 7, 7, ", ");
    d->day = read_number(c, 2, false);
    expect(c, "-");
    read_month(c, d, "-");
    d->year = read_number(c, 2, false);
    d->short_year = true;
    expect(c, " ");
    read_time(c, d);
    expect(c, " GMT");
}

/* Sun Nov  6 08:49:37 1994 */
static void read_asctime(struct cursor *c, struct date *d)
{
    (void)read_word(c, days, 7, " ");
    read_month(c, d, " ");
    d->day = read_number(c, 2, true);
    expect(c, " ");
    read_time(c, d);
    expect(c, " ");
    d->year = read_number(c, 4, false);
}

static int64_t seconds_of(const struct date *d, int64_t now)
{
    /* A clock that was never set must not put dates into another century. */
    int64_t this_year = 1970 + (now < TIME_RELEASE ? TIME_RELEASE : now) / YEAR_SECONDS;
    int64_t year = d->year;
    if (d->short_year) {
        year += this_year / 100 * 100 + 100;
        while (year > this_year + YEARS_AHEAD_MOST)
            year -= 100;
    }
    return time_from_civil((int)year, d->month, d->day, d->hour, d->minute, d->second);
}

int64_t http_date(const char *text, int64_t now)
{
    static void (*const forms[])(struct cursor *, struct date *) = {read_fixed, read_rfc850,
                                                                    read_asctime};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct cursor c = cursor_over(text, strlen(text));
        struct date d = {0};
        forms[i](&c, &d);
        if (!c.failed && cursor_left(&c) == 0)
            return seconds_of(&d, now);
    }
    return -1;
}
