package asterisk

import (
	"context"
	"fmt"
	"strings"

	"pbxguard/audit"
)

// A Manager asks a running Asterisk over AMI. None of what it is asked here
// changes anything.
type Manager interface {
	Ask(ctx context.Context, action string, headers ...string) (answer map[string]string, list []map[string]string, err error)
}

// maxAsked bounds what a running Asterisk is asked for one by one.
const maxAsked = 20_000

// checkedModules are those that are asked for by name. What they are needed
// for is dear if the files are wrong about them.
var checkedModules = []string{
	"chan_iax2", "chan_pjsip", "chan_sip", "pbx_ael", "pbx_lua", "res_pjsip",
	"res_pjsip_authenticator_digest", "res_pjsip_endpoint_identifier_anonymous",
}

// forwardQuestion is the question for a family of AstDB.
func forwardQuestion(family string) string { return "DBGetTree " + family }

// Ask asks a running Asterisk for what its files are to be compared with, until
// ctx ends. It needs an AMI account with write = system, and reporting for the
// dialplan and the mailboxes. What could not be asked is in the answers.
func Ask(ctx context.Context, m Manager) audit.Answers {
	a := asking{ctx, m, audit.Answers{}}
	if a.one("CoreSettings", "CoreSettings") != nil {
		return a.answers // nobody there, or one who may not ask: the rest would wait as long again
	}
	for _, name := range checkedModules {
		a.module(name)
	}
	a.pjsip()
	a.peers()
	a.list("ShowDialPlan", "ShowDialPlan")
	a.list("VoicemailUsersList", "VoicemailUsersList")
	a.list("PJSIPShowContacts", "PJSIPShowContacts")
	for _, k := range forwardKinds {
		a.list(forwardQuestion(k.family), "DBGetTree", "Family", k.family)
	}
	return a.answers
}

type asking struct {
	ctx     context.Context
	manager Manager
	answers audit.Answers
}

// one asks for what is a single block.
func (a *asking) one(question, action string, headers ...string) error {
	answer, _, err := a.manager.Ask(a.ctx, action, headers...)
	a.answers[question] = audit.Answer{Records: []map[string]string{answer}, Err: err}
	return err
}

// list asks for a list. An Asterisk without the module, or without a single
// entry, has said so.
func (a *asking) list(question, action string, headers ...string) []map[string]string {
	_, list, err := a.manager.Ask(a.ctx, action, headers...)
	answer := audit.Answer{Records: list, Err: err}
	if err != nil && none(err) {
		answer.Err = nil
		if strings.Contains(err.Error(), unknownCommand) {
			answer.Text = unknownCommand
		}
	}
	a.answers[question] = answer
	return list
}

// unknownCommand is what Asterisk says to an action of a module that does not
// run.
const unknownCommand = "Invalid/unknown command"

// none tells whether an error of Asterisk's is its way to say that there are no
// such objects, or no module that would know.
func none(err error) bool {
	for _, says := range []string{unknownCommand, "No endpoints found", "No Contacts found", "No AORs found", "No Auths found", "No peers", "no voicemail users"} {
		if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(says)) {
			return true
		}
	}
	return false
}

// module asks whether a module runs.
func (a *asking) module(name string) {
	_, _, err := a.manager.Ask(a.ctx, "ModuleCheck", "Module", name)
	runs := "yes"
	if err != nil && strings.Contains(err.Error(), "not loaded") {
		runs, err = "no", nil
	}
	a.answers["ModuleCheck "+name] = audit.Answer{Text: runs, Err: err}
}

// pjsip asks for every endpoint by itself: only then its context is told.
func (a *asking) pjsip() {
	const question = "PJSIPShowEndpoints"
	endpoints := a.list(question, question)
	a.list("PJSIPShowAuths", "PJSIPShowAuths")
	a.list("PJSIPShowAors", "PJSIPShowAors")
	a.each(question, "endpoints", endpoints, func(name string) error {
		_, list, err := a.manager.Ask(a.ctx, "PJSIPShowEndpoint", "Endpoint", name)
		a.answers["PJSIPShowEndpoint "+name] = audit.Answer{Records: list, Err: err}
		return err
	})
}

// peers asks for those of chan_sip.
func (a *asking) peers() {
	const question = "SIPpeers"
	a.each(question, "peers", a.list(question, question), func(name string) error {
		return a.one("SIPshowpeer "+name, "SIPshowpeer", "Peer", name)
	})
}

// each asks for everything on a list by its name. What comes of a list that is too
// long, or of time that runs out, stands under the question that had the list.
func (a *asking) each(question, what string, list []map[string]string, ask func(name string) error) {
	if len(list) > maxAsked {
		a.answers[question] = audit.Answer{Err: fmt.Errorf("it has %d %s; more than %d are not compared", len(list), what, maxAsked)}
		return
	}
	for _, object := range list {
		if err := ask(object["ObjectName"]); err != nil && a.ctx.Err() != nil {
			a.answers[question] = audit.Answer{Records: list, Err: fmt.Errorf("not all of its %d %s could be asked for: %w", len(list), what, err)}
			return
		}
	}
}
