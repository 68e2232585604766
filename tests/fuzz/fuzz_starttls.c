/* The dialogues before TLS: whatever the server says, one verdict, with words unless TLS begins. */
#include "base/time.h"
#include "dane/starttls.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Less than a socket buffer holds, more than a dialogue may have. */
#define INPUT_MOST (STARTTLS_OCTETS_MOST * 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_words why = {""};
    int ends[2];
    if (size < 1 || size > INPUT_MOST)
        return 0;
    enum service_start start = (enum service_start)(data[0] % (SERVICE_XMPP_SERVER + 1));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        abort();
    if (size > 1 && send(ends[1], data + 1, size - 1, 0) != (ssize_t)(size - 1))
        abort();
    if (shutdown(ends[1], SHUT_WR) != 0)
        abort();
    struct tcp tcp = {ends[0], time_ticks() + 10000};
    enum starttls result = starttls(&tcp, start, "xmpp.example.org", &why);
    if ((result == STARTTLS_BEGIN) != (why.text[0] == '\0'))
        abort();
    for (const char *c = why.text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            abort();
    }
    tcp_close(&tcp);
    (void)close(ends[1]);
    return 0;
}
