#!/usr/bin/env bash
# The pods of k8s/overlays/local without a cluster: two instances and a consumer, with the arguments, settings, probes, times and
# restrictions of the manifests, are replaced one after the other under load by HTTP and gRPC. Nothing may fail. Needs root.
#
#   STACK_PROGRAM=target/debug/jornada bash drill/pods.sh
#
# Uses the servers of the tests that JORNADA_TEST_… name (bash test.sh servers), as test.sh does. About a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=ops/parts.sh
source ops/parts.sh

[[ $(id -u) -eq 0 ]] || {
    say "skipped: only root can restrict a process as a container"
    exit 0
}
[[ -x ${STACK_PROGRAM:-} ]] || fail "STACK_PROGRAM is not a program" "STACK_PROGRAM=target/debug/jornada bash drill/pods.sh"
[[ -n ${JORNADA_TEST_KAFKA:-} ]] || fail "JORNADA_TEST_KAFKA is not set" "bash test.sh servers /tmp/servers.env & . /tmp/servers.env"
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/jornada-pods.XXXXXX")
chmod 711 "$FOLDER"
trap 'rm -rf "$FOLDER"' EXIT
PYTHONPATH=$TOOLS/locust /usr/bin/python3 -B drill/pods.py "$(realpath "$STACK_PROGRAM")" "$TOOLS" "$FOLDER"
