#!/usr/bin/env bash
# webhook.sh: TokenReviews through a real webhook process to the lab's Keystone, 32 at a time.
#
# Prints for good tokens (unknown and known), forged ones and JWTs: the answers, the requests that Keystone got, the
# reviews per second of the webhook's own CPU time and of the clock, and its memory. The clock includes the client, which
# needs more than the webhook does.
# PEER=PATH measures that k8s-keystone-auth in the same way and prints the ratios for known good tokens.
# Needs the lab's environment (make bench sets it).
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT

go test -tags e2e -count=1 -v -run '^TestWebhookLoad$' ./e2e >"$out" 2>&1 || { cat "$out" >&2; exit 1; }
sed -nE 's/^ *webhook_test.go:[0-9]+: //p' "$out"
[ -n "${PEER:-}" ] || exit 0
for unit in 'reviews/s per core' '/s in all'; do
  sed -nE "s#.*the same again .* ([0-9]+) *$unit.*#\1#p" "$out" | paste -s |
    awk -v u="$unit" '{printf "known good tokens, %s: ratio %.0f\n", u, $1 / $2}'
done
