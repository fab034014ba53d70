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
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() { # TEST: prints its table
  go test -tags e2e -count=1 -v -run "^$1\$" ./e2e >"$work/$1" 2>&1 || { cat "$work/$1" >&2; exit 1; }
  sed -nE 's/^ *webhook_test.go:[0-9]+: //p' "$work/$1"
}

known() { # TEST UNIT: the figure for known good tokens
  sed -nE "s#.*the same again .* ([0-9]+) *$2.*#\1#p" "$work/$1"
}

echo "ystack"
measure TestWebhookLoad
[ -n "${PEER:-}" ] || exit 0
echo "$PEER"
measure TestWebhookPeer
for unit in 'reviews/s per core' '/s in all'; do
  awk -v a="$(known TestWebhookLoad "$unit")" -v b="$(known TestWebhookPeer "$unit")" -v u="$unit" 'BEGIN {printf "known good tokens, %s: ratio %.0f\n", u, a / b}'
done
