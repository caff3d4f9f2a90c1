package freeswitch

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// questions are what [Admin.Ask] sends. None of them changes anything.
var questions = []string{
	"version", "xml_locate root", "global_getvar", "sofia xmlstatus", "sofia xmlstatus gateway",
	"show modules as json", "show registrations as json", "hash_dump all",
}

// profileQuestion is another, with the name of a SIP profile behind it.
const profileQuestion = "sofia xmlstatus profile "

// Ask asks the running FreeSWITCH about its configuration. What is returned may
// hold secrets, as the whole document does.
func (a *Admin) Ask(ctx context.Context, question string) (string, error) {
	profile, of := strings.CutPrefix(question, profileQuestion)
	if of && (profile == "" || strings.ContainsAny(profile, " \t\r\n'\"\\")) || !of && !slices.Contains(questions, question) {
		return "", fmt.Errorf("cannot ask FreeSWITCH for %s: it is not among the questions", strconv.Quote(question))
	}
	name, args, _ := strings.Cut(question, " ")
	return a.api(ctx, name, args)
}
