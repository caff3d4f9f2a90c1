package asterisk

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"pbxguard/audit"
)

// webModules is where FreePBX's modules lie.
const webModules = "/var/www/html/admin/modules"

// freePBXDatabaseRules are about what FreePBX's database holds.
func freePBXDatabaseRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("FPX-013", audit.High, "freepbx-database", "An administrator of FreePBX is new, or has a password that is tried first",
			"Whoever administers FreePBX places calls, and runs commands on the host. Attackers add an administrator of their own.",
			"Delete those that nobody knows, give each its own long password, and only what he needs of the sections.", freeRef, freeAdministrators),
		rule("FPX-016", audit.High, "freepbx freepbx-database", "A module of FreePBX is unknown, unsigned or altered",
			"Attackers leave a module or a PHP page of their own, which runs commands for them long after the hole is mended.",
			"Take the host off the network, keep a copy for evidence, build it anew and restore the configuration after looking through it.", "FreePBX reports of 2010 and 2025", strangeModules),
	}
}

// mostUnrestricted is how many administrators may well do everything: one, and
// one who stands in.
const mostUnrestricted = 2

func freeAdministrators(p *PBX, r *audit.Result) {
	t := p.tables()
	tried := commonHashes()
	var all many
	for _, a := range t.rows["ampusers"] {
		name := a["username"]
		object := "administrator " + name
		if strings.TrimSpace(a["sections"]) == "*" {
			all.names = append(all.names, name)
		}
		if known, _ := p.site.Memory.Note("freepbx-admin:"+name, nil); !known {
			r.Fail(object, t.from, "it is new since the last audit")
		}
		judgeSHA1(r, tried, object, t.from, or(a["password_sha1"], a["password"]), name)
	}
	for _, u := range t.rows["userman_users"] {
		judgeSHA1(r, tried, "user "+u["username"], t.from, u["password"], u["username"], u["default_extension"], u["displayname"])
	}
	if len(all.names) > mostUnrestricted {
		all.at = t.from
		all.fail(r, audit.Medium, "administrator", "each may do everything")
	}
}

// commonHashes are those of what guessers try on every account.
func commonHashes() map[[sha1.Size]byte]bool {
	all := map[[sha1.Size]byte]bool{}
	for _, c := range audit.Candidates(nil) {
		all[sha1.Sum([]byte(c))] = true
	}
	return all
}

// judgeSHA1 looks for a password that guessers try first: in clear, as the very
// old have it, or as an unsalted SHA-1. Others can't be tried in bearable time.
func judgeSHA1(r *audit.Result, tried map[[sha1.Size]byte]bool, object, where, hash string, names ...string) {
	if hash == "" {
		r.FailAs(audit.Critical, object, where, "it has no password")
		return
	}
	want, err := hex.DecodeString(hash)
	if err != nil || len(want) != sha1.Size {
		if !strings.HasPrefix(hash, "$") && len(hash) < sha1.Size {
			r.FailAs(audit.Critical, object, where, "its password is kept in clear")
		}
		return
	}
	own := slices.ContainsFunc(audit.NameCandidates(names), func(c string) bool { return sha1.Sum([]byte(c)) == [sha1.Size]byte(want) })
	if own || tried[[sha1.Size]byte(want)] {
		r.FailAs(audit.Critical, object, where, "the hash is that of a password which guessers try first (PW-006)")
	}
}

// strangeModules holds the modules on disk against FreePBX's own list and the
// hashes in their signatures.
func strangeModules(p *PBX, r *audit.Result) {
	t := p.tables()
	for _, m := range t.rows["modules"] {
		if what := signature(m["signature"]); what != "" {
			r.Fail("module "+m["modulename"], t.from, "FreePBX itself found: %s", what)
		}
	}
	dirs, err := p.site.Tree.ReadDir(webModules)
	if missing(err) {
		if t.from != "" {
			r.Incomplete("", webModules, "the modules themselves are not part of what is audited")
		}
		return
	}
	if err != nil {
		r.Incomplete("", webModules, "%v", err)
		return
	}
	known := column(t.rows["modules"], "modulename")
	for _, name := range dirs {
		dir := path.Join(webModules, name)
		if info, err := p.site.Tree.Stat(dir); err != nil || !info.IsDir() || name[0] == '_' {
			continue
		}
		if len(known) > 0 && !known[name] {
			r.Fail("module "+name, dir, "FreePBX's database does not know it")
		}
		p.judgeModule(r, name, dir)
	}
	p.shells(r)
}

// states of a signature as FreePBX keeps them (GPG.class.php).
var signatureStates = []struct {
	bit  int
	what string
}{{2, "it was altered"}, {4, "its signature is not valid"}, {64, "its signature was revoked"}}

// signature says what FreePBX found wrong with a module when it last looked.
func signature(text string) string {
	var s struct {
		Status int `json:"status"`
	}
	if json.Unmarshal([]byte(text), &s) != nil {
		return ""
	}
	for _, state := range signatureStates {
		if s.Status&state.bit != 0 {
			return state.what
		}
	}
	return ""
}

// judgeModule holds a module's files against the hashes in its signature. The
// signature itself is not verified: whoever forges that has had the host.
func (p *PBX) judgeModule(r *audit.Result, name, dir string) {
	object := "module " + name
	text, err := p.site.Tree.ReadFile(dir + "/module.sig")
	if missing(err) {
		r.Fail(object, dir, "it is not signed")
		return
	}
	if err != nil {
		r.Incomplete(object, dir, "%v", err)
		return
	}
	hashes := signed(string(text))
	var altered, added many
	altered.at, added.at = dir, dir
	complete := p.eachPHP(dir, "", 0, func(file string) {
		data, err := p.site.Tree.ReadFile(path.Join(dir, file))
		if err != nil {
			r.Incomplete(object, path.Join(dir, file), "%v", err)
			return
		}
		sum := sha256.Sum256(data)
		switch want, known := hashes[file]; {
		case !known:
			added.names = append(added.names, file)
		case want != hex.EncodeToString(sum[:]):
			altered.names = append(altered.names, file)
		}
	})
	if !complete {
		r.Incomplete(object, dir, "it has too many files or folders to look through")
	}
	if n := len(altered.names); n > 0 {
		r.FailAs(audit.Critical, object, path.Join(dir, altered.names[0]), "%s not what was signed: %s", are(n), firstOf(altered.names))
	}
	if n := len(added.names); n > 0 {
		r.FailAs(audit.Critical, object, path.Join(dir, added.names[0]), "%s not among what was signed: %s", are(n), firstOf(added.names))
	}
}

func are(n int) string {
	if n == 1 {
		return "a PHP file is"
	}
	return fmt.Sprintf("%d PHP files are", n)
}

func firstOf(names []string) string {
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// signed reads the hashes of a module.sig: "file = sha256" behind [hashes].
func signed(text string) map[string]string {
	hashes := map[string]string{}
	_, text, _ = strings.Cut(text, "[hashes]")
	for line := range strings.Lines(text) {
		if file, sum, ok := strings.Cut(line, "="); ok {
			hashes[strings.TrimSpace(file)] = strings.ToLower(strings.Trim(strings.TrimSpace(sum), `"`))
		}
	}
	return hashes
}

// Bounds of a module's folder: the largest of FreePBX has some 3000 files, 12
// folders deep.
const (
	maxFolders = 20
	maxPHP     = 10_000
)

// eachPHP calls visit with every PHP file below a folder, and tells whether that
// was all of them.
func (p *PBX) eachPHP(dir, below string, depth int, visit func(file string)) bool {
	names, err := p.site.Tree.ReadDir(path.Join(dir, below))
	if err != nil || depth > maxFolders || len(names) > maxPHP {
		return false
	}
	complete := true
	for _, name := range names {
		file := path.Join(below, name)
		info, err := p.site.Tree.Stat(path.Join(dir, file))
		switch {
		case err != nil:
		case info.IsDir():
			complete = p.eachPHP(dir, file, depth+1, visit) && complete
		case slices.Contains([]string{".php", ".phtml", ".phar", ".php5", ".php7"}, strings.ToLower(path.Ext(name))):
			visit(file)
		}
	}
	return complete
}

// shells looks for what intruders left in the web root: hidden scripts, and PHP
// that is younger than the package beside it.
func (p *PBX) shells(r *audit.Result) {
	const root = "/var/www/html"
	names, err := p.site.Tree.Glob(root + "/.*")
	if err != nil {
		r.Incomplete("web root", root, "%v", err)
		return
	}
	for _, name := range names {
		if slices.Contains([]string{".sh", ".php", ".py", ".pl"}, path.Ext(name)) {
			r.FailAs(audit.Critical, "web root", name, "a hidden script lies in it")
		}
	}
	framework, err := p.site.Tree.Stat(webModules + "/framework/module.sig")
	if err != nil {
		return
	}
	names, err = p.site.Tree.Glob(root + "/*.php")
	if err != nil {
		r.Incomplete("web root", root, "%v", err)
	}
	for _, name := range names {
		if info, err := p.site.Tree.Stat(name); err == nil && info.ModTime().After(framework.ModTime().AddDate(0, 0, 1)) {
			r.Fail("web root", name, "it is younger than FreePBX's own files")
		}
	}
}
