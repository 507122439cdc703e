# shellcheck shell=bash
# Proves that the stack takes a registration and shows it, through nginx, the store and the photo store. Sourced by
# init.sh. The registration is always the same one, of a campaign of its own: ops/probe.toml.

# A PNG of one pixel.
PROBE_PHOTO=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==

# Registers and reads the receipt back; what was answered instead goes to standard output.
registration_works() {
    local url=$1 answer receipt
    # The certificate names the site, not this machine's loopback.
    local curl=(curl --silent --show-error --fail-with-body --insecure --max-time 30)
    answer=$(base64 -d <<<"$PROBE_PHOTO" | "${curl[@]}" --header "Idempotency-Key: init-probe" \
        --form prueba=1 --form "foto=@-;filename=probe.png;type=image/png" \
        "$url/api/v1/campaigns/prueba-de-arranque/registrations" 2>&1) || { echo "$answer" && return 1; }
    receipt=$(sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p' <<<"$answer")
    [[ -n $receipt ]] || { echo "no receipt in: $answer" && return 1; }
    "${curl[@]}" --output /dev/null "$url/r/$receipt" 2>&1
}
