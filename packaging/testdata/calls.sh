# What needs an Asterisk: 192.0.2.1 with phone 100 and a carrier at 192.0.2.90.

prepare_asterisk() {
  cp "$here"/testdata/asterisk/*.conf "/proc/$init/root/etc/asterisk/"
  guest sh -c 'chown asterisk:asterisk /etc/asterisk/*.conf && chmod 640 /etc/asterisk/*.conf && systemctl restart asterisk'
  await guest asterisk -rx 'core waitfullybooted'
}

check_calls() {
  check "the guard is in the group of the PBX" daemon_has_group asterisk
  check "the account, as the README says" readme setup
  check "it is connected" await connected
  check "check asks for the country" says 'set country under [pbx.dialplan]' guest pbxguard check
  guest sed -i 's/^#country = .*/country = "NL"/' /etc/pbxguard/pbxguard.toml
  guest systemctl reload pbxguard
  check "and then finds nothing wrong" await guest pbxguard check
  check "it has learnt phone and trunk" says '1 phones, 1 trunks (carrier)' guest pbxguard setup
  check "calls are enforced, as the README says" readme enforce
  carrier
  check "an honest call goes through" honest_call
  check "a fraud call is killed" fraud_call
  check "a guesser of passwords is banned" guesser
}

connected() { says '  2/2  ' guest pbxguard status; }

# carrier: answers every call, as SIPp does it.
carrier() {
  (cd "$work" && exec nsenter --target "$init" --net sipp -sn uas -i 192.0.2.90 -p 5060 -nostdin >/dev/null 2>&1) &
  helpers+=($!)
}

# call SOURCE NUMBER TALK: a call of phone 100, with the milliseconds to talk.
call() {
  (cd "$work" && network sipp 192.0.2.1:5060 -sf "$source/testbed/sipp/call.xml" -i "$1" -s "$2" -key user 100 -d "$3" \
    -au 100 -ap correct-horse-battery -m 1 -recv_timeout 10000 -timeout 30 -nostdin 2>&1)
}

honest_call() { call 192.0.2.10 0201234567 500; }

# A premium number: the call does not go on as planned, and the log says why.
fraud_call() {
  fails call 192.0.2.10 09061234567 5000 || { echo "the call went on"; return 1; }
  await says '"outcome":"confirmed"' guest pbxguard log --rule destination --json
  says ' killed ' guest pbxguard log --rule destination && says 'no calls' guest pbxguard calls
}

# svcrack guesses from a stranger's address. Its --bindingip does nothing, so
# Python is told where to send from.
guesser() {
  local dir=$work/guesser
  mkdir -p "$dir"
  cat > "$dir/sitecustomize.py" <<'PYTHON'
import os, socket
class Socket(socket.socket):
    def bind(self, address):
        super().bind((os.environ["SOURCE"], address[1]))
socket.socket = Socket
PYTHON
  (cd "$dir" && HOME=$dir PYTHONPATH=$dir SOURCE=198.51.100.66 network \
    svcrack -u 100 -r 1000-1400 -z 0 -x 198.51.100.66 -p 5060 -t 0.02 --maximumtime=5 192.0.2.1 2>&1) || true
  await in_kernel 198.51.100.66 && says 198.51.100.66 guest pbxguard bans
}
