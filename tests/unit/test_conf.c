/* The configuration file: what it makes, and every fault with its line. */
#include "conf_trial.h"

#include "conf/suggest.h"

/* What most trials have before their own lines; 8 lines. */
#define BASE                                                                                       \
    "[provider cf]\n"                                                                              \
    "type = cloudflare\n"                                                                          \
    "token-file = /etc/cf.token\n"                                                                 \
    "[pair mail]\n"                                                                                \
    "certificate = /etc/m.crt\n"                                                                   \
    "private-key = /etc/m.key\n"                                                                   \
    "[host mail.example.org]\n"                                                                    \
    "pair = mail\n"
/* The same for several providers; 9 lines. */
#define CHOSEN BASE "provider = cf\n"

static void test_small(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_file(t, BASE);
    expect_good(t);
    const struct conf *c = &t->conf;
    assert_int_equal(c->providers_count, 1);
    assert_string_equal(c->providers[0].kind->name, "cloudflare");
    assert_string_equal(c->providers[0].label, "cf");
    assert_null(c->providers[0].values[0]);
    assert_string_equal(c->providers[0].values[1], "/etc/cf.token");
    assert_null(c->providers[0].values[2]);
    assert_string_equal(c->providers[0].values[3], "https://api.example.net/v4");
    assert_int_equal(c->pairs_count, 1);
    assert_string_equal(c->pairs[0].certificate, "/etc/m.crt");
    assert_string_equal(c->pairs[0].private_key, "/etc/m.key");
    assert_int_equal(c->pairs[0].hook_timeout, 300);
    assert_int_equal(c->pairs[0].renew.count + c->pairs[0].reload.count, 0);
    assert_int_equal(c->hosts_count, 1);
    const struct conf_host *h = &c->hosts[0];
    assert_string_equal(h->name, "mail.example.org");
    assert_int_equal(h->services_count, 1);
    assert_string_equal(h->services[0].name, "smtp");
    assert_int_equal(h->services[0].port, 25);
    assert_int_equal(h->pairs_count, 1);
    assert_int_equal(h->pairs[0], 0);
    assert_int_equal(h->provider, 0);
    assert_int_equal(h->records_count, 1);
    assert_int_equal(h->records[0].usage, 3);
    assert_int_equal(h->records[0].selector, 1);
    assert_int_equal(h->records[0].matching, 1);
    assert_int_equal(h->ttl, 1800);
    assert_false(h->ttl_given);
    assert_false(h->adopt);
    assert_int_equal(h->waits.publish, 0);
    assert_int_equal(h->waits.retire, 3600);
    assert_int_equal(h->waits.margin, 300);
    assert_int_equal(h->waits.floor, 900);
    assert_false(c->syslog);
    assert_null(c->ca_file);
    assert_non_null(strstr(h->where, "daneroll.conf:7"));
    trial_end(t);
}

/* The example of the man page's length: two pairs, lists, globals, waits of a host's own. */
static void test_large(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_file(t, "\xef\xbb\xbf# comment\r\n"
                  "[daneroll]\r\n"
                  "syslog = yes\r\n"
                  "  ca-file = /etc/ca.pem  \n"
                  "publish-wait = 1d\n"
                  "state = /srv/state\n"
                  "\n"
                  "; another comment\n"
                  "[provider cf]\ntype=cloudflare\ntoken = s3cr=et #not a comment\n"
                  "zone = Example.ORG.\n"
                  "[provider second]\ntype = otherdns\naccount = me\n"
                  "[pair  mail-ecdsa ]\ncertificate = /e.crt\nprivate-key = /e.key\n"
                  "renew = certbot renew --quiet\n"
                  "reload = postfix reload\nreload = doveadm reload; echo \"a = b\"\n"
                  "hook-timeout = 10m\n"
                  "[pair mail-rsa]\ncertificate = /r.crt\n"
                  "[host a]\nname = Mail.Example.org.\nservice = smtp submission\n"
                  "service = 8443/tls\tsieve\n"
                  "provider = cf\npair = mail-ecdsa mail-rsa\nadopt = yes\nttl = 60\n"
                  "record = 3 1 1\nrecord = 3 1 2\nretire-wait = 2h\n"
                  "[host b]\nname = mail.example.org\nservice = https\nprovider = second\n"
                  "certificate = /w.crt\nreload = nginx -s reload\n");
    expect_good(t);
    const struct conf *c = &t->conf;
    assert_true(c->syslog);
    assert_string_equal(c->ca_file, "/etc/ca.pem");
    assert_string_equal(c->state, "/srv/state");
    assert_string_equal(c->providers[0].values[0], "s3cr=et #not a comment");
    assert_string_equal(c->providers[0].values[2], "example.org");
    assert_string_equal(c->providers[1].values[0], "me");
    assert_int_equal(c->pairs_count, 3);
    assert_string_equal(c->pairs[0].label, "mail-ecdsa");
    assert_int_equal(c->pairs[0].renew.count, 1);
    assert_int_equal(c->pairs[0].reload.count, 2);
    assert_string_equal(c->pairs[0].reload.items[1], "doveadm reload; echo \"a = b\"");
    assert_int_equal(c->pairs[0].hook_timeout, 600);
    assert_null(c->pairs[1].private_key);
    const struct conf_host *a = &c->hosts[0], *b = &c->hosts[1];
    assert_string_equal(a->name, "mail.example.org");
    assert_string_equal(a->label, "a");
    assert_int_equal(a->services_count, 4);
    assert_int_equal(a->services[2].port, 8443);
    assert_string_equal(a->services[2].name, "8443/tls");
    assert_int_equal(a->services[3].port, 4190);
    assert_int_equal(a->pairs_count, 2);
    assert_int_equal(a->pairs[1], 1);
    assert_true(a->adopt);
    assert_int_equal(a->ttl, 60);
    assert_true(a->ttl_given);
    assert_int_equal(a->records_count, 2);
    assert_int_equal(a->records[1].matching, 2);
    assert_int_equal(a->waits.publish, 86400);
    assert_int_equal(a->waits.retire, 7200);
    assert_int_equal(b->waits.retire, 3600);
    assert_int_equal(b->provider, 1);
    assert_int_equal(b->pairs_count, 1);
    assert_string_equal(c->pairs[b->pairs[0]].certificate, "/w.crt");
    assert_string_equal(c->pairs[b->pairs[0]].label, "b");
    trial_end(t);
}

static void test_shown(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_file(t, "[daneroll]\nretire-wait = 30m\n[provider cf]\ntype = cloudflare\n"
                  "token = topsecret\n[host m.example.org]\ncertificate = /c\nreload = a\n"
                  "reload = b\n[host web]\nname = m.example.org\nservice = https\n"
                  "certificate = /w\n");
    expect_good(t);
    expect_shown(t, "[daneroll] retire-wait = 30m  (FILE:2)\n");
    expect_shown(t, "[daneroll] syslog = no  (default)\n");
    expect_shown(t, "[provider cf] token = (set)  (FILE:5)\n");
    expect_shown(t, "[host m.example.org] reload = a  (FILE:8)\n");
    expect_shown(t, "[host m.example.org] reload = b  (FILE:9)\n");
    expect_shown(t, "[host m.example.org] retire-wait = 30m  (FILE:2)\n");
    expect_shown(t, "[host m.example.org] wait-floor = 900  (default)\n");
    expect_shown(t, "[host m.example.org] service = smtp  (default)\n");
    expect_shown(t, "[host web] name = m.example.org  (FILE:11)\n");
    assert_null(strstr(t->shown, "topsecret"));
    assert_null(strstr(t->shown, "install ="));
    trial_end(t);
}

static void test_secret_wiped(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_file(t, "[provider cf]\ntype = cloudflare\ntoken = topsecret\n"
                  "[host m.example.org]\ncertificate = /c\n");
    expect_good(t);
    const char *secret = t->conf.providers[0].values[0];
    assert_string_equal(secret, "topsecret");
    conf_wipe(&t->conf);
    assert_null(t->conf.providers[0].values[0]);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0\0", 9);
    trial_end(t);
}

/* One fault each; the text is the whole of what is said. */
static const struct {
    const char *text, *said;
} faults[] = {
    /* sections */
    {BASE "[hots x.example.org]\nfoo = bar\n",
     "FILE:9: unknown section 'hots'; the nearest known is 'host'\n"},
    {BASE "[]\n", "FILE:9: unknown section '': there are [daneroll], [provider LABEL], "
                  "[pair LABEL] and [host LABEL]\n"},
    {BASE "[pair mail]\ncertificate = /x\n", "FILE:9: [pair mail] is already at line 4\n"},
    {"[daneroll]\n[daneroll]\n" BASE, "FILE:2: [daneroll] is already at line 1\n"},
    {"[daneroll x]\n" BASE, "FILE:1: [daneroll] has no label\n"},
    {BASE "[pair]\ncertificate = /x\n",
     "FILE:9: a section without a label: [host mail.example.org], [pair mail], ...\n"},
    {BASE "[pair two words]\n", "FILE:9: a label of several words\n"},
    {BASE "[pair a123456789b123456789c123456789d123456789e]\n",
     "FILE:9: a label of more than 40 characters (a longer host name goes into the key 'name')\n"},
    {CHOSEN "[provider a123456789b123456789c123456789d123456789]\ntype = cloudflare\n",
     "FILE:10: no host refers to [provider a123456789b123456789c123456789d123456789]\n"},
    {BASE "[provider a123456789b123456789c123456789d123456789e]\n",
     "FILE:9: a label of more than 40 characters (a longer host name goes into the key 'name')\n"},
    {BASE "[pair x\ncertificate = /x\n", "FILE:9: a section without ']'\n"},
    {BASE "[pair x] # mine\ncertificate = /x\n",
     "FILE:9: text after a section's ']'; a comment needs a line of its own\n"},
    {"state = /x\n" BASE, "FILE:1: 'state' comes before the first section\n"},
    {BASE "[pair other]\ncertificate = /o\n", "FILE:9: no host refers to [pair other]\n"},
    {CHOSEN "[provider b]\ntype = otherdns\n", "FILE:10: no host refers to [provider b]\n"},
    /* lines */
    {BASE "adopt\n", "FILE:9: no '=' in this line: KEY = VALUE\n"},
    {BASE "ttl = 60\x01\n", "FILE:9: a control character\n"},
    {BASE "ttl = 60\r0\n", "FILE:9: a control character\n"},
    {BASE "ttl: 60\n", "FILE:9: a ':' before any '=': KEY = VALUE\n"},
    {BASE "https://a/?b=c\n", "FILE:9: a ':' before any '=': KEY = VALUE\n"},
    /* keys */
    {BASE "recrod = 3 1 1\n", "FILE:9: unknown key 'recrod'; the nearest known is 'record'\n"},
    {BASE "qqqqqqqqqqq = 3 1 1\n", "FILE:9: unknown key 'qqqqqqqqqqq'\n"},
    {BASE "state = /x\n", "FILE:9: 'state' is a key of [daneroll], not of [host LABEL]\n"},
    {"[daneroll]\nreload = x\n" BASE,
     "FILE:2: 'reload' is a key of [pair LABEL], not of [daneroll]\n"},
    {CHOSEN "[provider x]\ntype = otherdns\ntoken = 1\n[host b.example.org]\npair = mail\n"
            "provider = x\n",
     "FILE:12: 'token' is a key of providers of type cloudflare\n"},
    {BASE "ttl = 60\nttl = 60\n", "FILE:10: 'ttl' is given twice\n"},
    {BASE "name = other.example.org\nname = other.example.org\n",
     "FILE:10: 'name' is given twice\n"},
    {BASE "ttl =\n", "FILE:9: 'ttl': needs a value\n"},
    {BASE "certificate = /x\n",
     "FILE:9: 'certificate' belongs in the [pair LABEL] that this host names by 'pair'\n"},
    {BASE "install = /x\n",
     "FILE:9: 'install' belongs in the [pair LABEL] that this host names by 'pair'\n"},
    /* values */
    {BASE "ttl = 0\n", "FILE:9: 'ttl = 0': not a whole number from 1 to 2147483647\n"},
    {BASE "ttl = 2147483648\n",
     "FILE:9: 'ttl = 2147483648': not a whole number from 1 to 2147483647\n"},
    {BASE "ttl = 4294967297\n",
     "FILE:9: 'ttl = 4294967297': not a whole number from 1 to 2147483647\n"},
    {BASE "ttl = 18446744073709551617\n",
     "FILE:9: 'ttl = 18446744073709551617': not a whole number from 1 to 2147483647\n"},
    {BASE "ttl = 60s\n", "FILE:9: 'ttl = 60s': not a whole number from 1 to 2147483647\n"},
    {BASE "ttl = -1\n", "FILE:9: 'ttl = -1': not a whole number from 1 to 2147483647\n"},
    {BASE "retire-wait = 1w\n",
     "FILE:9: 'retire-wait = 1w': not a duration: seconds, or a number with m, h or d\n"},
    {BASE "retire-wait = 1hh\n",
     "FILE:9: 'retire-wait = 1hh': not a duration: seconds, or a number with m, h or d\n"},
    {BASE "retire-wait = 1.5h\n",
     "FILE:9: 'retire-wait = 1.5h': not a duration: seconds, or a number with m, h or d\n"},
    {BASE "retire-wait = 31d\n",
     "FILE:9: 'retire-wait = 31d': out of its limits: from 0s to 30d\n"},
    {BASE "retire-wait = 9999999999d\n",
     "FILE:9: 'retire-wait = 9999999999d': out of its limits: from 0s to 30d\n"},
    {BASE "adopt = maybe\n", "FILE:9: 'adopt = maybe': neither yes nor no\n"},
    {BASE "service = smpt\n", "FILE:9: unknown service 'smpt'; the nearest known is 'smtp'\n"},
    {BASE "service = 70000/tls\n",
     "FILE:9: unknown service '70000/tls': smtp, imaps, https, ... or PORT/tls\n"},
    {BASE "service = smtp 25/tls\n", "FILE:9: 'smtp' and '25/tls' are the same service, port 25\n"},
    {BASE "name = localhost\n",
     "FILE:9: 'name = localhost': not a full DNS name (letters, digits, hyphens; at least two "
     "labels; international names as xn--...)\n"},
    {BASE "[host web]\npair = mail\n",
     "FILE:9: [host web] has no 'name', and its label is not a full DNS name (letters, digits, "
     "hyphens; at least two labels; international names as xn--...)\n"},
    {BASE "[pair rel]\ncertificate = x.crt\n[host b.example.org]\npair = rel\n",
     "FILE:10: 'certificate = x.crt': a path in the file must begin with /\n"},
    {CHOSEN "[provider b]\ntype = cloudflare\nendpoint = http://x/\n[host b.example.org]\n"
            "provider = b\npair = mail\n",
     "FILE:12: 'endpoint = http://x/': not a URL that begins with https://\n"},
    /* records */
    {BASE "record = 3 1\n", "FILE:9: 'record = 3 1': not three numbers: usage, selector and "
                            "matching type, as in 3 1 1\n"},
    {BASE "record = 3 1 1 x\n", "FILE:9: 'record = 3 1 1 x': not three numbers: usage, selector "
                                "and matching type, as in 3 1 1\n"},
    {BASE "record = 311\n", "FILE:9: 'record = 311': not three numbers: usage, selector and "
                            "matching type, as in 3 1 1\n"},
    {BASE "record = 1 1 1\n", "FILE:9: 'record = 1 1 1': SMTP clients treat usages 0 and 1 as "
                              "unusable (RFC 7672 section 3.1.3): use 3 1 1\n"},
    {BASE "record = 2 1 1\n", "FILE:9: 'record = 2 1 1': CAs change the issuer without warning, "
                              "so usage 2 alone breaks at a renewal: give 3 1 1 beside it\n"},
    {BASE "record = 3 1 0\n", "FILE:9: 'record = 3 1 0': matching type 0 puts "},
    {BASE "record = 3 1 2\n", "FILE:9: 'record = 3 1 2': clients need not know SHA-512 (RFC 7671 "
                              "section 2): give the same usage and selector with matching type 1 "
                              "beside it\n"},
    {BASE "record = 3 0 1\nrecord = 3 1 2\n", "FILE:9: 'record = 3 1 2': clients need not know"},
    {BASE "record = 3 1 1\nrecord = 3 1 1\n", "FILE:9: 'record = 3 1 1': given twice\n"},
    {BASE "record = 4 1 1\n",
     "FILE:9: 'record = 4 1 1': the usage must be 3 (DANE-EE) or 2 (DANE-TA)\n"},
    {BASE "record = 3 2 1\n", "FILE:9: 'record = 3 2 1': the selector must be 0 (certificate) or "},
    {BASE "record = 3 1 3\n", "FILE:9: 'record = 3 1 3': the matching type must be 1 (SHA-256) "},
    {BASE "record = 3 1 257\n", "FILE:9: 'record = 3 1 257': not three numbers"},
    /* references */
    {BASE "provider = cg\n[host b.example.org]\npair = mail\nprovider = cf\n",
     "FILE:9: there is no [provider cg]; the nearest is [provider cf]\n"},
    {BASE "pair = mial\n", "FILE:8: there is no [pair mial]; the nearest is [pair mail]\n"},
    {BASE "pair = mail\n", "FILE:8: pair 'mail' is named twice\n"},
    {BASE "[host b.example.org]\n", "FILE:9: [host b.example.org] has neither 'pair' nor "
                                    "'certificate'\n"},
    {BASE "[pair x]\nreload = x\n[host b.example.org]\npair = x\n",
     "FILE:9: [pair x] has no 'certificate'\n"},
    {"[host b.example.org]\ncertificate = /x\n",
     "FILE:1: [host b.example.org] needs a [provider LABEL] section, and there is none\n"},
    {"[daneroll]\n", "FILE: there is no [host NAME] section, so there is nothing to do\n"},
    {"", "FILE: there is no [host NAME] section, so there is nothing to do\n"},
    {BASE "[host two]\nname = mail.example.org\npair = mail\nservice = imaps smtp\n",
     "FILE:9: [host mail.example.org] and [host two] are both mail.example.org with the service "
     "smtp\n"},
    /* providers */
    {CHOSEN "[provider x]\n[host b.example.org]\npair = mail\nprovider = x\n",
     "FILE:10: [provider x] has no 'type'\n"},
    {CHOSEN "[provider x]\ntype = cloudflair\n[host b.example.org]\npair = mail\nprovider = x\n",
     "FILE:11: unknown provider type 'cloudflair'; the nearest known is 'cloudflare'\n"},
    {"[provider x]\ntype = cloudflare\naccount = a\n[host b.example.org]\ncertificate = /x\n",
     "FILE:3: 'account' is a key of providers of type otherdns\n"},
    {"[provider x]\ntype = cloudflare\ntoken = a\ntoken-file = /b\n[host b.example.org]\n"
     "certificate = /x\n",
     "FILE:4: 'token-file' and 'token' are both given: leave one of them out\n"},
};

#define PAIR_OF(label, certificate, install)                                                       \
    "[pair " label "]\ncertificate = " certificate "\nprivate-key = /acme/" label ".key\n"         \
    "install = " install "\n"
#define HOST_OF(pairs) "[host b.example.org]\nprovider = cf\npair = " pairs "\n"

/* Each pair needs a folder of its own, however it is spelt, that is not its source's. */
static void test_folders(void **state)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {CHOSEN PAIR_OF("a", "/acme/a.pem", "/srv/x") PAIR_OF("b", "/acme/b.pem", "/srv/x")
             HOST_OF("a b"),
         "FILE:14: 'install = /srv/x' is the folder of the pair a already\n"},
        {CHOSEN PAIR_OF("a", "/acme/a.pem", "//srv/./x/") PAIR_OF("b", "/acme/b.pem", "/srv/x//")
             HOST_OF("a b"),
         "FILE:14: 'install = /srv/x//' is the folder of the pair a already\n"},
        {CHOSEN PAIR_OF("a", "/srv/x/a.pem", "/srv/x") HOST_OF("a"),
         "FILE:10: 'install = /srv/x' is where its own source lies: "},
        {CHOSEN PAIR_OF("a", "/srv//x/current/fullchain.pem", "/srv/x/") HOST_OF("a"),
         "FILE:10: 'install = /srv/x/' is where its own source lies: "},
        {CHOSEN "[host b.example.org]\nprovider = cf\ncertificate = /a/c\nprivate-key = /srv/x/k\n"
                "install = /srv/x\n",
         "FILE:10: 'install = /srv/x' is where its own source lies: "},
    };
    struct trial *t = trial_begin();
    (void)state;
    /* These only look alike. */
    trial_file(t, CHOSEN PAIR_OF("a", "/srv/x.pem", "/srv/x")
                      PAIR_OF("b", "/srv/x/source/b.pem", "/srv/x/b")
                          PAIR_OF("c", "/acme/c.pem", "/srv/x/.c") HOST_OF("a b c"));
    expect_good(t);
    trial_end(t);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t = trial_begin();
        trial_file(t, rows[i].text);
        if (strncmp(t->said, rows[i].said, strlen(rows[i].said)) != 0)
            fail_msg("number %zu: expected \"%s\", got \"%s\"", i, rows[i].said, t->said);
        assert_int_equal(t->faults, 1);
        trial_end(t);
    }
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct trial *t = trial_begin();
        trial_file(t, faults[i].text);
        size_t length = strlen(faults[i].said);
        /* What ends with its line is all that is said, else its beginning. */
        if (faults[i].said[length - 1] == '\n')
            length = sizeof t->said;
        if (strncmp(t->said, faults[i].said, length) != 0)
            fail_msg("number %zu: expected \"%s\", got \"%s\"", i, faults[i].said, t->said);
        assert_int_equal(t->faults, 1);
        trial_end(t);
    }
}

static void test_all_faults(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_file(t, "[daneroll]\nstaet = /x\nretire-wait = x\n[provider cf]\ntype = cloudflare\n"
                  "[host a.example.org]\nttl = x\npair = none\n[host b.example.org]\nfoo = 1\n");
    assert_int_equal(t->faults, 6);
    expect_said(t, "FILE:2: unknown key 'staet'; the nearest known is 'state'\n");
    expect_said(t, "FILE:3: 'retire-wait = x': not a duration");
    expect_said(t, "FILE:7: 'ttl = x': not a whole number");
    expect_said(t, "FILE:8: there is no [pair none]\n");
    expect_said(t, "FILE:9: [host b.example.org] has neither 'pair' nor 'certificate'\n");
    expect_said(t, "FILE:10: unknown key 'foo'\n");
    trial_end(t);
}

/* OpenWrt's init script obeys it; a run by hand works whatever it says. */
static void test_enabled(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct trial *t = trial_begin();
        trial_file(t, wrong ? "[daneroll]\nenabled = x\n" BASE : "[daneroll]\nenabled = no\n" BASE);
        if (wrong)
            expect_said(t, "FILE:2: 'enabled = x': neither yes nor no");
        else
            expect_good(t);
        trial_end(t);
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    for (size_t length = 1090; length < 1106; length++) {
        struct trial *t = trial_begin();
        char text[2048];
        size_t used = (size_t)snprintf(text, sizeof text, BASE "\n[daneroll]\nca-file = /");
        size_t start = used - strlen("ca-file = /");
        while (used - start < length)
            text[used++] = 'x';
        (void)snprintf(text + used, sizeof text - used, "\nsyslog = yes\n");
        trial_file(t, text);
        if (length <= 1097) {
            expect_good(t);
            assert_int_equal(strlen(t->conf.ca_file), length - strlen("ca-file = "));
            assert_true(t->conf.syslog);
        } else {
            assert_string_equal(t->said,
                                "FILE:11: a line that is too long (1097 bytes are the most)\n");
        }
        trial_end(t);
    }
}

static void test_nul(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    static const char text[] = BASE "ttl = 6\0000\nadopt = yes\n\0";
    trial_write(t, text, sizeof text - 1, 0600);
    trial_option(t, "config", t->path);
    trial_load(t);
    assert_string_equal(t->said, "FILE:9: a NUL byte: this is no text file\n"
                                 "FILE:11: a NUL byte: this is no text file\n");
    trial_end(t);
}

static void test_no_final_newline(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_file(t, BASE "ttl = 77");
    expect_good(t);
    assert_int_equal(t->conf.hosts[0].ttl, 77);
    trial_end(t);
}

static void test_too_large(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    char *text = malloc(300000);
    assert_non_null(text);
    memset(text, '\n', 300000);
    trial_write(t, text, 300000, 0600);
    free(text);
    trial_option(t, "config", t->path);
    trial_load(t);
    assert_string_equal(t->said, "FILE: longer than 262144 bytes\n");
    trial_end(t);
}

static void test_too_many(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    char *text = calloc(1, 200000);
    assert_non_null(text);
    size_t used = (size_t)sprintf(text, "%s", BASE);
    for (int i = 0; i < 65; i++)
        used += (size_t)sprintf(text + used, "record = 3 1 1\n");
    for (int i = 0; i < 600; i++)
        used += (size_t)sprintf(text + used, "service = %d/tls\n", i + 1000);
    trial_file(t, text);
    expect_said(t, "FILE:7: more than 512 lines in one section\n");
    expect_said(t, "'record = 3 1 1': a list of more than 8\n");
    expect_said(t, "a list of more than 64\n");
    free(text);
    trial_end(t);
}

static void test_many_sections(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    char *text = calloc(1, 262144);
    assert_non_null(text);
    size_t used = (size_t)sprintf(text, "%s", BASE);
    for (int i = 0; i < 2100; i++)
        used += (size_t)sprintf(text + used, "[host h%d.example.org]\npair = mail\n", i);
    trial_file(t, text);
    expect_said(t, "FILE: more than 2048 sections\n");
    free(text);
    trial_end(t);
}

static void test_small_arena(void **state)
{
    (void)state;
    /* Whatever does not fit: said once or more, never a crash, never a success. */
    for (size_t limit = 0; limit < 6000; limit += 16) {
        struct trial *t = trial_begin();
        t->arena = arena_make(limit);
        trial_file(t, "[daneroll]\nsyslog = yes\nca-file = /x\n" BASE "service = smtp 8443/tls\n"
                      "[host b.example.org]\ncertificate = /x\nreload = a\n");
        if (t->rc == 0) {
            assert_int_equal(t->conf.hosts_count, 2);
            assert_string_equal(t->conf.pairs[1].certificate, "/x");
        } else {
            assert_true(strstr(t->said, "memory") != NULL);
        }
        trial_end(t);
    }
}

static void test_permissions(void **state)
{
    (void)state;
    static const char secret[] = "[provider cf]\ntype = cloudflare\ntoken = x\n"
                                 "[host m.example.org]\ncertificate = /c\n";
    struct trial *t = trial_begin();
    trial_write(t, secret, strlen(secret), 0640);
    trial_option(t, "config", t->path);
    trial_load(t);
    assert_string_equal(t->said, "FILE:3: a file with a 'token' that others than its owner can "
                                 "read: chmod 600 it\n");
    trial_end(t);
    t = trial_begin();
    trial_write(t, BASE, strlen(BASE), 0644);
    trial_option(t, "config", t->path);
    trial_load(t);
    expect_good(t);
    trial_end(t);
}

static void test_no_file(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_option(t, "config", t->path);
    trial_load(t);
    assert_string_equal(t->said, "FILE: No such file or directory\n");
    trial_end(t);
    t = trial_begin();
    trial_option(t, "config", "/tmp");
    trial_load(t);
    assert_string_equal(t->said, "/tmp: not a plain file\n");
    trial_end(t);
}

static void test_service_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int port;
        enum service_start start;
    } known[] = {
        {"smtp", 25, SERVICE_SMTP},
        {"submission", 587, SERVICE_SMTP},
        {"submissions", 465, SERVICE_TLS},
        {"imap", 143, SERVICE_IMAP},
        {"imaps", 993, SERVICE_TLS},
        {"pop3", 110, SERVICE_POP3},
        {"pop3s", 995, SERVICE_TLS},
        {"sieve", 4190, SERVICE_SIEVE},
        {"xmpp-client", 5222, SERVICE_XMPP_CLIENT},
        {"xmpp-server", 5269, SERVICE_XMPP_SERVER},
        {"https", 443, SERVICE_TLS},
        {"1/tls", 1, SERVICE_TLS},
        {"65535/tls", 65535, SERVICE_TLS},
    };
    static const char *const unknown[] = {"",       "SMTP",     "0/tls",     "025/tls",
                                          "25",     "25/",      "65536/tls", "99999999999/tls",
                                          "/tls",   "25/tls ",  " 25/tls",   "-1/tls",
                                          "25/TLS", "25/smtp?", "+25/tls",   "2 5/tls"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct service s;
        assert_int_equal(service_find(known[i].name, &s), 0);
        assert_string_equal(s.name, known[i].name);
        assert_int_equal(s.port, known[i].port);
        assert_int_equal(s.start, known[i].start);
        assert_int_equal(service_port(known[i].name), known[i].port);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(service_port(unknown[i]), SERVICE_UNKNOWN);
}

static void test_combinations(void **state)
{
    (void)state;
    /* Alone, only these two may be published; a 2 needs its 1 beside it, an issuer the leaf. */
    for (unsigned u = 0; u < 256; u++) {
        for (unsigned s = 0; s < 4; s++) {
            for (unsigned m = 0; m < 4; m++) {
                const struct conf_record r[3] = {
                    {(uint8_t)u, (uint8_t)s, (uint8_t)m}, {(uint8_t)u, (uint8_t)s, 1}, {3, 1, 1}};
                bool leafs = u == 3 && s <= 1, issuers = u == 2 && s == 1,
                     hashed = m == 1 || m == 2;
                assert_int_equal(combination_check(r, 1, 0) == NULL, leafs && m == 1);
                assert_int_equal(combination_check(r, 2, 0) == NULL, leafs && hashed);
                assert_int_equal(combination_check(r, 3, 0) == NULL, (leafs || issuers) && hashed);
            }
        }
    }
}

static void test_suggest(void **state)
{
    (void)state;
    static const struct {
        const char *name, *best;
    } cases[] = {
        {"tokne-file", "token-file"},
        {"tokenfile", "token-file"},
        {"cert", "certificate"},
        {"certifcate", "certificate"},
        {"token_file", "token-file"},
        {"zzz", NULL},
        {"", NULL},
        {"z", NULL},
        {"ttls", "ttl"},
        {"xx0123456789012345678901234567890123456789012345678901234567890123456789", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct suggest s = suggest_for(cases[i].name);
        suggest_offer(&s, "token-file");
        suggest_offer(&s, "certificate");
        suggest_offer(&s, "ttl");
        if (cases[i].best == NULL)
            assert_null(s.best);
        else
            assert_string_equal(s.best, cases[i].best);
    }
    /* The nearer one wins, whatever the order. */
    struct suggest s = suggest_for("wait-flor");
    suggest_offer(&s, "wait-margin");
    suggest_offer(&s, "wait-floor");
    suggest_offer(&s, "retire-wait");
    assert_string_equal(s.best, "wait-floor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_secret_wiped),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_all_faults),
        cmocka_unit_test(test_enabled),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_no_final_newline),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_many_sections),
        cmocka_unit_test(test_small_arena),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_service_table),
        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_suggest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
