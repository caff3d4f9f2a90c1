package conf

import (
	"regexp"
	"strings"
)

// find returns the first section of a name that meets a filter
// "key=value&key=value" of regular expressions (does_category_match). A
// template is found only if the filter says "TEMPLATES=include" or, to find
// nothing else, "TEMPLATES=restrict". Every section has the empty name.
func (p *parser) find(name, filter string) *Section {
	for _, s := range p.file.Sections {
		if (name == "" || strings.EqualFold(s.Name, name)) && s.meets(filter) {
			return s
		}
	}
	return nil
}

func (s *Section) meets(filter string) bool {
	if filter == "" {
		return !s.Template
	}
	templates := false
	for part := range strings.SplitSeq(filter, "&") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return false
		}
		key, value = strip(key), strip(value)
		switch {
		case key == "TEMPLATES" && strings.EqualFold(value, "include"):
			templates = true
		case key == "TEMPLATES" && strings.EqualFold(value, "restrict"):
			if templates = s.Template; !templates {
				return false
			}
		case !s.matches(key, value):
			return false
		}
	}
	return !s.Template || templates
}

// matches tells whether any setting matches two regular expressions.
func (s *Section) matches(key, value string) bool {
	k, err := regexp.CompilePOSIX(key)
	if err != nil {
		return false
	}
	v, err := regexp.CompilePOSIX(value)
	if err != nil {
		return false
	}
	for _, set := range s.Settings {
		if k.MatchString(set.Key) && v.MatchString(set.Value) {
			return true
		}
	}
	return false
}
