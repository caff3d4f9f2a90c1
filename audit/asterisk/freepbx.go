package asterisk

import (
	"regexp"
	"strings"

	"pbxguard/audit"
)

// freePBX is what FreePBX keeps outside of Asterisk's own files.
type freePBX struct {
	found    bool
	err      error
	settings map[string]string // of freepbx.conf and amportal.conf
	where    map[string]string // file:line of each
}

// setting of freepbx.conf: $amp_conf['AMPDBPASS'] = 'x';
var phpSetting = regexp.MustCompile(`^\s*\$amp_conf\[["']([A-Za-z0-9_]{1,64})["']\]\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// settingsFiles are where FreePBX keeps how to reach its database; what the
// second says counts.
var settingsFiles = []string{"/etc/amportal.conf", "/etc/freepbx.conf"}

// FreePBXSettings reads the settings that FreePBX needs before it can read its
// database, such as AMPDBUSER. Without any of the files there are none.
func FreePBXSettings(tree *audit.Tree) (map[string]string, error) {
	f := readSettings(tree)
	return f.settings, f.err
}

func readSettings(tree *audit.Tree) *freePBX {
	f := &freePBX{settings: map[string]string{}, where: map[string]string{}}
	for _, name := range settingsFiles {
		data, err := tree.ReadFile(name)
		if missing(err) {
			continue
		}
		f.found = true
		if err != nil {
			f.err = err
			continue
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			f.line(strings.TrimSpace(line), name, n)
		}
	}
	return f
}

func (p *PBX) freePBX() *freePBX {
	if p.free != nil {
		return p.free
	}
	p.free = readSettings(p.site.Tree)
	for key, value := range p.free.settings {
		if strings.Contains(key, "PASS") {
			p.site.Secret(value)
		}
	}
	if !p.free.found && p.site.Tree.Exists(p.etc+"/extensions_additional.conf") && p.site.Tree.Exists(p.etc+"/globals_custom.conf") {
		p.free.found = true
	}
	return p.free
}

func (f *freePBX) line(line, file string, n int) {
	key, value := "", ""
	if m := phpSetting.FindStringSubmatch(line); m != nil {
		key, value = m[1], m[2]+m[3]
	} else if k, v, ok := strings.Cut(line, "="); ok && line[0] != '#' && line[0] != ';' && !strings.Contains(k, "$") {
		key, value = strings.TrimSpace(k), strings.Trim(strings.TrimSpace(v), `"'`)
	}
	if key != "" {
		f.settings[key] = value
		f.where[key] = file + ":" + itoa(n)
	}
}

// there tells whether this is a FreePBX.
func (f *freePBX) there() bool { return f.found }

func (f *freePBX) state() (audit.State, string) {
	switch {
	case f.err != nil:
		return audit.Lost, f.err.Error()
	case f.found:
		return audit.Whole, ""
	}
	return audit.Absent, ""
}
