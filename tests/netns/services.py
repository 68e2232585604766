"""The servers: a receiving Postfix, Dovecot and nginx with one pair, and a sending Postfix.

The receiver's three services read one pair of files; each has the reload command that its manual
gives. The sender delivers with DANE or not at all, and resolves through Unbound.
"""

import glob
import os
import re
import shutil
import smtplib
import socket
import threading
import time

import space
from names import MX, ZONE
from space import Fault, until

START_SECONDS = 30
BOX_UID = 65534     # nobody's, of no other process here
DAEMONS = "/usr/lib/postfix/sbin"

MASTER = """\
smtp      inet  n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

COMMON = """\
compatibility_level = 3.6
queue_directory = %(directory)s/queue
data_directory = %(directory)s/data
command_directory = /usr/sbin
daemon_directory = %(daemons)s
mail_owner = postfix
setgid_group = postdrop
maillog_file = %(directory)s/log
maillog_file_prefixes = /run
myhostname = %(name)s
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = all
inet_protocols = %(protocols)s
mynetworks = 127.0.0.0/8 %(net)s0/24
smtpd_peername_lookup = no
biff = no
"""

SENDER = """\
smtp_tls_security_level = dane-only
smtp_dns_support_level = dnssec
smtp_host_lookup = dns
smtp_tls_loglevel = 1
smtp_connection_cache_on_demand = no
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
bounce_queue_lifetime = 1h
"""

RECEIVER = """\
smtpd_tls_security_level = may
smtpd_tls_chain_files = %(chain)s
smtpd_tls_loglevel = 1
virtual_mailbox_domains = %(domain)s
virtual_mailbox_base = %(mail)s
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:%(uid)d
virtual_gid_maps = static:%(uid)d
virtual_minimum_uid = 1
"""

DOVECOT = """\
protocols = imap
listen = %(listen)s
base_dir = %(directory)s/base
state_dir = %(directory)s/state
log_path = %(directory)s/log
instance_name = lab
ssl = required
ssl_cert = <%(pair)s/fullchain.pem
ssl_key = <%(pair)s/privkey.pem
mail_location = maildir:%(directory)s/mail
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=%(uid)d gid=%(uid)d home=%(directory)s
}
service imap-login {
  service_count = 0
  process_min_avail = 1
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = 993
    ssl = yes
  }
}
"""

NGINX = """\
daemon off;
user nobody nogroup;
worker_processes 1;
pid %(directory)s/pid;
error_log %(directory)s/log info;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(directory)s/t1; proxy_temp_path %(directory)s/t2;
    fastcgi_temp_path %(directory)s/t3; uwsgi_temp_path %(directory)s/t4;
    scgi_temp_path %(directory)s/t5;
    server {
        %(listen)s
        server_name %(name)s;
        ssl_certificate %(pair)s/fullchain.pem;
        ssl_certificate_key %(pair)s/privkey.pem;
        return 204;
    }
}
"""


def reachable(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


class Postfix:
    """An instance of its own: configuration, queue and log in one folder."""

    def __init__(self, node, name, settings):
        self.node, self.directory = node, space.path(node.name)
        os.makedirs(os.path.join(self.directory, "data"))
        os.makedirs(os.path.join(self.directory, "queue"))
        shutil.chown(os.path.join(self.directory, "data"), "postfix")
        space.write(COMMON % {"directory": self.directory, "daemons": DAEMONS, "name": name,
                              "protocols": "all" if node.v6 else "ipv4", "net": space.NET4}
                    + settings, node.name, "main.cf")
        space.write(MASTER, node.name, "master.cf")

    def start(self):
        self.node.run("postfix", "-c", self.directory, "start")
        until(lambda: reachable(self.node.v4, 25), START_SECONDS,
              lambda: "%s does not listen:\n%s" % (self.directory, self.log()[-800:]))

    def log(self):
        try:
            with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    @staticmethod
    def admit(*instances):
        """Postfix's set-gid commands take folders that the usual main.cf names only."""
        space.run("cp", "-a", "/etc/postfix", space.path("etc-postfix"))
        space.write("compatibility_level = 3.6\nalternate_config_directories = %s\n"
                    % ", ".join(i.directory for i in instances), "etc-postfix", "main.cf")
        space.run("mount", "--bind", space.path("etc-postfix"), "/etc/postfix")


class Receiver:
    """Postfix, Dovecot and nginx on one machine. PAIR: the folder that they read; COMBINED: Postfix
    reads one file with key and chain, which cannot be a mixture, instead of two."""

    def __init__(self, node, pair, combined):
        self.node, self.pair = node, pair
        self.mail = space.path("mail")
        os.makedirs(self.mail)
        os.chown(self.mail, BOX_UID, BOX_UID)
        self.dovecot, self.nginx = space.path("dovecot"), space.path("nginx")
        for directory in (self.dovecot, self.nginx):
            os.makedirs(directory)
        files = ["combined.pem"] if combined else ["privkey.pem", "fullchain.pem"]
        self.postfix = Postfix(node, MX, RECEIVER % {
            "chain": ", ".join(os.path.join(pair, file) for file in files), "domain": ZONE,
            "mail": self.mail, "uid": BOX_UID})
        space.write(DOVECOT % {"directory": self.dovecot, "pair": pair, "uid": BOX_UID,
                               "listen": ", ".join(node.addresses)}, "dovecot", "dovecot.conf")
        listen = " ".join("listen %s ssl;" % ("[%s]:443" % a if ":" in a else a + ":443")
                          for a in node.addresses)
        space.write(NGINX % {"directory": self.nginx, "pair": pair, "listen": listen, "name": MX},
                    "nginx", "nginx.conf")

    @property
    def reloads(self):
        """The commands for a root shell on any machine here: they signal processes."""
        return ["postfix -c %s reload" % self.postfix.directory,
                "doveadm -c %s/dovecot.conf reload" % self.dovecot,
                "nginx -c %s/nginx.conf -e %s/log -s reload" % (self.nginx, self.nginx)]

    def start(self):
        self.postfix.start()
        self.node.start("dovecot", "dovecot", "-F", "-c", self.dovecot + "/dovecot.conf")
        self.node.start("nginx", "nginx", "-c", self.nginx + "/nginx.conf",
                        "-e", self.nginx + "/log")
        for port in (993, 443):
            until(lambda: all(reachable(a, port) for a in self.node.addresses), START_SECONDS,
                  lambda: "nothing listens on port %d; %s" % (port, space.fallen()))

    def arrived(self):
        """The numbers of the mails in the box, each as often as it came."""
        numbers = []
        for file in glob.glob(self.mail + "/box/new/*"):
            with open(file, encoding="utf-8", errors="replace") as mail:
                found = re.search(r"^X-Number: (\d+)$", mail.read(4096), re.M)
            if not found:
                raise Fault("a mail without its number: " + file)
            numbers.append(int(found.group(1)))
        return sorted(numbers)


class Sender:
    def __init__(self, node):
        self.node = node
        self.postfix = Postfix(node, "sender.invalid", SENDER)

    def start(self):
        self.postfix.start()

    def outcome(self):
        """What became of deliveries, from the log: (verified handshakes, {status: {queue ids}},
        deferrals in all, the first deferral's words)."""
        status, deferrals, words, verified = {}, 0, "", 0
        for line in self.postfix.log().splitlines():
            verified += "Verified TLS connection established to " + MX in line
            found = re.search(r"postfix/\S+\[\d+\]: (\w+): to=<.*status=(\w+) \((.*)\)$", line)
            if found:
                queue_id, state, said = found.groups()
                status.setdefault(state, set()).add(queue_id)
                if state != "sent":
                    deferrals += 1
                    words = words or said
        return verified, status, deferrals, words


class Mailer(threading.Thread):
    """Hands the sender a mail every INTERVAL seconds, numbered from 1."""

    def __init__(self, sender, interval):
        super().__init__(daemon=True)
        self.sender, self.interval = sender, interval
        self.accepted = 0
        self.fault = None
        self.ending = threading.Event()

    def run(self):
        due = time.monotonic()
        try:
            while not self.ending.wait(max(0.0, due - time.monotonic())):
                self.hand_in(self.accepted + 1)
                self.accepted += 1
                due += self.interval
        except Exception as error:
            self.fault = "no mail can be handed in: %r" % error

    def hand_in(self, number):
        with smtplib.SMTP(self.sender.node.v4, 25, "client.invalid", timeout=10) as smtp:
            smtp.sendmail("steady@sender.invalid", ["box@" + ZONE],
                          "From: <steady@sender.invalid>\r\nTo: <box@%s>\r\nSubject: mail %d\r\n"
                          "X-Number: %d\r\n\r\nOne of many.\r\n" % (ZONE, number, number))

    def stop(self):
        self.ending.set()
        self.join(30)
