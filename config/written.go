package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// TOML writes the PBX as the file has it: the keys that differ from their
// defaults, but no secrets and nothing that says where they are.
func (p *PBX) TOML() string {
	var b strings.Builder
	b.WriteString("[[pbx]]\n")
	normal := defaultPBX()
	writeKeys(&b, reflect.ValueOf(*p), reflect.ValueOf(normal), "pbx")
	return b.String()
}

// writeKeys writes a table's own keys, and then the tables in it.
func writeKeys(b *strings.Builder, v, normal reflect.Value, name string) {
	var tables []int
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("toml")
		_, scalar := scalars[elemOf(f.Type)]
		switch {
		case key == "" || f.Type == reflect.TypeFor[Secret]() || strings.Contains(key, "secret") || strings.Contains(key, "credential"):
		case !scalar:
			tables = append(tables, i)
		case key == "name" || !reflect.DeepEqual(v.Field(i).Interface(), normal.Field(i).Interface()):
			fmt.Fprintf(b, "%s = %s\n", key, written(v.Field(i)))
		}
	}
	for _, i := range tables {
		key, fv := v.Type().Field(i).Tag.Get("toml"), v.Field(i)
		switch fv.Kind() {
		case reflect.Struct:
			if !reflect.DeepEqual(fv.Interface(), normal.Field(i).Interface()) {
				fmt.Fprintf(b, "[%s.%s]\n", name, key)
				writeKeys(b, fv, normal.Field(i), name+"."+key)
			}
		case reflect.Map:
			keys := fv.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			for _, k := range keys {
				fmt.Fprintf(b, "[%s.%s.%s]\n", name, key, k)
				writeKeys(b, fv.MapIndex(k), reflect.Zero(fv.MapIndex(k).Type()), name+"."+key+"."+k.String())
			}
		}
	}
}
