package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"pbxguard/guard"
)

// extender is a struct that has tables beyond its fields, made from data.
type extender interface{ more() []extension }

// extension is such a table: a struct with the tags that all have, to be filled,
// and what to do when it is.
type extension struct {
	name, doc string
	table     reflect.Value
	keep      func()
}

// more are the tables of the rules that describe themselves. See
// [guard.Catalogue].
func (r *Rules) more() []extension {
	var list []extension
	for _, info := range guard.Catalogue() {
		if !info.Set {
			continue
		}
		set, own := r.set.Of(info.ID), r.own[info.ID]
		t := reflect.New(tableOf(info)).Elem()
		for field, v := range map[string]any{"Action": set.Action, "Max": set.Max, "Within": set.Within, "Span": set.Span, "Enforce": own} {
			if f := t.FieldByName(field); f.IsValid() {
				f.Set(reflect.ValueOf(v))
			}
		}
		list = append(list, extension{name: tableName(info.ID), doc: info.Title, table: t, keep: func() { r.keep(info.ID, t) }})
	}
	return list
}

// keep takes over what a table says.
func (r *Rules) keep(id string, t reflect.Value) {
	set := r.set.Of(id)
	set.Action = t.FieldByName("Action").Interface().(guard.Action)
	if f := t.FieldByName("Max"); f.IsValid() {
		set.Max = int(f.Int())
	}
	if f := t.FieldByName("Within"); f.IsValid() {
		set.Within = f.Interface().(time.Duration)
	}
	if f := t.FieldByName("Span"); f.IsValid() {
		set.Span = f.Interface().(time.Duration)
	}
	if own := t.FieldByName("Enforce").Interface().(*bool); own != nil {
		was := r.own // which a group may share with the rules in general
		r.own = map[string]*bool{id: own}
		for k, v := range was {
			if k != id {
				r.own[k] = v
			}
		}
	}
}

// tableOf makes the struct that a rule's table fills.
func tableOf(info guard.RuleInfo) reflect.Type {
	var fields []reflect.StructField
	for _, k := range info.Keys {
		f := reflect.StructField{Type: reflect.TypeFor[time.Duration]()}
		switch k.Name {
		case "max":
			f.Name, f.Type = "Max", reflect.TypeFor[int]()
		case "within":
			f.Name = "Within"
		case "span":
			f.Name = "Span"
		}
		f.Tag = reflect.StructTag("toml:" + strconv.Quote(k.Name) + " min:" + strconv.Quote(k.Min) + " max:" + strconv.Quote(k.Max) +
			" doc:" + strconv.Quote(k.Doc))
		fields = append(fields, f)
	}
	return reflect.StructOf(append(fields,
		reflect.StructField{Name: "Action", Type: reflect.TypeFor[guard.Action](), Tag: `toml:"action" doc:"what happens then"`},
		reflect.StructField{Name: "Enforce", Type: reflect.TypeFor[*bool](), Tag: `toml:"enforce" doc:"true or false: whatever calls.mode says"`}))
}

// tableName is how the configuration writes the id of a rule.
func tableName(id string) string { return strings.ReplaceAll(id, "-", "_") }
