package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// immutable are keys that somebody may look for and that do not exist on
// purpose, with what is said of them.
var immutable = map[string]string{
	"rules.destination.emergency":       "emergency numbers are always allowed; no key changes that",
	"group.rules.destination.emergency": "emergency numbers are always allowed; no key changes that",
}

// synonyms are other words for a key, too far from it for [nearest].
var synonyms = map[string]string{
	"password": "secret", "passwd": "secret", "pass": "secret", "user": "username", "login_name": "username",
	"host": "address", "port": "address", "server": "address", "timezone": "time_zone",
	"whitelist": "allow", "ignoreip": "allow", "bantime": "ladder", "maxretry": "failures", "findtime": "window",
	"limit": "max", "members": "extensions", "file": "path", "database": "path",
}

// hint says what an unknown key was probably meant to be.
func hint(name string, known map[string]bool) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if homes := homesOf(name); len(homes) > 0 {
		return "; it belongs in " + strings.Join(homes, " or ")
	}
	if len(known) <= 20 {
		return "; there are " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	}
	return ""
}

// nearest is the known key that was probably meant, or "".
func nearest(name string, known map[string]bool) string {
	if s := synonyms[strings.ToLower(name)]; known[s] {
		return s
	}
	best, least := "", 1+min(2, len(name)/3+1)
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := distance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// homesOf are the tables that a key belongs in which is known nowhere near;
// none if they are too many to be of help.
func homesOf(name string) []string {
	var homes []string
	for _, k := range Reference() {
		if table, ok := strings.CutSuffix(k.Name, "."+name); ok {
			homes = append(homes, "["+table+"]")
		}
	}
	if len(homes) > 2 {
		return nil
	}
	return homes
}

// distance counts the letters to insert, remove, replace or swap with their
// neighbour that make b of a.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(above[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
