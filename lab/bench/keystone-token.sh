#!/usr/bin/env bash
# keystone-token.sh [RUNS]: what a kubectl call waits for, when the token is in the cache.
#
# Runs in turn, and prints medians of whole processes: `kubectl-ystack keystone-token` with a warm cache, `openstack token
# issue`, and with PEER=PATH that client-keystone-auth, all as alice of the lab.
# Needs the lab's environment (make bench sets it).
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-30}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state

ours() { bin/kubectl-ystack keystone-token --os-cloud lab-alice; }
openstackclient() { openstack --os-cloud lab-alice token issue -f value -c id; }
peer() ( # it knows OS_* only
  . "$YSTACK_LAB/etc/openrc-alice"
  export OS_DOMAIN_NAME=$OS_USER_DOMAIN_NAME
  exec "$PEER"
)

timed() { # NAME: appends microseconds to $work/NAME.times
  local start end
  start=$(date +%s%N)
  "$1" >"$work/$1.out" 2>&1 </dev/null || { cat "$work/$1.out" >&2; exit 1; }
  end=$(date +%s%N)
  echo $(((end - start) / 1000)) >>"$work/$1.times"
}

median() { sort -n "$work/$1.times" | awk '{v[NR]=$1} END {printf "%.1f", ((NR%2) ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2) / 1000}'; }

ways="ours openstackclient${PEER:+ peer}"
for way in $ways; do timed "$way"; done # fills caches of all kinds
rm "$work"/*.times
for i in $(seq "$runs"); do
  timed ours
  [ -z "${PEER:-}" ] || timed peer
  ((i > 5)) || timed openstackclient # it takes its time
done
for way in $ways; do
  printf '%-16s %8s ms (median of %s), %s times ours\n' "$way" "$(median "$way")" "$(wc -l <"$work/$way.times")" \
    "$(awk -v a="$(median "$way")" -v b="$(median ours)" 'BEGIN {printf "%.1f", a / b}')"
done
