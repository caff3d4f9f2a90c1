package freeswitch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pbxguard/audit"
)

// askable is the source that checks of the running FreeSWITCH need.
const askable = "account that may ask the running FreeSWITCH"

// answers is what the running FreeSWITCH said; nil: it was not asked.
func (m *model) answers() audit.Answers { return m.site.Live["freeswitch"] }

// askedState is whether there are answers at all.
func (m *model) askedState() (audit.State, string) {
	switch a := m.answers(); {
	case a == nil:
		return audit.Absent, ""
	case !a.Whole(askVersion):
		return audit.Lost, a.Trouble(askVersion)
	}
	return audit.Whole, ""
}

// A part of the document is what is compared as one: a configuration, a
// user, an extension of the dialplan.
type part struct {
	kind, name string
	element    *Element
}

func (u part) String() string { return u.kind + " " + u.name }

// parts divides a document. Of those with one name, each counts for itself.
func parts(root *Element) (all []part, byName map[string]*Element) {
	byName = map[string]*Element{}
	count := map[string]int{}
	add := func(kind, name string, e *Element) {
		u := part{kind, name, e}
		if n := count[u.String()]; n > 0 {
			u.name = fmt.Sprintf("%s (%d)", name, n+1)
		}
		count[kind+" "+name]++
		all = append(all, u)
		byName[u.String()] = e
	}
	for _, section := range root.Each("section") {
		switch section.Attr("name") {
		case "configuration":
			for _, c := range section.Each("configuration") {
				add("configuration", c.Attr("name"), c)
			}
		case "directory":
			for _, d := range section.Each("domain") {
				eachUser(d, func(u *Element) {
					kind := "user"
					if strings.EqualFold(u.Attr("type"), "pointer") { // in a group, to one that stands elsewhere
						kind = "pointer to user"
					}
					add(kind, u.Attr("id")+"@"+d.Attr("name"), u)
				})
				for _, own := range []string{"params", "variables"} {
					if e := d.Child(own); e != nil {
						add("domain", d.Attr("name")+" "+own, e)
					}
				}
			}
		case "dialplan":
			for _, c := range section.Each("context") {
				for _, e := range c.Each("extension") {
					add("extension", e.Attr("name")+" of context "+c.Attr("name"), e)
				}
			}
		}
	}
	return all, byName
}

// eachUser calls f with every user below a domain.
func eachUser(e *Element, f func(*Element)) {
	for _, c := range e.Children {
		if c.Name == "user" {
			f(c)
			continue
		}
		eachUser(c, f)
	}
}

// differs says in what two elements differ first, without a secret; "" if they
// don't. A value that only the running switch has is like any other.
func differs(file, run *Element) (what string, at Pos) {
	if file.Name != run.Name {
		return fmt.Sprintf("%s in the file, %s in force", file.Name, run.Name), file.Pos
	}
	for _, a := range file.Attrs {
		got, there := run.Lookup(a.Name)
		switch {
		case there && (got == a.Value || Unknown(a.Value)):
		case !there:
			return fmt.Sprintf("%s has %s in the file only", called(file), a.Name), file.Pos
		case file.Name != "param" && file.Name != "variable" || secretName(file.Attr("name")) || secretName(a.Name):
			return fmt.Sprintf("the %s of %s is another in force", a.Name, called(file)), file.Pos
		default:
			return fmt.Sprintf("%s is %q in the file, and %q in force", called(file), a.Value, got), file.Pos
		}
	}
	if len(run.Attrs) > len(file.Attrs) {
		return called(file) + " has more attributes in force", file.Pos
	}
	for i, c := range file.Children {
		if i == len(run.Children) {
			return called(c) + " is in the file only", c.Pos
		}
		if what, at := differs(c, run.Children[i]); what != "" {
			return what, at
		}
	}
	if len(run.Children) > len(file.Children) {
		return called(run.Children[len(file.Children)]) + " is in force only", file.Pos
	}
	return "", Pos{}
}

// called names an element for a person.
func called(e *Element) string {
	for _, a := range []string{"name", "id", "application", "field", "key"} {
		if v := e.Attr(a); v != "" && !Unknown(v) {
			return e.Name + " " + v
		}
	}
	return e.Name
}

// globals are the variables in force.
func globals(text string) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "="); ok {
			vars[strings.ToLower(name)] = value
		}
	}
	return vars
}

// rows are those of an answer in JSON.
func rows(text string) ([]map[string]any, error) {
	var list struct {
		Rows []map[string]any `json:"rows"`
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("cannot understand its list: %w", err)
	}
	return list.Rows, nil
}

// word is a field of a row.
func word(row map[string]any, name string) string {
	s, _ := row[name].(string)
	return s
}

// registrations are the accounts with a phone that is registered now, as
// user@domain.
func (m *model) registrations() (all []string, err error) {
	list, err := rows(m.answers()[askRegistrations].Text)
	for _, row := range list {
		if user := word(row, "reg_user"); user != "" {
			all = append(all, user+"@"+word(row, "realm"))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// noteRegistered adds the phones that are registered now to what was seen.
func (m *model) noteRegistered() {
	seen := m.site.History
	if seen == nil || seen.Accounts == nil || !m.answers().Whole(askRegistrations) {
		return
	}
	list, err := m.registrations()
	if err != nil {
		return // the comparison says so
	}
	for _, account := range list {
		user, domain, _ := strings.Cut(account, "@")
		for _, key := range []string{audit.Key(user, ""), audit.Key(user, strings.ToLower(domain))} {
			seen.Merge(key, audit.Seen{Registered: m.site.Now})
		}
	}
}

// hashed are the values of mod_hash, by realm and key with _ between them.
func (m *model) hashed() map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(m.answers()[askHash].Text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "D/")
		if key, value, cut := strings.Cut(rest, "/"); ok && cut {
			found[key] = value
		}
	}
	return found
}
