/*
 * What memory a run needs at most, counted inside the program: build/TARGET/count/daneroll is the
 * code of the shipped file, linked once more with this object, so that under qemu-user the figure
 * is the program's and not the emulator's. The linker turns calls of main, of the allocator and of
 * what the allocator asks the kernel for into calls of the __wrap_ functions here (COUNTED in the
 * Makefile).
 *
 * At the end of main the file that DANE_TEST_COUNT names gets one line more, in octets:
 *
 *     heap N pages N stack N zeroed N
 *
 * heap: what was allocated and not freed, at its peak. pages: what the allocator held of the kernel
 * for it, at its peak. stack: from its top, where arguments and environment lie, down to the
 * deepest word that was written. zeroed: pages of .bss that were touched, behind that which .data
 * ends in; the most of it is for hosts and records that few have. Without the variable, or where it
 * cannot be written, the program aborts. What ends by another way than main's return is not
 * counted: the child that becomes a hook.
 */
#define _GNU_SOURCE /* brk by syscall, mremap */
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096u
/* More than any run may take of the stack: the whole budget is 1 MB. */
#define PAINTED (512u * 1024)
/* More than .bss may have. */
#define ZEROED_MOST (4096u * 1024)
#define PAINT       0xA5C3693Cu

int __real_main(int argc, char **argv);
void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__real___mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
void *__real___mremap(void *at, size_t size, size_t wanted, int flags, ...);

int __wrap_main(int argc, char **argv);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);
void *__wrap___mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);
void *__wrap___mremap(void *at, size_t size, size_t wanted, int flags, ...);

struct level {
    size_t now, most;
};

static struct level heap, pages;
static uintptr_t painted;

static void add(struct level *level, size_t more)
{
    level->now += more;
    if (level->now > level->most)
        level->most = level->now;
}

static void take(struct level *level, size_t less)
{
    if (less > level->now)
        abort();
    level->now -= less;
}

static size_t whole_pages(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* --- the allocator: calloc is malloc and memset ---------------------------------------------- */

void *__wrap_malloc(size_t size)
{
    void *got = __real_malloc(size);
    add(&heap, malloc_usable_size(got));
    return got;
}

void *__wrap_realloc(void *old, size_t size)
{
    size_t before = malloc_usable_size(old);
    void *got = __real_realloc(old, size);
    if (got != NULL) {
        take(&heap, before);
        add(&heap, malloc_usable_size(got));
    }
    return got;
}

void __wrap_free(void *old)
{
    take(&heap, malloc_usable_size(old));
    __real_free(old);
}

/* --- what it holds of the kernel, guards too ------------------------------------------------- */

void *__wrap___mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *got = __real___mmap(at, size, protection, flags, fd, offset);
    if (got != MAP_FAILED)
        add(&pages, whole_pages(size));
    return got;
}

int __wrap_munmap(void *at, size_t size)
{
    int result = __real_munmap(at, size);
    if (result == 0)
        take(&pages, whole_pages(size));
    return result;
}

/* The allocator's only call of it lets the kernel move the block. */
void *__wrap___mremap(void *at, size_t size, size_t wanted, int flags, ...)
{
    void *got = __real___mremap(at, size, wanted, flags);
    if (got != MAP_FAILED) {
        take(&pages, whole_pages(size));
        add(&pages, whole_pages(wanted));
    }
    return got;
}

static uintptr_t end_of_data(void)
{
    return (uintptr_t)syscall(SYS_brk, 0L);
}

/* --- the stack: painted below main, and read afterwards -------------------------------------- */

__attribute__((noinline)) static void paint(void)
{
    volatile uint32_t words[PAINTED / sizeof(uint32_t)];
    for (size_t i = 0; i < PAINTED / sizeof(uint32_t); i++)
        words[i] = PAINT;
    painted = (uintptr_t)words;
}

static uintptr_t deepest(void)
{
    const volatile uint32_t *word = (const volatile uint32_t *)painted;
    if (*word != PAINT)
        abort();
    while (*word == PAINT)
        word++;
    return (uintptr_t)word;
}

/* The name that the program was called by lies above everything. */
static uintptr_t top(void)
{
    uintptr_t name = (uintptr_t)getauxval(AT_EXECFN);
    if (name == 0)
        abort();
    return whole_pages(name + strlen((const char *)name) + 1);
}

/* --- .bss: the kernel knows which of its pages are there ------------------------------------- */

extern unsigned char __bss_start[], _end[];

static size_t zeroed(void)
{
    static unsigned char there[ZEROED_MOST / PAGE];
    uintptr_t start = whole_pages((uintptr_t)__bss_start);
    size_t count = start < (uintptr_t)_end ? whole_pages((uintptr_t)_end - start) / PAGE : 0,
           touched = 0;
    if (count > sizeof there || mincore((void *)start, count * PAGE, there) != 0)
        abort();
    for (size_t i = 0; i < count; i++)
        touched += there[i] & 1u;
    return touched * PAGE;
}

/* --- the report ------------------------------------------------------------------------------ */

/* No printf, which would bring floating point along. */
static char *put(char *to, const char *name, size_t number)
{
    char digits[20];
    size_t length = 0;
    to = stpcpy(to, name);
    do
        digits[length++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (length > 0)
        *to++ = digits[--length];
    return to;
}

static void tell(size_t stack)
{
    char line[128], *end = line;
    end = put(end, "heap ", heap.most);
    end = put(end, " pages ", pages.most);
    end = put(end, " stack ", stack);
    end = put(end, " zeroed ", zeroed());
    const char *path = getenv("DANE_TEST_COUNT");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    *end++ = '\n';
    if (fd < 0 || write(fd, line, (size_t)(end - line)) != end - line || close(fd) != 0)
        abort();
}

int __wrap_main(int argc, char **argv)
{
    uintptr_t data = end_of_data();
    paint();
    int result = __real_main(argc, argv);
    size_t stack = top() - deepest();
    /* The allocator's own tables lie there; they never shrink. */
    add(&pages, whole_pages(end_of_data() - data));
    tell(stack);
    return result;
}
