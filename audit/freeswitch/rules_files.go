package freeswitch

import (
	"path"
	"strings"

	"pbxguard/audit"
)

// readableFiles looks at the files that hold secrets: those that were read, what
// FreeSWITCH compiles of them, its databases, messages, recordings and keys.
func readableFiles(m *model, r *audit.Result) {
	if !m.site.Tree.Exists("/etc/passwd") {
		r.NotApplicable("permissions of a configuration folder alone say nothing about the host")
		return
	}
	found, dirs := map[string][]string{}, []string{}
	for _, name := range m.secretFiles() {
		if !m.readable(name) {
			continue
		}
		dir := path.Dir(name)
		if found[dir] == nil {
			dirs = append(dirs, dir)
		}
		found[dir] = append(found[dir], name)
	}
	for _, dir := range dirs { // once for each folder: a thousand users are one mistake
		names := found[dir]
		if len(names) == 1 {
			r.Fail(names[0], names[0], "others may read it")
		} else {
			r.Fail(dir, names[0], "others may read %d files with secrets in it", len(names))
		}
	}
}

// holdSecrets are parts of the names of configuration files with secrets.
var holdSecrets = []string{"/vars.xml", "/directory/", "/sip_profiles/", "event_socket.conf", "xml_rpc.conf", "xml_curl.conf", "verto.conf", "xml_cdr.conf", "odbc", "db.conf", "cdr_pg"}

func (m *model) secretFiles() []string {
	var names []string
	for _, f := range m.doc.Read {
		for _, part := range holdSecrets {
			if strings.Contains(f, part) {
				names = append(names, path.Clean(f))
				break
			}
		}
	}
	dir := func(name string) string { v, _, _ := m.doc.Var(name); return v }
	for _, pattern := range []string{
		dir("log_dir") + "/freeswitch.xml.fsxml", dir("log_dir") + "/*.log", dir("db_dir") + "/*.db", dir("certs_dir") + "/*.pem",
		dir("certs_dir") + "/*.key", dir("storage_dir") + "/voicemail/*/*/*/*.wav", dir("recordings_dir") + "/*.wav",
	} {
		if strings.HasPrefix(pattern, "/") && !Unknown(pattern) {
			if found, err := m.site.Tree.Glob(pattern); err == nil {
				names = append(names, found[:min(len(found), 50)]...)
			}
		}
	}
	return names
}

// readable tells whether others may read a file: the file lets them, and every
// folder above it lets them through.
func (m *model) readable(name string) bool {
	info, err := m.site.Tree.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o004 == 0 {
		return false
	}
	for dir := path.Dir(name); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if d, err := m.site.Tree.Stat(dir); err == nil && d.Mode().Perm()&0o001 == 0 {
			return false
		}
	}
	return true
}
