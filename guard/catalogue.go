package guard

import (
	_ "embed" // reasons
	"strings"
	"time"
)

// reasons are what each rule said when its test hit it, a line each. A test
// writes it, and holds it equal.
//
//go:embed reasons.tsv
var reasons string

// doc is what people are told of a rule.
type doc struct {
	id     string // stable name, as decisions and the configuration have it
	number string // in the catalogue, "R-013"; several rules may share one
	about  topic
	title  string // what it looks for, in one line
	why    string // the ground for having it
	star   bool   // few false alarms: the first to be enforced

	// set is the rule's place in [Settings]; table says instead that the rule
	// has settings of its own in [Limits], and fixed that it has none at all.
	set    set
	normal Setting // the default
	keys   []Key
	table  bool
	fixed  string // what is done, for a rule that nobody can set
	// body names the functions that judge, where that is none of the rule's own:
	// without any of them a test of the rule must fail.
	body []string
}

// topic is what a rule protects.
type topic uint8

const (
	aboutNumbers topic = iota
	aboutVolume
	aboutTakeover
	aboutDiversion
	aboutCallers
	aboutGuard
)

var topics = [...]string{
	"Destination", "Volume and money", "Account take-over and signalling",
	"Forward, transfer, dial-through, voicemail", "Wangiri, spoofing, scam numbers", "The guard itself",
}

// Setting is how a rule is set for a group of accounts. What a field means is
// the rule's to say; the zero value switches the rule off.
type Setting struct {
	Action Action
	Max    int           // how many there may be, or how much money in units of the currency
	Within time.Duration // how long they are counted
	Span   time.Duration // how long one may last
}

// Key describes one field of a [Setting] that a rule uses.
type Key struct {
	Name     string // "max", "within" or "span"
	Doc      string
	Min, Max string // as the configuration writes them
}

// Settings are the settings of the rules that share the type [Setting]. It is a
// plain value: a copy is independent.
type Settings [settings]Setting

// Of returns the setting of a rule, or nil if the rule has none here.
func (s *Settings) Of(id string) *Setting {
	for _, d := range documented() {
		if d.id == id && d.settable() {
			return &s[d.set]
		}
	}
	return nil
}

func (d *doc) settable() bool { return !d.table && d.fixed == "" }

// DefaultSettings are the values that the rules themselves document.
func DefaultSettings() (s Settings) {
	for _, d := range documented() {
		if d.settable() {
			s[d.set] = d.normal
		}
	}
	return s
}

// RuleInfo tells of one rule.
type RuleInfo struct {
	ID      string
	Number  string // in the catalogue, such as "R-013"
	Topic   string // what it protects
	Title   string
	Why     string
	Star    bool    // has few false alarms
	Set     bool    // Default and Keys say how it is set
	Default Setting // by default
	Keys    []Key
	Fixed   string // what it does, if nobody can set it
	Example string // what it says when it is hit
}

// Catalogue lists every rule there is, by topic.
func Catalogue() []RuleInfo {
	examples := map[string]string{}
	for line := range strings.Lines(reasons) {
		id, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		examples[id] = text
	}
	var list []RuleInfo
	for about := range topics {
		for _, d := range documented() {
			if int(d.about) != about {
				continue
			}
			list = append(list, RuleInfo{
				ID: d.id, Number: d.number, Topic: topics[d.about], Title: d.title, Why: d.why, Star: d.star,
				Set: d.settable(), Default: d.normal, Keys: d.keys, Fixed: d.fixed, Example: examples[d.id],
			})
		}
	}
	return list
}

// documented lists all rules: those about calls that go out, those about calls
// that come in, and what is judged elsewhere.
func documented() []*doc {
	list := make([]*doc, 0, len(rules)+len(arrivalRules)+len(others))
	for i := range rules {
		list = append(list, &rules[i].doc)
	}
	for i := range arrivalRules {
		list = append(list, &arrivalRules[i].doc)
	}
	for i := range others {
		list = append(list, &others[i])
	}
	return list
}

// maxKey and the like make the usual keys.
func maxKey(what string) Key    { return Key{"max", what, "0", "100000"} }
func withinKey(what string) Key { return Key{"within", what, "1s", "90d"} }
func spanKey(what string) Key   { return Key{"span", what, "1s", "31d"} }
