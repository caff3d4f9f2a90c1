// Package config reads, checks and documents pbxguard.toml.
//
// Everything starts from the structs of this file: their tags name the keys,
// bound the values and explain them, and the same tags drive the reader and
// [Reference]. What a file does not say keeps the value of [Default], so an
// empty file is a good one.
package config

import (
	"log/slog"
	"slices"
	"time"

	"pbxguard/guard"
)

// Path is where the configuration of an installed pbxguard stands.
const Path = "/etc/pbxguard/pbxguard.toml"

// Config is a whole configuration. It does not change once it is read; a
// reload reads another one.
type Config struct {
	PBX       []PBX      `toml:"pbx" doc:"a PBX to watch; without any, the Asterisk of this host"`
	Calls     Calls      `toml:"calls" doc:"what happens to calls that a rule objects to"`
	Rules     Rules      `toml:"rules" doc:"what is held against a call; emergency numbers are exempt from all of it, always"`
	Groups    []Group    `toml:"group" doc:"extensions with rules of their own; an extension belongs to the first group that names it"`
	Notify    Notify     `toml:"notify" doc:"how often people are told of verdicts"`
	Receivers []Receiver `toml:"receiver" doc:"who is told; systemd lets the daemon reach this host alone: pbxguard check names who is out of reach, and pbxguard setup --network opens the way"`
	Tariff    Tariff     `toml:"tariff" doc:"what calls cost"`
	Lists     Lists      `toml:"lists" doc:"lists of numbers, which the command pbxguard lists keeps"`
	Atlas     Atlas      `toml:"atlas" doc:"where addresses are, from MMDB files such as those of DB-IP Lite or GeoLite2; without them, an account is told apart by its addresses alone"`
	Closed    Closed     `toml:"closed" doc:"days on which nobody is in the office"`
	Bans      Bans       `toml:"bans" doc:"when an address is shut out"`
	Firewall  Firewall   `toml:"firewall" doc:"how an address is shut out"`
	Gate      Gate       `toml:"gate" doc:"whether the PBX asks before a call leaves, so that no race is lost; pbxguard setup --gate prints the dial plan that asks"`
	Store     Store      `toml:"store" doc:"what is remembered"`
	Control   Control    `toml:"control" doc:"how the commands reach the daemon"`
	Log       Log        `toml:"log" doc:"what the daemon says"`

	// Warnings tell what is allowed but probably not meant, for people.
	Warnings []string

	home string // the country that the host seems to stand in, or ""
}

// PBX is one PBX to watch.
type PBX struct {
	Name       string `toml:"name" is:"name" doc:"what it is called in logs, decisions and commands"`
	Type       string `toml:"type" one:"asterisk freeswitch" doc:"what it is"`
	Address    string `toml:"address" is:"address" doc:"where its AMI or its event socket listens; of a FreeSWITCH \"127.0.0.1:8021\""`
	TLS        bool   `toml:"tls" doc:"whether its AMI speaks TLS"`
	CAFile     string `toml:"ca_file" is:"path" doc:"certificates to trust instead of the host's: the authority's, or the PBX's own"`
	ServerName string `toml:"server_name" is:"host" doc:"the name in the PBX's certificate, if it is not that in address"`
	Login      string `toml:"login" one:"challenge plain" doc:"how to log in: \"challenge\" never sends the secret, \"plain\" does"`

	Username   string `toml:"username" doc:"the AMI account, which needs read = security,call,system and write = call; of a FreeSWITCH a user of its directory, user@domain, or nobody: then the secret is that of the event socket"`
	Secret     Secret `toml:"secret" doc:"its secret; without any of these three keys, NAME.secret beside this file holds it"`
	SecretFile string `toml:"secret_file" is:"file" doc:"the file that holds the secret"`
	Credential string `toml:"credential" is:"name" doc:"the systemd credential that holds the secret"`

	AdminUsername   string `toml:"admin_username" doc:"a second AMI account, with write = system,reporting, for switching forwards off, for locks in the dial plan and for audits of what runs"`
	AdminSecret     Secret `toml:"admin_secret" doc:"its secret; without any of these three keys, NAME-admin.secret beside this file holds it"`
	AdminSecretFile string `toml:"admin_secret_file" is:"file" doc:"the file that holds it"`
	AdminCredential string `toml:"admin_credential" is:"name" doc:"the systemd credential that holds it"`

	ConfigDir     string   `toml:"config_dir" is:"path" doc:"where the PBX's own configuration stands, from which trunks and phones are learnt; of a FreeSWITCH \"/etc/freeswitch\""`
	Trunks        []string `toml:"trunks" is:"glob" doc:"endpoints that lead outside, besides those found in config_dir; * and ? stand for other characters"`
	Phones        []string `toml:"phones" is:"glob" doc:"endpoints that are extensions, besides those found"`
	Numbers       []string `toml:"numbers" is:"numbers" doc:"the numbers that belong to the site, in full: \"+3120555xxxx\"; x stands for a digit. Without them, rules about caller ids leave them alone"`
	DialThrough   []string `toml:"dial_through" is:"pattern" doc:"numbers of the site from which callers may go out again, such as that of DISA, as the trunk sends them"`
	Services      []string `toml:"services" is:"pattern" doc:"internal numbers of voicemail, DISA and the like, which are no extensions"`
	ForeignTrunks []string `toml:"foreign_trunks" is:"glob" doc:"trunks on which calls from abroad arrive, and none of this country"`
	Forwards      []string `toml:"forwards" doc:"of a FreeSWITCH: where its dial plan keeps forwards by extension, as \"db/REALM\" or \"hash/REALM\"; the guard watches them, and switches off what fraud used"`
	TimeZone      string   `toml:"time_zone" is:"zone" doc:"the zone of office hours, such as \"Europe/Amsterdam\"; without it, the host's"`

	DialPlan DialPlan `toml:"dialplan" doc:"how phones dial; the lists add to what is known of the country"`

	TrunkFormat string           `toml:"trunk_format" one:"national e164 dialled" doc:"what trunks are sent: \"national\" numbers without the outside line's digits, \"e164\" digits with the country code, or what was \"dialled\""`
	TechPrefix  string           `toml:"tech_prefix" is:"keys" doc:"what the carrier wants in front of every number"`
	Trunk       map[string]Trunk `toml:"trunk" doc:"a single trunk that differs; NAME is its endpoint"`

	authority []byte // what ca_file holds
}

// Trunk is how one trunk differs from its PBX's others.
type Trunk struct {
	Format     string `toml:"format" one:"national e164 dialled" doc:"as trunk_format; without it, the PBX's"`
	TechPrefix string `toml:"tech_prefix" is:"keys" doc:"as tech_prefix; without it, the PBX's"`
}

// DialPlan is what an administrator must say of how phones dial.
type DialPlan struct {
	Country        string   `toml:"country" is:"country" doc:"where the PBX stands; without it, where the host's time zone lies"`
	OutsideLine    string   `toml:"outside_line" is:"keys" doc:"what is dialled first to get a line, such as \"9\""`
	Area           string   `toml:"area" is:"digits" doc:"the area code, without the national prefix, if local numbers are dialled without it"`
	LocalLength    int      `toml:"local_length" min:"0" max:"12" doc:"how many digits a local number has; 0: they are not dialled"`
	Extensions     string   `toml:"extensions" is:"regexp" doc:"a regular expression that matches every internal number"`
	Emergency      []string `toml:"emergency" is:"digits" doc:"further emergency numbers; those of the country are known and cannot be switched off"`
	Protected      []string `toml:"protected" is:"number" doc:"further numbers no rule may cut, such as a helpline or an alarm centre"`
	Directory      []string `toml:"directory" is:"pattern" doc:"further directory enquiries; x stands for a digit"`
	Short          []string `toml:"short" is:"pattern" doc:"further short numbers in ordinary use"`
	CarrierSelect  []string `toml:"carrier_select" is:"pattern" doc:"further codes that choose a carrier"`
	FeatureCodes   []string `toml:"feature_codes" is:"pattern" doc:"further codes that switch a feature of the PBX, such as \"*72\""`
	IDD            []string `toml:"idd" is:"digits" doc:"what precedes an international number, if not the country's own"`
	NationalPrefix string   `toml:"national_prefix" is:"digits" doc:"what precedes a national number, if not the country's own"`
}

// Calls says what becomes of calls that a rule objects to.
type Calls struct {
	Mode        guard.Mode    `toml:"mode" doc:"\"observe\": write down what would be done; \"enforce\": do it"`
	HangupCause int           `toml:"hangup_cause" min:"1" max:"127" doc:"the Q.850 cause a killed call ends with; 21 is \"call rejected\""`
	Learn       time.Duration `toml:"learn" min:"0s" max:"90d" doc:"how long a PBX is watched before rules that go by habits may end a call; what is usual is spared from then on; 0s: every rule acts as it is set, whatever is usual"`
	LockFor     time.Duration `toml:"lock_for" min:"1m" max:"365d" doc:"how long an extension stays locked that a rule locked"`
}

// Group gives some extensions their own rules.
type Group struct {
	Name       string        `toml:"name" is:"name" doc:"what it is called in reasons"`
	Extensions []string      `toml:"extensions" is:"extensions" doc:"who belongs to it: names, ranges as \"100-119\", * and ? for other characters"`
	Role       string        `toml:"role" one:"phone machine dialler guest reception" doc:"what they are: a \"machine\" (fax, alarm, lift) calls the numbers of reaches alone, and no lock keeps it from them; a \"dialler\" is free of rules about how many calls and how fast, never of those about destinations and money; a \"guest\" has no habits and no office hours, and one call at a time; a \"reception\" may have four"`
	Reaches    []string      `toml:"reaches" is:"numbers" doc:"the numbers that a machine calls, in full; x stands for a digit; without any, all"`
	TestCall   time.Duration `toml:"test_call" min:"0s" max:"31d" doc:"how often a machine calls one of them at least, before somebody is told that it is silent; 0s: nobody knows"`
	Rules      Rules         `toml:"rules" doc:"the same tables as under rules; what is not said here is as there"`
}

// Notify is how often people are told of verdicts.
type Notify struct {
	Least  guard.Action  `toml:"least" doc:"verdicts that ask for less are not told"`
	Wait   time.Duration `toml:"wait" min:"1s" max:"1h" doc:"how long an incident may unfold before its first message"`
	Every  time.Duration `toml:"every" min:"1m" max:"7d" doc:"how long until the next message about one incident"`
	Hourly int           `toml:"hourly" min:"1" max:"1000" doc:"how many messages an hour may see; others wait"`
}

// Receiver is somebody who is told of verdicts.
type Receiver struct {
	Name       string   `toml:"name" is:"name" doc:"what it is called in the log"`
	Type       string   `toml:"type" one:"journal mail webhook chat" doc:"how it is told: in the journal, by SMTP, by JSON over HTTP, or by a chat service"`
	Server     string   `toml:"server" is:"address" doc:"mail: the server"`
	TLS        string   `toml:"tls" one:"starttls tls none" doc:"mail: how the connection is encrypted; \"none\" only to this host"`
	Username   string   `toml:"username" doc:"mail: who logs in, if the server wants that"`
	From       string   `toml:"from" is:"mail" doc:"mail: the sender"`
	To         []string `toml:"to" is:"mail" doc:"mail: who gets it"`
	URL        string   `toml:"url" is:"url" doc:"webhook: where messages are posted; https, or http to this host"`
	Secret     Secret   `toml:"secret" doc:"mail: the password; webhook: what messages are signed with; chat: the service's URL as shoutrrr writes it, which holds a token. Without any of these three keys, NAME.secret beside this file holds it"`
	SecretFile string   `toml:"secret_file" is:"file" doc:"the file that holds it"`
	Credential string   `toml:"credential" is:"name" doc:"the systemd credential that holds it"`
}

// Tariff is what calls cost.
type Tariff struct {
	Deck string `toml:"deck" is:"path" doc:"the rate deck: CSV with the columns prefix, description, rate, currency, increment, min and valid_from; without one, talk time alone is limited"`
}

// Lists is where lists of numbers stand.
type Lists struct {
	Dir string `toml:"dir" is:"path" doc:"the folder of the lists"`
}

// Atlas is where addresses are.
type Atlas struct {
	Countries string `toml:"countries" is:"path" doc:"an MMDB file that tells countries; one that tells cities too finds journeys that nobody makes within a country"`
	Networks  string `toml:"networks" is:"path" doc:"an MMDB file that tells the numbers of autonomous systems, for reasons to name them"`
}

// Closed is when the office is closed besides weekends.
type Closed struct {
	Calendar string   `toml:"calendar" is:"calendar" doc:"the country whose public holidays count"`
	Days     []string `toml:"days" is:"date" doc:"further days: \"2026-12-24\" once, \"12-24\" every year"`
}

// Bans says when an address is shut out.
type Bans struct {
	Mode     guard.Mode      `toml:"mode" doc:"\"observe\": write down who would be banned; \"enforce\": ban them"`
	Failures int             `toml:"failures" min:"2" max:"1000" doc:"how many different failed logins earn a ban"`
	Window   time.Duration   `toml:"window" min:"10s" max:"7d" doc:"within what time"`
	Hourly   int             `toml:"hourly" min:"0" max:"255" doc:"how many within an hour do, for who guesses slowly; 0: any number"`
	Daily    int             `toml:"daily" min:"0" max:"1000" doc:"and within a day"`
	Unknown  int             `toml:"unknown" min:"0" max:"1000" doc:"for how many accounts that do not exist within two minutes; 0: no fewer than of others"`
	Account  int             `toml:"account" min:"0" max:"255" doc:"how many logins on one account may fail within an hour, over several addresses, before it is reported as under attack; 0: any number"`
	Scan     int             `toml:"scan" min:"2" max:"10000" doc:"how many accounts an address may ask for without ever logging in"`
	Ladder   []time.Duration `toml:"ladder" min:"10s" max:"365d" doc:"how long the first ban lasts, the second and so on; the last one repeats"`
	Unproven time.Duration   `toml:"unproven" min:"10s" max:"10m" doc:"the longest ban of an address that may be forged, as with UDP"`
	Budget   int             `toml:"budget" min:"1" max:"100000" doc:"how many such bans a minute may see"`
	Allow    []string        `toml:"allow" is:"allowed" doc:"who is never banned: addresses, prefixes, DNS names"`
	Trust    time.Duration   `toml:"trust" min:"1h" max:"365d" doc:"how long a login that worked keeps its address from being banned"`
	Learn    time.Duration   `toml:"learn" min:"0s" max:"7d" doc:"how long to watch before banning an address that any login ever worked from"`
	Spray    int             `toml:"spray" min:"2" max:"100000" doc:"how many addresses may fail on one account before it is reported as under attack"`
	Max      int             `toml:"max" min:"100" max:"4000000" doc:"how many bans may stand at once"`
	Sources  int             `toml:"sources" min:"1000" max:"5000000" doc:"how many addresses are watched closely at once"`
}

// Firewall is how an address is shut out.
type Firewall struct {
	Mode string `toml:"mode" one:"nftables dry off" doc:"\"nftables\": drop in the kernel; \"dry\": only say so; \"off\": do not even say so"`
}

// Gate is where the PBX asks before a call leaves.
type Gate struct {
	Enabled      bool     `toml:"enabled" doc:"whether to listen and to let the PBX ask"`
	FastAGI      string   `toml:"fastagi" is:"loopback" doc:"where Asterisk asks"`
	Socket       string   `toml:"socket" is:"loopback" doc:"where FreeSWITCH asks"`
	Users        []string `toml:"users" is:"user" doc:"who may ask besides root: the users that PBXs run as"`
	WhenDown     string   `toml:"when_down" one:"open closed_abroad" doc:"calls of which the rules cannot be asked: \"open\" lets them go, \"closed_abroad\" denies international ones; emergency calls always go"`
	Announcement string   `toml:"announcement" is:"sound" doc:"the PBX's sound file that a denied caller hears; without it, only hangup_cause"`
}

// Store is what is remembered, and for how long.
type Store struct {
	Path      string        `toml:"path" is:"path" doc:"the database"`
	Retention time.Duration `toml:"retention" min:"1d" max:"3650d" doc:"how long calls and decisions are kept"`
}

// Control is how commands reach the daemon.
type Control struct {
	Socket string `toml:"socket" is:"socket" doc:"where the daemon listens for commands"`
	Group  string `toml:"group" is:"name" doc:"whose members may look; only root may act"`
}

// Log is what the daemon says.
type Log struct {
	Level slog.Level `toml:"level" doc:"the least important messages that are still shown"`
}

// Default returns the configuration of an empty file.
func Default() *Config {
	bans := guard.DefaultBans()
	return &Config{
		PBX:   []PBX{defaultPBX()},
		Calls: Calls{Mode: guard.Observe, HangupCause: 21, Learn: 14 * 24 * time.Hour, LockFor: 12 * time.Hour},
		Rules: defaultRules(),
		Bans: Bans{
			Mode:     guard.Observe,
			Failures: bans.Failures, Window: bans.Window, Scan: bans.Scan,
			Hourly: bans.Hourly, Daily: bans.Daily, Unknown: bans.Unknown, Account: bans.Account,
			Ladder: slices.Clone(bans.Ladder), Unproven: bans.Unproven, Budget: bans.Budget,
			Trust: bans.Trust, Learn: bans.Learn, Spray: bans.Spray,
			Max: bans.Max, Sources: bans.Sources,
		},
		Notify:   Notify{Least: guard.Alert, Wait: 30 * time.Second, Every: 15 * time.Minute, Hourly: 20},
		Lists:    Lists{Dir: "/etc/pbxguard/lists"},
		Firewall: Firewall{Mode: "nftables"},
		Gate: Gate{
			FastAGI: "127.0.0.1:4573", Socket: "127.0.0.1:8084",
			Users: []string{"asterisk", "freeswitch"}, WhenDown: GateOpen,
		},
		Store:   Store{Path: "/var/lib/pbxguard/pbxguard.db", Retention: 180 * 24 * time.Hour},
		Control: Control{Socket: "/run/pbxguard/control.sock", Group: "pbxguard"},
		Log:     Log{Level: slog.LevelInfo},
	}
}

// What [Gate].WhenDown may say.
const (
	GateOpen         = "open"
	GateClosedAbroad = "closed_abroad"
)

func defaultPBX() PBX {
	return PBX{
		Name:        "asterisk",
		Type:        Asterisk,
		Address:     "127.0.0.1:5038",
		Login:       "challenge",
		Username:    "pbxguard",
		ConfigDir:   "/etc/asterisk",
		DialPlan:    DialPlan{Extensions: `^[1-9]\d{1,4}$`},
		TrunkFormat: "national",
	}
}

func (p *PBX) start(*Config)      { *p = defaultPBX() }
func (r *Receiver) start(*Config) { *r = Receiver{Type: "journal", TLS: "starttls"} }
func (g *Group) start(c *Config)  { g.Rules, g.Role = c.Rules, "phone" }
