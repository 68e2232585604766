/* The calendar arithmetic of base/time.h, apart from the clocks that tests replace. */
#include "base/buf.h"
#include "base/time.h"

#define DAY_SECONDS 86400

bool time_is_set(void)
{
    return time_wall() >= TIME_RELEASE;
}

/* Days from 1970-01-01 to a date; years begin in March, so that the leap day is their last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400, year_of_era = year % 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second)
{
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month))
        return -1;
    /* 60: a leap second counts as the first second of the next minute. */
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return -1;
    return days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}

void time_text(int64_t wall, char text[TIME_TEXT_SIZE])
{
    struct buf b = buf_over(text, TIME_TEXT_SIZE);
    if (wall < 0)
        wall = 0;
    int64_t shifted = wall / DAY_SECONDS + 719468, rest = wall % DAY_SECONDS;
    int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_part = (5 * day_of_year + 2) / 153;
    int64_t month = month_part < 10 ? month_part + 3 : month_part - 9;
    int64_t year = era * 400 + year_of_era + (month <= 2);
    buf_printf(&b, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)year, (long long)month,
               (long long)(day_of_year - (153 * month_part + 2) / 5 + 1), (long long)(rest / 3600),
               (long long)(rest / 60 % 60), (long long)(rest % 60));
}
