package freeswitch

import (
	"context"
	"strings"

	"pbxguard/audit"
)

// A Console asks a running FreeSWITCH over its event socket. None of what it is
// asked here changes anything.
type Console interface {
	Ask(ctx context.Context, question string) (string, error)
}

// What is asked of a running FreeSWITCH.
const (
	askVersion       = "version"
	askDocument      = "xml_locate root"
	askVariables     = "global_getvar"
	askProfiles      = "sofia xmlstatus"
	askProfile       = "sofia xmlstatus profile " // with its name
	askGateways      = "sofia xmlstatus gateway"
	askModules       = "show modules as json"
	askRegistrations = "show registrations as json"
	askHash          = "hash_dump all"
)

// maxProfiles bounds the profiles that are asked for one by one.
const maxProfiles = 200

// Ask asks a running FreeSWITCH for what its files are to be compared with, until
// ctx ends. What could not be asked is in the answers.
func Ask(ctx context.Context, c Console) audit.Answers {
	answers := audit.Answers{}
	ask := func(question string) (string, error) {
		text, err := c.Ask(ctx, question)
		if err != nil && strings.Contains(err.Error(), "no reply") { // an empty list
			text, err = "", nil
		}
		answers[question] = audit.Answer{Text: text, Err: err}
		return text, err
	}
	if _, err := ask(askVersion); err != nil {
		return answers // nobody there: the rest would wait as long again
	}
	for _, q := range []string{askDocument, askVariables, askProfiles, askGateways, askModules, askRegistrations, askHash} {
		ask(q)
	}
	for i, name := range runningProfiles(answers[askProfiles].Text) {
		if i < maxProfiles {
			ask(askProfile + name)
		}
	}
	return answers
}

// runningProfiles are the names in the answer to askProfiles. What else runs is
// listed there too: gateways, and other names of profiles.
func runningProfiles(text string) (names []string) {
	root, _ := parseXML(text, func(int) Pos { return Pos{} })
	for _, p := range root.Each("profile") {
		if name := childText(p, "name"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// childText is what stands in a child of a name.
func childText(e *Element, name string) string {
	c := e.Child(name)
	if c == nil {
		return ""
	}
	return strings.TrimSpace(c.Text)
}
