/*
 * Floating point that is never reached. libc's printf and strtod refer to the compiler's helpers for
 * double; daneroll calls neither with one, and where libgcc's helpers are made for a unit that the
 * machine has not (cross/targets says where), these are linked in their place: the one reached ends
 * the program at once, where libgcc's would give wrong numbers on one machine and SIGILL on another.
 */
#define TRAP(name)                                                                                 \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        __builtin_trap();                                                                          \
    }

TRAP(__adddf3)
TRAP(__subdf3)
TRAP(__muldf3)
TRAP(__divdf3)
TRAP(__negdf2)
TRAP(__nedf2)
TRAP(__eqdf2)
TRAP(__ltdf2)
TRAP(__gtdf2)
TRAP(__gedf2)
TRAP(__ledf2)
TRAP(__unorddf2)
TRAP(__floatsidf)
TRAP(__floatunsidf)
TRAP(__floatdidf)
TRAP(__floatundidf)
TRAP(__fixdfsi)
TRAP(__fixunsdfsi)
TRAP(__fixdfdi)
TRAP(__fixunsdfdi)
TRAP(__extendsfdf2)
TRAP(__truncdfsf2)
TRAP(__addsf3)
TRAP(__subsf3)
TRAP(__mulsf3)
TRAP(__divsf3)
TRAP(__nesf2)
TRAP(__eqsf2)
TRAP(__ltsf2)
TRAP(__gtsf2)
TRAP(__gesf2)
TRAP(__lesf2)
TRAP(__unordsf2)
TRAP(__floatsisf)
TRAP(__fixsfsi)
