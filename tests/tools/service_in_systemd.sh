#!/usr/bin/env bash
# usage: user_manager.sh service_in_systemd.sh PROGRAM   (within a user manager; its home is empty)
# The life of the installed unit, each thing that was seen on a line of its own: `NAME VALUE`.
set -euo pipefail
contactd=$1
vault="$HOME/my notes: all of them"

see() { printf '%s %s\n' "$@"; }
property() { systemctl --user show contactd.service --property="$1" --value; }
# Arguments: how many tenths of a second, a command.
until_true() {
    local tenths=$1
    shift
    for _ in $(seq "$tenths"); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    return 1
}
# A service that is not there has the id 0, which means whoever asks, and all who came with him.
main_pid() {
    local pid
    pid=$(property MainPID)
    [[ $pid != 0 ]] || { echo "the service is not at work: $(tail -3 "$HOME/log" 2>&1)" >&2; return 1; }
    echo "$pid"
}
is_active() { [[ $(property ActiveState) == active ]]; }
is_another() { is_active && [[ $(property MainPID) != "$1" ]]; }
has_company() { grep -q "ORG:$1" "$HOME"/contacts/*.vcf; }

mkdir -p "$vault/People" "$HOME/contacts" "$HOME/.config/contactd" "$HOME/.ssh"
echo secret >"$HOME/.ssh/id"
printf -- '---\ntype: people\ntitle: Ada\ncompany: Engines\n---\n' >"$vault/People/Ada.md"
cat >"$HOME/.config/contactd/config.toml" <<CONFIG
[vault]
path = "$vault"
[service]
interval_s = 1
[accounts.home]
connector = "vdir"
contacts = "$HOME/contacts"
CONFIG
"$contactd" sync --once --yes --config "$HOME/.config/contactd/config.toml" >/dev/null

mkdir -p "$HOME/.config/systemd/user/contactd.service.d"
# There is no journal in this manager.
printf '[Service]\nStandardError=append:%s/log\n' "$HOME" >"$HOME/.config/systemd/user/contactd.service.d/log.conf"
"$contactd" service install --no-start >/dev/null
unit=$HOME/.config/systemd/user/contactd.service
see verified "$(systemd-analyze verify --user "$unit" 2>&1 | wc -l)"
"$contactd" service install | grep refuses || true
see active "$(property ActiveState)"
see says "$(property StatusText)"
see sandbox "$(grep -o 'sandbox: .*' "$HOME/log" | tail -1)"

sed -i 's/Engines/Looms/' "$vault/People/Ada.md"
see pushed "$(until_true 600 has_company Looms && echo yes)"

before=$(main_pid)
kill -KILL "$before"
sed -i 's/Looms/Cards/' "$vault/People/Ada.md"
see restarted "$(until_true 600 is_another "$before" && echo yes)"
see converged "$(until_true 600 has_company Cards && echo yes)"

# A process that is stopped gives no sign of life, as one whose loop is stuck.
mkdir -p "$unit.d"
printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n' >"$unit.d/quick.conf"
systemctl --user daemon-reload
systemctl --user restart contactd.service
before=$(main_pid)
sleep 6
see patient "$([[ $(property MainPID) == "$before" ]] && echo yes)"
kill -STOP "$before"
see watched "$(until_true 600 is_another "$before" && echo yes)"

# A password that the owner can have and the service cannot, and one that is bound into the sandbox.
echo word >"$HOME/password"
chmod 600 "$HOME/password" "$HOME/.ssh/id"
cat >>"$HOME/.config/contactd/config.toml" <<CONFIG
[accounts.bound]
connector = "dav"
url = "http://127.0.0.1:9/"
password_file = "$HOME/password"
[accounts.unbound]
connector = "dav"
url = "http://127.0.0.1:9/"
password_command = ["cat", "$HOME/.ssh/id"]
CONFIG
"$contactd" service install >/dev/null
"$contactd" doctor >"$HOME/doctor" || true
cat "$HOME/doctor" >&2
see doctor "$(sed -n 's/^ok  \(password of bound: .*\)/\1/p' "$HOME/doctor")"
see hidden "$(grep -A1 '^BAD password of unbound' "$HOME/doctor" | grep -o 'outside the sandbox it can be had')"

systemctl --user stop contactd.service
see stopped "$(property ActiveState) $(property Result) $(property ExecMainStatus)"
"$contactd" service uninstall >/dev/null
see left "$(ls "$HOME/.config/systemd/user" | grep -c '^contactd.service$' || true)"
