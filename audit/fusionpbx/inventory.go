package fusionpbx

import (
	"context"
	"strings"
	"time"

	"pbxguard/audit"
)

// Site is what is audited.
func (m *model) Site() *audit.Site { return m.site }

// Outside judges where a number leads that FusionPBX dials by itself.
func (m *model) Outside(number string) audit.Reach { return m.site.Outside(number) }

// Calls tells nothing: the extensions are FreeSWITCH's, which is audited too.
func (m *model) Calls() audit.Calls { return audit.Calls{} }

// readLogins reads when users last logged in to the web pages.
func (m *model) readLogins(t Tables) {
	rows, err := t.Rows(context.Background(), "v_user_logs")
	if err != nil {
		m.note("logins", audit.Partial, err.Error())
	}
	m.logins = map[string]time.Time{}
	for _, r := range rows {
		at, err := time.Parse(time.DateTime, r["timestamp"][:min(len(r["timestamp"]), len(time.DateTime))])
		if err != nil {
			continue
		}
		if m.since.IsZero() || at.Before(m.since) {
			m.since = at
		}
		if r["type"] == "login" && r["result"] == "success" && at.After(m.logins[r["user_uuid"]]) {
			m.logins[r["user_uuid"]] = at
		}
	}
}

// Held lists what FusionPBX's database has beside the extensions: those who
// administer it, mailboxes, and who is rung by groups.
func (m *model) Held() (all []audit.Held) {
	admin := map[string]bool{}
	for _, g := range m.rows["v_user_groups"] {
		if g["group_name"] == "superadmin" || g["group_name"] == "admin" {
			admin[g["user_uuid"]] = true
		}
	}
	for _, u := range m.rows["v_users"] {
		if admin[u["user_uuid"]] && m.on(u, "user_enabled") {
			all = append(all, audit.Held{
				Role: audit.Administrator, Name: u["username"], Domain: m.domains[u["domain_uuid"]], Object: "administrator " + audit.Key(u["username"], m.domains[u["domain_uuid"]]),
				At: m.from, Secret: u["password"], People: []string{u["user_email"]},
				Logins: !m.since.IsZero(), Login: m.logins[u["user_uuid"]], LoginsSince: m.since,
			})
		}
	}
	for _, v := range m.rows["v_voicemails"] {
		if v.True("voicemail_enabled") {
			all = append(all, audit.Held{Role: audit.Mailbox, Name: v["voicemail_id"], Domain: m.domains[v["domain_uuid"]], Object: m.mailbox(v), At: m.from, People: []string{v["voicemail_mail_to"]}})
		}
	}
	groups := map[string]string{}
	for _, g := range m.rows["v_ring_groups"] {
		groups[g["ring_group_uuid"]] = g["ring_group_name"]
	}
	for _, d := range m.rows["v_ring_group_destinations"] {
		if m.on(d, "destination_enabled") {
			all = append(all, audit.Held{Role: audit.Member, Name: d["destination_number"], Domain: m.domains[d["domain_uuid"]], Object: "member " + d["destination_number"] + " of ring group " + groups[d["ring_group_uuid"]], At: m.from})
		}
	}
	return all
}

// on tells whether a row is enabled, as which a row of older versions, which
// lack the column, counts too.
func (m *model) on(r Row, column string) bool { return r[column] == "" || r.True(column) }

func (m *model) mailbox(v Row) string {
	return strings.TrimSuffix("mailbox "+v["voicemail_id"]+"@"+m.domains[v["domain_uuid"]], "@")
}

// Forwards are those that are enabled in extensions.
func (m *model) Forwards() (all []audit.Forward) {
	for _, e := range m.extensions() {
		for _, way := range forwardWays {
			if to := e[way+"_destination"]; e.True(way+"_enabled") && to != "" {
				all = append(all, audit.Forward{Account: e["extension"], Domain: m.domains[e["domain_uuid"]], Key: way, Number: to, At: m.from})
			}
		}
	}
	return all
}

// withoutExtension looks for mailboxes whose number no extension has.
func withoutExtension(m *model, r *audit.Result) {
	has := map[string]bool{}
	for _, e := range m.rows["v_extensions"] {
		has[e["domain_uuid"]+"/"+e["extension"]] = true
		has[e["domain_uuid"]+"/"+e["number_alias"]] = true
	}
	for _, v := range m.rows["v_voicemails"] {
		if v.True("voicemail_enabled") && !has[v["domain_uuid"]+"/"+v["voicemail_id"]] {
			r.Fail(m.mailbox(v), m.from, "no extension has its number")
		}
	}
}
