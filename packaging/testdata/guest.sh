# The host under test: how it is booted, and how it is asked.

# repository DEB: makes the signed repository that the host installs from, or adds to it.
repository() {
  export GNUPGHOME=$work/gnupg
  if [ ! -d "$GNUPGHOME" ]; then
    mkdir -m 0700 "$GNUPGHOME"
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
      --quick-generate-key 'pbxguard test' ed25519 sign never 2>/dev/null
  fi
  "$here/mkrepo" 'pbxguard test' "$work/repository" "$1" >/dev/null
}

# boot: starts the host and waits until its systemd has.
boot() {
  # Unified cgroups and bpf(2) make IPAddressDeny= work inside.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --directory="$root" --volatile=overlay \
    --bind-ro="$work/repository:/mnt" --hostname=pbx --register=no --keep-unit --private-network \
    --console=pipe --system-call-filter=bpf --boot </dev/null >"$work/console" 2>&1 &
  nspawn=$!
  for _ in $(seq 1200); do
    init=$(pgrep -P $nspawn || true)
    case $([ -z "$init" ] || guest systemctl is-system-running 2>/dev/null) in running | degraded) return 0 ;; esac
    kill -0 $nspawn 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/console" >&2
  echo "test-deb: the host did not boot" >&2
  exit 1
}

# guest COMMAND...: runs a command as root on the host.
guest() {
  nsenter --target "$init" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root TERM=dumb "$@"
}

# network COMMAND...: runs a command of this machine in the host's network.
network() { nsenter --target "$init" --net "$@"; }

# prepare: a network in which documentation addresses are neighbours, and no other repository.
prepare() {
  network ip -batch - <<'BATCH'
route add local 192.0.2.0/24 dev lo
route add local 198.51.100.0/24 dev lo
route add local 203.0.113.0/24 dev lo
BATCH
  guest sh -c 'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
    echo "127.0.0.1 localhost $(hostname)" > /etc/hosts
    echo "APT::Get::Assume-Yes \"true\";" > /etc/apt/apt.conf.d/90test
    ln -sf /usr/share/zoneinfo/Europe/Amsterdam /etc/localtime; echo Europe/Amsterdam > /etc/timezone'
}

section() { echo; echo "$suite: $1"; }

# check WHAT COMMAND...: the command, a function or a program of this machine, must succeed.
check() {
  local what=$1 out
  shift
  if out=$("$@" 2>&1); then
    echo "  ok    $what"
  else
    echo "  FAIL  $what"
    printf '%s\n' "$out" | sed 's/^/        /'
    failed=$((failed + 1))
  fi
}

# await COMMAND...: succeeds as soon as the command does, within a minute.
await() {
  local end=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { "$@"; return; }
    sleep 0.2
  done
}

fails() { ! "$@"; }

# says TEXT COMMAND...: what the command says, however it ends, must contain the text.
says() {
  local text=$1 out
  shift
  out=$("$@" 2>&1) || true
  printf '%s\n' "$out"
  grep -qF -- "$text" <<<"$out"
}

# readme NAME: runs the commands of the README that stand below the mark of that
# name, on the host, with the one address in them put in place.
readme() {
  local commands
  commands=$(awk -v mark="<!-- try: $1 -->" '$0 == mark {on = 1; next} on && /^    /{sub(/^    /, ""); print; seen = 1; next} on && seen {exit}' \
    "$source/README.md")
  [ -n "$commands" ] || { echo "the README has no commands called $1"; return 1; }
  guest bash -xeuo pipefail -c "${commands//https:\/\/packages.pbxguard.example/file:\/mnt}"
}

main_pid() { guest systemctl show --property=MainPID --value pbxguard; }
active() { [ "$(guest systemctl is-active pbxguard)" = active ]; }
answers() { says '"version"' guest pbxguard status --json; }

# in_kernel ADDRESS: it is banned.
in_kernel() {
  local table
  table=$(network nft list table inet pbxguard 2>&1) || { echo "$table"; return 1; }
  grep -qF "$1" <<<"$table"
}
