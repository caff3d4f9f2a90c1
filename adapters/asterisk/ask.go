package asterisk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Ask asks the running Asterisk about its configuration: an action, and its
// headers as keys and values. It returns the answer and, if that announces one,
// the whole list behind it, by header. What is returned may hold secrets, as
// PJSIPShowAuths does.
func (a *Admin) Ask(ctx context.Context, action string, headers ...string) (answer map[string]string, list []map[string]string, err error) {
	answer, list, err = a.question(ctx, action, headers)
	if err = succeeded(answer, err); err != nil {
		return nil, nil, fmt.Errorf("cannot ask Asterisk for %s: %w", strconv.Quote(action), err)
	}
	if len(list) >= maxListed {
		return nil, nil, fmt.Errorf("cannot ask Asterisk for %s: the list has %d entries or more", action, maxListed)
	}
	return answer, list, nil
}

// question sends one of the actions that may be asked. None of them changes
// anything, and none takes the name of a file or a function of the dialplan.
func (a *Admin) question(ctx context.Context, action string, headers []string) (answer map[string]string, list []map[string]string, err error) {
	switch action {
	case "CoreSettings":
		return a.do(ctx, "CoreSettings", headers...)
	case "ModuleCheck":
		return a.do(ctx, "ModuleCheck", headers...)
	case "DBGetTree":
		return a.do(ctx, "DBGetTree", headers...)
	case "PJSIPShowEndpoints":
		return a.do(ctx, "PJSIPShowEndpoints", headers...)
	case "PJSIPShowEndpoint":
		return a.do(ctx, "PJSIPShowEndpoint", headers...)
	case "PJSIPShowAuths":
		return a.do(ctx, "PJSIPShowAuths", headers...)
	case "PJSIPShowAors":
		return a.do(ctx, "PJSIPShowAors", headers...)
	case "PJSIPShowContacts":
		return a.do(ctx, "PJSIPShowContacts", headers...)
	case "SIPpeers":
		return a.do(ctx, "SIPpeers", headers...)
	case "SIPshowpeer":
		return a.do(ctx, "SIPshowpeer", headers...)
	case "ShowDialPlan":
		return a.do(ctx, "ShowDialPlan", headers...)
	case "VoicemailUsersList":
		return a.do(ctx, "VoicemailUsersList", headers...)
	}
	return nil, nil, errors.New("it is not among the questions")
}
