/*
 * roll/roll.h: the engine as a whole in a simulated world, the invariant checked at every instant.
 */
#include "roll_sim_random.h"

static struct sim world;

int main(int argc, char **argv)
{
    setvbuf(stdout,NULL,_IOLBF,0);
    if (getenv("SEED") != NULL) {
        unsigned long long first = strtoull(getenv("SEED"), NULL, 10), n = getenv("N") ? strtoull(getenv("N"), NULL, 10) : 1, broken = 0;
        for (unsigned long long k = first; k < first + n; k++) {
            sim_random_story(&world, k);
            if (world.fault[0] != '\0' && ++broken <= 40) printf("SEED=%llu: %s\n", k, world.fault);
        }
        printf("%llu of %llu\n", broken, n);
        return 0;
    }
    if (argc > 1) {
    int which = argc > 1 ? atoi(argv[1]) : 0, wait = argc > 2 ? atoi(argv[2]) : 0;
    int at = argc > 3 ? atoi(argv[3]) : 0, what = argc > 4 ? atoi(argv[4]) : 0;
    sim_make_small(&world, (enum sim_small)which, wait);
    sim_story(&world, wait != 0, (unsigned)at, (enum sim_inject)what);
    printf("points %u: %s\n", world.points, world.fault);
    return 0;
    }
    static uint64_t moments[SIM_POINTS];
    unsigned step = getenv("STEP") ? (unsigned)atoi(getenv("STEP")) : 7;
    for (int w = getenv("W")?atoi(getenv("W")):0; w < (getenv("W")?atoi(getenv("W"))+1:SIM_WORLDS); w++) for (int wait = 0; wait < 2; wait++) {
    sim_make_small(&world, (enum sim_small)w, wait);
    world.moments = moments;
    sim_story(&world, wait, 0, SIM_CRASH);
    unsigned t = 0;
    for (int what = 0; what < SIM_INJECTS; what++) {
        unsigned broken = 0, n = 0;
        for (unsigned at = 1; at < SIM_POINTS; ) {
            sim_make_small(&world, w, wait);
            sim_story(&world, wait, at, (enum sim_inject)what);
            n++;
            if (world.fault[0] != '\0' && (broken++ == 0 || getenv("ALL")))
                printf("%d %d %d %d: %s\n", w, wait, at, what, world.fault);
            at = sim_next_point(&world, moments, at, (enum sim_inject)what, step);
            if (at > world.points)
                break;
        }
        if (broken) printf("    %u of %u\n", broken, n);
        t+= n;
    }
    printf("WORLD %d wait %d: %u stories\n", w, wait, t);
    }
    return 0;
}
