#!/bin/sh
# A worker over HTTP in shell: curl and jq.
#
#   CPDS_SERVER=http://localhost:8848 sh worker.sh
#
# CPDS_WORKER_TOKEN holds the token, where the server asks for one; MAX_TASKS ends it after so many.
# It counts the words of each task's description.
set -eu
server="${CPDS_SERVER:-http://localhost:8848}/api/v1/workers"
heartbeat="${HEARTBEAT_SECONDS:-10}"
left="${MAX_TASKS:--1}"
stopping=""

# The token goes to curl by its standard input: on a command line others could read it.
headers() {
    echo 'header = "Content-Type: application/json"'
    [ -z "${CPDS_WORKER_TOKEN:-}" ] || echo "header = \"Authorization: Bearer $CPDS_WORKER_TOKEN\""
}

post() { # post PATH BODY
    headers | curl --config - --silent --show-error --fail --max-time 60 --data "$2" "$server/$1"
}

perform() { # perform CLAIM: print the output as JSON
    printf '%s' "$1" | jq -r '.task.description' | wc -w | jq '{words: .}'
}

beat() { # idle or not: a worker that falls silent counts as gone
    while sleep "$heartbeat"; do
        post "$worker/heartbeat" "{\"claims\": [$(cat "$held")]}" >/dev/null || true
    done
}

leave() {
    trap - EXIT
    kill "$beating" 2>/dev/null || true
    post "$worker/leave" '{}' >/dev/null || true
    rm -f "$held"
}

name="${WORKER_NAME:-shell-$$}"
worker=$(post register "{\"name\": \"$name\", \"heartbeat_seconds\": $heartbeat}" | jq -r '.data.id')
echo "registered $worker"
held=$(mktemp) # the tokens of what it holds, as the heartbeats name them
beat &
beating=$!
trap leave EXIT
trap 'stopping=1' TERM INT # it ends what it holds, and leaves

while [ "$left" -ne 0 ] && [ -z "$stopping" ]; do
    if ! claim=$(post "$worker/claims" '{"wait": 5}' | jq -c '.data.claims[0] // empty'); then
        sleep 2
        continue
    fi
    if [ -z "$claim" ]; then
        sleep 1
        continue
    fi
    token=$(printf '%s' "$claim" | jq -r '.token')
    echo "\"$token\"" >"$held"
    if output=$(perform "$claim"); then
        # Refused with 409 when the claim is gone; nothing was changed then.
        post "$worker/claims/$token/complete" "$(jq -cn --argjson output "$output" '{output: $output}')" || true
    elif [ -z "$stopping" ]; then # else the signal may have ended it too, and leaving hands it back
        post "$worker/claims/$token/fail" '{"message": "the words could not be counted"}' || true
    fi
    : >"$held"
    left=$((left - 1))
done
