package host

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"pbxguard/audit"
)

// firewall is what the files say that the kernel gets when the host starts.
type firewall struct {
	families [2]family // IPv4 and IPv6
	file     string
}

// family is the input of one protocol.
type family struct {
	there  bool
	drops  bool   // what nothing accepts is dropped
	policy string // where that is said, or not
	open   []opened
}

// opened is a rule that lets the whole world in to a port.
type opened struct {
	port string
	at   string
}

// readFirewall reads the rules that are loaded at the start: nftables, iptables,
// ufw and firewalld.
func (m *model) readFirewall() {
	if text := m.read("firewall", "/etc/nftables.conf"); text != "" {
		m.wall.file = "/etc/nftables.conf"
		m.wall.nftables(m, text)
	}
	for i, files := range [2][]string{
		{"/etc/iptables/rules.v4", "/etc/sysconfig/iptables", "/etc/ufw/user.rules"},
		{"/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables", "/etc/ufw/user6.rules"},
	} {
		for _, name := range files {
			if text := m.read("firewall", name); text != "" {
				m.wall.file = name
				m.wall.families[i].iptables(name, text, m.ufwDrops(name))
			}
		}
	}
	for _, name := range m.glob("firewall", "/etc/firewalld/zones/*.xml") {
		if text := m.read("firewall", name); text != "" {
			m.wall.file = name
			for i := range m.wall.families {
				m.wall.families[i].firewalld(name, text)
			}
		}
	}
	if m.wall.file == "" && m.states["firewall"].how == audit.Absent {
		m.states["firewall"] = state{audit.Partial, "no file of nftables, iptables, ufw or firewalld is there; the rules in the kernel, or of a firewall before the host, can't be read from files"}
	}
}

// ufwDrops tells whether ufw drops by default; its own files do not say.
func (m *model) ufwDrops(name string) bool {
	if !strings.HasPrefix(name, "/etc/ufw/") {
		return false
	}
	text := strings.ReplaceAll(m.read("firewall", "/etc/default/ufw"), `"`, "")
	on := strings.Contains(m.read("firewall", "/etc/ufw/ufw.conf"), "ENABLED=yes")
	return on && (strings.Contains(text, "DEFAULT_INPUT_POLICY=DROP") || strings.Contains(text, "DEFAULT_INPUT_POLICY=REJECT"))
}

// iptables reads what iptables-save writes.
func (f *family) iptables(name, text string, drops bool) {
	f.there, f.drops, f.policy = true, f.drops || drops, name
	n := 0
	for line := range strings.Lines(text) {
		n++
		w := strings.Fields(line)
		if len(w) < 2 {
			continue
		}
		switch {
		case w[0] == ":INPUT" && w[1] != "ACCEPT":
			f.drops = true
		case w[0] == ":INPUT":
			f.policy = at(name, n)
		case w[0] == "-A" && strings.Contains(strings.ToLower(w[1]), "input"):
			f.rule(w, at(name, n))
		}
	}
}

// everyPort is what a rule without a condition opens.
const everyPort = "0-65535"

// narrows are the matches that keep a rule from letting the world in.
var narrows = []string{"-s", "--source", "--match-set", "--limit", "--hashlimit-upto", "--hashlimit-above", "recent", "--src-range", "-i"}

func (f *family) rule(w []string, where string) {
	target := after(w, "-j")
	plain := !slices.ContainsFunc(w, func(s string) bool { return slices.Contains(narrows, s) })
	ports := after(w, "--dport") + "," + after(w, "--dports")
	switch {
	case (target == "DROP" || target == "REJECT") && plain && strings.Trim(ports, ",") == "" && len(w) <= 6:
		f.drops = true
	case target == "ACCEPT" && len(w) == 4 && w[1] == "INPUT": // -A INPUT -j ACCEPT
		f.open = append(f.open, opened{everyPort, where})
	case target == "ACCEPT" && plain:
		for _, p := range strings.Split(ports, ",") {
			if p != "" {
				f.open = append(f.open, opened{p, where})
			}
		}
	}
}

// after returns the word behind another.
func after(w []string, key string) string {
	if i := slices.Index(w, key); i >= 0 && i+1 < len(w) {
		return w[i+1]
	}
	return ""
}

// nftables reads the input chains of a ruleset file.
func (fw *firewall) nftables(m *model, text string) {
	var chain []int // the families of the chain that is being read
	table := ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		w := strings.Fields(line)
		switch {
		case len(w) == 0:
		case w[0] == "include":
			m.note("firewall", audit.Partial, at(fw.file, n)+": included rules are not read")
		case w[0] == "table" && len(w) > 1:
			table = w[1]
		case w[0] == "chain":
			chain = nil
		case w[0] == "type" && after(w, "hook") == "input" && w[1] == "filter":
			chain = families(table)
			for _, i := range chain {
				f := &fw.families[i]
				f.there, f.policy = true, at(fw.file, n)
				f.drops = f.drops || strings.Contains(line, "policy drop")
			}
		case w[0] == "}":
			chain = nil
		default:
			for _, i := range chain {
				fw.families[i].nft(w, at(fw.file, n))
			}
		}
	}
}

// families are the protocols of a table of a kind.
func families(table string) []int {
	switch table {
	case "inet":
		return []int{0, 1}
	case "ip6":
		return []int{1}
	}
	return []int{0}
}

func (f *family) nft(w []string, where string) {
	line := " " + strings.Join(w, " ") + " "
	switch {
	case strings.TrimSpace(line) == "drop" || strings.HasPrefix(line, " reject"):
		f.drops = true
	case strings.TrimSpace(line) == "accept" || strings.TrimSpace(line) == "counter accept":
		f.open = append(f.open, opened{everyPort, where})
	case !strings.Contains(line, " accept "), strings.Contains(line, " saddr "), strings.Contains(line, " iif"), strings.Contains(line, " limit "), strings.Contains(line, " meter "):
	case strings.Contains(line, " dport "):
		_, rest, _ := strings.Cut(line, " dport ")
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "{") {
			rest, _, _ = strings.Cut(rest[1:], "}")
		} else {
			rest, _, _ = strings.Cut(rest, " ")
		}
		for _, p := range strings.Split(rest, ",") {
			f.open = append(f.open, opened{strings.TrimSpace(p), where})
		}
	}
}

// firewalld reads a zone: what stands outside of a rule with a source is open.
func (f *family) firewalld(name, text string) {
	f.there, f.policy = true, name
	f.drops = f.drops || !strings.Contains(text, `target="ACCEPT"`)
	if strings.Contains(text, "<source ") && !strings.Contains(text, "<rule") {
		return // the zone holds for known sources alone
	}
	inRule := false
	n := 0
	for line := range strings.Lines(text) {
		n++
		inRule = (inRule || strings.Contains(line, "<rule")) && !strings.Contains(line, "</rule")
		if inRule {
			continue
		}
		if strings.Contains(line, `<service name="sip`) {
			f.open = append(f.open, opened{"5060", at(name, n)})
		}
		if _, rest, ok := strings.Cut(line, `<service name="`); ok {
			service, _, _ := strings.Cut(rest, `"`)
			f.open = append(f.open, opened{service, at(name, n)})
		}
		if _, rest, ok := strings.Cut(line, "<port "); ok {
			_, port, _ := strings.Cut(rest, `port="`)
			port, _, _ = strings.Cut(port, `"`)
			f.open = append(f.open, opened{port, at(name, n)})
		}
	}
}

// services are names of ports that firewalls use.
var services = map[string]string{"sip": "5060", "sips": "5061", "sip-tls": "5061", "ssh": "22", "http": "80", "https": "443", "iax": "4569"}

// opens tells where the world is let in to a port, or "".
func (f *family) opens(port string) string {
	n, err := strconv.Atoi(port)
	for _, o := range f.open {
		lo, hi, isRange := strings.Cut(strings.ReplaceAll(o.port, ":", "-"), "-")
		low, err1 := strconv.Atoi(lo)
		high, err2 := strconv.Atoi(hi)
		if o.port == port || services[o.port] == port || isRange && errors.Join(err, err1, err2) == nil && low <= n && n <= high {
			return o.at
		}
	}
	return ""
}
