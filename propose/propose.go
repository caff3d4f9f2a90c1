// Package propose fits a policy to a history: countries, hours and caps under
// which none of the calls in it would have been ended, with the reasons.
package propose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"pbxguard/config"
	"pbxguard/history"
	"pbxguard/numbering"
)

// Input is what a proposal is made from.
type Input struct {
	Config *config.Config // of which one PBX's description is taken over
	PBX    string
	Calls  []history.Call
	// Play plays the history under a configuration.
	Play func(*config.Config) (*history.Result, error)
	// Parse reads a configuration file, as far as it can be without its secrets.
	Parse func(text string) (*config.Config, error)
}

// setting is one line of a proposal.
type setting struct {
	key, value string
	why        []string
}

// Policy returns the text of a configuration that ends none of the calls, and
// what it makes of the history.
func Policy(in Input) (text string, res *history.Result, err error) {
	p := &proposal{Input: in, tables: map[string][]*setting{}, keys: map[string]config.Key{}}
	for _, k := range config.Reference() {
		p.keys[k.Name] = k
	}
	if err := p.begin(); err != nil {
		return "", nil, err
	}
	const rounds = 20
	for range rounds {
		text = p.text()
		conf, err := in.Parse(text)
		if err != nil {
			return "", nil, fmt.Errorf("cannot propose a policy: %w", err)
		}
		if res, err = in.Play(conf); err != nil {
			return "", nil, err
		}
		if len(res.Kills) == 0 {
			return text, res, nil
		}
		if p.first == nil {
			p.first = res
		}
		if !p.relax(res) {
			break
		}
	}
	return "", nil, fmt.Errorf("cannot propose a policy: %d calls are still ended, the first by rule %s", len(res.Kills), res.Kills[0].Decision.Rule)
}

type proposal struct {
	Input
	tables map[string][]*setting // by table below rules
	keys   map[string]config.Key
	first  *history.Result // of the policy before anything was relaxed
	pushed map[string]int
	span   string // of the history, for people
}

// use is how a country is called.
type use struct {
	calls int
	days  map[int64]bool
	who   map[string]bool
	first *history.Call
}

// begin looks at where and when calls went.
func (p *proposal) begin() error {
	policy, err := p.Config.Policy(nil)
	if err != nil {
		return err
	}
	site := policy.PBXs[p.PBX]
	if site == nil {
		return history.ErrNoPBX
	}
	p.pushed = map[string]int{}
	numbers := numbering.NewCache(site.Plan, 1<<16)
	uses := map[string]*use{}
	var hours [24]int
	var from, to time.Time
	for i := range p.Calls {
		c := &p.Calls[i]
		if from.IsZero() || c.Start.Before(from) {
			from = c.Start
		}
		if c.Start.After(to) {
			to = c.Start
		}
		n := numbers.Normalise(c.Dialled)
		if !c.Out || n.Kind != numbering.International && n.Kind != numbering.IntlNetwork || n.Region == "" || n.Region == "001" {
			continue
		}
		at := c.Start.In(cmp.Or(site.Zone, time.UTC))
		u := uses[n.Region]
		if u == nil {
			u = &use{days: map[int64]bool{}, who: map[string]bool{}, first: c}
			uses[n.Region] = u
		}
		u.calls++
		u.days[at.Unix()/86400] = true
		u.who[c.From.Account.Name] = true
		hours[at.Hour()]++
	}
	p.span = fmt.Sprintf("%d calls from %s to %s", len(p.Calls), from.Format(time.DateOnly), to.Format(time.DateOnly))
	p.countries(uses)
	p.hours(hours)
	return nil
}

// countries allows those that are called habitually, and has calls to others
// reported, or ended if there were none.
func (p *proposal) countries(uses map[string]*use) {
	var allow, why, rare []string
	for _, region := range slices.Sorted(maps.Keys(uses)) {
		u := uses[region]
		told := fmt.Sprintf("%s: %s on %s by %s", region, count(u.calls, "call"), count(len(u.days), "day"), count(len(u.who), "extension"))
		if len(u.days) >= 3 {
			allow, why = append(allow, strconv.Quote(region)), append(why, told)
		} else {
			rare = append(rare, told+", the first by "+u.first.From.Account.Name+" on "+u.first.Start.Format(time.DateOnly))
		}
	}
	if len(why) == 0 {
		why = []string{"no country was called on three days or more"}
	}
	p.set("country", "allow", "["+strings.Join(allow, ", ")+"]", why...)
	if len(rare) > 0 {
		p.set("country", "action", `"alert"`, append([]string{"seldom called; look at these before you enforce:"}, rare...)...)
	} else {
		p.set("country", "action", `"kill"`, "no other country was called")
	}
}

// hours opens the office while nearly all calls abroad are placed.
func (p *proposal) hours(at [24]int) {
	sum := 0
	for _, n := range at {
		sum += n
	}
	if sum < 50 {
		return // too few to tell
	}
	open, shut, below := 0, 24, 0
	for h := range 24 {
		if below+at[h] > sum/100 {
			open = h
			break
		}
		below += at[h]
	}
	below = 0
	for h := 23; h >= 0; h-- {
		if below+at[h] > sum/100 {
			shut = h + 1
			break
		}
		below += at[h]
	}
	if shut <= open || shut == 24 && open == 0 {
		return
	}
	inside := 0
	for h := open; h < shut; h++ {
		inside += at[h]
	}
	why := fmt.Sprintf("%d of %d calls abroad were placed between these", inside, sum)
	p.set("hours", "open", fmt.Sprintf(`"%02d:00"`, open), why)
	p.set("hours", "close", fmt.Sprintf(`"%02d:00"`, shut%24))
}

func (p *proposal) set(table, key, value string, why ...string) {
	for _, s := range p.tables[table] {
		if s.key == key {
			s.value, s.why = value, why
			return
		}
	}
	p.tables[table] = append(p.tables[table], &setting{key, value, why})
}

// relax loosens what has ended calls: first the number of a rule, and when that
// does not help what it does. It says whether there was anything to loosen.
func (p *proposal) relax(res *history.Result) bool {
	by := map[string][]*history.Fate{}
	for i := range res.Kills {
		rule := res.Kills[i].Decision.Rule
		by[rule] = append(by[rule], &res.Kills[i])
	}
	changed := false
	for _, rule := range slices.Sorted(maps.Keys(by)) {
		if rule == "locked" {
			for _, l := range res.Locks {
				changed = p.loosen(l.Rule, nil, l.Reason) || changed
			}
			continue
		}
		changed = p.loosen(rule, by[rule], by[rule][0].Decision.Reason) || changed
	}
	return changed
}

func (p *proposal) loosen(rule string, fates []*history.Fate, reason string) bool {
	table := strings.ReplaceAll(rule, "-", "_")
	why := []string{fmt.Sprintf("would have ended %s, such as:", count(max(1, len(fates)), "call")), reason}
	if len(fates) > 0 && fates[0].Call != nil {
		why = append(why, "("+fates[0].Call.Place()+" at "+fates[0].Call.Start.Format(time.DateTime)+")")
	}
	if rule == "destination" {
		for _, f := range fates {
			p.set(table, f.Decision.Class, `"alert"`, why...)
		}
		return len(fates) > 0
	}
	max, hasMax := p.keys["rules."+table+".max"]
	_, hasAction := p.keys["rules."+table+".action"]
	p.pushed[rule]++
	const pushes = 6
	if hasMax && p.pushed[rule] <= pushes {
		if value, ok := p.more(table, max); ok {
			p.set(table, "max", value, why...)
			return true
		}
	}
	if !hasAction || p.pushed[rule] > pushes+2 {
		return false
	}
	p.set(table, "action", `"alert"`, why...)
	return true
}

// more is half as much again of what a number is now.
func (p *proposal) more(table string, key config.Key) (string, bool) {
	now := key.Default
	for _, s := range p.tables[table] {
		if s.key == "max" {
			now = s.value
		}
	}
	_, most, _ := strings.Cut(key.Range, " to ")
	now, most = strings.Trim(now, `"`), strings.Trim(most, `"`)
	if n, err := strconv.Atoi(now); err == nil {
		n += n/2 + 1
		limit, err := strconv.Atoi(most)
		return strconv.Itoa(n), err != nil || n <= limit
	}
	if d, err := config.ParseDuration(now); err == nil {
		d = (d + d/2).Round(time.Second)
		limit, err := config.ParseDuration(most)
		return strconv.Quote(config.FormatDuration(d)), err != nil || d <= limit
	}
	return "", false
}

// text writes the proposal as a configuration file.
func (p *proposal) text() string {
	var b strings.Builder
	comment := func(format string, args ...any) {
		b.WriteString("# " + printable(fmt.Sprintf(format, args...)) + "\n")
	}
	comment("Proposed by pbxguard replay, fitted to %s.", p.span)
	comment("None of them would have been ended. If one of them was fraud, this allows it:")
	comment("read the reasons before it is put in force.")
	if len(p.Config.Groups) > 0 {
		comment("The groups of the configuration in force are left out.")
	}
	if p.first != nil && len(p.first.Kills) > 0 {
		comment("")
		comment("Of the shipped limits some are loosened, which would have ended %s:", count(len(p.first.Kills), "call"))
		for _, f := range p.first.Kills[:min(len(p.first.Kills), 20)] {
			place := ""
			if f.Call != nil {
				place = f.Call.Place() + " "
			}
			comment("  %s%s %s: %s", place, f.Decision.At.Format(time.DateTime), f.Decision.Rule, f.Decision.Reason)
		}
	}
	for i := range p.Config.PBX {
		if p.Config.PBX[i].Name == p.PBX {
			b.WriteString("\n" + p.Config.PBX[i].TOML())
		}
	}
	if p.Config.Tariff.Deck != "" {
		fmt.Fprintf(&b, "\n[tariff]\ndeck = %q\n", p.Config.Tariff.Deck)
	}
	fmt.Fprintf(&b, "\n[lists]\ndir = %q\n", p.Config.Lists.Dir)
	for _, table := range slices.Sorted(maps.Keys(p.tables)) {
		fmt.Fprintf(&b, "\n[rules.%s]\n", table)
		for _, s := range p.tables[table] {
			for _, line := range s.why {
				comment("%s", line)
			}
			fmt.Fprintf(&b, "%s = %s\n", s.key, s.value)
		}
	}
	return b.String()
}

// printable makes a text that may quote foreign ones fit for one line of a file.
func printable(s string) string {
	quoted := strconv.Quote(s)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
