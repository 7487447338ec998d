#!/usr/bin/env bash
# usage: unshare -m -p -f --mount-proc tests/tools/user_manager.sh SCRIPT [ARGUMENT]...
# Runs a script beside a true `systemd --user`, in namespaces of its own; its home is empty and goes away with it.
set -euo pipefail

mount --make-rprivate /
mount -t tmpfs tmpfs /home
mkdir --mode=700 /home/owner
export HOME=/home/owner USER=root LOGNAME=root
unset XDG_CONFIG_HOME XDG_STATE_HOME

# What systemd takes for the sign of a machine that it has booted.
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/{system,unit-root,propagate,incoming}
mkdir -p /run/user
mount -t tmpfs tmpfs /run/user
mkdir --mode=700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0
export DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/0/bus

# The unified hierarchy, wherever this machine has it.
slice=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET)/contactd-test-$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' ')
mkdir "$slice"
echo $$ >"$slice/cgroup.procs"

/lib/systemd/systemd --user >"$HOME/manager.log" 2>&1 &
for _ in $(seq 600); do
    [[ $(systemctl --user is-system-running 2>/dev/null) == running ]] && break
    sleep 0.1
done
status=0
"$@" || status=$?
systemctl --user exit || true
exit "$status"
