#!/bin/sh
# Starts one process of CPDS in the foreground, and becomes it: signals reach the process itself.
#
#   entrypoint.sh web|worker|beat|migrate|standalone [OPTION...]   options go to the program, after the ones here
#   entrypoint.sh wait                                             until the database has this version's tables
#   entrypoint.sh health [ROLE]                                    exit code 0 while ROLE does its work
#
# `python` is the first one on PATH. With ROLE_FILE set, the role is noted there for `health`.
set -eu
cd "$(dirname "$0")/.."

usage() {
    echo "usage: entrypoint.sh web|worker|beat|migrate|standalone|wait|health [OPTION...]" >&2
    exit 2
}

note_role() {
    [ -z "${ROLE_FILE:-}" ] || echo "$1" >"$ROLE_FILE"
}

answers() {
    python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1" 2>/dev/null
}

healthy() {
    case $1 in
    web) answers http://127.0.0.1:8848/livez ;;
    # The worker's own word that it takes tasks, and that process still being there.
    worker) [ -s "${CPDS_READY_FILE:-}" ] && kill -0 "$(cat "$CPDS_READY_FILE")" ;;
    standalone)
        url=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "${CPDS_STATE_DIR:-var}/run.json") && answers "${url%/}/livez"
        ;;
    # A beat that hangs stops nothing: workers that miss a sweep sweep themselves. One that ends ends its container.
    beat | migrate | wait) ;;
    *) usage ;;
    esac
}

[ $# -gt 0 ] || usage
role=$1
shift

case $role in
web)
    note_role web
    exec python manage.py server start --host 0.0.0.0 --port 8848 --grace 20 "$@"
    ;;
worker)
    note_role worker
    # What an earlier life in this place left must not pass for this one.
    [ -z "${CPDS_READY_FILE:-}" ] || rm -f "$CPDS_READY_FILE"
    exec python -m celery -A cpds worker --without-gossip --without-mingle --without-heartbeat -n worker@%h "$@"
    ;;
beat)
    note_role beat
    exec python -m celery -A cpds beat "$@"
    ;;
migrate)
    note_role migrate
    exec python manage.py migrate --no-input "$@"
    ;;
standalone)
    note_role standalone
    exec python manage.py standalone "$@"
    ;;
wait)
    note_role wait
    until said=$(python manage.py migrate --check 2>&1); do
        echo "not yet: $(printf '%s\n' "${said:-the tables are older than this version}" | tail -n 1)" >&2
        sleep 2
    done
    ;;
health)
    if [ $# -eq 0 ]; then
        [ -r "${ROLE_FILE:-}" ] || usage
        set -- "$(cat "$ROLE_FILE")"
    fi
    healthy "$1"
    ;;
*)
    usage
    ;;
esac
