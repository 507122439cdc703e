#!/usr/bin/env bash
# Applies an overlay in order, and waits: settings and stores first, then the Job `prepare`, then the roles. A failed step stops it
# before any pod of a role is replaced.
#
#   bash k8s/rollout.sh k8s/overlays/local
#
# The first time, `kubectl apply -k` alone does too: pods restart until the stores answer.
set -euo pipefail

NAMESPACE=jornada
COMPONENT=app.kubernetes.io/component
TIMEOUT=15m

[[ $# -eq 1 && -f $1/kustomization.yaml ]] || {
    echo "expected: bash k8s/rollout.sh k8s/overlays/local" >&2
    exit 1
}
objects=$(kubectl kustomize "$1")

# Applies the objects that a selector of labels matches.
apply() {
    printf '%s\n' "$objects" | kubectl apply --filename - --selector "$1"
}

# Waits for the pods of the workloads that exist.
wait_for() {
    local workload
    for workload in $(kubectl --namespace "$NAMESPACE" get deployment,statefulset --selector "$1" --output name); do
        kubectl --namespace "$NAMESPACE" rollout status "$workload" --timeout "$TIMEOUT"
    done
}

# Jobs cannot be changed.
kubectl --namespace "$NAMESPACE" delete job prepare mongodb-init --ignore-not-found
apply "!$COMPONENT"
apply "$COMPONENT in (mongodb, mongodb-init, redis, seaweedfs)"
wait_for "$COMPONENT in (mongodb, redis, seaweedfs)"
if kubectl --namespace "$NAMESPACE" get kafka/jornada --output name >/dev/null 2>&1; then
    kubectl --namespace "$NAMESPACE" wait kafka/jornada --for condition=Ready --timeout "$TIMEOUT"
fi
apply "$COMPONENT=prepare"
kubectl --namespace "$NAMESPACE" wait job/prepare --for condition=Complete --timeout "$TIMEOUT"
printf '%s\n' "$objects" | kubectl apply --filename -
wait_for "$COMPONENT"
