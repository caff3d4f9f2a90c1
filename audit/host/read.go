package host

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"pbxguard/audit"
)

// setting is a value and its place.
type setting struct{ value, at string }

// readSSHD reads sshd's configuration: the first value of a key counts, and what
// is behind the first Match holds for some only.
func (m *model) readSSHD() {
	m.sshd = map[string]setting{}
	m.sshdFile("/etc/ssh/sshd_config", 0)
}

func (m *model) sshdFile(name string, depth int) {
	n := 0
	for line := range strings.Lines(m.read("sshd", name)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		key, value, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "\t", " "), " ")
		key, value = strings.ToLower(key), strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(value), "="))
		switch {
		case key == "match":
			return
		case key == "include" && depth < 10:
			for _, pattern := range strings.Fields(value) {
				if !strings.HasPrefix(pattern, "/") {
					pattern = "/etc/ssh/" + pattern
				}
				for _, file := range m.glob("sshd", pattern) {
					m.sshdFile(file, depth+1)
				}
			}
		case key != "" && value != "":
			if _, set := m.sshd[key]; !set {
				m.sshd[key] = setting{strings.ToLower(strings.Trim(value, `"`)), at(name, n)}
			}
		}
	}
}

// answersFile holds what no file of a host can tell.
const answersFile = "/etc/pbxguard/answers.toml"

func (m *model) readAnswers() {
	text := m.read("answers", answersFile)
	if m.states["answers"].how == audit.Absent {
		m.states["answers"] = state{audit.Partial, "nobody has answered; write " + answersFile}
		return
	}
	if err := toml.Unmarshal([]byte(text), &m.answers); err != nil {
		m.note("answers", audit.Lost, "cannot understand "+answersFile+": "+err.Error())
	}
}

// answer is a yes or no of the answers; known is false if it is not given.
func (m *model) answer(key string) (yes, known bool) {
	yes, known = m.answers[key].(bool)
	return yes, known
}

// answerDate is a date of the answers.
func (m *model) answerDate(key string) (time.Time, bool) {
	switch v := m.answers[key].(type) {
	case toml.LocalDate:
		return v.AsTime(time.UTC), true
	case time.Time:
		return v, true
	}
	return time.Time{}, false
}

// readPackages reads the versions of what dpkg has installed.
func (m *model) readPackages() {
	m.pkgs = map[string]string{}
	name, installed := "", false
	for line := range strings.Lines(m.read("packages", "/var/lib/dpkg/status")) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
		switch key {
		case "Package":
			name, installed = value, false
		case "Status":
			installed = strings.HasSuffix(value, " installed")
		case "Version":
			if installed && (name == "asterisk" || name == "freeswitch" || name == "fusionpbx" || name == "freepbx") {
				m.pkgs[name] = value
			}
		}
	}
	if err := json.Unmarshal(advisoryFile, &m.data); err != nil {
		m.note("packages", audit.Lost, "cannot read the advisories of this program: "+err.Error())
	}
}

//go:embed advisories.json
var advisoryFile []byte

// advisories is the dated list of what is known of versions.
type advisories struct {
	AsOf     string            `json:"as_of"`
	Source   []string          `json:"source_url"`
	Products map[string]*known `json:"products"`
}

type known struct {
	Branches   []branch   `json:"branches"`
	Advisories []advisory `json:"advisories"`
}

type branch struct {
	Name string `json:"name"`
	EOL  string `json:"eol"`
}

type advisory struct {
	ID       string         `json:"id"`
	Severity audit.Severity `json:"severity"`
	Title    string         `json:"title"`
	From     string         `json:"from"` // the first version that has it; "" for all
	Fixed    []string       `json:"fixed"`
	Module   string         `json:"module"`
	Reduced  []string       `json:"reduced_by"`
}

// numbers takes the leading numbers of a version: 1:20.6.0~dfsg-2 is 20, 6, 0.
func numbers(version string) []int {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	var all []int
	n, some := 0, false
	for _, c := range version + "." {
		switch {
		case c >= '0' && c <= '9' && n < 1<<20:
			n, some = n*10+int(c-'0'), true
		case c == '.' && some:
			all = append(all, n)
			n, some = 0, false
		default:
			if some {
				all = append(all, n)
			}
			return all
		}
	}
	return all
}

// hits tells whether a version has a hole: it is not before the first that has
// it, and older than the fix of its own branch, or of the oldest branch fixed.
func (a advisory) hits(v []int) bool {
	if len(v) == 0 || a.From != "" && slices.Compare(v, numbers(a.From)) < 0 {
		return false
	}
	newest := true
	for _, f := range a.Fixed {
		fix := numbers(f)
		if len(fix) > 0 && fix[0] == v[0] {
			return slices.Compare(v, fix) < 0
		}
		newest = newest && v[0] > fix[0]
	}
	return !newest
}
