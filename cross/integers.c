/*
 * What the compiler calls for numbers of 64 bits on machines with words of 32, for those whose libgcc
 * cannot be linked (cross/targets says where): division, shifts, and octets in reverse, for which
 * MIPS16 has no instruction (this file is made as plain MIPS, which has). libgcc's division is 4 KB in
 * four copies and some times quicker; this one is a few hundred octets, and daneroll divides by 64
 * bits a few thousand times a run.
 *
 * As in libgcc, shifts take 0..63, and what a division by zero gives is undefined.
 */
#include <stdint.h>

union halves {
    uint64_t whole;
    struct {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        uint32_t high, low;
#else
        uint32_t low, high;
#endif
    } half;
};

uint64_t __ashldi3(uint64_t number, int by);
uint64_t __lshrdi3(uint64_t number, int by);
int64_t __ashrdi3(int64_t number, int by);
uint64_t __udivmoddi4(uint64_t number, uint64_t by, uint64_t *rest);
uint64_t __udivdi3(uint64_t number, uint64_t by);
uint64_t __umoddi3(uint64_t number, uint64_t by);
int64_t __divdi3(int64_t number, int64_t by);
int64_t __moddi3(int64_t number, int64_t by);
uint32_t __bswapsi2(uint32_t number);
uint64_t __bswapdi2(uint64_t number);
int __ctzsi2(uint32_t number);

uint64_t __ashldi3(uint64_t number, int by)
{
    union halves n = {number};
    if (by >= 32) {
        n.half.high = n.half.low << (by - 32);
        n.half.low = 0;
    } else if (by != 0) {
        n.half.high = n.half.high << by | n.half.low >> (32 - by);
        n.half.low <<= by;
    }
    return n.whole;
}

uint64_t __lshrdi3(uint64_t number, int by)
{
    union halves n = {number};
    if (by >= 32) {
        n.half.low = n.half.high >> (by - 32);
        n.half.high = 0;
    } else if (by != 0) {
        n.half.low = n.half.low >> by | n.half.high << (32 - by);
        n.half.high >>= by;
    }
    return n.whole;
}

int64_t __ashrdi3(int64_t number, int by)
{
    union halves n = {(uint64_t)number};
    int32_t high = (int32_t)n.half.high;
    if (by >= 32) {
        n.half.low = (uint32_t)(high >> (by - 32));
        n.half.high = (uint32_t)(high >> 31);
    } else if (by != 0) {
        n.half.low = n.half.low >> by | n.half.high << (32 - by);
        n.half.high = (uint32_t)(high >> by);
    }
    return (int64_t)n.whole;
}

/* One bit a turn. The half above goes at once where it is smaller than the divisor, as it mostly is. */
uint64_t __udivmoddi4(uint64_t number, uint64_t by, uint64_t *rest)
{
    union halves quotient = {number};
    uint64_t left = 0;
    int turns = 64;
    if (quotient.half.high < by) {
        left = quotient.half.high;
        quotient.half.high = quotient.half.low;
        quotient.half.low = 0;
        turns = 32;
    }
    for (; turns > 0; turns--) {
        int64_t carry = (int64_t)left;
        left = left << 1 | quotient.half.high >> 31;
        quotient.whole <<= 1;
        /* a divisor above 2^63: the bit shifted out counts */
        if (carry < 0 || left >= by) {
            left -= by;
            quotient.half.low |= 1;
        }
    }
    *rest = left;
    return quotient.whole;
}

uint64_t __udivdi3(uint64_t number, uint64_t by)
{
    uint64_t rest;
    return __udivmoddi4(number, by, &rest);
}

uint64_t __umoddi3(uint64_t number, uint64_t by)
{
    uint64_t rest;
    (void)__udivmoddi4(number, by, &rest);
    return rest;
}

static uint64_t magnitude(int64_t number)
{
    return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

int64_t __divdi3(int64_t number, int64_t by)
{
    uint64_t rest, quotient = __udivmoddi4(magnitude(number), magnitude(by), &rest);
    return (int64_t)((number ^ by) < 0 ? -quotient : quotient);
}

int64_t __moddi3(int64_t number, int64_t by)
{
    uint64_t rest;
    (void)__udivmoddi4(magnitude(number), magnitude(by), &rest);
    return (int64_t)(number < 0 ? -rest : rest);
}

uint32_t __bswapsi2(uint32_t number)
{
    return __builtin_bswap32(number);
}

uint64_t __bswapdi2(uint64_t number)
{
    return (uint64_t)__builtin_bswap32((uint32_t)number) << 32 |
           __builtin_bswap32((uint32_t)(number >> 32));
}

/* Only the unit tests' Mbed TLS, of which nothing is dropped before its last link, counts zeros in MIPS16. */
int __ctzsi2(uint32_t number)
{
    return __builtin_ctz(number);
}
