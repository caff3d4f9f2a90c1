package asterisk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/guard"
)

// fakeAstDB answers as Asterisk 16 and 22 did when they were asked.
type fakeAstDB struct {
	values  map[string]string
	silent  string // an action that is not answered
	endless bool   // lists have no end
}

func (db *fakeAstDB) answer(a map[string]string, id string) string {
	if a["Action"] == db.silent {
		return ""
	}
	const start = "Response: Success\nActionID: %s\nEventList: start\nMessage: Result will follow\n\n"
	end := "Event: %sComplete\nActionID: %s\nEventList: Complete\nListItems: 1\n\n"
	if db.endless {
		end = "Event: %sMore\nActionID: %s\n\n"
	}
	key := "/" + a["Family"] + "/" + a["Key"]
	value, found := db.values[key]
	switch a["Action"] {
	case "DBGet":
		if !found {
			return crlf("Response: Error\nActionID: " + id + "\nMessage: Database entry not found\n\n")
		}
		return crlf(fmt.Sprintf(start+"Event: DBGetResponse\nFamily: %s\nKey: %s\nVal: %s\nActionID: %s\n\n"+end,
			id, a["Family"], a["Key"], value, id, "DBGet", id))
	case "DBGetTree":
		s := fmt.Sprintf(start, id)
		for k, v := range db.values {
			if strings.HasPrefix(k, "/"+a["Family"]+"/") {
				s += "Event: DBGetTreeResponse\nKey: " + k + "\nVal: " + v + "\nActionID: " + id + "\n\n"
			}
		}
		return crlf(s + fmt.Sprintf(end, "DBGetTree", id))
	case "DBPut":
		db.values[key] = a["Val"]
		return crlf("Response: Success\nActionID: " + id + "\nMessage: Updated database successfully\n\n")
	case "DBDel":
		if !found || value == "locked" {
			return crlf("Response: Error\nActionID: " + id + "\nMessage: Database entry could not be deleted\n\n")
		}
		delete(db.values, key)
		return crlf("Response: Success\nActionID: " + id + "\nMessage: Key deleted successfully\n\n")
	case "PJSIPShowContacts":
		contact := "Event: ContactList\nActionID: " + id + "\nObjectType: contact\nObjectName: %[1]s;@ab67\nViaAddr: 10.0.0.1\n" +
			"QualifyTimeout: 3.000000\nCallId: x@test\nRegServer: \nPruneOnBoot: no\nPath: \nEndpoint: %[1]s\nViaPort: 33122\n" +
			"AuthenticateQualify: no\nUri: %[2]s\nQualifyFrequency: 0\nUserAgent: testphone/1\nExpirationTime: %[3]d\nOutboundProxy: \n" +
			"Status: NonQualified\nRoundtripUsec: N/A\n\n"
		now := time.Now().Unix()
		return crlf(fmt.Sprintf(start, id) +
			fmt.Sprintf(contact, "100", "sip:100@192.0.2.7:33122;transport=udp", now+300) +
			fmt.Sprintf(contact, "101", "sip:101@192.0.2.8:33122;transport=udp", now-300) +
			fmt.Sprintf(contact, "102", "sip:x@y.invalid;transport=ws", now+300) +
			fmt.Sprintf(end, "ContactList", id))
	}
	return crlf("Response: Error\nActionID: " + id + "\nMessage: Permission denied\n\n")
}

// admin is an Admin and the fake that it talks to.
func admin(t *testing.T, db *fakeAstDB, timeout time.Duration) (*Admin, *fakeAMI) {
	t.Helper()
	f := newFake(t, nil)
	if db.values == nil {
		db.values = map[string]string{}
	}
	f.more = db.answer
	return newAdmin(t, f.address(), timeout), f
}

func newAdmin(t *testing.T, address string, timeout time.Duration) *Admin {
	t.Helper()
	a, err := NewAdmin(AdminOptions{Address: address, Username: testUser, Secret: testSecret, Timeout: timeout,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestAdminAstDB(t *testing.T) {
	ctx := t.Context()
	a, f := admin(t, &fakeAstDB{values: map[string]string{"/CF/100": "0031900123456", "/CF/101": "", "/CF/102": "locked"}}, 10*time.Second)
	if err := a.Put(ctx, "pbxguard", "lock/100", "a b"); err != nil {
		t.Fatal(err)
	}
	if v, found, err := a.Get(ctx, "pbxguard", "lock/100"); v != "a b" || !found || err != nil {
		t.Errorf("got %q %v %v, want what was put", v, found, err)
	}
	if v, found, err := a.Get(ctx, "pbxguard", "lock/101"); v != "" || found || err != nil {
		t.Errorf("got %q %v %v for a key that is not there", v, found, err)
	}
	tree, err := a.Tree(ctx, "CF")
	if want := map[string]string{"/CF/100": "0031900123456", "/CF/101": "", "/CF/102": "locked"}; err != nil || !maps.Equal(tree, want) {
		t.Errorf("got %v %v, want %v", tree, err, want)
	}
	if tree, err := a.Tree(ctx, "nosuch"); err != nil || len(tree) != 0 {
		t.Errorf("got %v %v for a family that is not there", tree, err)
	}
	for _, key := range []string{"lock/100", "lock/100", "never"} {
		if err := a.Delete(ctx, "pbxguard", key); err != nil {
			t.Errorf("Delete %s: %v", key, err)
		}
	}
	if err := a.Delete(ctx, "CF", "102"); err == nil || !strings.Contains(err.Error(), "could not be deleted") {
		t.Errorf("got %v for a key that stays, want an error", err)
	}
	if n := len(f.said("Login", "Username")); n != 2 {
		t.Errorf("got %d logins, want one to try and one to stay", n)
	}
}

func TestAdminContacts(t *testing.T) {
	a, _ := admin(t, &fakeAstDB{}, 10*time.Second)
	got, err := a.Contacts(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("got %+v %v, want the one contact that is live and has an address", got, err)
	}
	if s := got[0]; s.Account != (guard.Account{Name: "100"}) || s.Source.String() != "192.0.2.7" || !s.Registered || s.Agent != "testphone/1" {
		t.Errorf("got %+v", s)
	}
}

func TestAdminRefusesValues(t *testing.T) {
	ctx := t.Context()
	a, f := admin(t, &fakeAstDB{}, 10*time.Second)
	for _, bad := range []string{"x\r\nAction: Command", "x\ny", "x\x00", strings.Repeat("x", 1000)} {
		for name, err := range map[string]error{
			"family": a.Put(ctx, bad, "k", "v"), "key": a.Put(ctx, "f", bad, "v"), "value": a.Put(ctx, "f", "k", bad),
			"deleted key": a.Delete(ctx, "f", bad),
		} {
			if err == nil || !strings.Contains(err.Error(), "line break") {
				t.Errorf("%s %.20q: got %v, want a refusal", name, bad, err)
			}
		}
	}
	if got := f.said("DBPut", "Key"); got != nil {
		t.Errorf("got %q sent", got)
	}
	for _, address := range []string{"192.0.2.1:5038", "pbx.example.net:5038", "127.0.0.1"} {
		if _, err := NewAdmin(AdminOptions{Address: address, Username: "u", Secret: "s"}); err == nil {
			t.Errorf("address %s is taken", address)
		}
	}
}

// TestAdminGivesUp: no trouble of the PBX makes an action wait for long, and the
// next one starts afresh.
func TestAdminGivesUp(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, db := range map[string]*fakeAstDB{
		"an action without an answer": {silent: "DBGet"},
		"a list without an end":       {endless: true, values: map[string]string{"/f/k": "v"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := admin(t, db, timeout)
			began := time.Now()
			if _, _, err := a.Get(t.Context(), "f", "k"); err == nil || !strings.Contains(err.Error(), "from Asterisk") {
				t.Errorf("got %v, want an error", err)
			}
			if took := time.Since(began); took > 10*timeout {
				t.Errorf("took %v with a limit of %v", took, timeout)
			}
			f.mu.Lock()
			db.silent, db.endless = "", false
			f.mu.Unlock()
			a.options.Timeout = 10 * time.Second
			if err := a.Put(t.Context(), "f", "k", "v"); err != nil {
				t.Errorf("got %v from the next action", err)
			}
			if n := len(f.said("Login", "Username")); n != 4 {
				t.Errorf("got %d logins, want 4: each instance is tried first", n)
			}
		})
	}
}

func TestAdminOutages(t *testing.T) {
	a, f := admin(t, &fakeAstDB{}, 10*time.Second)
	if err := a.Put(t.Context(), "f", "k", "v"); err != nil {
		t.Fatal(err)
	}
	f.hangUp()
	eventually(t, "notice of the end", func() bool {
		select {
		case <-a.instance.dead:
			return true
		default:
			return false
		}
	})
	if v, _, err := a.Get(t.Context(), "f", "k"); err != nil || v != "v" {
		t.Errorf("got %q %v after an outage, want the value", v, err)
	}
	f.mu.Lock()
	f.secret = "changed"
	f.mu.Unlock()
	f.hangUp()
	eventually(t, "refusal", func() bool {
		_, _, err := a.Get(t.Context(), "f", "k")
		return err != nil && strings.Contains(err.Error(), "AMI login refused for user")
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Put(ctx, "f", "k", "v"); err == nil {
		t.Error("got no error with a context that is done")
	}
}

func TestAdminSilentServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, conn)
		}
	}()
	a := newAdmin(t, ln.Addr().String(), 100*time.Millisecond)
	if err := a.Put(t.Context(), "f", "k", "v"); err == nil || !strings.Contains(err.Error(), "cannot read the greeting") {
		t.Errorf("got %v, want an error", err)
	}
}

func TestAdminFromManySides(t *testing.T) {
	a, _ := admin(t, &fakeAstDB{}, 10*time.Second)
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for j := range 20 {
				key, want := fmt.Sprintf("k%d", i), fmt.Sprint(i, j)
				if err := a.Put(t.Context(), "f", key, want); err != nil {
					t.Error(err)
				}
				if v, _, err := a.Get(t.Context(), "f", key); err != nil || v != want {
					t.Errorf("got %q %v, want %q", v, err, want)
				}
			}
		})
	}
	callers.Wait()
}
