#!/bin/bash
# The classic cron script that daneroll replaces, as in tests/bench/classic.sh, here with nsupdate and
# dig in place of an API.
#
#   SERVER KEY_FILE  the primary server, and the TSIG key for it
#   OWNERS           the TLSA records' owner names
#   CERT             the certificate             TTL  of new records
#   RENEW RELOAD     commands                    WAIT seconds before the reload, and after it
set -euo pipefail
WAIT=${WAIT-300}

digest() {
    openssl x509 -in "$CERT" -noout -pubkey | openssl pkey -pubin -outform DER |
        openssl dgst -sha256 -r | cut -d ' ' -f 1
}

fail() {
    echo "classic: $1" >&2
    exit 1
}

# "OWNER DIGEST" of each 3 1 1 record.
list() {
    local owner
    for owner in $OWNERS; do
        dig +norecurse +noall +answer "@$SERVER" "$owner" TLSA |
            awk -v owner="$owner" '$4 == "TLSA" && $5 == 3 && $6 == 1 && $7 == 1 {
                data = ""; for (i = 8; i <= NF; i++) data = data $i
                print owner, tolower(data) }'
    done
}

# Of these, the ones that are not of the key $1.
others() {
    awk -v key="$1" 'NF == 2 && $2 != key' <<<"$records"
}

send() {
    { echo "server $SERVER"; cat; echo send; } | nsupdate -k "$KEY_FILE" || fail "update refused"
}

before=$(digest)
records=$(list)
stale=$(others "$before")

sh -c "$RENEW"
after=$(digest)
[ "$after" != "$before" ] || [ -n "$stale" ] || exit 0

for owner in $OWNERS; do
    echo "add $owner. $TTL TLSA 3 1 1 $after"
done | send
sleep "$WAIT"
sh -c "$RELOAD"
sleep "$WAIT"
others "$after" | while read -r owner data; do
    echo "delete $owner. TLSA 3 1 1 $data"
done | send
