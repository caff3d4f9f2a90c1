package host

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// kernels are rules, as nft or iptables-restore takes them, and to which of the
// ports everybody comes.
var kernels = []struct {
	name, rules string
	v4, v6      string // "" for all closed, "none" for no rules, "policy" for what is not named being let in
}{
	{"nothing", "", "none", "none"},
	{"bans alone", "table inet pbxguard { set bans { type ipv4_addr; elements = { 192.0.2.7 } }\n chain input { type filter hook input priority -10; policy accept; ip saddr @bans drop; } }", "none", "none"},
	{"closed", "table inet f { chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iif lo accept; ip protocol icmp accept; meta l4proto ipv6-icmp accept; } }", "", ""},
	{"closed by its last rule", "table inet f { chain input { type filter hook input priority 0; ct state established accept; tcp dport 22 accept; counter reject; } }", "22", "22"},
	{"a port", "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport 5060 accept; } }", "5060", "5060"},
	{"new connections to a port", "table inet f { chain input { type filter hook input priority 0; policy drop; ct state new udp dport 5060 counter accept; } }", "5060", "5060"},
	{"a set of ports", "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport { 5060, 5061 } accept; tcp dport { 4500-4600, 5080 } accept; } }", "4569 5060 5061 5080", "4569 5060 5061 5080"},
	{"a named set of ports", "table inet f { set sip { type inet_service; elements = { 5061 } }\n chain input { type filter hook input priority 0; policy drop; tcp dport @sip accept; } }", "5061", "5061"},
	{"a range", "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport 1024-65535 accept; } }", "4569 5060 5061 5080", "4569 5060 5061 5080"},
	{"one family", "table inet f { chain input { type filter hook input priority 0; policy drop; meta nfproto ipv6 udp dport 5060 accept; } }", "", "5060"},
	{"an address of this host", "table inet f { chain input { type filter hook input priority 0; policy drop; ip daddr 192.0.2.1 udp dport 5060 accept; } }", "5060", ""},
	{"known addresses", "table inet f { set office { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }\n chain input { type filter hook input priority 0; policy drop; ip saddr @office udp dport 5060 accept; ip saddr 198.51.100.0/24 accept; ip6 saddr 2001:db8::/32 udp dport 5060 accept; } }", "", ""},
	{"all but some addresses", "table inet f { set bad { type ipv4_addr; elements = { 192.0.2.9 } }\n chain input { type filter hook input priority 0; policy drop; ip saddr != @bad udp dport 5060 accept; } }", "5060", ""},
	{"a limit", "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport 5060 limit rate 10/second accept; } }", "", ""},
	{"dropped before", "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport 5060 drop; udp dport { 5060, 5061 } accept; } }", "5061", "5061"},
	{"behind the end", "table inet f { chain input { type filter hook input priority 0; drop; udp dport 5060 accept; } }", "", ""},
	{"a chain of its own", "table inet f { chain sip { udp dport 5060 accept;\n }\n chain input { type filter hook input priority 0; policy drop; jump sip; ip saddr 192.0.2.1 goto every;\n }\n chain every { accept; } }", "5060", "5060"},
	{"a port's chain", "table inet f { chain sip { accept;\n }\n chain input { type filter hook input priority 0; policy drop; udp dport 5061 jump sip; } }", "5061", "5061"},
	{"a map of ports", "table inet f { chain sip { accept;\n }\n chain input { type filter hook input priority 0; policy drop; tcp dport vmap { 22 : accept, 5060 : jump sip, 5080 : drop }; } }", "22 5060", "22 5060"},
	{"states by a map", "table inet f { chain input { type filter hook input priority 0; policy drop; ct state vmap { established : accept, related : accept, invalid : drop }; } }", "", ""},
	{"everything at the end", "table inet f { chain input { type filter hook input priority 0; policy drop; udp dport 22 accept; accept; } }", "policy", "policy"},
	{"no policy", "table ip f { chain input { type filter hook input priority 0; udp dport 5060 accept; } }", "policy", "none"},
	{"IPv4 alone", "table ip f { chain input { type filter hook input priority 0; policy drop; udp dport 5060 accept; } }", "5060", "none"},
	{"iptables", "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:sip - [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n" +
		"-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -m conntrack --ctstate NEW -m udp --dport 5060 -j sip\n-A INPUT -p tcp -m multiport --dports 5061,5070:5090 -j ACCEPT\n-A INPUT -s 192.0.2.0/24 -j ACCEPT\n-A sip -j ACCEPT\nCOMMIT\n", "22 5060 5061 5080", "none"},
	{"iptables with a limit", "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p udp -m udp --dport 5060 -m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name x -j ACCEPT\n-A INPUT -m state --state NEW -p tcp --dport 5061 -j ACCEPT\nCOMMIT\n", "5061", "none"},
}

// What the kernel lets in is known by its rules, whoever made them.
func TestRealKernel(t *testing.T) {
	testbed.Namespace(t)
	if _, err := exec.LookPath("nft"); err != nil {
		testbed.Skip(t, "needs nft")
	}
	for _, tt := range kernels {
		t.Run(tt.name, func(t *testing.T) {
			load := exec.Command("nft", "-f", "-")
			if strings.HasPrefix(tt.rules, "*") {
				if _, err := exec.LookPath("iptables-nft-restore"); err != nil {
					testbed.Skip(t, "needs iptables-nft-restore")
				}
				load = exec.Command("iptables-nft-restore")
			}
			if out, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			load.Stdin = strings.NewReader(strings.ReplaceAll(tt.rules, "; } }", ";\n}\n}\n"))
			if out, err := load.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			m := &model{states: map[string]state{}, site: site(t)}
			m.readKernel(Kernel)
			if s := m.states["firewall"]; s.how != audit.Whole {
				t.Fatalf("got %v: %s", s.how, s.why)
			}
			for i, want := range []string{tt.v4, tt.v6} {
				if got := let(&m.wall.families[i]); got != want {
					t.Errorf("family %d: got %q, want %q", i, got, want)
				}
			}
		})
	}
}

func site(t *testing.T) *audit.Site {
	t.Helper()
	s, done, err := audittest.Site(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return s
}

// let describes whom a family lets in.
func let(f *family) string {
	switch {
	case !f.there:
		return "none"
	case !f.drops:
		return "policy"
	}
	var open []string
	for _, port := range append([]string{"22"}, sipPorts...) {
		if f.opens(port) != "" {
			open = append(open, port)
		}
	}
	slices.Sort(open)
	return strings.Join(open, " ")
}

// Rules that cannot be read, or that are of the old iptables, leave the files,
// and pass nothing.
func TestKernelIsNotRead(t *testing.T) {
	m := &model{states: map[string]state{}, site: site(t), wall: firewall{file: "/etc/nftables.conf"}}
	m.readKernel(func() (Ruleset, error) { return Ruleset{}, errors.New("operation not permitted") })
	if s := m.states["kernel"]; s.how != audit.Partial || !strings.Contains(s.why, "not permitted") || m.wall.file == inKernel {
		t.Errorf("got %+v and %s", s, m.wall.file)
	}
}

// Whatever bytes a rule holds, reading it ends.
func FuzzRule(f *testing.F) {
	f.Add("multiport", []byte("\x01\x02\x13\xc4\x13\xc5"), []byte("\x08\x00\x01\x00\x00\x00\x00\x01"), 2)
	f.Add("state", []byte("\x08\x00\x00\x00"), []byte{}, 4)
	f.Fuzz(func(t *testing.T, name string, info, data []byte, length int) {
		known := xt.Unknown(info)
		cond := condition{}
		match(&cond, &expr.Match{Name: name, Info: &known})
		verdictOf(data)
		elements := []nftables.SetElement{{Key: info, Val: data}, {Key: data, IntervalEnd: length%2 == 0}}
		ranges(elements)
		base := expr.PayloadBase(length & 3)
		rs := Ruleset{Chains: []Chain{{Family: nftables.TableFamilyINet, Table: "t", Name: name, Input: true, Sets: map[string][]nftables.SetElement{"s": elements},
			Rules: [][]expr.Any{
				{&expr.Payload{Base: base, Offset: uint32(length), Len: 2}, &expr.Bitwise{Mask: info}, &expr.Cmp{Op: expr.CmpOp(length), Data: data}, &expr.Verdict{Kind: expr.VerdictAccept}},
				{&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}, &expr.Range{FromData: info, ToData: data}, &expr.Lookup{SetName: "s", IsDestRegSet: true}},
				{&expr.Ct{Key: expr.CtKeySTATE}, &expr.Bitwise{Mask: info}, &expr.Cmp{Op: expr.CmpOpNeq, Data: data}, &expr.Verdict{Kind: expr.VerdictJump, Chain: name}},
			}}}}
		m := &model{states: map[string]state{}, site: &audit.Site{Tree: &audit.Tree{}}}
		m.readKernel(func() (Ruleset, error) { return rs, nil })
		for i := range m.wall.families {
			m.wall.families[i].opens("5060")
		}
	})
}
