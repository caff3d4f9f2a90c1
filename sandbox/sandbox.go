// Package sandbox tells which addresses systemd lets the service speak to, and
// writes the drop-in that opens more. It reads the unit's files as systemd does
// and asks nobody, so that it knows before the service is started, too.
package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// unit is the service's name.
const unit = "pbxguard.service"

// folders hold units and their drop-ins, the most important first; see
// systemd.unit(5).
var folders = []string{
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
}

// DropIn is the path of the drop-in that [Text] is for.
const DropIn = "/etc/systemd/system/" + unit + ".d/network.conf"

// maxFile bounds a file of the unit.
const maxFile = 1 << 20

// Filter is what IPAddressAllow= and IPAddressDeny= leave open. The zero value
// lets everything pass.
type Filter struct{ allow, deny []netip.Prefix }

// Load reads the filter of the service below root, "/" for this host. Without
// the unit everything passes: nobody has put the daemon into a sandbox.
func Load(root string) (Filter, error) {
	var f Filter
	for _, dir := range folders {
		text, err := read(filepath.Join(root, dir, unit))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Filter{}, err
		}
		f.apply(text)
		return f, f.dropIns(root)
	}
	return f, nil
}

// dropIns applies the drop-ins in the order of their names; of two with one name
// the more important folder's counts.
func (f *Filter) dropIns(root string) error {
	files := map[string]string{} // name -> path
	for _, dir := range folders {
		found, err := filepath.Glob(filepath.Join(root, dir, unit+".d", "*.conf"))
		if err != nil {
			return err
		}
		for _, p := range found {
			if _, known := files[path.Base(p)]; !known {
				files[path.Base(p)] = p
			}
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := read(files[name])
		if err != nil {
			return err
		}
		f.apply(text)
	}
	return nil
}

func read(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	data, err := os.ReadFile(path)
	return string(data), err
}

// apply takes over what one file says. An empty value takes back all before it.
func (f *Filter) apply(text string) {
	section := ""
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section != "[Service]" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		var list *[]netip.Prefix
		switch strings.TrimSpace(key) {
		case "IPAddressAllow":
			list = &f.allow
		case "IPAddressDeny":
			list = &f.deny
		default:
			continue
		}
		if strings.TrimSpace(value) == "" {
			*list = nil
		}
		for _, word := range strings.Fields(value) {
			*list = append(*list, prefixes(word)...)
		}
	}
}

// named are the words that stand for prefixes; see systemd.resource-control(5).
var named = map[string][]string{
	"any":        {"0.0.0.0/0", "::/0"},
	"localhost":  {"127.0.0.0/8", "::1/128"},
	"link-local": {"169.254.0.0/16", "fe80::/64"},
	"multicast":  {"224.0.0.0/4", "ff00::/8"},
}

// prefixes reads one word. systemd ignores what it does not understand.
func prefixes(word string) (list []netip.Prefix) {
	for _, text := range append(slices.Clone(named[word]), word) {
		if a, err := netip.ParseAddr(text); err == nil {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		} else if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, p.Masked())
		}
	}
	return list
}

// Passes tells whether the service may speak to an address. What is allowed is
// so though it is denied as well.
func (f Filter) Passes(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	return slices.ContainsFunc(f.allow, in) || !slices.ContainsFunc(f.deny, in)
}

// A Destination is what the service has to speak to.
type Destination struct {
	What  string // in words, such as "the name server"
	Addrs []netip.Addr
}

// Blocked are those of wanted of which an address does not pass, each with only
// those addresses.
func (f Filter) Blocked(wanted []Destination) (blocked []Destination) {
	for _, d := range wanted {
		stopped := slices.DeleteFunc(slices.Clone(d.Addrs), f.Passes)
		if len(stopped) > 0 {
			blocked = append(blocked, Destination{d.What, stopped})
		}
	}
	return blocked
}

func (d Destination) String() string {
	words := make([]string, len(d.Addrs))
	for i, a := range d.Addrs {
		words[i] = a.String()
	}
	return d.What + " " + strings.Join(words, ", ")
}

// Text is a drop-in that opens what is wanted and is not this host; "" if that
// is nothing.
func Text(wanted []Destination) string {
	var b strings.Builder
	local := prefixes("localhost")
	for _, d := range wanted {
		said := false
		for _, a := range d.Addrs {
			a = a.Unmap().WithZone("")
			if slices.ContainsFunc(local, func(p netip.Prefix) bool { return p.Contains(a) }) {
				continue
			}
			if !said {
				// A line break in it would be a line of the unit.
				fmt.Fprintf(&b, "# %s\n", strings.Map(printable, d.What))
				said = true
			}
			fmt.Fprintf(&b, "IPAddressAllow=%s\n", a)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "# Made by \"pbxguard setup --network\": what the service speaks to besides this host.\n[Service]\n" + b.String()
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
