#!/usr/bin/env bash
# hook.sh: how many deliveries pipeline serve accepts, beside a bare handler that only writes and syncs for many at once;
# sender and receiver share one core. Then 10,000 deliveries (or $1), some of them twice and out of order, to a server that is
# killed at random moments: each head must end in one run, or superseded on record.
set -euo pipefail
cd "$(dirname "$0")/../.."
go test -run '^$' -bench 'Accept|Bare' -cpu 1 -benchtime 20000x ./pkg/hook
YSTACK_TEST_DELIVERIES=${1:-10000} go test -count=1 -v -timeout 30m -run '^TestKill$' ./pkg/hook
