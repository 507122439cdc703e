# shellcheck shell=bash
# Checks the unit of ops/native/boot.sh with systemd's own tool. Sourced by test.sh after ops/parts.sh.

check_unit() {
    local work target
    command -v systemd-analyze >/dev/null || { say "no systemd-analyze: the unit is not checked" && return; }
    work=$(mktemp -d "${TMPDIR:-/tmp}/jornada-unit.XXXXXX")
    # shellcheck source=ops/native/boot.sh
    source ops/native/boot.sh
    for target in multi-user.target default.target; do
        STACK=/var/lib/jornada ENV_FILE=$PWD/.env boot_unit "$target" >"$work/$UNIT"
        systemd-analyze verify --man=no "$work/$UNIT" 2>&1 | tee "$work/findings"
        ! grep -F "$UNIT" "$work/findings" || return
    done
    rm -r "$work"
}
