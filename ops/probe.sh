# shellcheck shell=bash
# Checks that the stack accepts a registration and shows its receipt, through nginx, the store and the object store; and
# reads the state of the queue.
# Sourced by init.sh. The registration is always the same one, in a separate campaign: ops/probe.toml.

# A PNG with one pixel.
PROBE_PHOTO=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==

# Registers and reads the receipt back. Prints the answer if that fails.
registration_works() {
    local url=$1 answer receipt
    # The certificate is issued for the site, not for the loopback address.
    local curl=(curl --silent --show-error --fail-with-body --insecure --max-time 30)
    answer=$(base64 -d <<<"$PROBE_PHOTO" | "${curl[@]}" --header "Idempotency-Key: init-probe" \
        --form prueba=1 --form "foto=@-;filename=probe.png;type=image/png" \
        "$url/api/v1/campaigns/prueba-de-arranque/registrations" 2>&1) || { echo "$answer" && return 1; }
    receipt=$(sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p' <<<"$answer")
    [[ -n $receipt ]] || { echo "no receipt in: $answer" && return 1; }
    "${curl[@]}" --output /dev/null "$url/r/$receipt" 2>&1
}

# Reads what `jornada queue status` prints, and prints how many votes are not stored yet, or nothing if that is unknown.
read_lag() {
    sed -n 's/^votes that are not stored: \([0-9][0-9]*\)$/\1/p'
}
