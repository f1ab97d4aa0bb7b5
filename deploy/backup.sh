#!/bin/sh
# Copy the log of observations of a server that may run meanwhile, and look whether the copy is whole.
#   backup.sh /var/lib/gatecast /backup/observations-$(date +%F).db
# Snapshots need no copy: they are made anew from the log.
set -eu
data=${1:?the data folder of the server}
copy=${2:?where the copy goes, a file that is not there yet}

[ -e "$copy" ] && { echo "there is a file $copy already; name another one." >&2; exit 1; }
sqlite3 -bail "file:$data/observations.db?mode=ro" "VACUUM INTO '$(printf %s "$copy" | sed "s/'/''/g")'"
[ "$(sqlite3 "$copy" 'PRAGMA integrity_check')" = ok ] || { echo "the copy $copy is damaged." >&2; exit 1; }
