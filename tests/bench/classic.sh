#!/bin/bash
# The classic cron script that daneroll replaces, written afresh for make bench: it does what such
# scripts do, with the tools that they use, and without the faults that cost nothing to mend.
#
#   API         the API's base address      ZONE_ID  the zone
#   HEADERS     a file with the line "Authorization: Bearer TOKEN"
#   HOST PORTS  the server, and its ports with TLSA records, as "25 443"
#   CERT        the certificate             TTL      of new records
#   RENEW RELOAD  commands                  WAIT     seconds before the reload, and after it
#   PER_PAGE    records that are asked for at once
set -euo pipefail
WAIT=${WAIT-300}
PER_PAGE=${PER_PAGE:-1000}

digest() {
    openssl x509 -in "$CERT" -noout -pubkey | openssl pkey -pubin -outform DER |
        openssl dgst -sha256 -binary | xxd -p -c 64
}

api() { # METHOD PATH [JSON]
    curl -sS -X "$1" -H "@$HEADERS" -H 'Content-Type: application/json' ${3:+--data "$3"} \
        "$API/zones/$ZONE_ID/$2"
}

fail() {
    echo "classic: $1" >&2
    exit 1
}

# "ID NAME DIGEST" of each 3 1 1 record of the zone.
list() {
    local page=1 pages=1 answer
    while [ "$page" -le "$pages" ]; do
        answer=$(api GET "dns_records?type=TLSA&per_page=$PER_PAGE&page=$page")
        [ "$(jq -r .success <<<"$answer")" = true ] || fail "cannot list: $answer"
        pages=$(jq -r .result_info.total_pages <<<"$answer")
        jq -r '.result[] | select(.data.usage == 3 and .data.selector == 1 and
            .data.matching_type == 1) | "\(.id) \(.name) \(.data.certificate | ascii_downcase)"' \
            <<<"$answer"
        page=$((page + 1))
    done
}

# The ids of HOST's records that are not of the key $1.
others() {
    local id name data port
    while read -r id name data; do
        for port in $PORTS; do
            if [ "$name" = "_$port._tcp.$HOST" ] && [ "$data" != "$1" ]; then
                echo "$id"
            fi
        done
    done <<<"$records"
}

before=$(digest)
records=$(list)
stale=$(others "$before")

sh -c "$RENEW"
after=$(digest)
[ "$after" != "$before" ] || [ -n "$stale" ] || exit 0

for port in $PORTS; do
    answer=$(api POST dns_records '{"type":"TLSA","name":"_'"$port._tcp.$HOST"'","ttl":'"$TTL"',"data":{"usage":3,"selector":1,"matching_type":1,"certificate":"'"$after"'"}}')
    # 81057, 81058: the record already exists
    [ "$(jq -r '.success or any(.errors[]; .code == 81057 or .code == 81058)' <<<"$answer")" = true ] ||
        fail "cannot create: $answer"
done
[ "$WAIT" = 0 ] || sleep "$WAIT"
sh -c "$RELOAD"
[ "$WAIT" = 0 ] || sleep "$WAIT"
for id in $(others "$after"); do
    answer=$(api DELETE "dns_records/$id")
    [ "$(jq -r .success <<<"$answer")" = true ] || fail "cannot delete: $answer"
done
