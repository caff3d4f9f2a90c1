# What is so on every host.

check_install() {
  check "apt install, as the README says" readme install
  check "it is enabled" guest systemctl is-enabled pbxguard
  check "it is active" active
  check "it answers" await answers
  check "it observes" says 'observing: 0 calls would have been killed' guest pbxguard status
  check "it says what it lacks, and what mends that" lacks_account
  check "it runs unprivileged" unprivileged
  check "it goes before what a flood keeps busy" ahead
  check "the program and the package have one version" same_version
  check "the manual is there" says 'fraudulent calls' guest man -P cat pbxguard
  check "the configuration's manual is there" says 'hangup_cause' guest man -P cat pbxguard.toml
  check "completion knows the commands" says 'status' guest pbxguard __complete sta
  check "the lists of numbers are there to be filled" says withdrawn guest pbxguard lists
  check "the configuration is not for everybody" [ "$(guest stat -c '%a %U %G' /etc/pbxguard/pbxguard.toml)" = "640 root pbxguard" ]
}

lacks_account() {
  local out
  out=$(guest pbxguard status 2>&1) || true
  printf '%s\n' "$out"
  grep -q 'no AMI account yet' <<<"$out" && grep -q -- '-> pbxguard setup --write$' <<<"$out"
}

# ahead: nothing that a flood keeps busy comes before it. Field 19 is the nice value, proc(5).
ahead() { [ "$(guest cut -d' ' -f19 "/proc/$(main_pid)/stat")" = -10 ]; }

unprivileged() { [ "$(guest stat -c %U "/proc/$(main_pid)")" = pbxguard ]; }

same_version() {
  local package program
  package=$(guest dpkg-query --show --showformat '${Version}' pbxguard)
  program=$(guest pbxguard version)
  echo "$package / $program"
  [ "${program#pbxguard "$package" (}" != "$program" ]
}

# A PBX that is installed after the guard: its group comes by the trigger.
check_trigger() {
  mkdir -p "$work/standin/DEBIAN" "$work/standin/usr/sbin"
  printf 'Package: asterisk\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@pbxguard.example>\nDescription: stand-in\n' \
    > "$work/standin/DEBIAN/control"
  printf '#!/bin/sh\naddgroup --quiet --system asterisk\n' > "$work/standin/DEBIAN/postinst"
  printf '#!/bin/sh\n' > "$work/standin/usr/sbin/asterisk"
  chmod 0755 "$work/standin/DEBIAN/postinst" "$work/standin/usr/sbin/asterisk"
  dpkg-deb --root-owner-group --build "$work/standin" "$work/repository/standin.deb" >/dev/null
  local before
  before=$(main_pid)
  check "a PBX is installed" guest apt-get install -y -q /mnt/standin.deb
  check "the guard is in its group" says asterisk guest id -nG pbxguard
  check "and was started again for it" restarted_since "$before"
  check "the daemon has the group" daemon_has_group asterisk
}

restarted_since() { await active && [ "$(main_pid)" != "$1" ]; }

daemon_has_group() {
  local gid
  gid=$(guest getent group "$1" | cut -d: -f3)
  guest sed -n 's/^Groups://p' "/proc/$(main_pid)/status" | grep -qw "$gid"
}

# Bans stay whatever happens to the daemon.
address=203.0.113.9
banned() { in_kernel $address; }

check_bans() {
  check "bans are switched on, as the README says" readme enforce
  check "a ban by hand" guest pbxguard ban $address --for 7d
  check "is in the kernel" await banned
  check "stays over a stop" stop_and_look
  check "and a start" start_and_look
  check "stays over kill -9" kill_and_look
  check "stays while a daemon that hangs is replaced" hang_and_look
  check "comes back after a flush of the ruleset" flush_and_look
  check "stays over a reload" reload_and_look
  repository "$new"
  check "stays over an upgrade, as the README says, without a gap" upgrade_and_look
  check "the new version runs" same_version
  check "its database knows it" guest_database
  check "the upgrade keeps the configuration" says 'mode = "enforce"' guest cat /etc/pbxguard/pbxguard.toml
}

stop_and_look() { guest systemctl stop pbxguard && banned; }
start_and_look() { guest systemctl start pbxguard && banned && await says $address guest pbxguard bans; }

kill_and_look() {
  local before
  before=$(main_pid)
  guest systemctl kill -s KILL pbxguard
  banned || return 1
  await restarted "$before"
  banned && await says $address guest pbxguard bans
}

# systemd's watchdog, with less patience than usual.
hang_and_look() {
  local before dir=/run/systemd/system/pbxguard.service.d
  guest sh -c "mkdir -p $dir && printf '[Service]\nWatchdogSec=3s\nTimeoutAbortSec=3s\n' > $dir/test.conf && systemctl daemon-reload && systemctl restart pbxguard"
  await answers || return 1
  before=$(main_pid)
  guest kill -STOP "$before"
  await restarted "$before" && banned && await answers || return 1
  guest sh -c "rm -r $dir && systemctl daemon-reload && systemctl restart pbxguard" && await answers
}

restarted() { active && [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }
flush_and_look() { network nft flush ruleset && await banned; }
reload_and_look() { guest systemctl reload pbxguard && banned && await says $address guest pbxguard bans; }

upgrade_and_look() {
  local before watcher
  before=$(main_pid)
  : > "$work/gaps"
  while sleep 0.02; do banned || date +%T.%N >> "$work/gaps"; done &
  watcher=$!
  readme upgrade || { kill $watcher; return 1; }
  await restarted "$before" || { kill $watcher; return 1; }
  await answers || { kill $watcher; return 1; }
  kill $watcher
  [ ! -s "$work/gaps" ] || { echo "it was gone at:"; cat "$work/gaps"; return 1; }
}

# The database says which version had it last; check looks when nobody else does.
guest_database() {
  local version result=0
  version=$(guest dpkg-query --show --showformat '${Version}' pbxguard)
  guest systemctl stop pbxguard
  says "written by pbxguard $version" guest pbxguard check || result=1
  guest systemctl start pbxguard
  await answers && return $result
}

# The weekly audit, as the timer starts it.
check_audit() {
  check "the timer is enabled" guest systemctl is-enabled pbxguard-audit.timer
  check "and waits" guest systemctl is-active pbxguard-audit.timer
  check "an audit runs, or is not needed" guest systemctl start pbxguard-audit.service
  if has_asterisk; then
    check "it says what it has looked at" says 'Audit of /' guest journalctl -u pbxguard-audit --no-pager
    check "it could read what it must" fails says 'ermission denied' guest journalctl -u pbxguard-audit --no-pager
    check "it remembers, beside what root's own audits do" audits_twice
  fi
  check "its exposure is at most 3.0" exposure pbxguard-audit 3.0
}

audits_twice() { guest pbxguard audit --fail-on none && guest systemctl start pbxguard-audit.service; }

# What the daemon cannot do, whatever becomes of it.
check_confinement() {
  pid=$(main_pid)
  check "exposure is at most 2.0" exposure pbxguard 2.0
  check "no capability but CAP_NET_ADMIN" says "$(printf 'CapEff:\t0000000000001000')" guest cat "/proc/$pid/status"
  check "no new privileges" says "$(printf 'NoNewPrivs:\t1')" guest cat "/proc/$pid/status"
  check "the guard could forbid itself what it does not need" fails says 'less is forbidden' guest journalctl -u pbxguard --no-pager
  check "no image of its memory is kept" says 'Max core file size        0                    0' guest cat "/proc/$pid/limits"
  check "no shell can be started" no_program /bin/sh -c :
  check "no interpreter can be started" no_program /usr/bin/perl -e 1
  check "the configuration of the PBX cannot be written" fails guest sh -c "mkdir -p /etc/asterisk && touch /proc/$pid/root/etc/asterisk/owned"
  check "nor that of the guard" fails guest touch "/proc/$pid/root/etc/pbxguard/owned"
  check "the PBX's console is out of reach" out_of_reach
  check "only this host can be reached" says '0.0.0.0/0' guest systemctl show --property=IPAddressDeny pbxguard
  check "a broken configuration is not tried again and again" broken_configuration
  check "what the sandbox blocks is told" blocked_resolver
}

# exposure UNIT LIMIT: as it is printed, since --threshold= came with systemd 250.
exposure() {
  local line level
  line=$(guest systemd-analyze security --no-pager "$1" | grep 'Overall exposure level')
  echo "$line"
  level=$(sed 's/.*: \([0-9.]*\) .*/\1/' <<<"$line")
  awk -v level="$level" -v limit="$2" 'BEGIN {exit !(level + 0 > 0 && level <= limit)}'
}

# no_program PATH ARGUMENT...: enters where the daemon lives and tries to start the program.
no_program() {
  guest test -x "$1" || { echo "the host itself has no $1"; return 1; }
  fails guest nsenter --target "$pid" --mount "$@"
}

# A socket as the PBX has one, made after the daemon was.
out_of_reach() {
  guest sh -c 'mkdir -p /run/asterisk && [ -e /run/asterisk/asterisk.ctl ] || touch /run/asterisk/asterisk.ctl'
  fails guest test -e "/proc/$pid/root/run/asterisk/asterisk.ctl"
}

broken_configuration() {
  guest sh -c 'cp -p /etc/pbxguard/pbxguard.toml /root/kept && echo nonsense >> /etc/pbxguard/pbxguard.toml'
  fails guest systemctl restart pbxguard || return 1
  sleep 3
  says 'ActiveState=failed' guest systemctl show --property=ActiveState,ExecMainStatus,NRestarts pbxguard || return 1
  says 'ExecMainStatus=78' guest systemctl show --property=ExecMainStatus pbxguard || return 1
  guest sh -c 'cat /root/kept > /etc/pbxguard/pbxguard.toml && systemctl restart pbxguard'
  await answers
}

blocked_resolver() {
  guest sh -c 'echo "nameserver 198.51.100.53" > /etc/resolv.conf
    sed -i "0,/^allow = \[\]/s//allow = [\"office.pbxguard.example\"]/" /etc/pbxguard/pbxguard.toml
    grep -q office /etc/pbxguard/pbxguard.toml && systemctl reload pbxguard'
  await says '198.51.100.53' guest pbxguard status || return 1
  says '198.51.100.53' guest pbxguard check || return 1
  guest pbxguard setup --network --write || return 1
  guest sh -c 'systemctl daemon-reload && systemctl restart pbxguard' || return 1
  await answers || return 1
  fails says '198.51.100.53' guest pbxguard status
}

check_removal() {
  check "no unit has failed" no_failed_units
  check "apt remove, as the README says" readme remove
  check "the bans are lifted" fails network nft list table inet pbxguard
  check "no daemon is left" fails guest pgrep -x pbxguard
  check "what is remembered is kept" guest test -s /var/lib/pbxguard/pbxguard.db
  check "and the configuration" guest test -s /etc/pbxguard/pbxguard.toml
  check "apt install again" guest apt-get install -y -q pbxguard
  check "the ban is back" await banned
  check "apt purge, as the README says" readme purge
  check "nothing is left" nothing_left
  check "no unit has failed" no_failed_units
}

no_failed_units() {
  local out
  out=$(guest systemctl --failed --no-legend --plain | grep -v -E '^(systemd-|dev-|sys-|proc-|modprobe@|getty|console-getty)' || true)
  echo "$out"
  [ -z "$out" ]
}

nothing_left() {
  local left
  left=$(guest sh -c 'ls -d /etc/pbxguard /var/lib/pbxguard /run/pbxguard /usr/share/pbxguard /usr/share/doc/pbxguard \
    /etc/systemd/system/pbxguard* /etc/systemd/system/*/pbxguard* /etc/asterisk/manager.d/pbxguard.conf 2>/dev/null || true')
  echo "$left"
  [ -z "$left" ] && fails network nft list table inet pbxguard
}
