package asterisk

import (
	"strings"
	"testing"
	"time"
)

func TestAdminAsk(t *testing.T) {
	a, f := admin(t, &fakeAstDB{values: map[string]string{"/CF/100": "0031900123456"}}, 10*time.Second)
	if _, list, err := a.Ask(t.Context(), "DBGetTree", "Family", "CF"); err != nil || len(list) != 1 || list[0]["Val"] != "0031900123456" {
		t.Errorf("got %v %v, want the one entry", list, err)
	}
	if _, _, err := a.Ask(t.Context(), "ShowDialPlan"); err == nil || !strings.Contains(err.Error(), "Permission denied") {
		t.Errorf("got %v, want what Asterisk said", err)
	}
	for _, action := range []string{"Originate", "Command", "DBPut", "showdialplan", "Ping\r\nAction: Originate"} {
		if _, _, err := a.Ask(t.Context(), action); err == nil {
			t.Errorf("%q was asked", action)
		}
	}
	if _, _, err := a.Ask(t.Context(), "ModuleCheck", "Module", "x\r\nAction: Command"); err == nil {
		t.Error("a value with a line break was sent")
	}
	for _, action := range []string{"Originate", "Command", "DBPut"} {
		if said := f.said(action, "Action"); len(said) > 0 {
			t.Errorf("%s was sent", action)
		}
	}
}
